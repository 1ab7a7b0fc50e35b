"""What people look for at the desk: customers and tickets, by name, number, ticket number or words.

Reads only. What somebody types is never a pattern; every question is bounded, and cut short by its deadline.
What was said in recordings is looked for in `recordings/words.py`.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, and_, exists, or_, select

from tickets.cards import TICKETS, WRITTEN, Ticket, tickets_of
from tickets.customers import Customer, with_numbers
from tickets.database import Sessions, use_case
from tickets.patterns import containing, mentions
from tickets.rows import LARGEST
from tickets.sight import Sight, visible_to
from tickets.tables import (
    CallRow,
    CustomerNumberRow,
    CustomerRow,
    TicketNoteRow,
    TicketRow,
    TicketTagRow,
)

MOST = 20  # of each kind
_TICKET = re.compile(r"(?:pz[- ]?|#)?([0-9]{4,10})", re.IGNORECASE)
_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_numbers = cast(Table, CustomerNumberRow.__table__)
_notes = cast(Table, TicketNoteRow.__table__)
_tags = cast(Table, TicketTagRow.__table__)


def ticket_number(query: str) -> int | None:
    """The card that a query names: `PZ-1001`, `pz1001`, `#1001`, `1001`; None for anything else."""
    found = _TICKET.fullmatch(query.strip())
    number = int(found[1]) - 1000 if found else 0
    return number if 0 < number <= LARGEST else None


class SearchBook:
    """Looks things up."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 2.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def customers(self, words: Sequence[str], digits: Collection[str]) -> list[Customer]:
        """Cards whose name has all the words, or with a number that holds one of `digits`; VIPs first."""
        wanted: list[ColumnElement[bool]] = []
        if words:
            wanted.append(and_(*(mentions(_customers.c.name, word) for word in words)))
        if digits:
            mine = _numbers.c.customer_id == _customers.c.id
            held = or_(*(containing(_numbers.c.e164, one) for one in digits))
            wanted.append(exists().where(mine, held))
        if not wanted:
            return []
        query = select(CustomerRow).where(or_(*wanted))
        query = query.order_by(CustomerRow.vip_level.desc(), CustomerRow.id.desc()).limit(MOST)
        async with self._sessions() as session:
            return await with_numbers(session, await session.scalars(query))

    @use_case
    async def ticket(self, number: int, sight: Sight) -> Ticket | None:
        """The ticket with this number, if there is one to be seen."""
        return next(iter(await self._first(TICKETS.where(_tickets.c.number == number), sight)), None)

    @use_case
    async def by_digits(self, digits: Collection[str], sight: Sight) -> list[Ticket]:
        """Tickets of calls from numbers that hold one of these; newest first."""
        if not digits:
            return []
        held = or_(*(containing(_calls.c.caller, one) for one in digits))
        return await self._first(TICKETS.where(held), sight)

    @use_case
    async def by_words(self, words: Sequence[str], sight: Sight) -> list[Ticket]:
        """Tickets whose subject, topic, tags or customer's name have all the words between them."""
        if not words:
            return []
        return await self._first(TICKETS.where(*(_on_the_card(word) for word in words)), sight)

    @use_case
    async def by_notes(self, words: Sequence[str], sight: Sight) -> list[tuple[Ticket, str]]:
        """Tickets with a note or an answer that has all the words, and its text; the latest notes first."""
        if not words:
            return []
        query = (
            select(_notes.c.number, _notes.c.text)
            .join(_tickets, _tickets.c.number == _notes.c.number)
            .join(_calls, _calls.c.call_id == _tickets.c.call_id)
            .where(_notes.c.kind.in_(WRITTEN), visible_to(sight))
            .where(*(mentions(_notes.c.text, word) for word in words))
            .order_by(_notes.c.id.desc())
            .limit(MOST)
        )
        async with self._sessions() as session:
            texts: dict[int, str] = {}
            for number, text in await session.execute(query):
                texts.setdefault(number, text)
            rows = await session.execute(TICKETS.where(_tickets.c.number.in_(texts)))
            tickets = {ticket.number: ticket for ticket in await tickets_of(session, rows)}
            return [(tickets[number], text) for number, text in texts.items()]

    @use_case
    async def tickets(self, numbers: Collection[int]) -> dict[int, Ticket]:
        """These few tickets, by number."""
        async with self._sessions() as session:
            rows = await session.execute(TICKETS.where(_tickets.c.number.in_(numbers)))
            return {ticket.number: ticket for ticket in await tickets_of(session, rows)}

    async def _first(self, query: Select[Any], sight: Sight) -> list[Ticket]:
        query = query.where(visible_to(sight)).order_by(_tickets.c.number.desc()).limit(MOST)
        async with self._sessions() as session:
            return await tickets_of(session, await session.execute(query))


def _on_the_card(word: str) -> ColumnElement[bool]:
    tagged = exists().where(_tags.c.number == _tickets.c.number, containing(_tags.c.tag, word))
    texts = (_tickets.c.subject, _tickets.c.topic, _customers.c.name)
    return or_(*(mentions(column, word) for column in texts), tagged)
