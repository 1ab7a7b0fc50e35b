"""One's own account: password, second factor, where one is logged in, language."""

from io import BytesIO
from typing import Any

import aiohttp_jinja2
import segno
from aiohttp import web

from cti.web.forms import from_path, posted
from cti.web.inputs import SessionPath
from cti.web.languages import _, ngettext
from cti.web.login_page import safe_target, wait_words
from cti.web.problems import not_found
from cti.web.security import TOKEN, account_of
from cti.web.services import services_of
from tickets import totp
from tickets.accounts import TooManyAttempts, WrongCode, WrongCredentials
from tickets.own_account import SecondFactorOn
from tickets.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, WeakPassword

PATH = "/account"
FIRST_PASSWORD = PATH + "/first-password"
SECOND_FACTOR = PATH + "/second-factor"
_DONE = ("password", "second-factor-on", "second-factor-off", "sessions")  # what a page may say was done


async def account_page(request: web.Request) -> web.Response:
    """Everything on one page."""
    return await _page(request)


async def change_password(request: web.Request) -> web.Response:
    """The form of the password. Every other session ends."""
    form = await posted(request)
    wanted = form.get("wanted", "")
    if wanted != form.get("again", ""):
        return await _page(request, {"password": _("The two were not the same; nothing was changed.")}, 400)
    own = services_of(request).own
    try:
        await own.change_password(account_of(request), request[TOKEN], form.get("present", ""), wanted)
    except WeakPassword:
        return await _page(request, {"password": _length_words()}, 400)
    except WrongCredentials:
        return await _page(request, {"password": _("This is not your current password.")}, 403)
    except TooManyAttempts as error:
        return await _page(request, {"password": wait_words(error)}, 429)
    raise web.HTTPSeeOther(f"{PATH}?done=password#password")


async def first_password_form(request: web.Request) -> web.Response:
    """For who has logged in with a password that somebody else made."""
    target = safe_target(request.query.get("next", "/"))
    if not account_of(request).start_password:
        raise web.HTTPSeeOther(target)
    return _first_password(request, target)


async def choose_password(request: web.Request) -> web.Response:
    """In place of the start password."""
    form = await posted(request)
    target, wanted = safe_target(form.get("next", "/")), form.get("wanted", "")
    if wanted != form.get("again", ""):
        return _first_password(request, target, _("The two were not the same."))
    try:
        await services_of(request).own.choose_password(account_of(request), request[TOKEN], wanted)
    except WeakPassword:
        too_short = len(wanted) < SHORTEST_PASSWORD or len(wanted) > LONGEST_PASSWORD
        known = _("Somebody else knows this one: choose another.")
        return _first_password(request, target, _length_words() if too_short else known)
    except WrongCredentials:
        pass  # it was chosen in another tab
    raise web.HTTPSeeOther(target)


async def begin_second_factor(request: web.Request) -> web.Response:
    """Make a secret for the app; the next page shows it."""
    password = (await posted(request)).get("password", "")
    try:
        await services_of(request).own.begin_second_factor(account_of(request), password)
    except WrongCredentials:
        return await _page(request, {"second_factor": _("This is not your current password.")}, 403)
    except TooManyAttempts as error:
        return await _page(request, {"second_factor": wait_words(error)}, 429)
    except SecondFactorOn:
        raise web.HTTPSeeOther(f"{PATH}#second-factor") from None
    raise web.HTTPSeeOther(SECOND_FACTOR)


async def second_factor_form(request: web.Request) -> web.Response:
    """The secret as a square and in letters, and the field for the first code."""
    return await _second_factor(request)


async def second_factor_square(request: web.Request) -> web.Response:
    """The square (QR) that the app reads."""
    services, account = services_of(request), account_of(request)
    secret = await services.own.unconfirmed_secret(account)
    if secret is None:
        raise not_found("second factor to set up")
    drawn = BytesIO()
    square = segno.make(totp.address(secret, account.login, services.house), error="m", micro=False)
    square.save(drawn, kind="svg", xmldecl=False, border=4, dark="#000", light="#fff", omitsize=True)
    return web.Response(body=drawn.getvalue(), content_type="image/svg+xml")


