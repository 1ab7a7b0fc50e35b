"""A customer's whole history in one line of time: calls with their tickets, and what was written on them.

Reads only. Each page takes one piece of an index, however long the history is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, literal, select, tuple_

from tickets.call import Call
from tickets.cards import TICKETS, Note, Ticket, note_of, tickets_of
from tickets.customers import customer_of
from tickets.database import Sessions, use_case
from tickets.paging import Page, page_of, page_size, read_cursor
from tickets.rows import call_from
from tickets.sight import EVERYTHING, Sight, visible_to
from tickets.tables import CallRow, TicketNoteRow, TicketRow
from tickets.vocabulary import NoteKind

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_CALL, _NOTE = 1, 2  # at the same moment a note comes after the call that it is about
_SHOWN = (NoteKind.NOTE, NoteKind.ANSWER)


@dataclass(frozen=True, slots=True)
class Entry:
    """A call with the ticket it became, or a note on one."""

    at: datetime
    ticket_number: int
    ticket: Ticket | None = None
    call: Call | None = None
    note: Note | None = None

    @property
    def place(self) -> list[Any]:
        """What the line of time is ordered by."""
        return [self.at, *((_NOTE, self.note.id) if self.note else (_CALL, self.ticket_number))]


class TimelineBook:
    """Reads histories."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def of_customer(
        self, customer_id: int, *, cursor: str | None = None, limit: int = 50, sight: Sight = EVERYTHING
    ) -> Page[Entry]:
        """The history of a customer, as far as who asks may see it; newest first.

        Raises:
            NotFound, BadCursor
        """
        before = None if cursor is None else read_cursor(cursor, datetime, int, int)
        most = page_size(limit) + 1
        calls = calls_of(customer_id, before).where(visible_to(sight)).limit(most)
        notes = notes_of(customer_id, before).where(visible_to(sight)).limit(most)
        async with self._sessions() as session:
            await customer_of(session, customer_id)
            tickets = await tickets_of(session, await session.execute(calls))
            wanted = [ticket.call_id for ticket in tickets]
            rows = await session.execute(select(_calls).where(_calls.c.call_id.in_(wanted)))
            of_tickets = {row.call_id: call_from(row._asdict()) for row in rows}
            entries = [
                Entry(ticket.created_at, ticket.number, ticket, of_tickets[ticket.call_id])
                for ticket in tickets
            ]
            for note in await session.scalars(notes):
                entries.append(Entry(note.created_at, note.number, note=note_of(note)))
        entries.sort(key=lambda entry: entry.place, reverse=True)
        return page_of(entries[:most], limit, lambda entry: entry.place)


def calls_of(customer_id: int, before: list[Any] | None) -> Select[Any]:
    """The customer's tickets, latest first; `before`: a place of the line of time."""
    query = TICKETS.where(_tickets.c.customer_id == customer_id)
    if before is not None:
        place = tuple_(_tickets.c.created_at, literal(_CALL), _tickets.c.number)
        query = query.where(_tickets.c.created_at <= before[0], place < _bound(before))
    return query.order_by(_tickets.c.created_at.desc(), _tickets.c.number.desc())


def notes_of(customer_id: int, before: list[Any] | None) -> Select[Any]:
    """What was written on the customer's tickets, latest first."""
    note = TicketNoteRow
    query = (
        select(note)
        .join(_tickets, _tickets.c.number == note.number)
        .join(_calls, _calls.c.call_id == _tickets.c.call_id)
        .where(_tickets.c.customer_id == customer_id, note.kind.in_(_SHOWN))
    )
    if before is not None:
        place = tuple_(note.created_at, literal(_NOTE), note.id)
        query = query.where(note.created_at <= before[0], place < _bound(before))
    return query.order_by(note.created_at.desc(), note.id.desc())


def _bound(before: list[Any]) -> Any:
    moment, kind, number = before
    return tuple_(literal(moment, _tickets.c.created_at.type), literal(kind), literal(number))
