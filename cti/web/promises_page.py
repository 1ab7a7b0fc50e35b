"""The page of promises: who waits for a call-back, what was tried, and the three ways to see to it."""

from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import must_see_promise, sight_of
from cti.web.api_promises import have_called
from cti.web.forms import from_form, from_path, from_query
from cti.web.inputs import PromiseAct, PromisePageQuery, PromisePath
from cti.web.languages import N_
from cti.web.security import account_of
from cti.web.services import services_of
from tickets.desk import NotAllowed
from tickets.paging import write_cursor
from tickets.promises import LONGEST_REASON, BadReason

PATH = "/promises"
PAGE_LENGTH = 50

FILTERS = (
    ("standing", N_("To be kept")),
    ("person", N_("Needs a person")),
    ("over", N_("Seen to")),
    ("all", N_("All")),
)
_ASKED: dict[str, dict[str, Any]] = {
    "standing": {"over": False},
    "person": {"needs_a_person": True},
    "over": {"over": True},
    "all": {},
}


async def promises_page(request: web.Request) -> web.Response:
    """The list."""
    return await _page(request)


async def act(request: web.Request) -> web.Response:
    """The buttons of a row. What cannot be done comes back with the reason."""
    promise_id = from_path(request, PromisePath).promise_id
    query = from_query(request, PromisePageQuery)  # before anything is done: it may be refused
    given = await from_form(request, PromiseAct)
    await must_see_promise(request, promise_id)
    book, login = services_of(request).promises, account_of(request).login
    try:
        if given.act == "call":
            await have_called(services_of(request), promise_id)
        elif given.act == "reached":
            await book.reach(promise_id, login, given.reason)
        else:
            await book.excuse(promise_id, login, given.reason)
    except BadReason as error:
        return await _page(request, str(error), 400)
    except NotAllowed as error:
        return await _page(request, str(error), 409)
    raise web.HTTPSeeOther(_address(query))  # where they were


async def _page(request: web.Request, fault: str = "", status: int = 200) -> web.Response:
    services = services_of(request)
    query = from_query(request, PromisePageQuery)
    asked = _ASKED[query.show]
    page = await services.promises.page(
        cursor=query.cursor, limit=PAGE_LENGTH, sight=sight_of(request), **asked
    )
    context = {
        "section": PATH,
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
        "chosen": query.show,
        "filters": FILTERS,
        "here": _address(query).removeprefix(PATH),
        "where": _where,
        "fault": fault,
        "longest": LONGEST_REASON,
        "standing": await services.promises.standing(),
    }
    return aiohttp_jinja2.render_template("promises.html", request, context, status=status)


def _address(query: PromisePageQuery) -> str:
    given = query.model_dump(exclude_defaults=True)
    return f"{PATH}?{urlencode(given)}" if given else PATH


def _where(promise_id: int) -> str:
    # On a page that begins with it: it may be far from the promise that joined it.
    found = PromisePageQuery(show="all", cursor=write_cursor([promise_id + 1]))
    return f"{_address(found)}#promise-{promise_id}"


ROUTES = (web.get(PATH, promises_page), web.post(PATH + "/{promise_id}", act))