async def confirm_second_factor(request: web.Request) -> web.Response:
    """The app's first code: from now on it holds."""
    code = (await posted(request)).get("code", "")[:16]
    try:
        await services_of(request).own.confirm_second_factor(account_of(request), request[TOKEN], code)
    except WrongCode:
        words = _(
            "This code does not fit. Check that the clock of your phone is right, and try the next one."
        )
        return await _second_factor(request, words)
    except SecondFactorOn:
        pass  # confirmed in another tab
    raise web.HTTPSeeOther(f"{PATH}?done=second-factor-on#second-factor")


async def drop_second_factor(request: web.Request) -> web.Response:
    """Back to the password alone."""
    password = (await posted(request)).get("password", "")
    try:
        await services_of(request).own.drop_second_factor(account_of(request), password)
    except WrongCredentials:
        return await _page(request, {"second_factor": _("This is not your current password.")}, 403)
    except TooManyAttempts as error:
        return await _page(request, {"second_factor": wait_words(error)}, 429)
    raise web.HTTPSeeOther(f"{PATH}?done=second-factor-off#second-factor")


async def end_session(request: web.Request) -> web.Response:
    """Log out somewhere else."""
    wanted = from_path(request, SessionPath).session_id
    await services_of(request).own.end_session(account_of(request), wanted)
    raise web.HTTPSeeOther(f"{PATH}?done=sessions#sessions")


async def end_other_sessions(request: web.Request) -> web.Response:
    """Log out everywhere else."""
    await services_of(request).own.end_other_sessions(account_of(request), request[TOKEN])
    raise web.HTTPSeeOther(f"{PATH}?done=sessions#sessions")


async def _page(
    request: web.Request, faults: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    services, account = services_of(request), account_of(request)
    done = request.query.get("done", "")
    groups = [group.name for group in await services.groups.groups() if group.id in account.groups]
    context: dict[str, Any] = {
        "section": PATH,
        "groups": groups,
        "sessions": await services.own.sessions(account, request[TOKEN]),
        "faults": faults or {},
        "done": done if done in _DONE and not faults else "",
        "shortest": SHORTEST_PASSWORD,
        "longest": LONGEST_PASSWORD,
    }
    return aiohttp_jinja2.render_template("account.html", request, context, status=status)


def _first_password(request: web.Request, target: str, fault: str = "") -> web.Response:
    context = {"next": target, "fault": fault, "shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}
    return aiohttp_jinja2.render_template(
        "first_password.html", request, context, status=400 if fault else 200
    )


async def _second_factor(request: web.Request, fault: str = "") -> web.Response:
    services, account = services_of(request), account_of(request)
    secret = await services.own.unconfirmed_secret(account)
    if secret is None:
        raise web.HTTPSeeOther(f"{PATH}#second-factor")
    letters = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    context = {"section": PATH, "letters": letters, "fault": fault}
    return aiohttp_jinja2.render_template(
        "second_factor.html", request, context, status=400 if fault else 200
    )


def _length_words() -> str:
    return ngettext(
        "A password has at least %(num)s character.",
        "A password has at least %(num)s characters.",
        SHORTEST_PASSWORD,
    )


ROUTES = (
    web.get(PATH, account_page),
    web.post(PATH + "/password", change_password),
    web.get(FIRST_PASSWORD, first_password_form),
    web.post(FIRST_PASSWORD, choose_password),
    web.post(SECOND_FACTOR, begin_second_factor),
    web.get(SECOND_FACTOR, second_factor_form),
    web.get(SECOND_FACTOR + ".svg", second_factor_square),
    web.post(SECOND_FACTOR + "/confirm", confirm_second_factor),
    web.post(SECOND_FACTOR + "/off", drop_second_factor),
    web.post(PATH + "/sessions/end-others", end_other_sessions),
    web.post(PATH + "/sessions/{session_id}/end", end_session),
)
