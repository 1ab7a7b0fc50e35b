"""What a call is, and how its ledger is read: `replay` turns call events into one `Call`.

Pure: no I/O, no clock. The only place in the house that derives the state of a call; nobody sets it.
`docs/states.md` draws the transitions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tickets.events import CallEvent
from tickets.vocabulary import CallOutcome, CallState, Direction, HandOver


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

    Raises:
        ValueError: no events, or events of more than one call.
    """
    raise NotImplementedError
