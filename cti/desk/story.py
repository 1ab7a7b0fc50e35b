"""What a desk has to know of one live call, read from the call's events: whose phone rings, who talks, what
the caller did and said before. Pure: no I/O, no clock.

`tickets.call.replay` says what a call *is*; this says what the people who have it on their phones are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tickets.bot_learnt import Learnt, bot_learnt
from tickets.events import CallEvent, Value
from tickets.order import in_order
from tickets.vocabulary import Direction, EventKind

MOST_EVENTS = 400  # of one call; beyond, the oldest words to the bot are let go
MOST_HEARD = 60  # lines of the conversation with the bot that a desk is shown
MOST_STEPS = 30  # keys that the caller pressed


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of the conversation with the bot."""

    speaker: str  # "caller" or "bot"
    text: str
    at: datetime


@dataclass(slots=True)
class CallPicture:
    """A call as the phones see it. Operators are extensions; all times are aware UTC."""

    number: str | None = None  # E.164
    number_raw: str = ""
    line: str = ""
    outbound: bool = False
    queue: str | None = None
    customer_id: int | None = None
    vip_level: int = 0
    language: str | None = None  # BCP 47; None: the scenario's own
    hand_over: str | None = None  # a word of `HandOver`
    heard: list[Heard] = field(default_factory=list)
    learnt: Learnt = field(default_factory=Learnt)  # by the bot
    path: list[str] = field(default_factory=list)  # "main: 1"
    rings: dict[str, datetime] = field(default_factory=dict)  # operator → since
    talks: dict[str, datetime] = field(default_factory=dict)  # operator → since
    left: dict[str, datetime] = field(default_factory=dict)  # operator who had the call → when it ended there
    held_since: datetime | None = None
    recording_paused: bool = False
    wanted: bool = False  # somebody will have to take it: it waits for people, or rings or talks with them
    ended: bool = False

    @property
    def operators(self) -> set[str]:
        """Everybody whose desk shows the call."""
        return self.rings.keys() | self.talks.keys() | self.left.keys()


class Story:
    """The events of one call, and the picture that they give: the same in whatever order they come."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], CallEvent] = {}
        self.picture = CallPicture()

    def tell(self, event: CallEvent) -> bool:
        """Add an event; whether it was new."""
        key = (event.source, event.source_id)
        if key in self._events:
            return False
        self._events[key] = event
        if len(self._events) > MOST_EVENTS:
            self._make_room()
        self.picture = read(self._events)
        return True

    def _make_room(self) -> None:
        turns = [key for key, event in self._events.items() if event.kind is EventKind.BOT_TURN]
        del self._events[turns[0] if turns else next(iter(self._events))]


def read(events: Mapping[tuple[str, str], CallEvent]) -> CallPicture:
    """The picture that these events of one call give."""
    picture = CallPicture()
    for event in in_order(events.values()):
        _tell(picture, event)
    picture.learnt = bot_learnt(events.values())
    del picture.heard[:-MOST_HEARD], picture.path[MOST_STEPS:]
    return picture


def _tell(picture: CallPicture, event: CallEvent) -> None:
    operator = _text(event.data.get("operator"))
    match event.kind:
        case EventKind.OPERATOR_RINGING | EventKind.OPERATOR_MISSED | EventKind.OPERATOR_ANSWERED:
            _phone(picture, event, operator)
        case EventKind.OPERATOR_LEFT:
            _let_go(picture, operator, event.at)
        case EventKind.TRANSFERRED:
            _let_go(picture, operator, event.at)
            if to := _text(event.data.get("to")):
                (picture.talks if event.data.get("how") == "attended" else picture.rings)[to] = event.at
                picture.left.pop(to, None)
        case EventKind.HOLD_STARTED:
            picture.held_since = event.at
        case EventKind.HOLD_ENDED:
            picture.held_since = None
        case EventKind.RECORDING_PAUSED | EventKind.RECORDING_RESUMED:
            picture.recording_paused = event.kind is EventKind.RECORDING_PAUSED
        case EventKind.QUEUE_JOINED | EventKind.QUEUE_LEFT | EventKind.VOICEMAIL_STARTED:
            picture.queue = _text(event.data.get("queue")) or picture.queue
            picture.wanted = picture.wanted or event.kind is EventKind.QUEUE_JOINED
            picture.rings.clear()
            if event.kind is not EventKind.QUEUE_LEFT:  # also told after who has answered
                _leave_all(picture, event.at)
        case EventKind.ENDED:
            picture.ended = True
            picture.rings.clear()
            _leave_all(picture, event.at)
        case _:
            _before_people(picture, event)


def _phone(picture: CallPicture, event: CallEvent, operator: str) -> None:
    picture.wanted = True
    if event.kind is EventKind.OPERATOR_ANSWERED:
        if operator not in picture.talks:
            _leave_all(picture, event.at)
        picture.rings.clear()
        picture.talks[operator] = event.at
        picture.left.pop(operator, None)
    elif event.kind is EventKind.OPERATOR_MISSED:
        picture.rings.pop(operator, None)
    elif operator not in picture.talks:
        picture.rings[operator] = event.at


def _leave_all(picture: CallPicture, at: datetime) -> None:
    """The caller is with one operator or with none: what ended before was not heard, should it still be told
    as going on.
    """
    for one in list(picture.talks):
        _let_go(picture, one, at)


def _let_go(picture: CallPicture, operator: str, at: datetime) -> None:
    """The operator has the call no more."""
    if picture.talks.pop(operator, None) is not None:
        picture.left[operator] = at
    if not picture.talks:
        picture.held_since, picture.recording_paused = None, False


def _before_people(picture: CallPicture, event: CallEvent) -> None:
    data = event.data
    match event.kind:
        case EventKind.RECEIVED:
            picture.number = _text(data.get("caller")) or picture.number
            picture.number_raw = _text(data.get("caller_raw")) or picture.number_raw
            picture.line = _text(data.get("line")) or picture.line
            picture.outbound = data.get("direction") == Direction.OUTBOUND
        case EventKind.CUSTOMER_FOUND:
            picture.customer_id = _whole(data.get("customer_id"))
            picture.vip_level = _whole(data.get("vip_level")) or 0
        case EventKind.LANGUAGE:
            picture.language = _text(data.get("language")) or None
        case EventKind.MENU_CHOICE:
            picture.path.append(f"{_text(data.get('menu'))}: {_text(data.get('digit'))}")
        case EventKind.HANDED_OVER:
            picture.hand_over = _text(data.get("reason")) or None
            picture.wanted = True
        case EventKind.BOT_TURN:
            speaker = "caller" if data.get("speaker") == "caller" else "bot"
            picture.heard.append(Heard(speaker, _text(data.get("text")), event.at))
        case _:
            pass


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _whole(value: Value) -> int | None:
    return value if type(value) is int else None
