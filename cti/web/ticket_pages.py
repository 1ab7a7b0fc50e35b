"""A ticket's page and its forms. Without script every form is posted and the page comes back; with it, see
`page/ticket.ts`. Reads the address, calls the card index, presents.
"""

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import must_see_ticket
from cti.web.forms import as_model, from_form, from_path, posted
from cti.web.inputs import TicketPath
from cti.web.security import account_of
from cti.web.services import services_of
from cti.web.ticket_form import Conflicting, change_by_form
from cti.web.ticket_inputs import Assignment, NewNote, ReminderForm, StatusForm, TicketForm
from cti.web.ticket_page import ticket_context
from tickets.desk import NotAllowed, NotFound
from tickets.edits import BadEdit, BadNote
from tickets.ticket_book import Conflict

FRAGMENTS = {"call": "call_card.html", "heard": "heard_card.html", "timeline": "ticket_timeline.html"}


async def ticket_page(request: web.Request) -> web.Response:
    """A ticket, or only a part of it that moves."""
    context = await ticket_context(request, from_path(request, TicketPath).number)
    template = FRAGMENTS.get(request.query.get("fragment", ""), "ticket.html")
    return aiohttp_jinja2.render_template(template, request, context)


async def edit(request: web.Request) -> web.Response:
    """The form with the ticket's subject, topic, tags, customer and fields."""
    number = from_path(request, TicketPath).number
    given = await posted(request)
    form = as_model(given, TicketForm)
    await must_see_ticket(request, number)
    book, login = services_of(request).tickets, account_of(request).login
    try:
        await change_by_form(book, number, form.was, given, login)
    except Conflicting as conflict:
        return await _again(request, number, 412, typed=conflict.typed, theirs=conflict.theirs)
    except (BadEdit, NotAllowed) as error:
        return await _again(request, number, 400, fault=str(error), typed=given)
    raise _back(request)


async def change_status(request: web.Request) -> web.Response:
    """The buttons beside a ticket's name."""
    number = from_path(request, TicketPath).number
    change = await from_form(request, StatusForm)
    await must_see_ticket(request, number)
    book, login = services_of(request).tickets, account_of(request).login
    try:
        await book.change(number, {"status": change.status}, login, change.version)
    except Conflict as error:
        return await _again(request, number, 412, fault=str(error))
    except NotAllowed as error:
        return await _again(request, number, 409, fault=str(error))
    raise _back(request)


async def add_note(request: web.Request) -> web.Response:
    """The form below a ticket's timeline."""
    number = from_path(request, TicketPath).number
    note = await from_form(request, NewNote)
    await must_see_ticket(request, number)
    book, login = services_of(request).tickets, account_of(request).login
    try:
        await book.add_note(number, note.text, login, note.kind)
    except BadNote as error:
        return await _again(request, number, 400, fault=str(error))
    raise _back(request, "#timeline")


async def assign(request: web.Request) -> web.Response:
    """The form that gives a ticket to somebody."""
    number = from_path(request, TicketPath).number
    form = await from_form(request, Assignment)
    await must_see_ticket(request, number)
    book, login = services_of(request).tickets, account_of(request).login
    try:
        await book.assign(number, login, assignee=form.assignee, group=form.group, comment=form.comment)
    except BadEdit as error:
        return await _again(request, number, 400, fault=str(error))
    raise await _back_or_on(request, number)


async def remind(request: web.Request) -> web.Response:
    """The form that has a ticket come back."""
    number = from_path(request, TicketPath).number
    form = await from_form(request, ReminderForm)
    await must_see_ticket(request, number)
    services, login = services_of(request), account_of(request).login
    try:
        if form.act == "clear" or form.at is None:
            await services.tickets.forget_reminder(number, login)
        else:
            at = form.at.replace(tzinfo=services.zone)
            whom = form.whom or login
            await services.tickets.remind(number, login, at=at, whom=whom, text=form.text)
    except BadEdit as error:
        return await _again(request, number, 400, fault=str(error))
    raise await _back_or_on(request, number)


async def _back_or_on(request: web.Request, number: int) -> web.HTTPSeeOther:
    """To the ticket; to the list for who has just given it out of their own sight."""
    try:
        await must_see_ticket(request, number)
    except NotFound:
        return web.HTTPSeeOther("/tickets")
    return _back(request)


async def _again(
    request: web.Request,
    number: int,
    status: int,
    *,
    fault: str = "",
    typed: dict[str, str] | None = None,
    theirs: dict[str, str] | None = None,
) -> web.Response:
    context = await ticket_context(request, number, fault=fault, typed=typed, theirs=theirs)
    return aiohttp_jinja2.render_template("ticket.html", request, context, status=status)


def _back(request: web.Request, place: str = "") -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"/tickets/{from_path(request, TicketPath).ticket}{place}")


ROUTES = (
    web.get("/tickets/{ticket}", ticket_page),
    web.post("/tickets/{ticket}", edit),
    web.post("/tickets/{ticket}/status", change_status),
    web.post("/tickets/{ticket}/notes", add_note),
    web.post("/tickets/{ticket}/assignment", assign),
    web.post("/tickets/{ticket}/reminder", remind),
)
