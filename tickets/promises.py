"""The promise list: who was promised a call-back, and what people at the desk do with it.

A promise is never deleted and ends in one of three ways only: we called, the person was reached another way,
or somebody wrote why it is not kept. The attempts to call are in `call_backs.py`, what may follow what in the
pure `promise.py`. Knows no HTTP and no PBX.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.customers import NotFound
from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.desk import NotAllowed
from tickets.paging import Page, page_of, page_size, read_cursor
from tickets.promise import STANDING, Attempt, NewPromise, Promise, may_move
from tickets.rows import LARGEST, clean_text
from tickets.sight import EVERYTHING, Sight
from tickets.tables import CallRow, CustomerRow, PromiseAttemptRow, PromiseRow, TicketRow
from tickets.vocabulary import PromiseSource, PromiseState

LONGEST_REASON = 1000  # characters
_RACES = 4  # rounds: one to add, one to read it back, and two for whoever comes between

promises = cast(Table, PromiseRow.__table__)
attempts = cast(Table, PromiseAttemptRow.__table__)
_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_PROMISE = tuple(field.name for field in fields(Promise))
_ATTEMPT = tuple(field.name for field in fields(Attempt))


class BadReason(Exception):
    """A promise is excused with a reason, for whoever asks later."""


@dataclass(frozen=True, slots=True)
class TriedCall:
    """An attempt, with the ticket of its call: only a call that was answered has one."""

    attempt: Attempt
    ticket_number: int | None


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """A promise in the list, with what people want to see beside it."""

    promise: Promise
    customer_name: str | None
    ticket_number: int | None  # of the call in which it was promised; None: the ledger does not have it yet
    ended_ticket: int | None  # of the call in which they talked
    tried: tuple[TriedCall, ...]  # oldest first


class PromiseBook:
    """The list's use cases, one transaction each."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def promise(self, new: NewPromise) -> Promise:
        """Put a promise on the list. When this returns, it is kept, whatever happens to this process.

        The same call promised again gives the promise that it has. Who was promised a call-back before and
        still waits for it gets a row that is joined to the first one, which keeps the earlier place.
        """
        async with writing(self._sessions) as session:
            return await add(session, new, self._clock())

    @use_case
    async def page(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        over: bool | None = None,
        needs_a_person: bool = False,
        sight: Sight = EVERYTHING,
    ) -> Page[PromiseLine]:
        """Promises, newest first. Raises `BadCursor`.

        `over`: those that have ended, or (False) have not. `needs_a_person`: only `Promise.needs_a_person`.
        """
        stands = promises.c.state.in_(STANDING)
        query = _LINES.where(_visible_to(sight))
        if over is not None:
            query = query.where(~stands if over else stands)
        if needs_a_person:
            left = (promises.c.due_at.is_(None), promises.c.joined_to.is_(None))
            query = query.where(promises.c.state == PromiseState.OPEN, *left)
        if cursor is not None:
            query = query.where(promises.c.id < read_cursor(cursor, int)[0])
        async with self._sessions() as session:
            rows = await session.execute(query.order_by(promises.c.id.desc()).limit(page_size(limit) + 1))
            lines = await _lines(session, rows)
        return page_of(lines, limit, lambda line: [line.promise.id])

    @use_case
    async def line(self, promise_id: int, sight: Sight = EVERYTHING) -> PromiseLine:
        """One promise. Raises `NotFound`."""
        async with self._sessions() as session:
            return await _line(session, promise_id, sight)

    @use_case
    async def about_call(self, call_id: str) -> PromiseLine | None:
        """The promise that was made in a call, or that the call was to keep."""
        tried = select(attempts.c.promise_id).where(attempts.c.call_id == clean_text(call_id))
        query = _LINES.where(or_(promises.c.call_id == clean_text(call_id), promises.c.id.in_(tried)))
        async with self._sessions() as session:
            lines = await _lines(session, await session.execute(query.limit(1)))
        return lines[0] if lines else None

    @use_case
    async def standing(self) -> int:
        """How many people wait for a call-back."""
        query = select(func.count()).select_from(promises)
        async with self._sessions() as session:
            waiting = query.where(promises.c.state.in_(STANDING), promises.c.joined_to.is_(None))
            return await session.scalar(waiting) or 0

    @use_case
    async def reach(self, promise_id: int, by: str, how: str = "") -> PromiseLine:
        """A person says that they have talked another way. Raises `NotFound`, `NotAllowed`, `BadReason`.

        `by`: login. `how`: in their words, may be empty.
        """
        return await self._end(promise_id, PromiseState.REACHED, by, _reason(how))

    @use_case
    async def excuse(self, promise_id: int, by: str, reason: str) -> PromiseLine:
        """A person says why nobody will call. Raises `NotFound`, `NotAllowed`, `BadReason`."""
        text = _reason(reason)
        if text is None:
            raise BadReason("Say why nobody will call: a promise is not excused without a reason.")
        return await self._end(promise_id, PromiseState.EXCUSED, by, text)

    @use_case
    async def call_now(self, promise_id: int) -> PromiseLine:
        """The house is to call, as soon as an operator is free. Raises `NotFound`, `NotAllowed`."""
        async with writing(self._sessions) as session:
            found = await _locked(session, promise_id)
            if found.number is None:
                raise NotAllowed("There is no number to call: listen to the message.")
            if found.joined_to is not None:
                raise NotAllowed("The person has an earlier promise: let that one be called.")
            if found.state is not PromiseState.OPEN:
                raise NotAllowed(f"This promise is {found.state} and cannot be called now.")
            due = update(promises).where(promises.c.id == found.id).values(due_at=self._clock())
            await session.execute(due)
            return await _line(session, found.id)

    async def _end(self, promise_id: int, state: PromiseState, by: str, reason: str | None) -> PromiseLine:
        async with writing(self._sessions) as session:
            found = await _locked(session, promise_id)
            if found.joined_to is not None:
                raise NotAllowed(
                    "The person has an earlier promise: end that one, and this one ends with it."
                )
            if not may_move(found.state, state):
                busy = found.state is PromiseState.CALLING
                raise NotAllowed(
                    "The person is being called right now: see first what comes of it."
                    if busy
                    else f"This promise is {found.state} already."
                )
            await end(session, found.id, state, self._clock(), by=by, reason=reason)
            return await _line(session, found.id)


