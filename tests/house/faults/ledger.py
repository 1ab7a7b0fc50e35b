"""What the ledger holds of a run's calls, read past the service. Knows tables, nothing of faults."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from recordings.tables import Recording
from tickets.database import Sessions
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallState


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is of one call."""

    tickets: int = 0
    ended: bool = False
    taped: bool = False  # there is a row: a recording, or the reason why there is none
    seconds: float | None = None
    reason: str | None = None

    @property
    def complete(self) -> bool:
        return self.tickets == 1 and self.ended and self.taped


async def look(sessions: Sessions, calls: Collection[str]) -> dict[str, Kept]:
    """What is kept of these calls; of an unknown one, nothing."""
    async with sessions() as session:
        tickets = dict(
            (await session.execute(select(TicketRow.call_id, func.count()).group_by(TicketRow.call_id))).all()
        )
        states = dict((await session.execute(select(CallRow.call_id, CallRow.state))).all())
        tapes = {
            call_id: (seconds, reason)
            for call_id, seconds, reason in await session.execute(
                select(Recording.call_id, Recording.seconds, Recording.missing_reason)
            )
        }
    return {
        call: Kept(
            tickets.get(call, 0),
            states.get(call) is CallState.ENDED,
            call in tapes,
            *tapes.get(call, (None, None)),
        )
        for call in calls
    }


async def all_calls(sessions: Sessions, but_of: Collection[str] = ()) -> set[str]:
    """Every call that the ledger knows, except those of some numbers."""
    async with sessions() as session:
        return set(
            await session.scalars(select(CallRow.call_id).where(CallRow.caller_raw.not_in(list(but_of))))
        )


async def of_nobody(sessions: Sessions) -> set[str]:
    """Calls that the ledger has, but not who called."""
    async with sessions() as session:
        return set(await session.scalars(select(CallRow.call_id).where(CallRow.caller_raw == "")))
