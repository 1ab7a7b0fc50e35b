"""The API of tickets: lists, one ticket with all that lies on it, notes, status. Reads, calls, presents."""

from aiohttp import web

from cti.web.access import must_see_ticket, sight_of, ticket_for
from cti.web.inputs import NewNote, TicketChange, TicketPath, TicketQuery
from cti.web.openapi import operation
from cti.web.schemas import NoteOut, TicketDetailOut, TicketList, TicketOut
from cti.web.security import account_of, may_read_words
from cti.web.services import services_of


@operation("GET", "/api/v1/tickets", tag="Tickets")
async def list_tickets(request: web.Request, *, query: TicketQuery) -> TicketList:
    """Tickets, newest first."""
    page = await services_of(request).desk.tickets(**query.model_dump(), sight=sight_of(request))
    return TicketList(items=[TicketOut.of(ticket) for ticket in page.items], next_cursor=page.next_cursor)


@operation("GET", "/api/v1/tickets/{ticket}", tag="Tickets")
async def get_ticket(request: web.Request, *, path: TicketPath) -> TicketDetailOut:
    """One ticket with its call, customer, notes and the call's ledger."""
    services = services_of(request)
    detail = await ticket_for(request, path.number)
    call = detail.call
    words = may_read_words(account_of(request), call)
    return TicketDetailOut.of(detail, await services.shelf.of_call(call.call_id), words=words)


@operation("PATCH", "/api/v1/tickets/{ticket}", tag="Tickets", problems=(409,))
async def change_ticket(request: web.Request, *, path: TicketPath, body: TicketChange) -> TicketOut:
    """Change a ticket's status.

    From then on the ticket no longer follows its call. A change that the workflow does not know, or one of an
    older `version`, is answered with 409.
    """
    await must_see_ticket(request, path.number)
    desk = services_of(request).desk
    login = account_of(request).login
    return TicketOut.of(await desk.set_status(path.number, body.status, login, body.version))


@operation("POST", "/api/v1/tickets/{ticket}/notes", tag="Tickets", status=201)
async def add_note(request: web.Request, *, path: TicketPath, body: NewNote) -> NoteOut:
    """Put a note on a ticket."""
    await must_see_ticket(request, path.number)
    desk = services_of(request).desk
    return NoteOut.model_validate(await desk.add_note(path.number, body.text, account_of(request).login))


OPERATIONS = (list_tickets, get_ticket, change_ticket, add_note)
