"""From all that Mango told of a call to the events of its ledger.

Pure. Nearly every event follows from one piece of news, and has that one's id: whatever comes later, it
stays true. What needs more is held back until it has it: a phone was missed only when nothing of its leg is
missing, an internal call is one when somebody has answered. `records.py` adds what was never told.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cti.virtual_pbx.vendors.mango.legs import (
    Leg,
    Role,
    holds,
    is_talk,
    operator_word,
    outgoing,
    place_in_second,
    rings,
    role_of,
)
from cti.virtual_pbx.vendors.mango.words import (
    APPEARED,
    BLIND,
    CONNECTED,
    DISCONNECTED,
    GIVEN_ELSEWHERE,
    IVR,
    ON_HOLD,
    LegNews,
    Summary,
    leg_news,
    summary,
    text,
)
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind, HandOver

CALL, SUMMARY, RECORDING, ADDED, KEYS, PAST = "call", "summary", "recording", "added", "dtmf", "past"
OPERATOR_KEY = "0"  # a person, wherever it is pressed
_DIRECTIONS = {0: Direction.INTERNAL, 1: Direction.INBOUND, 2: Direction.OUTBOUND}
_LEFT_QUEUE = {1110: "abandoned", 1111: "timeout", 1163: "timeout"}


@dataclass(frozen=True, slots=True)
class Names:
    """What the connection's settings say of Mango's words."""

    operator: Callable[[str], str]  # extension of whom Mango calls so
    queue: Callable[[str], str]  # name of the queue for a group's short number
    is_asterisk: Callable[[str], bool]  # a number of Mango's behind which our own Asterisk answers
    normalise: Callable[[str], str | None]  # E.164


class Heard:
    """A call's facts, read."""

    def __init__(self, facts: Sequence[Fact], names: Names) -> None:
        self.names, self.call_id, self.source = names, facts[0].call_id, facts[0].source
        news: dict[str, list[LegNews]] = {}
        for fact in facts:
            if fact.kind == CALL:
                one = leg_news(fact.fact_id, fact.at, fact.data)
                news.setdefault(one.leg, []).append(one)
        self.legs = {leg: Leg(some) for leg, some in sorted(news.items())}
        self.keys = [fact for fact in facts if fact.kind == KEYS]
        self.summaries = [summary(f.fact_id, f.at, f.data) for f in facts if f.kind == SUMMARY]
        states: dict[str, set[str]] = {}
        for fact in facts:
            if fact.kind == RECORDING:
                states.setdefault(text(fact.data.get("recording_id")), set()).add(
                    text(fact.data.get("recording_state"))
                )
        self.is_recorded = any("Completed" not in told for told in states.values())  # at this moment
        self.past = [fact for fact in facts if fact.kind == PAST]

    @property
    def talks(self) -> bool:
        """Whether a webhook told that anybody talked with the person outside."""
        return any(is_talk(news) and not self.is_ours(news) for leg in self.legs.values() for news in leg)

    def is_ours(self, news: LegNews) -> bool:
        """Whether our own Asterisk is at the other end: menu and bot, no operator."""
        return self.names.is_asterisk(news.called.number)

    def event(self, kind: EventKind, told: str, at: LegNews | Fact, **data: Value) -> CallEvent:
        """An event that follows from one piece of news."""
        place = place_in_second(at) if isinstance(at, LegNews) else 0
        return CallEvent(self.source, f"{kind}:{told}", self.call_id, at.at, kind, data, place)

    def at(self, at: datetime, kind: EventKind, told: str, **data: Value) -> CallEvent:
        """An event whose time is told apart."""
        return CallEvent(self.source, f"{kind}:{told}", self.call_id, at, kind, data)

    def received(self, told: str, direction: Direction, outside: str, line: str) -> dict[str, Value]:
        """The data of `RECEIVED`."""
        caller = self.names.normalise(outside) if outside else None
        return {"caller_raw": outside, "caller": caller, "line": line, "direction": direction.value}


