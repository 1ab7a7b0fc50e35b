"""What the API tells of a customer's history. Pure."""

from typing import Literal, Self

from pydantic import AwareDatetime, Field

from cti.web.schemas import CallOut, Listed, NoteOut, Out, TicketOut, ticket_name
from tickets.desk import CallLine
from tickets.timeline import Entry


class EntryOut(Out):
    """One entry of a history."""

    kind: Literal["call", "note"]
    at: AwareDatetime
    ticket_name: str = Field(description="The ticket that it is about, for example `PZ-1001`.")
    ticket: TicketOut | None = Field(description="Of a call.")
    call: CallOut | None
    note: NoteOut | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """From the card index."""
        ticket, call = entry.ticket, entry.call
        return cls(
            kind="note" if entry.note else "call",
            at=entry.at,
            ticket_name=ticket_name(entry.ticket_number),
            ticket=TicketOut.of(ticket) if ticket else None,
            call=CallOut.of(CallLine(call, ticket.number, ticket.customer_name)) if call and ticket else None,
            note=NoteOut.model_validate(entry.note) if entry.note else None,
        )


class HistoryPage(Listed[EntryOut]):
    """A customer's calls and what was written on their tickets, newest first."""
