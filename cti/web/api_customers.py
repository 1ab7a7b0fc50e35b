"""The API of customers. Reads, calls the card index, presents."""

from aiohttp import web

from cti.web.inputs import CustomerPath, NewCustomer, PageQuery
from cti.web.openapi import operation
from cti.web.problems import BadField, Problem
from cti.web.schemas import CustomerList, CustomerOut
from cti.web.security import account_of, require
from cti.web.services import services_of
from tickets.numbers import normalise_number
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


@operation("POST", "/api/v1/customers", tag="Customers", status=201)
async def add_customer(request: web.Request, *, body: NewCustomer) -> CustomerOut:
    """Add a customer. For supervisors."""
    require(account_of(request), Role.SUPERVISOR)
    services = services_of(request)
    numbers = [normalise_number(raw, services.region) for raw in body.numbers]
    bad = [index for index, number in enumerate(numbers) if number is None]
    if bad:
        errors = [BadField(where=f"body.numbers.{index}", message="is no phone number") for index in bad]
        raise Problem(400, "bad-request", f"{errors[0].where}: is no phone number.", errors)
    known = list(dict.fromkeys(number for number in numbers if number))
    return CustomerOut.of(await services.customers.add(body.name, known, body.vip_level))


OPERATIONS = (list_customers, get_customer, add_customer)
