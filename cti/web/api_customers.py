"""The API of customers. Reads, calls the card index, presents."""

from aiohttp import web

from cti.web.access import must_see_ticket, sight_of
from cti.web.customer_inputs import CustomerEdit, NewCustomer, in_e164
from cti.web.customer_schemas import EntryOut, HistoryPage
from cti.web.inputs import CustomerPath, PageQuery, TicketPath
from cti.web.openapi import operation
from cti.web.schemas import CustomerList, CustomerOut, ticket_name
from cti.web.security import account_of, require
from cti.web.services import services_of
from tickets.vocabulary import Role


@operation("GET", "/api/v1/customers", tag="Customers")
async def list_customers(request: web.Request, *, query: PageQuery) -> CustomerList:
    """Customers, newest card first."""
    page = await services_of(request).desk.customers(**query.model_dump())
    return CustomerList(items=[CustomerOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@operation("GET", "/api/v1/customers/{customer_id}", tag="Customers")
async def get_customer(request: web.Request, *, path: CustomerPath) -> CustomerOut:
    """One customer."""
    return CustomerOut.of(await services_of(request).customers.get(path.customer_id))


@operation("GET", "/api/v1/customers/{customer_id}/timeline", tag="Customers")
async def get_timeline(request: web.Request, *, path: CustomerPath, query: PageQuery) -> HistoryPage:
    """A customer's history: calls with their tickets, notes and answers; newest first."""
    page = await services_of(request).timeline.of_customer(
        path.customer_id, **query.model_dump(), sight=sight_of(request)
    )
    return HistoryPage(items=[EntryOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@operation("POST", "/api/v1/customers", tag="Customers", status=201)
async def add_customer(request: web.Request, *, body: NewCustomer) -> CustomerOut:
    """Add a customer; with a `ticket`, that and earlier tickets of these numbers become theirs.

    A VIP level is given by supervisors.
    """
    services, account = services_of(request), account_of(request)
    if body.vip_level:
        require(account, Role.SUPERVISOR)
    numbers = in_e164(body.numbers, services.region)
    if body.ticket is None:
        return CustomerOut.of(await services.customers.add(body.name, numbers, body.vip_level))
    number = TicketPath(ticket=body.ticket).number
    await must_see_ticket(request, number)
    added = await services.introductions.introduce(number, account.login, body.name, numbers, body.vip_level)
    services.desks.calls.ticket_changed(ticket_name(number))
    return CustomerOut.of(added)


@operation("PATCH", "/api/v1/customers/{customer_id}", tag="Customers")
async def change_customer(request: web.Request, *, path: CustomerPath, body: CustomerEdit) -> CustomerOut:
    """Change what is named. A VIP level is given by supervisors."""
    services, given = services_of(request), body.model_dump(exclude_unset=True)
    if "vip_level" in given:
        require(account_of(request), Role.SUPERVISOR)
    if "numbers" in given:
        given["numbers"] = in_e164(given["numbers"], services.region)
    changed = await services.customers.change(path.customer_id, **given)
    services.desks.calls.customer_changed(changed.id)
    return CustomerOut.of(changed)


OPERATIONS = (list_customers, get_customer, get_timeline, add_customer, change_customer)
