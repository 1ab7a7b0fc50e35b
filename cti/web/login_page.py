"""Logging in and out, for people. Knows accounts and cookies."""

from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web

from cti.web.forms import as_model, posted
from cti.web.inputs import Credentials
from cti.web.languages import _
from cti.web.problems import Problem
from cti.web.security import ACCOUNT, TOKEN, clear_session_cookie, set_session_cookie
from cti.web.services import services_of
from tickets.accounts import TooManyAttempts, WrongCredentials


def safe_target(target: str) -> str:
    """Where to go after logging in: a path of ours, never another site's address."""
    # A backslash or a second slash makes browsers read a host; control characters are dropped by them first.
    if not target.startswith("/") or target[1:2] in {"/", "\\"} or any(ord(sign) < 33 for sign in target):
        return "/"
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else "/"


async def login_form(request: web.Request) -> web.Response:
    """Who asks while logged in goes on at once."""
    target = safe_target(request.query.get("next", "/"))
    if ACCOUNT in request:
        raise web.HTTPSeeOther(target)
    return _form(request, target)


async def log_in(request: web.Request) -> web.Response:
    """Login and password for a cookie. A session from before is not carried over."""
    services = services_of(request)
    form = await posted(request)
    target, login = safe_target(form.get("next", "/")), form.get("login", "")[:64]
    try:
        given = as_model(form, Credentials)
        token = await services.accounts.authenticate(given.login, given.password)
    except Problem:
        return _form(request, target, login, _("Give login and password."), status=400)
    except WrongCredentials:
        return _form(request, target, login, _("Login and password do not belong together."), status=401)
    except TooManyAttempts as error:
        return _form(request, target, login, str(error), status=429)
    if TOKEN in request:
        await services.accounts.log_out(request[TOKEN])
    response = web.HTTPSeeOther(target)
    set_session_cookie(response, token, secure=services.secure_cookies)
    raise response


async def log_out(request: web.Request) -> web.Response:
    """End the session here and in the table."""
    services = services_of(request)
    await services.accounts.log_out(request[TOKEN])
    response = web.HTTPSeeOther("/login")
    clear_session_cookie(response, secure=services.secure_cookies)
    raise response


def _form(
    request: web.Request, target: str, login: str = "", fault: str = "", status: int = 200
) -> web.Response:
    context = {"next": target, "login": login, "fault": fault}
    return aiohttp_jinja2.render_template("login.html", request, context, status=status)


ROUTES = (
    web.get("/login", login_form),
    web.post("/login", log_in),
    web.post("/logout", log_out),
)
