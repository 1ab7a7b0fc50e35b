"""The pages: lists, a ticket with its recording, customers. Read the address, call the desk, present."""

from collections.abc import Iterable

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import must_see_ticket, sight_of
from cti.web.board import Audience, Board, BoardView, board_view
from cti.web.forms import from_form, from_path, from_query
from cti.web.inputs import CallQuery, CustomerPath, NewNote, PageQuery, TicketChange, TicketPath, TicketQuery
from cti.web.languages import speaking
from cti.web.security import account_of
from cti.web.services import SERVICES, services_of
from cti.web.ticket_page import ticket_context
from tickets.desk import Conflict, NotAllowed
from tickets.sight import Sight
from tickets.vocabulary import CallState, TicketStatus

BOARD = web.AppKey("board", Board)

CALL_FILTERS = (
    ("", "All"),
    (CallState.QUEUED.value, "Waiting"),
    (CallState.TALKING.value, "Talking"),
    (CallState.BOT.value, "With the bot"),
    (CallState.ENDED.value, "Ended"),
)
TICKET_FILTERS = (("", "All"), *((status.value, status.value.capitalize()) for status in TicketStatus))
PAGE_LENGTH = 50
FINISHED_SHOWN = 12  # calls below the live ones on the first page


def _wants_fragment(request: web.Request) -> bool:
    return request.query.get("fragment") == "1"


async def read_board(app: web.Application, sight: Sight) -> BoardView:
    """The picture of this moment."""
    services = app[SERVICES]
    live = await services.desk.calls_in_progress(sight)
    finished = await services.desk.calls(state=CallState.ENDED, limit=FINISHED_SHOWN, sight=sight)
    outlooks = {line.call.call_id: services.outlook(line.call.call_id) for line in live}
    places = {call_id: outlook.place for call_id, outlook in outlooks.items() if outlook is not None}
    return board_view(live, finished.items, services.clock(), services.surge(), places.get)


async def draw_board(app: web.Application, audiences: Iterable[Audience]) -> dict[Audience, str]:
    """The part of the first page that moves, for each audience."""
    template = aiohttp_jinja2.get_env(app).get_template("board.html")
    views: dict[Sight, BoardView] = {}
    drawn = {}
    for one in audiences:
        if one.sight not in views:
            views[one.sight] = await read_board(app, one.sight)
        with speaking(one.language):
            drawn[one] = template.render(board=views[one.sight])
    return drawn


async def now_page(request: web.Request) -> web.Response:
    """The calls of this moment; `live.js` keeps it fresh."""
    board = await read_board(request.app, sight_of(request))
    return aiohttp_jinja2.render_template("now.html", request, {"section": "/", "board": board})


async def calls_page(request: web.Request) -> web.Response:
    """Calls, newest first."""
    query = from_query(request, CallQuery)
    page = await services_of(request).desk.calls(
        cursor=query.cursor, limit=PAGE_LENGTH, state=query.state, sight=sight_of(request)
    )
    context = {
        "section": "/calls",
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
        "chosen": query.state.value if query.state else None,
        "filters": CALL_FILTERS,
        "nothing": "None is in this state." if query.state else "",
    }
    template = "call_rows_alone.html" if _wants_fragment(request) else "calls.html"
    return aiohttp_jinja2.render_template(template, request, context)


async def tickets_page(request: web.Request) -> web.Response:
    """Tickets, newest first."""
    query = from_query(request, TicketQuery)
    page = await services_of(request).desk.tickets(
        cursor=query.cursor, limit=PAGE_LENGTH, status=query.status, sight=sight_of(request)
    )
    context = {
        "section": "/tickets",
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
        "chosen": query.status.value if query.status else None,
        "filters": TICKET_FILTERS,
        "nothing": "None has this status." if query.status else "",
    }
    template = "ticket_rows_alone.html" if _wants_fragment(request) else "tickets.html"
    return aiohttp_jinja2.render_template(template, request, context)


async def ticket_page(request: web.Request) -> web.Response:
    """A ticket, or only the part of it that moves while its call lives."""
    context = await ticket_context(request, from_path(request, TicketPath).number)
    fragments = {"call": "call_card.html", "heard": "heard_card.html"}
    template = fragments.get(request.query.get("fragment", ""), "ticket.html")
    return aiohttp_jinja2.render_template(template, request, context)


async def change_status(request: web.Request) -> web.Response:
    """The form beside a ticket's name."""
    path = from_path(request, TicketPath)
    change = await from_form(request, TicketChange)
    await must_see_ticket(request, path.number)
    services = services_of(request)
    try:
        await services.desk.set_status(path.number, change.status, account_of(request).login, change.version)
    except (Conflict, NotAllowed) as error:
        context = await ticket_context(request, path.number, fault=str(error))
        return aiohttp_jinja2.render_template("ticket.html", request, context, status=409)
    raise web.HTTPSeeOther(f"/tickets/{path.ticket}")


async def add_note(request: web.Request) -> web.Response:
    """The form below a ticket's notes."""
    path = from_path(request, TicketPath)
    note = await from_form(request, NewNote)
    await must_see_ticket(request, path.number)
    await services_of(request).desk.add_note(path.number, note.text, account_of(request).login)
    raise web.HTTPSeeOther(f"/tickets/{path.ticket}#notes")


async def customers_page(request: web.Request) -> web.Response:
    """Customers, newest card first."""
    query = from_query(request, PageQuery)
    page = await services_of(request).desk.customers(cursor=query.cursor, limit=PAGE_LENGTH)
    context = {
        "section": "/customers",
        "customers": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
    }
    return aiohttp_jinja2.render_template("customers.html", request, context)


async def customer_page(request: web.Request) -> web.Response:
    """A customer and that customer's tickets."""
    customer_id = from_path(request, CustomerPath).customer_id
    query = from_query(request, PageQuery)
    services = services_of(request)
    customer = await services.customers.get(customer_id)
    page = await services.desk.tickets(
        cursor=query.cursor, limit=PAGE_LENGTH, customer_id=customer_id, sight=sight_of(request)
    )
    context = {
        "section": "/customers",
        "customer": customer,
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
    }
    return aiohttp_jinja2.render_template("customer.html", request, context)


ROUTES = (
    web.get("/", now_page),
    web.get("/calls", calls_page),
    web.get("/tickets", tickets_page),
    web.get("/tickets/{ticket}", ticket_page),
    web.post("/tickets/{ticket}/status", change_status),
    web.post("/tickets/{ticket}/notes", add_note),
    web.get("/customers", customers_page),
    web.get("/customers/{customer_id}", customer_page),
)
