"""The ledger on disk: appends call events and keeps calls and tickets in step with them.

Knows the tables and nothing above this room. What a call or a ticket becomes is decided by the pure
`call.replay` and `workflow.follow`; this file only stores it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tickets.call import Call
from tickets.database import Sessions, utc_now
from tickets.events import CallEvent


@dataclass(frozen=True, slots=True)
class CallChange:
    """One new entry of the ledger and what it led to."""

    event: CallEvent
    call: Call  # after all events of the same `record`
    ticket_number: int
    first: bool  # the first event ever of this call


class CallBook:
    """Writes the ledger."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None: ...

    async def record(self, events: Sequence[CallEvent]) -> list[CallChange]:
        """Append events; repeats are ignored, only what was new is returned.

        Raises:
            DatabaseTrouble: nothing is lost; call again with the same events.
        """
        raise NotImplementedError

    async def events_of(self, call_id: str) -> list[CallEvent]:
        """The call's ledger in the order in which `replay` reads it; empty for an unknown call."""
        raise NotImplementedError

    async def unfinished_calls(self) -> list[Call]:
        """Calls that have not ended as far as the ledger knows."""
        raise NotImplementedError
