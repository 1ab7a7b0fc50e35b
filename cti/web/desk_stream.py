"""The operator's desk over HTTP: the page, the stream of whole snapshots, and one snapshot for programs.

Built from memory only, so it answers also while the database does not; what a desk shows, `cti/desk` decides.
"""

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from cti.desk.centre import Owner
from cti.desk.snapshot import for_page
from cti.web.access import sight_of_account
from cti.web.desk_schemas import DeskOut
from cti.web.languages import _
from cti.web.openapi import operation
from cti.web.problems import Problem
from cti.web.security import account_of
from cti.web.services import Services, services_of
from cti.web.streams import tell_news
from tickets.accounts import Account

STREAM_LIMIT = 200  # of the door's connections the rest is for requests
ACCOUNT_LIMIT = 16  # streams of one account: tabs, and cut links that nobody has noticed yet
RETRY_MS = 500  # a desk has to be back within 3 s of the service's own return


def _owner(services: Services, account: Account) -> Owner:
    if account.extension is None:
        raise Problem(403, "no-phone", _("This account has no extension, so there is no desk for it."))
    return Owner(account.login, account.extension, account.name, sight_of_account(services, account))


async def desk_page(request: web.Request) -> web.Response:
    """The desk, with its first snapshot in the page."""
    account = account_of(request)
    if account.extension is None:
        raise web.HTTPSeeOther("/")
    services = services_of(request)
    snapshot = services.desks.snapshot(_owner(services, account))
    data = Markup(for_page(snapshot.json()))  # noqa: S704  # no sign in it can end the element
    return aiohttp_jinja2.render_template(
        "desk.html",
        request,
        {
            "section": "/desk",
            "snapshot": data,
            "page_phone": bool(services.phone_url),
        },
    )


async def desk_stream(request: web.Request) -> web.StreamResponse:
    """Events named `desk`: the whole snapshot, at once and after every change."""
    services = services_of(request)
    desks, owner = services.desks, _owner(services, account_of(request))
    if desks.hub.streams >= STREAM_LIMIT or desks.hub.streams_of(owner) >= ACCOUNT_LIMIT:
        raise Problem(503, "too-many-streams", _("Too many desks are open."), headers={"Retry-After": "10"})
    with desks.watching(owner):
        return await tell_news(
            request,
            "desk",
            lambda seen: desks.hub.newer(owner, seen),
            lambda account: account.extension is not None and _owner(services, account) == owner,
            retry_ms=RETRY_MS,
        )


@operation("GET", "/api/v1/desk", tag="Desk", problems=(403,))
async def get_desk(request: web.Request) -> DeskOut:
    """The operator's desk at this moment.

    For accounts with an extension. `GET /desk/stream` gives the same as server-sent events named `desk`: the
    whole desk at once, and again after every change.
    """
    services = services_of(request)
    return DeskOut.model_validate(services.desks.snapshot(_owner(services, account_of(request))))


OPERATIONS = (get_desk,)
ROUTES = (web.get("/desk", desk_page), web.get("/desk/stream", desk_stream))
