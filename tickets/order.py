"""The order in which a call's events are read, whatever their clocks say.

Pure: no I/O, no clock. Knows in which order things can happen to a caller; what they do to the call is for
`call.replay` to say.
"""

from collections.abc import Iterable
from datetime import datetime

from tickets.events import CallEvent
from tickets.vocabulary import EventKind

# A caller goes from the first ring through menu and bot to people, never back: so it is in the dialplan.
# Reception and bot tell by our clock, of everything from the queue on only the PBX tells.
_WITH_PEOPLE, _AT_LAST = 7, 9
_PLACES: dict[EventKind, int] = {
    EventKind.RECEIVED: 0,
    EventKind.FOUND: 1,
    EventKind.CUSTOMER_FOUND: 1,
    EventKind.LANGUAGE: 2,
    EventKind.MENU_ENTERED: 2,
    EventKind.MENU_CHOICE: 2,
    EventKind.ANNOUNCED: 2,
    EventKind.BOT_STARTED: 3,
    EventKind.BOT_TURN: 4,
    EventKind.BOT_LEARNT: 4,
    EventKind.BOT_ENDED: 5,
    EventKind.HANDED_OVER: 6,
    EventKind.ENDED: 8,
}


def in_order(events: Iterable[CallEvent]) -> list[CallEvent]:
    """Each event once, in the order in which a call is read.

    The clocks of the PBX and of this house need not agree, and each may be set while a call lasts. What
    different clocks tell is therefore put in the order in which it must have happened (`_PLACES`), whatever
    the times say; only what one clock tells is read by time.
    """
    once = {(event.source, event.source_id): event for event in events}
    return sorted(once.values(), key=_place)


def _place(event: CallEvent) -> tuple[int, datetime, str, int, str]:
    place = _AT_LAST if is_tape(event) else _PLACES.get(event.kind, _WITH_PEOPLE)
    return (place, event.at, event.source, event.sequence, event.source_id)


def is_tape(event: CallEvent) -> bool:
    """A recording that lay in the spool: the call is over, though nobody saw the end."""
    return event.kind is EventKind.FOUND and event.data.get("how") == "recording"
