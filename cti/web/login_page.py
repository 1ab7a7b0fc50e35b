"""Logging in and out, for people: the password, then the code of a second factor where there is one.

Knows accounts and cookies.
"""

from urllib.parse import quote, urlsplit

import aiohttp_jinja2
from aiohttp import web

from cti.web.devices import device_name
from cti.web.forms import as_model, posted
from cti.web.inputs import Credentials
from cti.web.languages import _
from cti.web.problems import Problem
from cti.web.security import (
    ACCOUNT,
    TOKEN,
    TOKEN_LIMIT,
    clear_pending_cookie,
    clear_session_cookie,
    pending_of,
    set_pending_cookie,
    set_session_cookie,
)
from cti.web.services import services_of
from tickets.accounts import SecondFactorNeeded, TooManyAttempts, WrongCode, WrongCredentials

CODE_PATH = "/login/code"


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
    """Login and password for a cookie."""
    services = services_of(request)
    form = await posted(request)
    target, login = safe_target(form.get("next", "/")), form.get("login", "")[:64]
    try:
        given = as_model(form, Credentials)
        token = await services.accounts.authenticate(given.login, given.password, device=device_of(request))
    except Problem:
        return _form(request, target, login, _("Give login and password."), status=400)
    except SecondFactorNeeded as needed:
        response = web.HTTPSeeOther(f"{CODE_PATH}?next={quote(target, safe='')}")
        set_pending_cookie(response, needed.pending, secure=services.secure_cookies)
        raise response from None
    except WrongCredentials:
        return _form(request, target, login, _("Login and password do not belong together."), status=401)
    except TooManyAttempts as error:
        return _form(request, target, login, wait_words(error), status=429)
    raise await _let_in(request, token, target)


async def code_form(request: web.Request) -> web.Response:
    """The second step. Without the first there is nothing to do here."""
    target = safe_target(request.query.get("next", "/"))
    if ACCOUNT in request:
        raise web.HTTPSeeOther(target)
    if not pending_of(request, secure=services_of(request).secure_cookies):
        raise web.HTTPSeeOther("/login?next=" + quote(target, safe=""))
    return _code_form(request, target)


async def give_code(request: web.Request) -> web.Response:
    """The code for a cookie."""
    services = services_of(request)
    form = await posted(request)
    target = safe_target(form.get("next", "/"))
    pending, code = pending_of(request, secure=services.secure_cookies), form.get("code", "")[:TOKEN_LIMIT]
    try:
        token = await services.accounts.confirm(pending, code, device=device_of(request))
    except WrongCode:
        words = _("This code does not hold. Use the one that the app shows now, each only once.")
        return _code_form(request, target, words, status=401)
    except TooManyAttempts as error:
        return _code_form(request, target, wait_words(error), status=429)
    except WrongCredentials:
        response = _form(request, target, fault=_("That took too long: log in again."), status=401)
        clear_pending_cookie(response, secure=services.secure_cookies)
        return response
    response = await _let_in(request, token, target)
    clear_pending_cookie(response, secure=services.secure_cookies)
    raise response


async def log_out(request: web.Request) -> web.Response:
    """End the session here and in the table."""
    services = services_of(request)
    await services.accounts.log_out(request[TOKEN])
    response = web.HTTPSeeOther("/login")
    response.headers["Clear-Site-Data"] = '"storage"'  # what was typed and not sent is kept in the browser
    clear_session_cookie(response, secure=services.secure_cookies)
    raise response


async def _let_in(request: web.Request, token: str, target: str) -> web.HTTPSeeOther:
    """A session from before is not carried over."""
    services = services_of(request)
    if TOKEN in request:
        await services.accounts.log_out(request[TOKEN])
    response = web.HTTPSeeOther(target)
    set_session_cookie(response, token, secure=services.secure_cookies)
    return response


def device_of(request: web.Request) -> str:
    """What the person knows this browser by."""
    return device_name(request.headers.get("User-Agent", ""))


def wait_words(error: TooManyAttempts) -> str:
    """The error for people."""
    return _("Too many wrong attempts: try again in %(seconds)s s.", seconds=error.wait_s)


def _form(
    request: web.Request, target: str, login: str = "", fault: str = "", status: int = 200
) -> web.Response:
    context = {"next": target, "login": login, "fault": fault}
    return aiohttp_jinja2.render_template("login.html", request, context, status=status)


def _code_form(request: web.Request, target: str, fault: str = "", status: int = 200) -> web.Response:
    context = {"next": target, "fault": fault}
    return aiohttp_jinja2.render_template("login_code.html", request, context, status=status)


ROUTES = (
    web.get("/login", login_form),
    web.post("/login", log_in),
    web.get(CODE_PATH, code_form),
    web.post(CODE_PATH, give_code),
    web.post("/logout", log_out),
)
