"""The API of the search."""

from typing import Self

from aiohttp import web
from pydantic import AwareDatetime, Field

from cti.web.inputs import In, Text
from cti.web.openapi import operation
from cti.web.schemas import CustomerOut, Out
from cti.web.searching import Finds, TicketFind, search
from tickets.patterns import LONGEST_QUERY
from tickets.vocabulary import TicketStatus


class SearchQuery(In):
    """What is looked for."""

    q: Text = Field(
        "",
        max_length=LONGEST_QUERY,
        description="A name, a number in any spelling (4 digits or more), a ticket number, or words.",
    )


class FindOut(Out):
    """A ticket that was found."""

    ticket: str = Field(description="For example `PZ-1001`.")
    subject: str
    status: TicketStatus
    customer_name: str | None
    created_at: AwareDatetime
    text: str | None = Field(description="Around the words, from a note or a transcript.")

    @classmethod
    def of(cls, find: TicketFind) -> Self:
        """From the search."""
        around = find.snippet
        text = around.before + around.found + around.after if around else None
        ticket = find.ticket
        return cls(
            ticket=ticket.name,
            subject=ticket.subject,
            status=ticket.status,
            customer_name=ticket.customer_name,
            created_at=ticket.created_at,
            text=text,
        )


class SearchOut(Out):
    """What was found, at most 20 of each kind."""

    customers: list[CustomerOut]
    tickets: list[FindOut] = Field(description="By number, subject, topic, tag, or their customer's name.")
    notes: list[FindOut] = Field(description="By words of a note or an answer.")
    transcripts: list[FindOut] = Field(description="By words that were said, in recordings you may hear.")
    late: list[str] = Field(description="Which of the four were given up, because they took too long.")

    @classmethod
    def of(cls, finds: Finds) -> Self:
        """From the search."""
        return cls(
            customers=[CustomerOut.of(one) for one in finds.customers],
            tickets=[FindOut.of(one) for one in finds.tickets],
            notes=[FindOut.of(one) for one in finds.notes],
            transcripts=[FindOut.of(one) for one in finds.transcripts],
            late=finds.late,
        )


@operation("GET", "/api/v1/search", tag="Search")
async def search_everything(request: web.Request, *, query: SearchQuery) -> SearchOut:
    """Look for customers, tickets, notes, and words that were said."""
    return SearchOut.of(await search(request, query.q))


OPERATIONS = (search_everything,)