async def add(session: AsyncSession, new: NewPromise, now: datetime) -> Promise:
    """`PromiseBook.promise` in the session's transaction."""
    row = {field.name: getattr(new, field.name) for field in fields(NewPromise)}
    row |= {"promised_at": now, "state": PromiseState.OPEN, "attempts": 0}
    # A message has to be heard first: people call back, or tell the house to.
    row["due_at"] = now if new.source is PromiseSource.QUEUE and new.number else None
    for _ in range(_RACES):
        if (known := await _of_call(session, new.call_id)) is not None:
            return known
        first = await _standing(session, new.number)
        row["joined_to"] = None if first is None else first.id
        # Somebody else's row for the same person may come between: then look again, and join it.
        added = await session.scalar(insert_new(session, promises).values(row).returning(promises.c.id))
        if added is not None and first is not None:
            await _improve(session, first, new, row["due_at"])
    raise RuntimeError("a promise was neither new nor known")


async def _of_call(session: AsyncSession, call_id: str) -> Promise | None:
    row = (await session.execute(select(promises).where(promises.c.call_id == call_id))).first()
    return None if row is None else promise_of(row)


async def _standing(session: AsyncSession, number: str | None) -> Promise | None:
    if number is None:
        return None
    query = select(promises).where(
        promises.c.number == number, promises.c.joined_to.is_(None), promises.c.state.in_(STANDING)
    )
    row = (await session.execute(query.with_for_update())).first()
    return None if row is None else promise_of(row)


