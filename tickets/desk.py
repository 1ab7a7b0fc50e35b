"""What people at the desk read and do: lists, a ticket's page, notes, status.

Reads go straight to the tables. Knows no HTTP; errors are named here and mapped to status codes by the web.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.call import Call
from tickets.customers import Customer, customer_of, with_numbers
from tickets.customers import NotFound as NotFound
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.events import CallEvent
from tickets.order import in_order
from tickets.paging import LARGEST_PAGE, Page, page_of, page_size, read_cursor
from tickets.paging import BadCursor as BadCursor
from tickets.rows import LARGEST, call_from, clean_text, event_from
from tickets.tables import CallEventRow, CallRow, CustomerRow, TicketNoteRow, TicketRow
from tickets.vocabulary import CallState, HandOver, TicketStatus
from tickets.workflow import may_move

LONGEST_NOTE = 10_000  # characters
_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_events = cast(Table, CallEventRow.__table__)
_customers = cast(Table, CustomerRow.__table__)


class NotAllowed(Exception):
    """The workflow does not lead from the present status to the wanted one."""


class Conflict(Exception):
    """Somebody else changed the ticket meanwhile."""


class BadNote(Exception):
    """A note is empty or too long."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What became of a call, for people."""

    number: int
    call_id: str
    status: TicketStatus
    subject: str
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    operator: str | None  # extension
    hand_over: HandOver | None
    topic: str | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    closed_by: str | None  # "bot", "menu" or a login
    version: int

    @property
    def name(self) -> str:
        """As people say it: PZ-1001."""
        return f"PZ-{1000 + self.number}"


@dataclass(frozen=True, slots=True)
class Note:
    """Plain text that a person put on a ticket."""

    id: int
    author: str  # login
    text: str
    created_at: datetime


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

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def calls(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        state: CallState | None = None,
        operator: str | None = None,
        customer_id: int | None = None,
    ) -> Page[CallLine]:
        """Calls by time of the first ring, newest first. Raises `BadCursor`."""
        query = _filtered(_CALLS, _calls, {"state": state, "operator": operator, "customer_id": customer_id})
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
    async def calls_in_progress(self) -> list[CallLine]:
        """Calls that have not ended, oldest first; the oldest `LARGEST_PAGE` of them."""
        query = _CALLS.where(_calls.c.state != CallState.ENDED).order_by(_calls.c.received_at)
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
        status: TicketStatus | None = None,
        operator: str | None = None,
        customer_id: int | None = None,
    ) -> Page[Ticket]:
        """Tickets by number, newest first. Raises `BadCursor`."""
        query = _filtered(
            _TICKETS, _tickets, {"status": status, "operator": operator, "customer_id": customer_id}
        )
        if cursor is not None:
            query = query.where(_tickets.c.number < read_cursor(cursor, int)[0])
        async with self._sessions() as session:
            rows = await session.execute(query.order_by(_tickets.c.number.desc()).limit(page_size(limit) + 1))
            return page_of([Ticket(**row._asdict()) for row in rows], limit, lambda ticket: [ticket.number])

    @use_case
    async def ticket(self, number: int) -> TicketDetail:
        """Everything about a ticket. Raises `NotFound`."""
        async with self._sessions() as session:
            ticket = await _ticket(session, number)
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
                notes=[_note(row) for row in notes],
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

    @use_case
    async def add_note(self, number: int, text: str, author: str) -> Note:
        """Put plain text on a ticket. Raises `NotFound`, `BadNote`."""
        text = clean_text(text).replace("\r\n", "\n").strip()
        if not text:
            raise BadNote("The note is empty.")
        if len(text) > LONGEST_NOTE:
            raise BadNote(f"The note has {len(text)} characters: shorten it to {LONGEST_NOTE}.")
        async with writing(self._sessions) as session:
            await _ticket(session, number)
            row = TicketNoteRow(number=number, author=author, text=text, created_at=self._clock())
            session.add(row)
            touched = update(_tickets).where(_tickets.c.number == number)
            await session.execute(touched.values(updated_at=row.created_at))
            await session.flush()
            return _note(row)

    @use_case
    async def set_status(
        self, number: int, status: TicketStatus, by: str, version: int | None = None
    ) -> Ticket:
        """Change a ticket's status; from now on its status no longer follows its call.

        `by`: login of the person. `version`: of the ticket that the person saw; None overrules whoever
        came between.

        Raises:
            NotFound, NotAllowed, Conflict
        """
        now = self._clock()
        async with writing(self._sessions) as session:
            ticket = await _ticket(session, number, lock=True)
            if version is not None and version != ticket.version:
                raise Conflict(f"{ticket.name} was changed meanwhile: look at it again.")
            if status is not ticket.status and not may_move(ticket.status, status):
                raise NotAllowed(
                    f"{ticket.name} is {ticket.status} and cannot become {status}: open it first."
                )
            closed = status is TicketStatus.CLOSED
            await session.execute(
                update(_tickets)
                .where(_tickets.c.number == number)
                .values(
                    status=status,
                    status_by=by,
                    closed_at=now if closed else None,
                    closed_by=by if closed else None,
                    updated_at=now,
                    version=_tickets.c.version + 1,
                )
            )
            return await _ticket(session, number)


_CALLS = (
    select(_calls, _tickets.c.number.label("ticket_number"), _customers.c.name.label("customer_name"))
    .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
    .outerjoin(_customers, _customers.c.id == _calls.c.customer_id)
)
_TICKETS = (
    select(
        *(column for column in _tickets.c if column.name != "status_by"),
        _customers.c.name.label("customer_name"),
        # The card knows best; without one, what reception was told by the company's own system.
        func.coalesce(_customers.c.vip_level, _calls.c.vip_level).label("vip_level"),
    )
    .join(_calls, _calls.c.call_id == _tickets.c.call_id)
    .outerjoin(_customers, _customers.c.id == _tickets.c.customer_id)
)


async def _ticket(session: AsyncSession, number: int, *, lock: bool = False) -> Ticket:
    row = None
    if 0 < number <= LARGEST:
        query = _TICKETS.where(_tickets.c.number == number)
        row = (await session.execute(query.with_for_update(of=_tickets) if lock else query)).first()
    if row is None:
        raise NotFound(f"There is no ticket PZ-{1000 + number}.")
    return Ticket(**row._asdict())


def _call_line(row: Any) -> CallLine:
    columns = row._asdict()
    return CallLine(call_from(columns), columns["ticket_number"], columns["customer_name"])


def _note(row: TicketNoteRow) -> Note:
    return Note(row.id, row.author, row.text, row.created_at)


def _filtered(query: Select[Any], table: Table, wanted: dict[str, Any]) -> Select[Any]:
    for name, value in wanted.items():
        if isinstance(value, int) and not 0 < value <= LARGEST:
            value = 0  # nobody's: PostgreSQL refuses a number that no column can hold
        if value is not None:
            query = query.where(table.c[name] == (clean_text(value) if type(value) is str else value))
    return query
