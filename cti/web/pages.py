"""The lists of calls and tickets. Read the address, ask the desk, present."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from cti.web.filter_bar import Bar, call_bar, ticket_bar
from cti.web.forms import from_query
from cti.web.languages import _
from cti.web.list_inputs import CallQuery, TicketQuery, call_filters, ticket_filters
from cti.web.security import account_of, has_role
from cti.web.services import services_of
from tickets.paging import Page
from tickets.vocabulary import Role

PAGE_LENGTH = 50


async def calls_page(request: web.Request) -> web.Response:
    """Calls, newest first."""
    query, services = from_query(request, CallQuery), services_of(request)
    page = await services.desk.calls(**call_filters(request, query) | {"limit": PAGE_LENGTH})
    bar = call_bar(query, services.queues, services.phones.names)
    context = _context(request, bar, page, query.cursor)
    template = "call_rows_alone.html" if request.query.get("fragment") == "1" else "calls.html"
    return aiohttp_jinja2.render_template(template, request, context)


async def tickets_page(request: web.Request) -> web.Response:
    """Tickets, newest first."""
    query, services = from_query(request, TicketQuery), services_of(request)
    page = await services.desk.tickets(**ticket_filters(request, query) | {"limit": PAGE_LENGTH})
    bar = ticket_bar(query, services.queues, services.phones.names)
    context = _context(request, bar, page, query.cursor)
    template = "ticket_rows_alone.html" if request.query.get("fragment") == "1" else "tickets.html"
    return aiohttp_jinja2.render_template(template, request, context)


def _context(request: web.Request, bar: Bar, page: Page[Any], cursor: str | None) -> dict[str, Any]:
    return {
        "section": bar.path,
        "bar": bar,
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": cursor,
        "nothing": _("None is like this: take a filter away.") if bar.given else "",
        "may_export": has_role(account_of(request), Role.SUPERVISOR),
    }


ROUTES = (
    web.get("/calls", calls_page),
    web.get("/tickets", tickets_page),
)
