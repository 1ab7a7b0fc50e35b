"""What people at the desk read: lists, and everything on a ticket's page.

Reads go straight to the tables. Knows no HTTP; errors are named here and mapped to status codes by the web.
What people do with a ticket is in `ticket_book.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack, cast

from sqlalchemy import Table, select, tuple_

from tickets.call import Call
from tickets.cards import TICKETS, Note, note_of, ticket_of, tickets_of
from tickets.cards import Ticket as Ticket
from tickets.customers import Customer, customer_of, with_numbers
from tickets.customers import NotFound as NotFound
from tickets.database import Sessions, use_case
from tickets.events import CallEvent
from tickets.filters import CallFilter, TicketFilter, call_clauses, ticket_clauses
from tickets.order import in_order
from tickets.paging import LARGEST_PAGE, Page, page_of, page_size, read_cursor
from tickets.paging import BadCursor as BadCursor
from tickets.rows import LARGEST, call_from, clean_text, event_from
from tickets.sight import EVERYTHING, Sight, visible_to
from tickets.tables import CallEventRow, CallRow, CustomerRow, TicketNoteRow, TicketRow
from tickets.vocabulary import CallState

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_events = cast(Table, CallEventRow.__table__)
_customers = cast(Table, CustomerRow.__table__)


class NotAllowed(Exception):
    """The workflow does not lead from the present status to the wanted one."""


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """Everything on a ticket's page, except the recording."""

    ticket: Ticket
    call: Call
    customer: Customer | None
    events: list[CallEvent]
    notes: list[Note]


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call in a list, with the number of its ticket and the name of its customer."""

    call: Call
    ticket_number: int
    customer_name: str | None


class Desk:
    """The desk's use cases, one transaction each."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def calls(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        sight: Sight = EVERYTHING,
        **wanted: Unpack[CallFilter],
    ) -> Page[CallLine]:
        """Calls by time of the first ring, newest first. Raises `BadCursor`."""
        query = _CALLS.where(visible_to(sight), *call_clauses(wanted))
        place = tuple_(_calls.c.received_at, _calls.c.call_id)
        if cursor is not None:
            moment, call_id = read_cursor(cursor, datetime, str)
            before = tuple_(moment, call_id, types=[_calls.c.received_at.type, _calls.c.call_id.type])
            query = query.where(place < before)
        async with self._sessions() as session:
            rows = await session.execute(
                query.order_by(_calls.c.received_at.desc(), _calls.c.call_id.desc()).limit(
                    page_size(limit) + 1
                )
            )
            return page_of(
                [_call_line(row) for row in rows],
                limit,
                lambda line: [line.call.received_at, line.call.call_id],
            )

    @use_case
    async def calls_in_progress(self, sight: Sight = EVERYTHING) -> list[CallLine]:
        """Calls that have not ended, oldest first; the oldest `LARGEST_PAGE` of them."""
        query = _CALLS.where(_calls.c.state != CallState.ENDED, visible_to(sight))
        query = query.order_by(_calls.c.received_at)
        async with self._sessions() as session:
            return [_call_line(row) for row in await session.execute(query.limit(LARGEST_PAGE))]

    @use_case
    async def call(self, call_id: str) -> CallLine:
        """One call. Raises `NotFound`."""
        async with self._sessions() as session:
            row = (await session.execute(_CALLS.where(_calls.c.call_id == clean_text(call_id)))).first()
        if row is None:
            raise NotFound("There is no such call.")
        return _call_line(row)

    @use_case
    async def tickets(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        sight: Sight = EVERYTHING,
        **wanted: Unpack[TicketFilter],
    ) -> Page[Ticket]:
        """Tickets by number, newest first. Raises `BadCursor`."""
        query = TICKETS.where(visible_to(sight), *ticket_clauses(wanted))
        if cursor is not None:
            query = query.where(_tickets.c.number < read_cursor(cursor, int)[0])
        async with self._sessions() as session:
            rows = await session.execute(query.order_by(_tickets.c.number.desc()).limit(page_size(limit) + 1))
            return page_of(await tickets_of(session, rows), limit, lambda ticket: [ticket.number])

    @use_case
    async def must_see(self, number: int, sight: Sight) -> None:
        """Raises `NotFound` where the ticket is not there for who asks."""
        query = select(_tickets.c.number).join(_calls, _calls.c.call_id == _tickets.c.call_id)
        seen = query.where(_tickets.c.number == (number if 0 < number <= LARGEST else 0), visible_to(sight))
        async with self._sessions() as session:
            if await session.scalar(seen) is None:
                raise NotFound(f"There is no ticket PZ-{1000 + number}.")

    @use_case
    async def ticket(self, number: int) -> TicketDetail:
        """Everything about a ticket. Raises `NotFound`."""
        async with self._sessions() as session:
            ticket = await ticket_of(session, number)
            call = (await session.execute(select(_calls).where(_calls.c.call_id == ticket.call_id))).one()
            events = await session.execute(select(_events).where(_events.c.call_id == ticket.call_id))
            notes = await session.scalars(
                select(TicketNoteRow).where(TicketNoteRow.number == number).order_by(TicketNoteRow.id)
            )
            return TicketDetail(
                ticket=ticket,
                call=call_from(call._asdict()),
                customer=await customer_of(session, ticket.customer_id) if ticket.customer_id else None,
                events=in_order(event_from(row._asdict()) for row in events),
                notes=[note_of(row) for row in notes],
            )

    @use_case
    async def customers(self, *, cursor: str | None = None, limit: int = 50) -> Page[Customer]:
        """Customers, newest card first. Raises `BadCursor`."""
        query = select(CustomerRow).order_by(CustomerRow.id.desc()).limit(page_size(limit) + 1)
        if cursor is not None:
            query = query.where(CustomerRow.id < read_cursor(cursor, int)[0])
        async with self._sessions() as session:
            customers = await with_numbers(session, await session.scalars(query))
            return page_of(customers, limit, lambda customer: [customer.id])


_CALLS = (
    select(
        *(column for column in _calls.c if column.name != "customer_id"),
        _tickets.c.customer_id,  # whose call it is may have been chosen by a person
        _tickets.c.number.label("ticket_number"),
        _customers.c.name.label("customer_name"),
    )
    .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
    .outerjoin(_customers, _customers.c.id == _tickets.c.customer_id)
)


def _call_line(row: Any) -> CallLine:
    columns = row._asdict()
    return CallLine(call_from(columns), columns["ticket_number"], columns["customer_name"])