def tell_news(heard: Heard) -> list[CallEvent]:
    """What follows from the webhooks."""
    beginnings = list(_beginnings(heard))
    events = [*beginnings]
    for leg in heard.legs.values():
        for news in leg:
            events += _of_leg(heard, leg, news)
    for fact in heard.keys:
        events += _of_keys(heard, fact)
    for over in heard.summaries:
        events += _of_summary(heard, over, beginnings)
    return events


def _beginnings(heard: Heard) -> Iterator[CallEvent]:
    for leg in heard.legs.values():
        first = leg.first
        if leg.is_root and (told := _direction(leg)) is not None:
            direction, outside = told
            data = heard.received(first.fact_id, direction, outside, first.line)
            yield heard.event(EventKind.RECEIVED, first.fact_id, first, **data)


def _direction(leg: Leg) -> tuple[Direction, str] | None:
    """Which way the call runs, and who the person outside is; None: it may yet turn out a consultation."""
    first, role = leg.first, role_of(leg.first)
    if role is Role.CALLED_BACK:
        return Direction.OUTBOUND, first.caller.number
    if role is Role.TALK and outgoing(first):
        return Direction.OUTBOUND, first.called.number
    if role is Role.TALK and first.caller.extension:
        # The first news of a consultation need not say that it is one; that it is connected does.
        talked = any(one.state == CONNECTED for one in leg)
        return (Direction.INTERNAL, first.caller.extension) if talked else None
    return Direction.INBOUND, first.caller.number


def _of_leg(heard: Heard, leg: Leg, news: LegNews) -> list[CallEvent]:
    role = role_of(news)
    if role is Role.MENU:
        return _of_menu(heard, news, IVR)
    if role is Role.QUEUE:
        return _of_queue(heard, news)
    if role is Role.TALK and heard.is_ours(news):
        return _of_menu(heard, news, "asterisk")
    return [*_transfer(heard, leg, news), *_of_talk(heard, leg, news)]


def _of_menu(heard: Heard, news: LegNews, menu: str) -> list[CallEvent]:
    begins = news.seq == 1 and news.state in {APPEARED, CONNECTED}
    return [heard.event(EventKind.MENU_ENTERED, news.fact_id, news, menu=menu)] if begins else []


def _of_queue(heard: Heard, news: LegNews) -> list[CallEvent]:
    queue = heard.names.queue(news.group or news.called.extension)
    if news.seq == 1 and news.state in {APPEARED, CONNECTED}:
        return [heard.event(EventKind.QUEUE_JOINED, news.fact_id, news, queue=queue)]
    if news.state == DISCONNECTED and news.reason in _LEFT_QUEUE:
        reason = _LEFT_QUEUE[news.reason]
        return [heard.event(EventKind.QUEUE_LEFT, news.fact_id, news, queue=queue, reason=reason)]
    return []


def _transfer(heard: Heard, leg: Leg, news: LegNews) -> list[CallEvent]:
    """That an operator sent the caller here: told once, when it is known who, and how."""
    giver = heard.legs.get(news.taken_from)
    if role_of(news) is not Role.TALK or giver is None or not leg.whole_until(news.seq):
        return []
    before = leg.before(news.seq)
    replaced = before is not None and before.caller.word != news.caller.word
    at_once = before is None and news.transfer == BLIND
    by_operator = role_of(giver.first) is Role.TALK and not heard.is_ours(giver.first)
    if not by_operator or not (replaced or at_once):
        return []
    asked = before is not None and before.state == CONNECTED  # or the asking ended before that
    by, to = heard.names.operator(operator_word(giver.first)), heard.names.operator(news.called.word)
    how = "attended" if asked else "blind"
    return [heard.event(EventKind.TRANSFERRED, news.fact_id, news, operator=by, to=to, how=how)]


