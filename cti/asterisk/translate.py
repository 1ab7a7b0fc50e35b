"""From what Asterisk says to what happened to a call: typed AMI events in, neutral call events out.

Pure: no I/O, no clock. Knows Asterisk's habits (app_queue, our dialplan's UserEvents) and the words of the
domain; nothing of the socket and of the database.

Only calls that are ours count: those that ring in our inbound context, or that our dialplan speaks of. Their
call id is the Uniqueid of the caller's own channel, which is the Linkedid at birth; it stays ours when a
later transfer gives the channel an older Linkedid. Facts that happen once a call have ids without a time
(`received:<call>`, `ended:<call>`), so that whoever tells them again, tells nothing new.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cti.asterisk import events as ami
from cti.asterisk.people import SOURCE, People
from cti.asterisk.people import told as _told
from tickets.dialled import is_dialled
from tickets.events import CallEvent, Value
from tickets.promise import is_attempt
from tickets.vocabulary import Direction, EventKind

INBOUND_CONTEXT = "presszero-inbound"  # where trunks deliver calls to
CALL_CONTEXT = "presszero-call"  # where our dialplan holds a caller
BOT_LEG = "bot_leg"  # the voicebot's own channel of a call, between its making and the first word
DUTY = "duty"  # the duty phone stands where an operator would
NO_RECORD = "unknown: the PBX has no record of the end"  # the cause of an end that was only concluded

_MOST_CALLS = 20_000  # remembered at once; beyond, the oldest are forgotten (the reconciler will end them)
_UNIQUEID = re.compile(r"(?:(?P<system>.*)-)?(?P<seconds>\d{9,11})\.\d+")
_TICK = timedelta(microseconds=1)
_LEFT_BECAUSE = {  # QUEUESTATUS
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "CONTINUE": "other",
    "WITHDRAW": "other",
}
_NOT_THE_CALLERS = frozenset(
    {"duty_answered", "held", "consult", "asked", "talk", "attended", "taken", "dial"}
)
"""Stages that an operator's or the duty phone tells."""
_NOT_LET_IN = frozenset({"JOINEMPTY", "JOINUNAVAIL"})  # nobody was there: the caller did not even wait

Normalise = Callable[[str], str | None]


@dataclass(slots=True)
class _Memory:
    """What must be kept of a call between its events."""

    priority: int = 0
    hanging_up: bool = False
    left_told: bool = False  # that the caller left the queue
    leave: tuple[ami.CallerLeft | ami.CallerAbandoned, str] | None = (
        None  # and its reason, if nothing says more
    )
    answered: bool = False  # an operator has the caller
    duty_since: datetime | None = None  # when the duty phone answered
    latest: datetime | None = None  # of what was told


def began(call_id: str) -> datetime | None:
    """When Asterisk made the channel: Uniqueid is `[system-]seconds.number`. None for another PBX's ids."""
    found = _UNIQUEID.fullmatch(call_id)
    return datetime.fromtimestamp(int(found["seconds"]), UTC) if found else None


def system_of(call_id: str) -> str | None:
    """The `systemname` of the Asterisk that made the channel (empty: it has none); None where none did."""
    found = _UNIQUEID.fullmatch(call_id)
    return (found["system"] or "") if found else None


def received(call_id: str, at: datetime, number: str, line: str, normalise: Normalise) -> CallEvent:
    """The call's first event; the same id whoever tells it.

    `number`: the person's, who called us or whom we called.
    """
    ours = is_attempt(call_id) or is_dialled(call_id)
    direction = Direction.OUTBOUND if ours else Direction.INBOUND
    data: dict[str, Value] = {
        "caller_raw": number,
        "caller": normalise(number) if number else None,
        "line": line,
        "direction": direction.value,
    }
    return CallEvent(SOURCE, f"received:{call_id}", call_id, at, EventKind.RECEIVED, data)


def ended(call_id: str, at: datetime, cause: str) -> CallEvent:
    """The call's last event; the same id whoever tells it."""
    # Sequence 1: after what is told of the same instant.
    return CallEvent(SOURCE, f"ended:{call_id}", call_id, at, EventKind.ENDED, {"cause": cause}, 1)


