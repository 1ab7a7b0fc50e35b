"""The pages of customers: the list, one with the whole history, and the forms of a card."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import must_see_ticket, sight_of, ticket_for
from cti.web.customer_inputs import CustomerForm, in_e164
from cti.web.forms import as_model, from_path, from_query, posted
from cti.web.inputs import CustomerPath, PageQuery, TicketPath
from cti.web.problems import Problem
from cti.web.schemas import ticket_name
from cti.web.security import account_of, has_role
from cti.web.services import services_of
from tickets.customers import BadCard
from tickets.desk import NotFound
from tickets.vocabulary import Role

PAGE_LENGTH = 50


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
    """A customer with everything that happened."""
    return await _customer(request)


async def new_customer_page(request: web.Request) -> web.Response:
    """An empty card; from a ticket, with the number that called."""
    name = request.query.get("ticket", "")
    ticket = await _ticket(request, name) if name else None
    return _new(request, {"ticket": name, "numbers": ticket or ""})


async def add_customer(request: web.Request) -> web.Response:
    """The form of a new card. What cannot be kept comes back with the reason."""
    services, account = services_of(request), account_of(request)
    given = await posted(request)
    try:
        form = as_model(given, CustomerForm)
        vip_level = _vip_level(request, form) or 0
        numbers = in_e164(form.each_number, services.region)
        if form.ticket is None:
            customer = await services.customers.add(form.name, numbers, vip_level)
            raise web.HTTPSeeOther(f"/customers/{customer.id}")
        number = TicketPath(ticket=form.ticket).number
        await must_see_ticket(request, number)
        await services.introductions.introduce(number, account.login, form.name, numbers, vip_level)
        services.desks.calls.ticket_changed(ticket_name(number))
        raise web.HTTPSeeOther(f"/tickets/{form.ticket}")
    except (Problem, BadCard) as error:
        return _new(request, given, _words(error, given))


async def change_customer(request: web.Request) -> web.Response:
    """The form of a card that is there."""
    services, customer_id = services_of(request), from_path(request, CustomerPath).customer_id
    given = await posted(request)
    try:
        form = as_model(given, CustomerForm)
        numbers = in_e164(form.each_number, services.region)
        vip_level = _vip_level(request, form)
        await services.customers.change(customer_id, name=form.name, numbers=numbers, vip_level=vip_level)
        services.desks.calls.customer_changed(customer_id)
    except (Problem, BadCard) as error:
        return await _customer(request, given, _words(error, given))
    raise web.HTTPSeeOther(f"/customers/{customer_id}")


def _vip_level(request: web.Request, form: CustomerForm) -> int | None:
    # Whoever may not give one does not see the field: then it stays as it is.
    return form.vip_level if has_role(account_of(request), Role.SUPERVISOR) else None


def _words(error: Problem | BadCard, given: dict[str, str]) -> str:
    if isinstance(error, Problem) and error.errors and error.errors[0].where.startswith("body.numbers."):
        index = int(error.errors[0].where.rsplit(".", 1)[-1])
        written = CustomerForm(name="–", numbers=given.get("numbers", "")).each_number
        return f"“{written[index]}” is no phone number." if index < len(written) else str(error)
    return str(error)


async def _ticket(request: web.Request, name: str) -> str:
    """The number that the ticket's call came from, or nothing. Raises `NotFound`."""
    try:
        number = TicketPath(ticket=name).number
    except ValueError as error:
        raise NotFound("There is no such ticket.") from error
    return (await ticket_for(request, number)).call.caller or ""


def _new(request: web.Request, given: dict[str, str], fault: str = "") -> web.Response:
    context = {"section": "/customers", "given": given, "fault": fault}
    return aiohttp_jinja2.render_template("customer_new.html", request, context, status=400 if fault else 200)


async def _customer(
    request: web.Request, given: dict[str, str] | None = None, fault: str = ""
) -> web.Response:
    customer_id = from_path(request, CustomerPath).customer_id
    query = from_query(request, PageQuery)
    services = services_of(request)
    customer = await services.customers.get(customer_id)
    page = await services.timeline.of_customer(
        customer_id, cursor=query.cursor, limit=PAGE_LENGTH, sight=sight_of(request)
    )
    card = {
        "name": customer.name,
        "numbers": "\n".join(customer.numbers),
        "vip_level": str(customer.vip_level),
    }
    context: dict[str, Any] = {
        "section": "/customers",
        "customer": customer,
        "entries": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
        "given": card | (given or {}),
        "fault": fault,
        "people": (await services.tickets.people()).accounts,
    }
    return aiohttp_jinja2.render_template("customer.html", request, context, status=400 if fault else 200)


ROUTES = (
    web.get("/customers", customers_page),
    web.post("/customers", add_customer),
    web.get("/customers/new", new_customer_page),
    web.get("/customers/{customer_id}", customer_page),
    web.post("/customers/{customer_id}", change_customer),
)