def _of_talk(heard: Heard, leg: Leg, news: LegNews) -> list[CallEvent]:
    role = role_of(news)
    if role is Role.CONSULT:
        return []
    operator = heard.names.operator(operator_word(news))
    told, before = news.fact_id, leg.before(news.seq)
    if rings(news):
        return [heard.event(EventKind.OPERATOR_RINGING, told, news, operator=operator)]
    if is_talk(news):
        if leg.talked_before(news.seq):
            resumed = before is not None and before.state == ON_HOLD
            return [heard.event(EventKind.HOLD_ENDED, told, news, operator=operator)] if resumed else []
        return [*_out_of_queue(heard, news), heard.event(
            EventKind.OPERATOR_ANSWERED, told, news, operator=operator)]  # fmt: skip
    if holds(news):
        return [heard.event(EventKind.HOLD_STARTED, told, news, operator=operator)]
    if news.state == DISCONNECTED and role is Role.TALK and leg.talked_before(news.seq):
        return [heard.event(EventKind.OPERATOR_LEFT, told, news, operator=operator)]
    if news.state == DISCONNECTED and _missed(leg, news):
        return [heard.event(EventKind.OPERATOR_MISSED, told, news, operator=operator)]
    return []


def _out_of_queue(heard: Heard, news: LegNews) -> list[CallEvent]:
    if not news.group:
        return []
    queue = heard.names.queue(news.group)
    left = heard.event(EventKind.QUEUE_LEFT, news.fact_id, news, queue=queue, reason="answered")
    return [left]


def _missed(leg: Leg, news: LegNews) -> bool:
    rang = leg.first.state == APPEARED and rings(leg.first)
    unanswered = not any(one.state == CONNECTED for one in leg)
    return rang and unanswered and leg.whole_until(news.seq) and news.reason not in GIVEN_ELSEWHERE


def _of_keys(heard: Heard, fact: Fact) -> list[CallEvent]:
    keys, menu = text(fact.data.get("dtmf")), text(fact.data.get("location"))
    if len(keys) != 1 or not menu.startswith(IVR):
        return []  # what is longer was an answer, of which only the vendor's scheme knows the question
    events = [heard.event(EventKind.MENU_CHOICE, fact.fact_id, fact, menu=menu, digit=keys)]
    if keys == OPERATOR_KEY:
        reason = HandOver.PRESSED_ZERO.value
        events.append(heard.event(EventKind.HANDED_OVER, fact.fact_id, fact, reason=reason))
    return events


def _of_summary(heard: Heard, over: Summary, beginnings: Sequence[CallEvent]) -> Iterator[CallEvent]:
    direction = _DIRECTIONS.get(1 if over.direction is None else over.direction, Direction.INBOUND)
    if over.began and _tells_more_of_the_beginning(over, over.began, beginnings):
        outside = {
            Direction.INBOUND: over.caller.number,
            Direction.OUTBOUND: over.called.number,
            Direction.INTERNAL: over.caller.word,
        }[direction]
        data = heard.received(over.fact_id, direction, outside, over.line)
        yield heard.at(over.began, EventKind.RECEIVED, over.fact_id, **data)
    who = over.caller if direction is Direction.OUTBOUND else over.called
    if over.answered and who.word and not heard.talks and not heard.names.is_asterisk(over.called.number):
        operator = heard.names.operator(who.word)
        yield heard.at(over.answered, EventKind.OPERATOR_ANSWERED, over.fact_id, operator=operator)
    yield heard.at(over.ended, EventKind.ENDED, over.fact_id, cause=text(over.reason))


def _tells_more_of_the_beginning(over: Summary, began: datetime, beginnings: Sequence[CallEvent]) -> bool:
    """Whether nothing has told so early a beginning, or none the line: outgoing legs do not name it."""
    early = any(event.at <= began for event in beginnings)
    line = any(event.data.get("line") for event in beginnings) or not over.line
    return not (early and line)
