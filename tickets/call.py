"""What a call is, and how its ledger is read: `replay` turns call events into one `Call`.

Pure: no I/O, no clock. The only place in the house that derives the state of a call; nobody sets it.
`docs/states.md` draws the transitions.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tickets.call_ids import vendor_of
from tickets.events import CallEvent, Value
from tickets.order import in_order, is_tape
from tickets.vocabulary import CallOutcome, CallState, Direction, EventKind, HandOver


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as its ledger tells it. All times are aware UTC, all lengths are seconds."""

    call_id: str
    direction: Direction = Direction.INBOUND
    caller_raw: str = ""  # caller ID as the PBX gave it
    caller: str | None = None  # E.164; None: withheld or no number
    line: str = ""  # the number (DID) that was called
    customer_id: int | None = None
    vip_level: int = 0
    state: CallState = CallState.RINGING
    queue: str | None = None  # the last queue joined
    priority: int = 0  # in that queue; higher goes first
    hand_over: HandOver | None = None  # why the caller was given to an operator
    operator: str | None = None  # extension of the operator who answered (last)
    topic: str | None = None  # what the bot or the menu found it to be about
    received_at: datetime
    bot_started_at: datetime | None = None  # first time at the bot
    queued_at: datetime | None = None  # last time a queue was joined
    answered_at: datetime | None = None  # first time an operator answered
    ended_at: datetime | None = None
    bot_seconds: float = 0.0
    hold_seconds: float = 0.0  # in queues, until answered or gone
    talk_seconds: float = 0.0
    outcome: CallOutcome | None = None  # None while the call lives
    found_later: bool = False  # met only after the fact: nobody here saw it begin

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self.state is CallState.ENDED


def replay(events: Iterable[CallEvent]) -> Call:
    """Derive the call from its events: any order and any repetition gives the same call.

    Arriving somewhere moves the caller, leaving does not: a caller who left the bot is still "at the bot"
    until the menu, a queue or the end has them. The end is final, whatever is told later.

    Raises:
        ValueError: no events, or events of more than one call.
    """
    story = in_order(events)
    if not story:
        raise ValueError("a call without events cannot be derived")
    reading = _Reading(story)
    for event in story:
        tell = _TELL.get(event.kind)
        if tell is not None:
            tell(reading, event)
    return reading.call()


class _Reading:
    """What is known while a ledger is read from its first line to its last."""

    def __init__(self, story: list[CallEvent]) -> None:
        self.call_id = story[0].call_id
        if any(event.call_id != self.call_id for event in story):
            raise ValueError("the events are of more than one call")
        self.received_at = story[0].at if story[0].kind is EventKind.RECEIVED else min(e.at for e in story)
        self.direction = Direction.INBOUND
        self.caller_raw = ""
        self.caller: str | None = None
        self.line = ""
        self.customer_id: int | None = None
        self.vip_level = 0
        self.state = CallState.RINGING
        self.queue: str | None = None
        self.priority = 0
        self.hand_over: HandOver | None = None
        self.operator: str | None = None
        self.topic: str | None = None
        self.bot_started_at: datetime | None = None
        self.queued_at: datetime | None = None
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.bot = _Stretch()
        self.hold = _Stretch()
        self.talk = _Stretch()
        self.content: CallOutcome | None = None  # answered without a person, unless the caller went on to one
        self.left_message = False
        self.call_back = False
        self.incident_topic: str | None = None
        self.found_later = False

    def received(self, event: CallEvent) -> None:
        self.caller_raw = self.caller_raw or _text(event.data.get("caller_raw")) or ""
        self.caller = self.caller or _text(event.data.get("caller"))
        self.line = self.line or _text(event.data.get("line")) or ""
        if (direction := event.data.get("direction")) in _DIRECTIONS:
            self.direction = Direction(direction)

    def customer_found(self, event: CallEvent) -> None:
        self.customer_id = _whole(event.data.get("customer_id"))
        self.vip_level = _whole(event.data.get("vip_level")) or 0

    def at_menu(self, event: CallEvent) -> None:
        self.state = CallState.MENU
        self.bot.close(event.at)

    def announced(self, event: CallEvent) -> None:
        self.at_menu(event)
        self.content = CallOutcome.INFORMED_BY_MENU
        topic = _text(event.data.get("option"))
        if "incident" in event.data:
            self.incident_topic = topic  # everybody hears it: the topic of those alone who needed no more
        else:
            self.topic = topic or self.topic

    def bot_started(self, event: CallEvent) -> None:
        self.state = CallState.BOT
        self.content = None
        self.bot_started_at = self.bot_started_at or event.at
        self.bot.open(event.at)

    def bot_ended(self, event: CallEvent) -> None:
        self.bot.close(event.at)
        self.topic = _text(event.data.get("topic")) or self.topic
        if event.data.get("answered") is True:
            self.content = CallOutcome.ANSWERED_BY_BOT

    def handed_over(self, event: CallEvent) -> None:
        reason = event.data.get("reason")
        self.hand_over = HandOver(reason) if reason in _REASONS else HandOver.FAULT
        self.content = None

    def queue_joined(self, event: CallEvent) -> None:
        self.state = CallState.QUEUED
        self.content = None
        self.queue = _text(event.data.get("queue")) or self.queue
        self.priority = _whole(event.data.get("priority")) or 0
        self.queued_at = event.at
        self.bot.close(event.at)
        self.hold.open(event.at)

    def queue_left(self, event: CallEvent) -> None:
        # Also told of who was not let in, because nobody was there.
        self.queue = _text(event.data.get("queue")) or self.queue
        self.content = None
        self.hold.close(event.at)

    def operator_answered(self, event: CallEvent) -> None:
        self.state = CallState.TALKING
        self.operator = _text(event.data.get("operator")) or self.operator
        self.answered_at = self.answered_at or event.at
        self.left_message = False
        self.bot.close(event.at)
        self.hold.close(event.at, told=_seconds(event.data.get("hold_seconds")))
        self.talk.open(event.at)

    def operator_left(self, event: CallEvent) -> None:
        operator = _text(event.data.get("operator"))
        self.operator = self.operator or operator
        if operator is not None and operator != self.operator:
            return  # they gave the caller away before: another talks with them
        self.talk.close(event.at, told=_seconds(event.data.get("talk_seconds")))

    def voicemail_started(self, event: CallEvent) -> None:
        self.state = CallState.VOICEMAIL
        self.left_message = True
        self.bot.close(event.at)
        self.hold.close(event.at)

    def call_back_promised(self, event: CallEvent) -> None:
        self.call_back = True
        self.hold.close(event.at)

    def found(self, event: CallEvent) -> None:
        self.found_later = True
        if is_tape(event):
            self.ended(event)

    def ended(self, event: CallEvent) -> None:
        self.state = CallState.ENDED
        if self.ended_at is None:
            self.ended_at = max(event.at, self.received_at)
            for stretch in (self.bot, self.hold, self.talk):
                stretch.close(event.at)

    def call(self) -> Call:
        over = self.state is CallState.ENDED
        sent_to_queue = self.queue is not None and self.direction is Direction.INBOUND
        # A virtual PBX's scheme takes callers to a queue as a matter of course.
        if over and sent_to_queue and self.hand_over is None and vendor_of(self.call_id) is None:
            self.hand_over = HandOver.FAULT  # the PBX's own safety net took the caller there, not we
        outcome = self.outcome() if over else None
        return Call(
            call_id=self.call_id,
            direction=self.direction,
            caller_raw=self.caller_raw,
            caller=self.caller,
            line=self.line,
            customer_id=self.customer_id,
            vip_level=self.vip_level,
            state=self.state,
            queue=self.queue,
            priority=self.priority,
            hand_over=self.hand_over,
            operator=self.operator,
            topic=self.topic or (self.incident_topic if outcome is CallOutcome.INFORMED_BY_MENU else None),
            received_at=self.received_at,
            bot_started_at=self.bot_started_at,
            queued_at=self.queued_at,
            answered_at=self.answered_at,
            ended_at=self.ended_at,
            bot_seconds=self.bot.seconds,
            hold_seconds=self.hold.seconds,
            talk_seconds=self.talk.seconds,
            outcome=outcome,
            found_later=self.found_later,
        )

    def outcome(self) -> CallOutcome:
        if self.left_message:  # also after a talk, when the colleague did not answer: somebody has to hear it
            return CallOutcome.VOICEMAIL
        if self.answered_at is not None:
            return CallOutcome.ANSWERED_BY_OPERATOR
        if self.call_back:
            return CallOutcome.CALL_BACK
        return self.content or CallOutcome.ABANDONED


