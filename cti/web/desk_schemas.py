"""The API's shape of an operator's desk; what the fields mean stands in `cti/desk/snapshot.py`."""

from pydantic import AwareDatetime, Field

from cti.web.schemas import Out


class MeOut(Out):
    """The operator whose desk it is."""

    extension: str
    name: str
    presence: str = Field(description="`ready`, `paused`, `wrap_up` or `away`.")
    reason: str | None = Field(description="Of a pause.")
    since: AwareDatetime | None
    until: AwareDatetime | None = Field(description="A wrap-up ends by itself then.")
    phone: str = Field(description="`own` or `page`.")


class DeskCustomerOut(Out):
    """Who is calling."""

    id: int
    name: str
    vip_level: int
    fields: dict[str, str] = Field(description="What the company's own system tells beside.")
    numbers: list[str] = Field(description="E.164.")


class CandidateOut(Out):
    """One of several customers who share the number."""

    id: int
    name: str


class OrderOut(Out):
    """An order in the company's system."""

    title: str
    status: str
    link: str | None


class OrdersOut(Out):
    """The caller's orders."""

    state: str = Field(description="`none`, `loading`, `here` or `not_available`.")
    items: list[OrderOut]


class HeardOut(Out):
    """One line of the conversation with the bot."""

    speaker: str = Field(description="`caller` or `bot`.")
    text: str
    at: AwareDatetime


class PastTicketOut(Out):
    """An earlier ticket."""

    ticket: str
    subject: str
    status: str
    created_at: AwareDatetime
    recording: bool = Field(description="There is something to hear.")


class FactOut(Out):
    """Something that the caller told the bot."""

    title: str
    value: str = Field(description="Private values have only their last two signs.")
    sure: bool = Field(description="False: the caller has not confirmed it.")


class LearntOut(Out):
    """What the bot has learnt of the caller's last question."""

    wanted: str = Field(description="Its topic; empty where there was none.")
    facts: list[FactOut]
    lookup: str = Field(
        description="What came of asking the company's system: `found`, `not_found`, `late`, `gone`, "
        "`unfit`, `resting`, `not_set_up`; empty where it was not asked."
    )
    identity: str = Field(description="`proved` or `not_proved`; empty where nobody asked.")


class PopOut(Out):
    """The call on the operator's phone."""

    call_id: str
    ticket: str | None
    state: str = Field(
        description="`ringing`, `talking`, `held`, `asked` (a colleague has the caller) or `wrap_up`."
    )
    since: AwareDatetime = Field(
        description="Of the ring, the answer, the hold or the call's end, by the state."
    )
    number: str | None = Field(description="E.164; null where it was withheld.")
    number_shown: str
    line: str
    queue: str | None
    vip_level: int
    language: str
    hand_over: str | None
    learnt: LearntOut
    customer: DeskCustomerOut | None
    candidates: list[CandidateOut]
    orders: OrdersOut
    heard: list[HeardOut]
    path: list[str] = Field(description="Menu and key, for example `main: 1`.")
    history: list[PastTicketOut]
    recording_paused: bool
    consulting: str | None = Field(description="The extension that is being asked while the caller waits.")
    consulting_answered: bool = Field(description="False: it rings, or nobody is asked.")
    asked_by: str | None = Field(description="The extension that asks you about this call.")
    tools: list[str] | None = Field(
        description="What the PBX of this call does for us: of `hang_up`, `transfer`, `consult`, `record`; "
        "null: everything that our Asterisk does."
    )


class QueueFigureOut(Out):
    """A queue that the operator serves."""

    name: str
    waiting: int
    longest_since: AwareDatetime | None


class ReminderDueOut(Out):
    """A ticket that was to come back, and has."""

    ticket: str
    text: str
    at: AwareDatetime


class ColleagueOut(Out):
    """Another operator."""

    extension: str
    name: str
    presence: str
    talking: bool


class DeskOut(Out):
    """An operator's desk, whole."""

    now: AwareDatetime
    me: MeOut
    call: PopOut | None
    queues: list[QueueFigureOut]
    missed: int = Field(description="Calls that nobody took yet.")
    reminders: list[ReminderDueOut]
    colleagues: list[ColleagueOut]