async def _improve(session: AsyncSession, first: Promise, new: NewPromise, due_at: datetime | None) -> None:
    # The better of both places, and a house that gave up tries again for who asks again.
    better = update(promises).where(promises.c.id == first.id)
    await session.execute(
        better.values(
            place_since=min(first.place_since, new.place_since),
            vip_level=max(first.vip_level, new.vip_level),
            due_at=first.due_at or (due_at if first.state is PromiseState.OPEN else None),
        )
    )


async def end(
    session: AsyncSession,
    promise_id: int,
    state: PromiseState,
    now: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
    ended_in: str | None = None,
) -> None:
    """End a standing promise, and with it those that joined it, in the session's transaction."""
    # The lock first: who joins it at this moment has the row, and has to be seen by what ends both.
    await session.execute(select(promises.c.id).where(promises.c.id == promise_id).with_for_update())
    both = or_(promises.c.id == promise_id, promises.c.joined_to == promise_id)
    await session.execute(
        update(promises)
        .where(both, promises.c.state.in_(STANDING))
        .values(state=state, ended_at=now, ended_by=by, reason=reason, ended_in=ended_in, due_at=None)
    )


def promise_of(row: Any) -> Promise:
    """The promise of a row of `promises`, or of one that begins with its columns."""
    columns = row._mapping
    return Promise(**{name: columns[name] for name in _PROMISE})


async def _locked(session: AsyncSession, promise_id: int) -> Promise:
    row = None
    if 0 < promise_id <= LARGEST:
        query = select(promises).where(promises.c.id == promise_id).with_for_update()
        row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("There is no such promise.")
    return promise_of(row)


def _visible_to(sight: Sight) -> ColumnElement[bool]:
    # As a call: by its queue; one that names none is nobody's, and everybody's to keep.
    return true() if sight.everything else promises.c.queue.in_(["", *sorted(sight.queues)])


async def _line(session: AsyncSession, promise_id: int, sight: Sight = EVERYTHING) -> PromiseLine:
    wanted = promise_id if 0 < promise_id <= LARGEST else 0
    query = _LINES.where(promises.c.id == wanted, _visible_to(sight))
    lines = await _lines(session, await session.execute(query))
    if not lines:
        raise NotFound("There is no such promise.")
    return lines[0]


async def _lines(session: AsyncSession, rows: Any) -> list[PromiseLine]:
    found = list(rows)
    tried: dict[int, list[TriedCall]] = {}
    query = (
        select(attempts, _tickets.c.number.label("ticket_number"))
        .outerjoin(_tickets, _tickets.c.call_id == attempts.c.call_id)
        .where(attempts.c.promise_id.in_([row.id for row in found]))
        .order_by(attempts.c.promise_id, attempts.c.number)
    )
    for row in await session.execute(query):
        attempt = Attempt(**{name: row._mapping[name] for name in _ATTEMPT})
        tried.setdefault(attempt.promise_id, []).append(TriedCall(attempt, row.ticket_number))
    return [
        PromiseLine(
            promise_of(row),
            row.customer_name,
            row.ticket_number,
            row.ended_ticket,
            tuple(tried.get(row.id, ())),
        )
        for row in found
    ]


def _reason(text: str) -> str | None:
    text = clean_text(text).strip()
    if len(text) > LONGEST_REASON:
        raise BadReason(f"The reason has {len(text)} characters: shorten it to {LONGEST_REASON}.")
    return text or None


_ended_tickets = _tickets.alias()
_LINES: Select[Any] = (
    select(
        promises,
        _tickets.c.number.label("ticket_number"),
        _ended_tickets.c.number.label("ended_ticket"),
        _customers.c.name.label("customer_name"),
    )
    .outerjoin(_tickets, _tickets.c.call_id == promises.c.call_id)
    .outerjoin(_calls, _calls.c.call_id == promises.c.call_id)
    .outerjoin(_customers, _customers.c.id == _calls.c.customer_id)
    .outerjoin(_ended_tickets, _ended_tickets.c.call_id == promises.c.ended_in)
)
