"""The ledger on disk: appends call events and keeps calls and tickets in step with them.

Knows the tables and nothing above this room. What a call becomes is decided by the pure `call.replay`; this
file only stores it, and `projection.py` does the same for what hangs on a call.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.call import Call, replay
from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.events import CallEvent
from tickets.jobs import enqueue_all
from tickets.order import in_order
from tickets.projection import TicketRecord, keep_tickets, link_customers
from tickets.rows import call_from, call_row, event_from, event_row, storable
from tickets.tables import CallEventRow, CallRow
from tickets.vocabulary import CallState

log = structlog.get_logger()

INTAKE_JOB = "recording.intake"  # key: call_id; asked for once, when a call has ended
BATCH = 1000  # events per transaction: a longer one would keep other writers waiting

Key = tuple[str, str]  # (source, source_id) of an event

_calls = cast(Table, CallRow.__table__)
_events = cast(Table, CallEventRow.__table__)


@dataclass(frozen=True, slots=True)
class CallChange:
    """One new entry of the ledger and what it led to."""

    event: CallEvent
    call: Call  # after all events of the same `record`
    ticket_number: int
    first: bool  # the first event ever of this call


@dataclass(slots=True)
class _Known:
    """What this process knows of a call; true as long as the row's revision is the same."""

    revision: int
    events: dict[Key, CallEvent]
    customer_id: int | None  # the row's
    ended: bool
    ticket: TicketRecord | None


