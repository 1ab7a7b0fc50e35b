"""Facts into neutral events. Pure.

Each fact tells by itself what it is certain of, under an id of its own, so that neither order nor repetition
matters: a leg that was `completed` was answered, whether or not somebody said so before. Only where a fact
lacks something that another one has (whose call it is) does it wait for that one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cti.virtual_pbx.contract import Tape
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place, place_of
from cti.virtual_pbx.vendors.twilio.hooks import ENDED, RECORD, TAPE_RECORD, asked, moment, said, seconds
from cti.virtual_pbx.vendors.twilio.keys import pressed
from cti.virtual_pbx.vendors.twilio.place import NoPlace, state_of
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from ivr.menu import advance
from ivr.scenario import Scenario
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind, HandOver

# What Twilio writes for a caller who shows no number: words, and their letters on a telephone's keys.
_WITHHELD = frozenset(
    {"anonymous", "restricted", "blocked", "unknown", "unavailable", "+266696687", "+7378742833", "+2562533",
     "+8656696", "+86282452253"}
)  # fmt: skip
# In which order things happen that are told of the same second; a queue is joined before them all.
_MESSAGE, _RINGING, _ANSWERED, _LEFT = 1, 2, 3, 4
_UNANSWERED = frozenset({"no-answer", "busy", "failed"})  # `canceled`: another was faster, or the caller left


@dataclass(frozen=True, slots=True)
class Telling:
    """What is needed to understand the facts."""

    settings: TwilioSettings
    scenario: Scenario
    normalise: Callable[[str], str | None]

    def events(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """See `VirtualPbx.tell`."""
        return [event for fact in facts for event in self._of(fact, facts)]

    def _of(self, fact: Fact, facts: Sequence[Fact]) -> Iterator[CallEvent]:
        place = place_of(asked(fact))
        match fact.kind:
            case Page.VOICE:
                yield self.came_in(fact)
            case Page.OUTGOING:
                yield self._went_out(fact, said(fact, "From"), said(fact, "To"))
            case Page.MENU:
                yield from self._menu(fact, place)
            case Page.OPERATORS:
                yield from self._to_people(fact, place)
            case Page.FALLBACK:
                if self.settings.operator_at(said(fact, "From")) is None:
                    yield self.came_in(fact)
                yield _event(fact, EventKind.HANDED_OVER, fact.fact_id, reason=HandOver.FAULT.value)
            case Page.TRANSFER if place.by:
                sent = {"operator": place.by, "to": place.to, "how": "blind"}
                yield _told(fact, EventKind.TRANSFERRED, fact.fact_id, fact.at, sent)
            case Page.VOICEMAIL:
                yield from self._voicemail(fact, place)
            case Page.LEG:
                yield from self._leg(fact, place)
            case Page.STATUS | Page.CALL_BACK if place.way == "back":
                yield self._called_back(fact, place)
            case str() if fact.kind == RECORD:
                yield from self._record(fact, facts)
        tape = tape_of(fact)
        if tape is not None and tape.is_message:
            yield _event(fact, EventKind.VOICEMAIL_STARTED, tape.sid, tape.began, sequence=_MESSAGE)
        if fact.kind not in (Page.LEG, RECORD) and said(fact, "CallStatus") in ENDED:
            yield _event(fact, EventKind.ENDED, fact.fact_id, cause=said(fact, "CallStatus"))

    # --- beginnings ---

    def came_in(self, fact: Fact) -> CallEvent:
        """Somebody has called."""
        return self._received(fact, said(fact, "From"), said(fact, "To"), Direction.INBOUND)

    def _went_out(self, fact: Fact, caller: str, dialled: str) -> CallEvent:
        """An operator has dialled, on a phone of Twilio's."""
        operator = self.settings.operator_at(caller) or ""
        other = self.whom(dialled)
        if other is not None:
            return self._received(fact, operator, other, Direction.INTERNAL)
        return self._received(fact, number_of(dialled), self._line(), Direction.OUTBOUND)

    def _called_back(self, fact: Fact, place: Place) -> CallEvent:
        return self._received(fact, place.to, said(fact, "From"), Direction.OUTBOUND)

    def _received(self, fact: Fact, number: str, line: str, direction: Direction) -> CallEvent:
        number = "" if number.lower() in _WITHHELD else number
        inside = direction is Direction.INTERNAL
        caller = self.normalise(number) if number and not inside else None
        return _event(fact, EventKind.RECEIVED, fact.fact_id, caller_raw=number, caller=caller, line=line,
                      direction=direction.value)  # fmt: skip

    def whom(self, dialled: str) -> str | None:
        """The operator's extension whom another operator has dialled; None: somebody outside."""
        number = number_of(dialled)
        if number in self.scenario.operators:
            return number
        return self.settings.operator_at(dialled)

    def _line(self) -> str:
        return self.settings.caller_id or self.scenario.lines[0]

    # --- on the way ---

    def _menu(self, fact: Fact, place: Place) -> Iterator[CallEvent]:
        try:
            state = state_of(place.state, self.scenario)
        except NoPlace:
            return
        key = pressed(self.scenario, state, said(fact, "Digits"))
        if key.again:
            return
        for number, news in enumerate(advance(self.scenario, state, key.key).news):
            yield _told(fact, news.kind, f"{fact.fact_id}:{number}", fact.at, news.data, number)

    def _to_people(self, fact: Fact, place: Place) -> Iterator[CallEvent]:
        at = _since(place) or fact.at
        if place.why:
            reason = place.reason or HandOver.FAULT
            yield _event(fact, EventKind.HANDED_OVER, str(place.since), at, reason=reason.value)
        if place.queue in self.scenario.queues:
            yield _event(fact, EventKind.QUEUE_JOINED, f"{place.queue}:{place.since}", at,
                         queue=place.queue, priority=self.scenario.priority(place.vip))  # fmt: skip

    def _voicemail(self, fact: Fact, place: Place) -> Iterator[CallEvent]:
        at = fact.at.replace(microsecond=0)  # as callbacks tell it
        if place.queue:
            left: dict[str, Value] = {"queue": place.queue, "reason": "timeout"}
            yield _told(fact, EventKind.QUEUE_LEFT, fact.fact_id, at, left)
        yield _event(fact, EventKind.VOICEMAIL_STARTED, fact.fact_id, at, sequence=_MESSAGE)

    # --- people ---

    def _leg(self, fact: Fact, place: Place) -> Iterator[CallEvent]:
        status, sid, who = said(fact, "CallStatus"), said(fact, "CallSid"), place.who
        # Twilio's clock may be behind ours: nobody is rung before they are waited for.
        at = max(fact.at, _since(place) or fact.at)
        if status == "completed":
            yield from self._talked(fact, who, sid, at, seconds(said(fact, "CallDuration")))
        elif status == "in-progress":
            yield _event(fact, EventKind.OPERATOR_ANSWERED, sid, at, sequence=_ANSWERED, operator=who)
        elif place.way != "out" and status == "ringing":
            yield _event(fact, EventKind.OPERATOR_RINGING, sid, at, sequence=_RINGING, operator=who)
        elif place.way != "out" and status in _UNANSWERED:
            yield _event(fact, EventKind.OPERATOR_MISSED, sid, at, sequence=_LEFT, operator=who)

    def _talked(
        self, fact: Fact, operator: str, sid: str, until: datetime, length_s: int
    ) -> Iterator[CallEvent]:
        since = until - timedelta(seconds=length_s)
        # By another id than that of who saw them answer: the two need not name the same second.
        yield _event(
            fact,
            EventKind.OPERATOR_ANSWERED,
            f"{sid}:{fact.kind}",
            since,
            sequence=_ANSWERED,
            operator=operator,
        )
        left: dict[str, Value] = {"operator": operator, "talk_seconds": length_s}
        yield _told(fact, EventKind.OPERATOR_LEFT, f"{sid}:{fact.kind}", until, left, _LEFT)

    # --- the vendor's own records ---

    def _record(self, fact: Fact, facts: Sequence[Fact]) -> Iterator[CallEvent]:
        status, sid = said(fact, "status"), said(fact, "sid")
        if said(fact, "parent_call_sid"):
            yield from self._recorded_leg(fact, facts, status, sid)
            return
        begin = moment(said(fact, "start_time")) or fact.at
        number, called = said(fact, "from"), said(fact, "to")
        if said(fact, "direction") == "outbound-api":
            yield _event(fact, EventKind.RECEIVED, fact.kind, begin, line=number,
                         direction=Direction.OUTBOUND.value)  # fmt: skip
        else:
            from_desk = self.settings.operator_at(number) is not None
            told = self._went_out(fact, number, called) if from_desk else self._received(
                fact, number, called, Direction.INBOUND
            )  # fmt: skip
            yield _told(fact, EventKind.RECEIVED, fact.kind, begin, told.data)
        end = moment(said(fact, "end_time"))
        if status in ENDED and end:
            yield _event(fact, EventKind.ENDED, fact.kind, end, cause=status)

    def _recorded_leg(self, fact: Fact, facts: Sequence[Fact], status: str, sid: str) -> Iterator[CallEvent]:
        called, end = said(fact, "to"), moment(said(fact, "end_time")) or fact.at
        operator = self.settings.operator_at(called)
        caller_at_desk = self._desk_of(facts)
        if caller_at_desk is not None and operator is None:  # an operator's call to somebody outside
            begin = moment(said(fact, "start_time")) or fact.at
            yield self._received_at(fact, called, begin)
            operator = caller_at_desk
        if operator is None:
            return  # a phone that is nobody's, or whose call it is will be told
        if status == "completed":
            yield from self._talked(fact, operator, sid, end, seconds(said(fact, "duration")))
        elif status in _UNANSWERED and caller_at_desk is None:
            yield _event(fact, EventKind.OPERATOR_MISSED, f"{sid}:{fact.kind}", end, sequence=_LEFT,
                         operator=operator)  # fmt: skip

    def _received_at(self, fact: Fact, number: str, begin: datetime) -> CallEvent:
        told = self._received(fact, number, self._line(), Direction.OUTBOUND)
        return _told(fact, EventKind.RECEIVED, f"{fact.kind}:{said(fact, 'sid')}", begin, told.data)

    def _desk_of(self, facts: Sequence[Fact]) -> str | None:
        """The operator whose call to somebody it is; None: it is a caller's, or that is not known yet."""
        for fact in facts:
            if fact.kind == RECORD and not said(fact, "parent_call_sid"):
                address = said(fact, "to" if said(fact, "direction") == "outbound-api" else "from")
                return self.settings.operator_at(address)
        return None


