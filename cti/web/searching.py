"""Looking something up at the desk: one question to every drawer at once, each with its own deadline.

A drawer that is late is named, the others' finds are shown. Knows who may see and hear what.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from cti.web.access import hearable, sight_of
from cti.web.security import account_of
from cti.web.services import services_of
from tickets.cards import Ticket
from tickets.customers import Customer
from tickets.database import DatabaseLate
from tickets.numbers import number_parts
from tickets.patterns import words_of
from tickets.search import MOST, ticket_number

T = TypeVar("T")
AROUND = 60  # characters of a text on either side of what was found
SHORTEST_WORD = 2  # of a word that is looked for in texts


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text with what was found in it."""

    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class TicketFind:
    """A ticket, and where in it the words are; None: on the ticket itself."""

    ticket: Ticket
    snippet: Snippet | None = None


@dataclass(slots=True)
class Finds:
    """What was found, at most `MOST` of each kind."""

    query: str
    customers: list[Customer] = field(default_factory=list)
    tickets: list[TicketFind] = field(default_factory=list)
    notes: list[TicketFind] = field(default_factory=list)
    transcripts: list[TicketFind] = field(default_factory=list)
    late: list[str] = field(default_factory=list)  # "customers", "tickets", "notes", "transcripts": given up

    @property
    def nothing(self) -> bool:
        """Whether nothing was found at all."""
        return not (self.customers or self.tickets or self.notes or self.transcripts)


async def search(request: web.Request, query: str) -> Finds:
    """Look for a name, a number in any spelling, a ticket number, or words."""
    services, sight, account = services_of(request), sight_of(request), account_of(request)
    finds = Finds(query)
    words = words_of(query)
    digits = number_parts(query, services.region)
    if not words:
        return finds
    in_texts = words if any(len(word) >= SHORTEST_WORD for word in words) and not digits else []

    async def tickets() -> list[TicketFind]:
        number = ticket_number(query)
        named = await services.search.ticket(number, sight) if number is not None else None
        others = await services.search.by_digits(digits, sight)
        others += await services.search.by_words([] if digits else words, sight)
        found = {ticket.number: TicketFind(ticket) for ticket in [*([named] if named else []), *others]}
        return list(found.values())[:MOST]

    async def notes() -> list[TicketFind]:
        found = await services.search.by_notes(in_texts, sight)
        return [TicketFind(ticket, snippet(text, words)) for ticket, text in found]

    async def transcripts() -> list[TicketFind]:
        if not in_texts:
            return []
        said = await services.transcripts.find(words, hearable(account, sight), MOST)
        tickets = await services.search.tickets([one.ticket_number for one in said])
        return [TicketFind(tickets[one.ticket_number], snippet(one.text, words)) for one in said]

    async def in_time(name: str, asked: Awaitable[list[T]]) -> list[T]:
        try:
            return await asked
        except DatabaseLate:
            finds.late.append(name)
            return []

    finds.customers, finds.tickets, finds.notes, finds.transcripts = await asyncio.gather(
        in_time("customers", services.search.customers([] if digits else words, digits)),
        in_time("tickets", tickets()),
        in_time("notes", notes()),
        in_time("transcripts", transcripts()),
    )
    return finds


def snippet(text: str, words: list[str]) -> Snippet:
    """The piece of a text around the first of the words that is in it."""
    lower = text.lower()
    places = [(lower.find(word), word) for word in words if word in lower]
    at, word = min(places, default=(0, ""))
    start, end = max(0, at - AROUND), at + len(word) + AROUND
    before = ("… " if start else "") + text[start:at]
    after = text[at + len(word) : end] + (" …" if end < len(text) else "")
    return Snippet(before, text[at : at + len(word)], after)