class CallBook:
    """Writes the ledger.

    Events of recent calls are kept in memory so that a batch need not read them again; the row's revision
    tells whether another process has written meanwhile, and the database always wins.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        deadline_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
        remembered_calls: int = 1024,
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock
        self._remembered_calls = remembered_calls
        self._known: OrderedDict[str, _Known] = OrderedDict()
        # Events of a `record` that failed: they may be in the ledger or not, but nobody was told of them.
        self._untold: set[Key] = set()

    async def record(self, events: Sequence[CallEvent]) -> list[CallChange]:
        """Append events; repeats are ignored, only what was new is returned.

        Up to `BATCH` events are one transaction. When a `record` fails, the next one with the same events
        returns them even if they had reached the ledger after all.

        Raises:
            DatabaseTrouble: call again with the same events; what was stored already will not be doubled.
        """
        changes: list[CallChange] = []
        try:
            for start in range(0, len(events), BATCH):
                changes += await self._record(events[start : start + BATCH])
        except BaseException:
            self._untold |= {_key(storable(event)) for event in events}
            raise
        self._untold -= {_key(change.event) for change in changes}
        return changes

    @use_case
    async def events_of(self, call_id: str) -> list[CallEvent]:
        """The call's ledger in the order in which `replay` reads it; empty for an unknown call."""
        async with self._sessions() as session:
            rows = await session.execute(select(_events).where(_events.c.call_id == call_id))
            return in_order(event_from(row._asdict()) for row in rows)

    @use_case
    async def unfinished_calls(self) -> list[Call]:
        """Calls that have not ended as far as the ledger knows, oldest first."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(_calls).where(_calls.c.state != CallState.ENDED).order_by(_calls.c.received_at)
            )
            return [call_from(row._asdict()) for row in rows]

    @use_case
    async def calls_among(self, call_ids: Collection[str]) -> dict[str, Call]:
        """Those of the given calls that the ledger knows, by their ids."""
        wanted, known = list(call_ids), dict[str, Call]()
        async with self._sessions() as session:
            for start in range(0, len(wanted), BATCH):  # a statement takes some 32,000 values at most
                some = select(_calls).where(_calls.c.call_id.in_(wanted[start : start + BATCH]))
                for row in await session.execute(some):
                    known[row.call_id] = call_from(row._asdict())
        return known

    @use_case
    async def _record(self, events: Sequence[CallEvent]) -> list[CallChange]:
        fresh = self._not_yet_known(events)
        if not fresh:
            return []
        stories: dict[str, list[CallEvent]] = {}
        for event in fresh.values():
            stories.setdefault(event.call_id, []).append(event)
        async with writing(self._sessions) as session:
            known = await self._lock(session, sorted(stories))
            if missing := sorted(stories.keys() - known.keys()):
                await _make_room(session, [stories[call_id] for call_id in missing])
                known |= await self._lock(session, missing)
            begun = {call_id for call_id, call in known.items() if call.events.keys() - self._untold}
            added = await _append(session, fresh, known, self._untold)
            calls = await self._project(
                session, {fresh[key].call_id: known[fresh[key].call_id] for key in added}
            )
            await _clear_away(session, [call_id for call_id in known if not known[call_id].events])
        self._remember({call_id: call for call_id, call in known.items() if call.events})
        changes = []
        for event in map(fresh.__getitem__, added):
            ticket = cast(TicketRecord, known[event.call_id].ticket)
            changes.append(CallChange(event, calls[event.call_id], ticket.number, event.call_id not in begun))
            begun.add(event.call_id)
        return changes

    def _not_yet_known(self, events: Iterable[CallEvent]) -> dict[Key, CallEvent]:
        fresh: dict[Key, CallEvent] = {}
        for event in map(storable, events):
            key = _key(event)
            known = self._known.get(event.call_id)
            if known is None or key not in known.events or key in self._untold:
                fresh.setdefault(key, event)
        return fresh

    async def _lock(self, session: AsyncSession, call_ids: list[str]) -> dict[str, _Known]:
        """Lock the calls against other writers and know all their events of before."""
        # Always in the order of call_id: two nodes with the same calls must not wait for each other.
        rows = await session.execute(
            select(_calls.c.call_id, _calls.c.revision, _calls.c.customer_id, _calls.c.state)
            .where(_calls.c.call_id.in_(call_ids))
            .order_by(_calls.c.call_id)
            .with_for_update()
        )
        known: dict[str, _Known] = {}
        unread: list[str] = []
        for call_id, revision, customer_id, state in rows:
            remembered = self._known.get(call_id)
            if remembered is not None and remembered.revision == revision:
                known[call_id] = replace(remembered, events=dict(remembered.events))
            else:
                known[call_id] = _Known(revision, {}, customer_id, state is CallState.ENDED, None)
                if revision:  # 0: we have just made the row
                    unread.append(call_id)
        if unread:
            for row in await session.execute(select(_events).where(_events.c.call_id.in_(unread))):
                event = event_from(row._asdict())
                known[event.call_id].events[_key(event)] = event
        return known

    async def _project(self, session: AsyncSession, known: dict[str, _Known]) -> dict[str, Call]:
        """Bring the rows of calls and tickets up to the events, and ask for the recordings of ended calls."""
        calls = {call_id: replay(call.events.values()) for call_id, call in known.items()}
        owners = {call_id: call.customer_id for call_id, call in known.items()}
        calls = await link_customers(session, calls, owners)
        if calls:
            await session.execute(
                update(_calls).where(_calls.c.call_id == bindparam("of_call")),
                [
                    call_row(call) | {"of_call": call_id, "revision": known[call_id].revision + 1}
                    for call_id, call in calls.items()
                ],
            )
        had = {call_id: call.ticket for call_id, call in known.items()}
        tickets = await keep_tickets(session, calls, had, self._clock())
        over = [call_id for call_id, call in calls.items() if call.ended and not known[call_id].ended]
        await enqueue_all(session, INTAKE_JOB, over, self._clock())
        for call_id, call in calls.items():
            entry = known[call_id]
            entry.revision += 1
            entry.customer_id = call.customer_id
            entry.ended = call.ended
            entry.ticket = tickets[call_id]
        return calls

    def _remember(self, known: dict[str, _Known]) -> None:
        for call_id, entry in known.items():
            self._known[call_id] = entry
            self._known.move_to_end(call_id)
        while len(self._known) > self._remembered_calls:
            self._known.popitem(last=False)


def _key(event: CallEvent) -> Key:
    return (event.source, event.source_id)


async def _make_room(session: AsyncSession, stories: Iterable[list[CallEvent]]) -> None:
    """Give new calls a row, which can then be locked. Its content follows with the projection."""
    rows = [call_row(Call(call_id=story[0].call_id, received_at=story[0].at)) for story in stories]
    await session.execute(insert_new(session, _calls), [row | {"revision": 0} for row in rows])


async def _append(
    session: AsyncSession, fresh: dict[Key, CallEvent], known: dict[str, _Known], untold: set[Key]
) -> list[Key]:
    """Append what is new to the ledger and to `known`; which events nobody was told of yet.

    The calls are locked and all their events known, so nothing need be asked for each event.
    """
    new = [key for key, event in fresh.items() if key not in known[event.call_id].events]
    if new:
        await session.execute(insert_new(session, _events), [event_row(fresh[key]) for key in new])
    for key in new:
        known[fresh[key].call_id].events[key] = fresh[key]
    among_them = _events.c.call_id.in_(known.keys())
    stored = await session.scalar(select(func.count()).select_from(_events).where(among_them))
    if stored != sum(len(call.events) for call in known.values()):
        # A source told one event of two calls; the ledger has it for the call of which it was told first.
        rows = await session.execute(
            select(_events.c.call_id, _events.c.source, _events.c.source_id).where(among_them)
        )
        ours = {(call_id, (source, source_id)) for call_id, source, source_id in rows}
        for call_id, call in known.items():
            call.events = {key: event for key, event in call.events.items() if (call_id, key) in ours}
        log.warning("a source told one event of two calls", action="event_of_two_calls")
    to_tell = untold.union(new)
    return [key for key, event in fresh.items() if key in to_tell and key in known[event.call_id].events]


async def _clear_away(session: AsyncSession, call_ids: list[str]) -> None:
    """Take back the rows of calls that have no event of their own after all."""
    if call_ids:
        await session.execute(delete(_calls).where(_calls.c.call_id.in_(call_ids)))