@dataclass(frozen=True, slots=True)
class ReadyTape:
    """A recording that Twilio has."""

    sid: str
    began: datetime
    is_message: bool  # a caller's, of `<Record>`


def tape_of(fact: Fact) -> ReadyTape | None:
    """The recording that a fact tells of; None: it tells of none that is ready."""
    if fact.kind == Page.RECORDING:
        names = (
            "RecordingSid",
            "RecordingStatus",
            "RecordingStartTime",
            "RecordingDuration",
            "RecordingSource",
        )
    elif fact.kind == TAPE_RECORD:
        names = ("sid", "status", "start_time", "duration", "source")
    else:
        return None
    tape_sid, status, start, length, source = (said(fact, name) for name in names)
    if not tape_sid or status != "completed":
        return None
    began = moment(start) or fact.at - timedelta(seconds=seconds(length))
    return ReadyTape(tape_sid, began, source == "RecordVerb")


def tapes_in(facts: Sequence[Fact]) -> list[Tape]:
    """See `VirtualPbx.tapes`. A recording that was told of twice is one."""
    found: dict[str, Tape] = {}
    outward = any(fact.kind in (Page.OUTGOING, Page.CALL_BACK) for fact in facts)
    for fact in facts:
        tape = tape_of(fact)
        if tape is not None:
            # Who dialled is on the first channel: the operator, of a call that goes out.
            out = outward or place_of(asked(fact)).way == "out"
            found.setdefault(tape.sid, Tape(tape.sid, fact.call_id, tape.began, caller=int(out)))
    return list(found.values())


def number_of(dialled: str) -> str:
    """What was dialled on an operator's phone: "sip:+12025550143@centre.sip.twilio.com" → the number."""
    return dialled.partition(":")[2].partition("@")[0] if dialled.startswith("sip:") else dialled


def _since(place: Place) -> datetime | None:
    return datetime.fromtimestamp(place.since, UTC) if place.since else None


def _event(
    fact: Fact, kind: EventKind, name: str, at: datetime | None = None, *, sequence: int = 0, **data: Value
) -> CallEvent:
    return _told(fact, kind, name, at or fact.at, data, sequence)


def _told(
    fact: Fact, kind: EventKind, name: str, at: datetime, data: Mapping[str, Value], sequence: int = 0
) -> CallEvent:
    return CallEvent(fact.source, f"{kind}:{fact.call_id}:{name}", fact.call_id, at, kind, data, sequence)
