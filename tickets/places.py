"""Since when callers have a place in a queue, and how important they are: what their turn depends on.

Reads the ledger and the promise list; decides nothing. The first joining counts: who comes back to a queue (a
transfer that nobody answered) keeps their place, and so does who is called back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from tickets.database import Sessions, use_case
from tickets.tables import CallEventRow, CallRow, PromiseAttemptRow, PromiseRow
from tickets.vocabulary import EventKind

AT_ONCE = 1000  # callers in one question


@dataclass(frozen=True, slots=True)
class Place:
    """One caller's place."""

    since: datetime
    vip_level: int


class PlaceBook:
    """Reads the places."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def of(self, call_ids: Collection[str]) -> dict[str, Place]:
        """The places of those calls that the ledger knows to have joined a queue."""
        wanted = sorted(call_ids)[:AT_ONCE]
        event, call, attempt, promise = CallEventRow, CallRow, PromiseAttemptRow, PromiseRow
        joined = (
            select(event.call_id, func.min(event.at), call.vip_level)
            .join(call, call.call_id == event.call_id)
            .where(event.call_id.in_(wanted), event.kind == EventKind.QUEUE_JOINED)
            .group_by(event.call_id, call.vip_level)
        )
        kept = (
            select(attempt.call_id, promise.place_since, promise.vip_level)
            .join(promise, promise.id == attempt.promise_id)
            .where(attempt.call_id.in_(wanted))
        )
        async with self._sessions() as session:
            places = {call_id: Place(at, level) for call_id, at, level in await session.execute(joined)}
            for call_id, since, level in await session.execute(kept):
                if (place := places.get(call_id)) is not None:
                    places[call_id] = Place(min(place.since, since), max(place.vip_level, level))
        return places
