"""Calls that nobody took, as a list to call back: until somebody has, or says that it is seen to.

A call is missed that ended abandoned, or with a message, unless a promise to call back was kept or excused. A
later talk with the number, whoever rang, takes it off the list by itself. Reads calls, tickets and promises.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select, tuple_

from tickets.call import Call
from tickets.cards import ticket_of
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.paging import Page, page_of, page_size, read_cursor
from tickets.promise import STANDING
from tickets.rows import LARGEST, call_from
from tickets.sight import EVERYTHING, Sight, visible_to
from tickets.tables import CallRow, CustomerRow, PromiseRow, TicketRow
from tickets.ticket_book import touch, write_changed
from tickets.vocabulary import CallOutcome, Direction

LOOKS_BACK = timedelta(days=30)  # who was missed before that expects nobody's call any more
_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_promises = cast(Table, PromiseRow.__table__)
_later = _calls.alias()
_later_tickets = _tickets.alias()


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that nobody took."""

    call: Call
    ticket_number: int
    customer_name: str | None
    done_at: datetime | None  # marked off by a person
    done_by: str | None  # login
    talked_in: int | None  # number of the ticket of a later talk


class MissedBook:
    """The list of missed calls."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def page(
        self, *, done: bool = False, cursor: str | None = None, limit: int = 50, sight: Sight = EVERYTHING
    ) -> Page[Missed]:
        """Those still to be called, or those that are seen to; newest first. Raises `BadCursor`."""
        query = _MISSED.where(*self._missed(sight), _seen_to() if done else ~_seen_to())
        if cursor is not None:
            moment, call_id = read_cursor(cursor, datetime, str)
            before = tuple_(moment, call_id, types=[_calls.c.received_at.type, _calls.c.call_id.type])
            query = query.where(tuple_(_calls.c.received_at, _calls.c.call_id) < before)
        query = query.order_by(_calls.c.received_at.desc(), _calls.c.call_id.desc())
        async with self._sessions() as session:
            rows = await session.execute(query.limit(page_size(limit) + 1))
            return page_of(
                [_line(row) for row in rows], limit, lambda one: [one.call.received_at, one.call.call_id]
            )

    @use_case
    async def count(self, sight: Sight = EVERYTHING) -> int:
        """How many are still to be called."""
        query = select(func.count()).select_from(
            _calls.join(_tickets, _tickets.c.call_id == _calls.c.call_id)
        )
        async with self._sessions() as session:
            return await session.scalar(query.where(*self._missed(sight), ~_seen_to())) or 0

    @use_case
    async def mark(
        self, numbers: Collection[int], by: str, *, done: bool = True, sight: Sight = EVERYTHING
    ) -> list[int]:
        """Mark the missed calls of these tickets off, or put them back; numbers of those that changed.

        What is no missed call, and what the person does not see, is passed over.
        """
        now, changed = self._clock(), []
        among = _tickets.c.number.in_(sorted(number for number in numbers if 0 < number <= LARGEST))
        stands = _tickets.c.missed_done_at.is_(None) if done else _tickets.c.missed_done_at.is_not(None)
        query = select(_tickets.c.number).join(_calls, _calls.c.call_id == _tickets.c.call_id)
        query = query.where(among, stands, *self._missed(sight)).order_by(_tickets.c.number)
        async with writing(self._sessions) as session:
            for number in list(await session.scalars(query)):
                ticket = await ticket_of(session, number, lock=True)
                if (ticket.missed_done_at is None) is not done:
                    continue  # somebody was faster
                await write_changed(session, number, {"missed_done": [not done, done]}, by, now)
                values = {"missed_done_at": now if done else None, "missed_done_by": by if done else None}
                await touch(session, number, now, values)
                changed.append(number)
        return changed

    def _missed(self, sight: Sight) -> list[ColumnElement[bool]]:
        kept = exists().where(_promises.c.call_id == _calls.c.call_id, _promises.c.state.not_in(STANDING))
        return [
            _calls.c.outcome.in_([CallOutcome.ABANDONED, CallOutcome.VOICEMAIL]),
            _calls.c.received_at > self._clock() - LOOKS_BACK,
            _calls.c.direction == Direction.INBOUND,
            ~kept,
            visible_to(sight),
        ]


def _talked_later() -> ColumnElement[bool]:
    return and_(_later.c.caller == _calls.c.caller, _later.c.answered_at > _calls.c.ended_at)


def _seen_to() -> ColumnElement[bool]:
    return or_(_tickets.c.missed_done_at.is_not(None), exists().where(_talked_later()))


_TALKED_IN = (
    select(func.min(_later_tickets.c.number))
    .join(_later, _later.c.call_id == _later_tickets.c.call_id)
    .where(_talked_later())
    .scalar_subquery()
)
_MISSED: Select[Any] = (
    select(
        *(column for column in _calls.c if column.name != "customer_id"),
        _tickets.c.customer_id,
        _tickets.c.number.label("ticket_number"),
        _tickets.c.missed_done_at,
        _tickets.c.missed_done_by,
        _customers.c.name.label("customer_name"),
        _TALKED_IN.label("talked_in"),
    )
    .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
    .outerjoin(_customers, _customers.c.id == _tickets.c.customer_id)
)


def _line(row: Any) -> Missed:
    return Missed(
        call_from(row._asdict()),
        row.ticket_number,
        row.customer_name,
        row.missed_done_at,
        row.missed_done_by,
        row.talked_in,
    )
