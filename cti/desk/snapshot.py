"""What an operator's desk shows, whole, as one value: built from what is known in memory, and its JSON.

Pure: no I/O, no clock. The shapes here are the contract with the page and with programs (`GET /api/v1/desk`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from cti.desk.story import CallPicture
from cti.operators.legs import Asking
from tickets.bot_learnt import Learnt
from tickets.sight import Owners, Sight, sees_what_is


@dataclass(frozen=True, slots=True)
class Me:
    """The operator whose desk it is."""

    extension: str
    name: str
    presence: str
    reason: str | None  # of a pause
    since: datetime | None
    until: datetime | None  # a wrap-up ends by itself then
    phone: str  # "own" or "page"


@dataclass(frozen=True, slots=True)
class QueueFigure:
    """A queue that the operator serves."""

    name: str
    waiting: int
    longest_since: datetime | None  # when the one who waits longest joined


@dataclass(frozen=True, slots=True)
class Colleague:
    """Another operator."""

    extension: str
    name: str
    presence: str
    talking: bool


@dataclass(frozen=True, slots=True)
class Reminder:
    """A ticket that was to come back, and has."""

    ticket: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """Who is calling. `fields`: what the company's own system tells beside, in its words."""

    id: int
    name: str
    vip_level: int
    fields: Mapping[str, str]
    numbers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several customers who share the number."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order in the company's system."""

    title: str
    status: str
    link: str | None  # http or https


@dataclass(frozen=True, slots=True)
class Orders:
    """The caller's orders, newest as the company's system puts them."""

    state: str = "none"  # "none", "loading", "here", "not_available"
    items: Sequence[Order] = ()


@dataclass(frozen=True, slots=True)
class PastTicket:
    """An earlier ticket of the customer's."""

    ticket: str
    subject: str
    status: str
    created_at: datetime
    recording: bool  # there is something to hear


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a caller beside the call itself; parts come as they are found."""

    ticket: str | None = None
    customer: CustomerCard | None = None
    candidates: Sequence[Candidate] = ()
    orders: Orders = field(default_factory=Orders)
    history: Sequence[tuple[Owners, PastTicket]] = ()  # with whose each is


@dataclass(frozen=True, slots=True)
class HeardLine:
    """One line of the conversation with the bot."""

    speaker: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pop:
    """The call on the operator's phone.

    `asked`: a colleague has the caller, and this operator tells them something. `since`: when the phone began
    to ring (ringing), the operator answered (talking, asked), the caller was put on hold (held), the call
    ended (wrap_up).
    """

    call_id: str
    ticket: str | None  # None for the first moment of a call
    state: str  # "ringing", "talking", "held", "asked", "wrap_up"
    since: datetime
    number: str | None  # E.164; None: withheld
    number_shown: str
    line: str
    queue: str | None
    vip_level: int
    language: str  # BCP 47
    hand_over: str | None
    learnt: Learnt  # by the bot, of what the caller wanted
    customer: CustomerCard | None
    candidates: Sequence[Candidate]
    orders: Orders
    heard: Sequence[HeardLine]
    path: Sequence[str]
    history: Sequence[PastTicket]
    recording_paused: bool
    consulting: str | None  # the extension that the operator is asking while the caller waits
    consulting_answered: bool  # until then it rings
    asked_by: str | None  # the extension that asks this operator about the call
    tools: Sequence[str] | None = None  # what the call's PBX does at our word; None: everything


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """One desk at one moment."""

    now: datetime
    me: Me
    call: Pop | None = None
    queues: Sequence[QueueFigure] = ()
    missed: int = 0
    reminders: Sequence[Reminder] = ()
    colleagues: Sequence[Colleague] = field(default_factory=tuple)

    def json(self) -> str:
        """One line of ASCII, so that nothing in it can end a line; times in ISO 8601 with their zone."""
        own = {
            "now": self.now,
            "me": self.me,
            "call": self.call,
            "queues": self.queues,
            "missed": self.missed,
            "reminders": self.reminders,
        }
        # Fifty desks have the same fifty colleagues, so each of them is written once.
        colleagues = ",".join(map(_colleague_json, self.colleagues))
        return f'{_to_json(own)[:-1]},"colleagues":[{colleagues}]}}'


def standing(
    picture: CallPicture, extension: str, asked: tuple[str, datetime] | None = None
) -> tuple[str, datetime] | None:
    """The state of a call on that phone, and since when; None: it is not on it, nor was.

    `asked`: the same for an operator whom a colleague asks about the call.
    """
    if (talks := picture.talks.get(extension)) is not None:
        return ("held", picture.held_since) if picture.held_since else ("talking", talks)
    if (rings := picture.rings.get(extension)) is not None:
        return "ringing", rings
    if asked is not None:
        return asked
    if (left := picture.left.get(extension)) is not None:
        return "wrap_up", left
    return None


def pop_of(
    call_id: str,
    picture: CallPicture,
    stands: tuple[str, datetime],
    context: Context,
    *,
    sight: Sight,
    number_shown: str,
    language: str,
    extension: str,
    asking: Asking | None,
    tools: Sequence[str] | None = None,
) -> Pop:
    """The call on a phone on which it stands so, for an operator who sees so much of what was before."""
    state, since = stands
    asks = asking is not None and state in ("talking", "held")
    is_asked = asking is not None and asking.whom == extension and state in ("ringing", "asked")
    return Pop(
        call_id=call_id,
        ticket=context.ticket,
        state=state,
        since=since,
        number=picture.number,
        number_shown=number_shown,
        line=picture.line,
        queue=picture.queue,
        vip_level=max(picture.vip_level, context.customer.vip_level if context.customer else 0),
        language=language,
        hand_over=picture.hand_over,
        learnt=picture.learnt,
        customer=context.customer,
        candidates=context.candidates,
        orders=context.orders,
        heard=[HeardLine(line.speaker, line.text, line.at) for line in picture.heard],
        path=tuple(picture.path),
        history=[past for owners, past in context.history if sees_what_is(sight, owners)],
        recording_paused=picture.recording_paused,
        consulting=asking.whom if asking is not None and asks else None,
        consulting_answered=asking is not None and asks and asking.answered,
        asked_by=next(iter(picture.talks), None) if is_asked else None,
        tools=tools,
    )


_IN_PAGE = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&"})


def for_page(text: str) -> str:
    """JSON that may stand within `<script type="application/json">`: nothing in it can end the element.

    These signs occur in JSON only within texts, where the escape means the same.
    """
    return text.translate(_IN_PAGE)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Mapping):
        return dict(value)
    return {name: getattr(value, name) for name in value.__slots__}


_to_json = json.JSONEncoder(default=_plain, separators=(",", ":")).encode


@lru_cache(maxsize=4096)
def _colleague_json(colleague: Colleague) -> str:
    return _to_json(colleague)
