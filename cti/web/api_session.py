"""The API of logins, for programs; people use the login page."""

from aiohttp import web

from cti.web.devices import device_name
from cti.web.inputs import Credentials
from cti.web.openapi import operation
from cti.web.schemas import AccountOut, SessionOut
from cti.web.security import TOKEN, account_of
from cti.web.services import services_of


@operation("POST", "/api/v1/session", tag="Session", status=201, public=True, problems=(401,))
async def log_in(request: web.Request, *, body: Credentials) -> SessionOut:
    """Log in. With a second factor its `code` is needed too: without it the problem is `second-factor`."""
    device = device_name(request.headers.get("User-Agent", ""))
    accounts = services_of(request).accounts
    token = await accounts.authenticate(body.login, body.password, code=body.code, device=device)
    return SessionOut(token=token)


@operation("GET", "/api/v1/session", tag="Session")
async def who_am_i(request: web.Request) -> AccountOut:
    """Who is logged in."""
    return AccountOut.of(account_of(request))


@operation("DELETE", "/api/v1/session", tag="Session", status=204)
async def log_out(request: web.Request) -> None:
    """Log out: the token is worth nothing afterwards."""
    await services_of(request).accounts.log_out(request[TOKEN])


OPERATIONS = (log_in, who_am_i, log_out)
