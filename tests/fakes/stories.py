"""Calls as the sources tell them, for tests: whole stories in the order in which they happened."""

from datetime import UTC, datetime, timedelta

from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def event(
    kind: EventKind,
    seconds: float,
    *,
    call_id: str = "pz-1763715600",
    source: str = "ami",
    source_id: str | None = None,
    sequence: int = 0,
    **data: Value,
) -> CallEvent:
    """An event `seconds` after the start."""
    at = START + timedelta(seconds=seconds)
    return CallEvent(source, source_id or f"{call_id}:{kind}:{seconds}", call_id, at, kind, data, sequence)


def answered_by_operator(call_id: str = "pz-1763715600") -> list[CallEvent]:
    """Menu, zero, queue for 20 s, operator 101 for 60 s."""
    tell = [
        (
            EventKind.RECEIVED,
            0,
            {"caller_raw": "0800 5550123", "caller": "+18005550123", "line": "+18005550100"},
        ),
        (EventKind.MENU_ENTERED, 1, {"menu": "main"}),
        (EventKind.MENU_CHOICE, 4, {"menu": "main", "digit": "0"}),
        (EventKind.HANDED_OVER, 4.5, {"reason": "pressed_zero"}),
        (EventKind.QUEUE_JOINED, 5, {"queue": "support", "priority": 0}),
        (EventKind.OPERATOR_RINGING, 6, {"operator": "101"}),
        (EventKind.QUEUE_LEFT, 25, {"queue": "support", "reason": "answered"}),
        (EventKind.OPERATOR_ANSWERED, 25.5, {"operator": "101", "hold_seconds": 20, "ring_seconds": 19}),
        (EventKind.OPERATOR_LEFT, 85.5, {"operator": "101", "talk_seconds": 60}),
        (EventKind.ENDED, 86, {"cause": "16"}),
    ]
    return [event(kind, seconds, call_id=call_id, **data) for kind, seconds, data in tell]


def answered_by_bot(call_id: str = "pz-1763715600") -> list[CallEvent]:
    """Menu, bot for 12 s about the next draw, answered."""
    tell = [
        (EventKind.RECEIVED, 0, {"caller_raw": "anonymous", "caller": None, "line": "+18005550100"}),
        (EventKind.MENU_ENTERED, 1, {"menu": "main"}),
        (EventKind.BOT_STARTED, 4, {}),
        (
            EventKind.BOT_TURN,
            8,
            {"speaker": "caller", "text": "when is the next draw", "intent": "next_draw"},
        ),
        (EventKind.BOT_ENDED, 16, {"answered": True, "topic": "next_draw"}),
        (EventKind.ENDED, 17, {"cause": "16"}),
    ]
    return [event(kind, seconds, call_id=call_id, **data) for kind, seconds, data in tell]