class _Stretch:
    """Time spent somewhere, in seconds, perhaps in several visits."""

    __slots__ = ("measured", "seconds", "since")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.since: datetime | None = None
        self.measured = False

    def open(self, at: datetime) -> None:
        self.close(at)
        self.since = at
        self.measured = True

    def close(self, at: datetime, told: float | None = None) -> None:
        """End the visit. `told` is the source's own measure, for a visit whose beginning nobody saw."""
        if self.since is not None:
            self.seconds += max(0.0, (at - self.since).total_seconds())
            self.since = None
        elif not self.measured and told is not None:
            self.seconds += told


_TELL: dict[EventKind, Callable[[_Reading, CallEvent], None]] = {
    EventKind.RECEIVED: _Reading.received,
    EventKind.CUSTOMER_FOUND: _Reading.customer_found,
    EventKind.MENU_ENTERED: _Reading.at_menu,
    EventKind.MENU_CHOICE: _Reading.at_menu,
    EventKind.ANNOUNCED: _Reading.announced,
    EventKind.BOT_STARTED: _Reading.bot_started,
    EventKind.BOT_ENDED: _Reading.bot_ended,
    EventKind.HANDED_OVER: _Reading.handed_over,
    EventKind.QUEUE_JOINED: _Reading.queue_joined,
    EventKind.QUEUE_LEFT: _Reading.queue_left,
    EventKind.OPERATOR_ANSWERED: _Reading.operator_answered,
    EventKind.OPERATOR_LEFT: _Reading.operator_left,
    EventKind.VOICEMAIL_STARTED: _Reading.voicemail_started,
    EventKind.CALL_BACK_PROMISED: _Reading.call_back_promised,
    EventKind.FOUND: _Reading.found,
    EventKind.ENDED: _Reading.ended,
}
_DIRECTIONS = frozenset(Direction)
_REASONS = frozenset(HandOver)
_LARGEST = 2**31 - 1  # of a database's integer


def _text(value: Value) -> str | None:
    return None if value is None or value == "" else str(value)


def _whole(value: Value) -> int | None:
    number = _number(value)
    return None if number is None else int(max(-_LARGEST, min(_LARGEST, number)))


def _seconds(value: Value) -> float | None:
    number = _number(value)
    return None if number is None else max(0.0, min(1e7, number))


def _number(value: Value) -> float | None:
    # PBXs write numbers as text; what is no number is no news.
    try:
        number = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
