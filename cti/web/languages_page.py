"""The choice of the pages' language: kept with the account, and in a cookie for the login page."""

from aiohttp import web

from cti.web.forms import posted
from cti.web.languages import LANGUAGES
from cti.web.login_page import safe_target
from cti.web.problems import Problem
from cti.web.security import ACCOUNT, LANGUAGE_COOKIE
from cti.web.services import services_of

KEPT_S = 365 * 24 * 3600


async def choose(request: web.Request) -> web.Response:
    """The form `language_switch.html`; goes back to where it stood."""
    form = await posted(request)
    language = form.get("language", "")
    if language not in LANGUAGES:
        raise Problem(400, "bad-language", "Choose one of the languages on the page.")
    if ACCOUNT in request:
        await services_of(request).accounts.set_language(request[ACCOUNT].id, language)
    response = web.HTTPSeeOther(safe_target(form.get("next", "/")))
    secure = services_of(request).secure_cookies
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=KEPT_S, path="/", httponly=True, samesite="Lax", secure=secure
    )
    raise response


ROUTES = (web.post("/language", choose),)
