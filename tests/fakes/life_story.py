"""One call as a real Asterisk would tell it: AMI events, the lines on asking, and the CDR at the end; and
what reception and bot tell of it. For tests that lose, repeat and mix up any of it.

Follows tests/fakes/asterisk22.ami and the CDRs beside it; the names of steps are those of our dialplan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cti.asterisk import events as ami
from tickets.events import CallEvent, Value
from tickets.vocabulary import CallState, EventKind

BEGAN = 1795293936.25
CALL_ID = "pz-1795293936.7"
CALLER, LINE = "+12025550111", "+18005550100"
_BOT = "AudioSocket/127.0.0.1:9092-0d5ec0de-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Moment:
    """What is told of one moment, and how things stand after it."""

    at: datetime
    heard: tuple[ami.AmiEvent, ...]  # over AMI
    ours: tuple[CallEvent, ...]  # by reception and bot
    channels: tuple[ami.ListedChannel, ...]
    waiting: tuple[ami.WaitingCaller, ...]
    state: CallState | None  # where the PBX has the caller, if its lists can tell
    cdr: str  # lines that are written at this moment


@dataclass(repr=False)
class LifeStory:
    """Tells itself step by step; each method is a step."""

    house_clock: timedelta = timedelta(0)  # of reception and bot, beside the PBX's
    moments: list[Moment] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)  # who had the caller, in order
    steps: list[str] = field(default_factory=list)  # of our dialplan, for whoever reads of a failure

    def __post_init__(self) -> None:
        self._now = BEGAN
        self._legs = 0
        self._noted: dict[str, str] = {}  # what the dialplan has put into the CDR
        self._rows: list[dict[str, str]] = []
        self._row: dict[str, str] | None = None
        self._context, self._exten = "presszero-inbound", LINE
        self._partner: tuple[str, str] | None = None  # channel and id of who is in the bridge
        self._queued_since: float | None = None
        self._heard: list[ami.AmiEvent] = []
        self._ours: list[CallEvent] = []
        self._told = 0

    def __repr__(self) -> str:
        return f"<{', '.join(self.steps)}; our clock {self.house_clock}>"

    @property
    def over(self) -> bool:
        """Whether the caller's channel is gone."""
        return bool(self.moments) and self.moments[-1].cdr != ""

    def ring(self) -> None:
        """The caller's channel is made and comes to our dialplan."""
        self._say("Newchannel", ChannelStateDesc="Ring")
        self._mark(None)
        self._context, self._exten = "presszero-call", "s"
        self._note(presszero_line=LINE, presszero="menu", presszero_recording=CALL_ID)
        self._begin_row()
        self._stage("menu", Line=LINE)
        self._mark(None)

    def menu(self, *, announced: bool = False) -> None:
        """Reception says its menu; with `announced`, also something to know."""
        self._wait(2)
        self._tell("ivr", EventKind.MENU_ENTERED, menu="main")
        self._mark(None)
        if announced:
            self._wait(5)
            self._tell("ivr", EventKind.ANNOUNCED, menu="main", option="prizes")
            self._mark(None)

    def hand_over(self, reason: str) -> None:
        """Reception or bot give the caller to the operators."""
        self._tell("ivr", EventKind.HANDED_OVER, reason=reason)
        self._mark(None)

    def bot(self, *, answered: bool, heard_out: bool = True) -> None:
        """The voicebot's leg comes, talks and goes. Not heard out: the service dies in it."""
        self._exten = "bot"
        self._note(presszero="bot")
        self._stage("bot")
        leg = self._dial(_BOT)
        self._partner = (_BOT, leg)
        self._tell("bot", EventKind.BOT_STARTED)
        self._mark(None)
        self._wait(8)
        if heard_out:
            self._tell("bot", EventKind.BOT_ENDED, answered=answered, topic="next_draw")
        self._mark(None)
        self._partner = None
        self._end_row(answered=True)

    def join_queue(self) -> None:
        """The caller waits."""
        self._context, self._exten = "presszero-call", "operator"
        self._begin_row()
        self._note(presszero="queue", presszero_queue="support")
        self._noted.setdefault("presszero_queued", f"{self._now:.6f}")
        self._stage("queue", Queue="support", Priority=["4", "0"])
        self._wait(0.01)
        self._queued_since = self._now
        self._say("QueueCallerJoin", Queue="support", Position="1", Count="1")
        self._mark(CallState.QUEUED)

    def find_queue_empty(self) -> None:
        """Nobody is there: the PBX lets nobody wait."""
        self._context, self._exten = "presszero-call", "operator"
        self._note(presszero="queue", presszero_queue="support")
        self._stage("queue", Queue="support", Priority=["4", "0"])
        self._stage("left_queue", Queue="support", Status="JOINEMPTY")
        self._mark(None)

    def ring_phone(self, operator: str) -> None:
        """A member's phone rings."""
        self._wait(1)
        self._dial(f"PJSIP/{operator}-{self._legs:08x}")
        self._say("AgentCalled", **self._member(operator))
        self._mark(CallState.QUEUED)

    def miss(self, operator: str) -> None:
        """Nobody answers there."""
        self._wait(6)
        self._say("AgentRingNoAnswer", RingTime="6000", **self._member(operator))
        self._end_row(answered=False)
        self._mark(CallState.QUEUED)

    def answer(self, operator: str) -> None:
        """The phone is answered; they hear each other."""
        self._wait(3)
        assert self._queued_since is not None
        waited = int(self._now - self._queued_since)
        self._queued_since = None
        self._say("QueueCallerLeave", Queue="support", Position="1", Count="0")
        self._met(operator)
        self._say("AgentConnect", HoldTime=str(waited), RingTime="3", **self._member(operator))
        self._partner = (f"PJSIP/{operator}-{self._legs - 1:08x}", f"pz-{int(BEGAN)}.{100 + self._legs}")
        self._mark(CallState.TALKING)

    def talk(self, operator: str) -> None:
        """They have talked; the operator's part is over."""
        self._wait(30)
        self._say("AgentComplete", TalkTime="30", HoldTime="3", **self._member(operator))
        self._partner = None
        self._end_row(answered=True)
        self._mark(None)

    def send_on(self, operator: str, *, answered: bool) -> None:
        """An operator sends the caller to a colleague's phone; of that AMI tells us nothing."""
        self._context, self._exten = "presszero-phones", operator
        self._dial(f"PJSIP/{operator}-{self._legs:08x}")
        self._wait(4)
        self._mark(None)
        if not answered:
            self._end_row(answered=False)
            return
        self.operators.append(operator)
        self._partner = (f"PJSIP/{operator}-{self._legs - 1:08x}", f"pz-{int(BEGAN)}.{100 + self._legs}")
        self._mark(CallState.TALKING)
        self._wait(20)
        self._partner = None
        self._end_row(answered=True)

    def give_up_queue(self, status: str) -> None:
        """The caller has waited too long, or the last operator has left."""
        self._wait(10)
        self._queued_since = None
        self._say("QueueCallerAbandon", Queue="support", Position="1", OriginalPosition="1", HoldTime="10")
        self._say("QueueCallerLeave", Queue="support", Position="1", Count="0")
        self._begin_row()
        self._stage("left_queue", Queue="support", Status=status)
        self._mark(None)

    def offer(self, *, taken: bool) -> None:
        """Who waits has pressed one: would they rather be called back?"""
        self._wait(5)
        self._queued_since = None
        self._say("QueueCallerLeave", Queue="support", Position="1", Count="0")
        self._exten = "offer"
        self._begin_row()
        self._stage("offer")
        self._mark(None)
        if taken:
            self._tell("ivr", EventKind.CALL_BACK_PROMISED, promise=7)
            self._note(presszero_outcome="call_back")
            self.bye("call_back")

    def duty(self, *, answered: bool) -> None:
        """The duty phone rings over the trunk."""
        self._exten = "duty"
        self._begin_row()
        self._note(presszero="duty")
        self._stage("duty")
        trunk = f"PJSIP/presszero-trunk-{self._legs:08x}"
        leg = self._dial(trunk)
        self._wait(5)
        if not answered:
            self._end_row(answered=False)
            self._mark(None)
            return
        self._met("duty")
        stage = {"UserEvent": "PressZero", "Call": CALL_ID, "Stage": "duty_answered"}
        self._say("UserEvent", uniqueid=leg, **stage)
        self._partner = (trunk, leg)
        self._mark(CallState.TALKING)
        self._wait(25)

    def voicemail(self) -> None:
        """The caller leaves a message."""
        self._exten = "voicemail"
        self._begin_row()
        self._note(presszero="voicemail", presszero_outcome="voicemail")
        self._stage("voicemail")
        self._mark(CallState.VOICEMAIL)
        self._wait(12)

    def bye(self, outcome: str) -> None:
        """Our dialplan says good-bye: bot or menu had answered."""
        self._exten = "bye"
        self._begin_row()
        self._note(presszero="bye")
        self._noted.setdefault("presszero_outcome", outcome)
        self._stage("bye")
        self.hang_up()

    def hang_up(self) -> None:
        """The caller's channel ends, and the CDR is written."""
        self._wait(1)
        self._say("HangupRequest")
        if self._queued_since is not None:
            about = {"Position": "1", "OriginalPosition": "1", "HoldTime": "1"}
            self._say("QueueCallerAbandon", Queue="support", **about)
            self._say("QueueCallerLeave", Queue="support", Position="1", Count="0")
        self._say("Hangup", **{"Cause": "16", "Cause-txt": "Normal Clearing"})
        self._end_row(answered=self._partner is not None)
        if self._rows:
            self._rows[-1] |= self._noted
        self._queued_since = self._partner = None
        self._mark(CallState.ENDED, cdr="".join(_line(row) for row in self._rows) or "\n")

    # What Asterisk does beneath.

    def _wait(self, seconds: float) -> None:
        self._now += seconds

    def _at(self) -> datetime:
        return datetime.fromtimestamp(round(self._now, 6), UTC)

    def _say(self, name: str, *, uniqueid: str = CALL_ID, **headers: str | list[str]) -> None:
        self._wait(0.001)
        event = ami.read(
            {
                "Event": name, "Timestamp": f"{self._now:.6f}", "Uniqueid": uniqueid, "Linkedid": CALL_ID,
                "Context": self._context, "Exten": self._exten, "CallerIDNum": CALLER, **headers,
            },
            self._at(), 0,
        )  # fmt: skip
        assert event is not None
        self._heard.append(event)

    def _stage(self, stage: str, **more: str | list[str]) -> None:
        self.steps.append(stage)
        self._say("UserEvent", **{"UserEvent": "PressZero", "Call": CALL_ID, "Stage": stage, **more})

    def _tell(self, source: str, kind: EventKind, **data: Value) -> None:
        self._wait(0.001)
        self._told += 1
        at = self._at() + self.house_clock
        self._ours.append(CallEvent(source, f"{CALL_ID}:{self._told}", CALL_ID, at, kind, data, self._told))

    def _member(self, operator: str) -> dict[str, str]:
        return {"Queue": "support", "Interface": f"PJSIP/{operator}", "MemberName": operator}

    def _met(self, operator: str) -> None:
        self.operators.append(operator)
        self._noted.setdefault("presszero_answered", f"{self._now:.6f}")
        self._note(presszero_outcome="answered_by_operator")

    def _note(self, **values: str) -> None:
        self._noted |= values

    def _begin_row(self) -> None:
        if self._row is None:
            self._row = {"start": f"{self._now:.6f}", "context": self._context, "partner": ""}

    def _dial(self, partner: str) -> str:
        """A channel is rung; its id."""
        self._begin_row()
        assert self._row is not None
        self._row |= {"partner": partner, "context": self._context}
        self._legs += 1
        return f"pz-{int(BEGAN)}.{100 + self._legs}"

    def _end_row(self, *, answered: bool) -> None:
        if self._row is None:
            return
        alone = not self._row["partner"]
        disposition = "ANSWERED" if answered or alone else "NO ANSWER"
        self._rows.append(self._row | self._noted | {"end": f"{self._now:.6f}", "disposition": disposition})
        self._row = None

    def _mark(self, state: CallState | None, cdr: str = "") -> None:
        heard, ours = tuple(self._heard), tuple(self._ours)
        self._heard.clear()
        self._ours.clear()
        self._wait(0.5)
        channels: list[ami.ListedChannel] = []
        waiting: list[ami.WaitingCaller] = []
        at = self._at()
        if not cdr:
            bridge = "b1" if self._partner else ""
            place = (CALL_ID, CALL_ID, self._context, self._exten, CALLER)
            channels.append(ami.ListedChannel(at, "", *place, "PJSIP/trunk-00000001", "Queue", bridge))
            if self._partner:
                name, leg = self._partner
                place = (leg, CALL_ID, "presszero-phones", "", "")
                channels.append(ami.ListedChannel(at, "", *place, name, "AppQueue", bridge))
            if self._queued_since is not None:
                waited = int(self._now - self._queued_since)
                waiting.append(ami.WaitingCaller(at, "", "support", CALL_ID, 0, waited))
        self.moments.append(Moment(at, heard, ours, tuple(channels), tuple(waiting), state, cdr))


def _line(row: dict[str, str]) -> str:
    noted = ("recording", "queue", "queued", "answered", "outcome")
    columns: Sequence[str] = (
        CALL_ID, CALL_ID, "PJSIP/trunk-00000001", row["start"], row["start"], row["end"], "1",
        row["disposition"], "Return", row["context"], "operator", CALLER, row["partner"],
        row.get("presszero", ""), row.get("presszero_line", ""),
        *(row.get(f"presszero_{name}", "") for name in noted),
    )  # fmt: skip
    return ",".join(f'"{column}"' for column in columns) + "\n"
