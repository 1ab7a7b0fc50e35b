"""The API of tickets: lists, one ticket with all that lies on it, and what people do with it.

Reads, calls, presents. A change names the version that it is meant for in `If-Match`.
"""

from typing import cast

from aiohttp import web

from cti.web.access import must_see_ticket, ticket_for
from cti.web.inputs import TicketPath
from cti.web.list_inputs import TicketQuery, ticket_filters
from cti.web.openapi import operation
from cti.web.schemas import NoteOut, TicketDetailOut, TicketList, TicketOut
from cti.web.security import account_of, may_read_words
from cti.web.services import services_of
from cti.web.ticket_inputs import Assignment, NewNote, NewReminder, TicketEdit
from cti.web.versions import changed_meanwhile, etag, version_seen
from tickets.edits import Edit
from tickets.ticket_book import Conflict


@operation("GET", "/api/v1/tickets", tag="Tickets")
async def list_tickets(request: web.Request, *, query: TicketQuery) -> TicketList:
    """Tickets, newest first."""
    page = await services_of(request).desk.tickets(**ticket_filters(request, query))
    return TicketList(items=[TicketOut.of(ticket) for ticket in page.items], next_cursor=page.next_cursor)


@operation("GET", "/api/v1/tickets/{ticket}", tag="Tickets", answer=TicketDetailOut)
async def get_ticket(request: web.Request, *, path: TicketPath) -> web.Response:
    """One ticket with its call, customer, notes and the call's ledger. `ETag` is its version."""
    services = services_of(request)
    detail = await ticket_for(request, path.number)
    call = detail.call
    words = may_read_words(account_of(request), call)
    found = TicketDetailOut.of(detail, await services.shelf.of_call(call.call_id), words=words)
    return web.json_response(text=found.model_dump_json(), headers=etag(detail.ticket.version))


@operation(
    "PATCH", "/api/v1/tickets/{ticket}", tag="Tickets", problems=(409,), answer=TicketOut, if_match=True
)
async def change_ticket(request: web.Request, *, path: TicketPath, body: TicketEdit) -> web.Response:
    """Change a ticket: what is named, for the version in `If-Match`.

    What a person has written no longer follows the call. A status that the workflow does not know is answered
    with 409, a change of an older version with 412 and the present `ticket` in the problem.
    """
    await must_see_ticket(request, path.number)
    edit = cast(Edit, body.model_dump(exclude_unset=True))
    version, login = version_seen(request), account_of(request).login
    try:
        ticket = await services_of(request).tickets.change(path.number, edit, login, version)
    except Conflict as conflict:
        raise changed_meanwhile(conflict) from conflict
    services_of(request).desks.calls.ticket_changed(ticket.name)
    return web.json_response(text=TicketOut.of(ticket).model_dump_json(), headers=etag(ticket.version))


@operation("POST", "/api/v1/tickets/{ticket}/notes", tag="Tickets", status=201)
async def add_note(request: web.Request, *, path: TicketPath, body: NewNote) -> NoteOut:
    """Put a note on a ticket, or the answer that the customer was given. With a `key` it may be repeated."""
    await must_see_ticket(request, path.number)
    book, login = services_of(request).tickets, account_of(request).login
    note = await book.add_note(path.number, body.text, login, body.kind, key=body.key)
    return NoteOut.model_validate(note)


@operation("PUT", "/api/v1/tickets/{ticket}/assignment", tag="Tickets")
async def assign_ticket(request: web.Request, *, path: TicketPath, body: Assignment) -> TicketOut:
    """Give a ticket to a person, to a group, or to nobody; the comment goes into its timeline."""
    await must_see_ticket(request, path.number)
    book, login = services_of(request).tickets, account_of(request).login
    assigned = await book.assign(
        path.number, login, assignee=body.assignee, group=body.group, comment=body.comment
    )
    return TicketOut.of(assigned)


@operation("PUT", "/api/v1/tickets/{ticket}/reminder", tag="Tickets")
async def set_reminder(request: web.Request, *, path: TicketPath, body: NewReminder) -> TicketOut:
    """Have a ticket come back to a person at a time. An earlier reminder is replaced."""
    await must_see_ticket(request, path.number)
    book, login = services_of(request).tickets, account_of(request).login
    whom = body.whom or login
    return TicketOut.of(await book.remind(path.number, login, at=body.at, whom=whom, text=body.text))


@operation("DELETE", "/api/v1/tickets/{ticket}/reminder", tag="Tickets")
async def forget_reminder(request: web.Request, *, path: TicketPath) -> TicketOut:
    """No reminder any more: it is seen to, or not wanted."""
    await must_see_ticket(request, path.number)
    book = services_of(request).tickets
    return TicketOut.of(await book.forget_reminder(path.number, account_of(request).login))


OPERATIONS = (
    list_tickets,
    get_ticket,
    change_ticket,
    add_note,
    assign_ticket,
    set_reminder,
    forget_reminder,
)