class Translator:
    """Translates one link's events in their order. Keeps of a live call only what later ones need."""

    def __init__(self, normalise: Normalise) -> None:
        """`normalise` makes E.164 of a caller ID, or None."""
        self._normalise = normalise
        self._calls: dict[str, _Memory] = {}
        self._people = People()

    def deaf(self) -> None:
        """The link was cut, or is new: events were missed."""
        self._people.deaf()

    def see(self, channels: Iterable[ami.ListedChannel]) -> None:
        """The PBX lists its channels: who is with whom since before anybody listened."""
        self._people.see(channels)

    def adopt(self, calls: Mapping[str, datetime], missed: Iterable[CallEvent] = ()) -> None:
        """These live calls are ours, though their beginning was not heard; the last moment known of each.

        `missed`: what was found to have happened to them meanwhile.
        """
        for call_id, latest in calls.items():
            memory = self._remember(call_id)
            memory.latest = max(latest, memory.latest or latest)
        for event in missed:
            if event.kind is EventKind.OPERATOR_ANSWERED:
                self._people.found(event.call_id, str(event.data["operator"]))
            elif event.kind is EventKind.QUEUE_JOINED:
                self._people.found(event.call_id, None)

    def forget(self, call_ids: Iterable[str]) -> None:
        """These calls are over, though their end was not heard here."""
        for call_id in call_ids:
            self._calls.pop(call_id, None)
            self._people.forget(call_id)

    def translate(self, event: ami.AmiEvent) -> list[CallEvent]:
        """What the event says of our calls; empty when it says nothing.

        AMI tells in order. Should the PBX's clock be set back in the middle of a call, what it tells then is
        put a moment after the last, so that the ledger is read in that order too.
        """
        ending = self._calls.get(event.uniqueid) if isinstance(event, ami.HungUp) else None
        told = self._translate(event)
        for number, news in enumerate(told):
            if news.kind is EventKind.RECEIVED:
                continue
            memory = self._calls.get(news.call_id) or ending or _Memory()
            if memory.latest is not None and news.at < memory.latest:
                told[number] = news = replace(news, at=memory.latest + _TICK)
            memory.latest = news.at
        return told

    def _translate(self, event: ami.AmiEvent) -> list[CallEvent]:
        if isinstance(event, ami.StageReached):
            return self._stage(event) + self._people.hear(event)
        told = self._people.hear(event)
        if isinstance(event, ami.CallerEvent) and not isinstance(event, ami.ChannelEvent):
            told += self._caller(event)
        return told

    def _caller(self, event: ami.CallerEvent) -> list[CallEvent]:
        if isinstance(event, ami.NewChannel):
            ours = event.calling and event.context == INBOUND_CONTEXT and event.uniqueid == event.linkedid
            return self._begin(event, event.at, event.exten) if ours else []
        memory = self._calls.get(event.uniqueid)
        if memory is None:
            # A call whose beginning was missed; the context says that our dialplan holds it.
            if event.uniqueid != event.linkedid or event.context != CALL_CONTEXT:
                return []
            started = self._begin(event, began(event.uniqueid) or event.at, "")
            return started + self._of(event, self._calls[event.uniqueid])
        return self._of(event, memory)

    def _remember(self, call_id: str) -> _Memory:
        memory = self._calls.get(call_id)
        if memory is None:
            while len(self._calls) >= _MOST_CALLS:
                self.forget([next(iter(self._calls))])
            memory = self._calls[call_id] = _Memory()
            self._people.begin(call_id)
        return memory

    def _begin(self, event: ami.CallerEvent, at: datetime, line: str) -> list[CallEvent]:
        self._remember(event.uniqueid)
        return [received(event.uniqueid, at, event.number, "" if line == "s" else line, self._normalise)]

    def _stage(self, event: ami.StageReached) -> list[CallEvent]:
        call_id = event.call_id
        told: list[CallEvent] = []
        memory = self._calls.get(call_id)
        if event.stage == BOT_LEG:
            return []  # the voicebot tells what it does itself
        if memory is None and event.stage in _NOT_THE_CALLERS:
            return []  # the reconciler will find both
        if memory is None:
            # Another context brought the caller to our dialplan: this is the first that we hear.
            memory = self._remember(call_id)
            at = event.at if event.stage == "menu" else began(call_id) or event.at
            told.append(received(call_id, at, event.number, event.line, self._normalise))
        told += self._leave_settled(call_id, memory, _LEFT_BECAUSE.get(event.status))
        match event.stage:
            case "queue":
                memory.priority = event.priority
            case "left_queue" if event.status in _NOT_LET_IN:
                told.append(_told(call_id, event, EventKind.QUEUE_LEFT, queue=event.queue, reason="empty"))
            case "duty":
                told.append(_told(call_id, event, EventKind.OPERATOR_RINGING, operator=DUTY))
            case "duty_answered":
                memory.duty_since, memory.answered = event.at, True
                told.append(_told(call_id, event, EventKind.OPERATOR_ANSWERED, operator=DUTY))
            case "voicemail":
                told.append(_told(call_id, event, EventKind.VOICEMAIL_STARTED))
            case _:  # menu, bot, bye: reception and bot tell it better themselves
                pass
        return told

    def _of(self, event: ami.CallerEvent, memory: _Memory) -> list[CallEvent]:
        call_id = event.uniqueid
        match event:
            case ami.CallerLeft():
                if memory.left_told:
                    return []
                memory.left_told = True
                if memory.answered:
                    return [_left(call_id, event, "answered")]
                # The next event says why: a connect follows within the same instant.
                memory.leave = (event, "other")
                return []
            case ami.OperatorConnected():
                told = self._leave_settled(call_id, memory, "answered")
                memory.answered = True
                self._people.answered(call_id, event.operator)
                return [*told, _told(
                    call_id, event, EventKind.OPERATOR_ANSWERED, operator=event.operator,
                    hold_seconds=event.hold_seconds, ring_seconds=event.ring_seconds,
                )]  # fmt: skip
            case ami.CallerAbandoned():
                # Also said of a caller whose waiting time was over (seen with Asterisk 22.10): only who
                # hung up has a hang-up request before it. The dialplan tells the reason of the others next.
                memory.left_told = True
                if not memory.hanging_up:
                    memory.leave = (event, "timeout")
                    return []
                return [_left(call_id, event, "abandoned")]
        return self._leave_settled(call_id, memory) + self._after_leave(event, memory)

    def _after_leave(self, event: ami.CallerEvent, memory: _Memory) -> list[CallEvent]:
        call_id = event.uniqueid
        match event:
            case ami.CallerJoined():
                memory.left_told = memory.answered = False
                return [*self._people.left_alone(call_id, event), _told(
                    call_id, event, EventKind.QUEUE_JOINED, queue=event.queue, priority=memory.priority
                )]  # fmt: skip
            case ami.OperatorCalled():
                return [_told(call_id, event, EventKind.OPERATOR_RINGING, operator=event.operator)]
            case ami.OperatorMissed():
                return [_told(call_id, event, EventKind.OPERATOR_MISSED, operator=event.operator)]
            case ami.OperatorCompleted():
                return self._people.completed(call_id, event)
            case ami.HangUpRequested():
                memory.hanging_up = True
            case ami.HungUp():
                left = self._people.left_alone(call_id, event)
                self.forget([call_id])
                return left + _end(call_id, event, memory)
        return []

    @staticmethod
    def _leave_settled(call_id: str, memory: _Memory, reason: str | None = None) -> list[CallEvent]:
        leave, memory.leave = memory.leave, None
        return [] if leave is None else [_left(call_id, leave[0], reason or leave[1])]


def _left(call_id: str, event: ami.CallerLeft | ami.CallerAbandoned, reason: str) -> CallEvent:
    return _told(call_id, event, EventKind.QUEUE_LEFT, queue=event.queue, reason=reason)


def _end(call_id: str, event: ami.HungUp, memory: _Memory) -> list[CallEvent]:
    end = ended(call_id, event.at, event.cause)
    if memory.duty_since is None:
        return [end]
    talk_seconds = round((event.at - memory.duty_since).total_seconds(), 1)
    left = _told(call_id, event, EventKind.OPERATOR_LEFT, operator=DUTY, talk_seconds=max(0.0, talk_seconds))
    return [left, end]
