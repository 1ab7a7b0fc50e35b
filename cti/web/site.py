"""The site put together: routes, middlewares, templates, the live board, over the services it is given."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version

from aiohttp import web

from cti.operators.click_to_call import NotANumber
from cti.operators.controls import NoSuchCall, PbxSaysNo
from cti.web import (
    account_page,
    admin_groups,
    admin_log,
    admin_people,
    api_calls,
    api_controls,
    api_customers,
    api_incidents,
    api_missed,
    api_presence,
    api_promises,
    api_recordings,
    api_search,
    api_session,
    api_tickets,
    customer_pages,
    desk_stream,
    export_page,
    health,
    incidents_page,
    insight_page,
    languages_page,
    live_page,
    login_page,
    missed_page,
    pages,
    promises_page,
    ring_page,
    room_page,
    search_page,
    ticket_pages,
)
from cti.web.assets import Assets
from cti.web.board import Board
from cti.web.limits import rate_middleware
from cti.web.openapi import Json, document
from cti.web.problems import Known, problems_middleware
from cti.web.security import (
    BODY_LIMIT,
    deadline_middleware,
    headers_signal,
    language_middleware,
    session_middleware,
)
from cti.web.services import SERVICES, Services
from cti.web.templating import error_page, set_up_templates
from recordings.store import NotOnShelf, ShelfLate
from tickets.accounts import SecondFactorNeeded, TooManyAttempts, WrongCode, WrongCredentials
from tickets.customers import BadCard
from tickets.database import DatabaseTrouble
from tickets.desk import BadCursor, NotAllowed, NotFound
from tickets.edits import BadEdit, BadNote
from tickets.incidents import BadIncident
from tickets.promises import BadReason
from tickets.taught import BadPhrase
from tickets.ticket_book import Conflict

OPERATIONS = (
    *api_session.OPERATIONS,
    *api_calls.OPERATIONS,
    *api_controls.OPERATIONS,
    *api_tickets.OPERATIONS,
    *api_customers.OPERATIONS,
    *api_missed.OPERATIONS,
    *api_search.OPERATIONS,
    *api_recordings.OPERATIONS,
    *api_incidents.OPERATIONS,
    *api_promises.OPERATIONS,
    *api_presence.OPERATIONS,
    *desk_stream.OPERATIONS,
)

KNOWN = (
    Known(NotFound, 404, "not-found"),
    Known(NotOnShelf, 404, "not-found"),
    Known(BadCursor, 400, "bad-cursor"),
    Known(BadNote, 400, "bad-note"),
    Known(BadCard, 400, "bad-card"),
    Known(BadEdit, 400, "bad-edit"),
    Known(BadIncident, 400, "bad-incident"),
    Known(BadPhrase, 400, "bad-phrase"),
    Known(BadReason, 400, "bad-reason"),
    Known(NoSuchCall, 404, "not-found"),
    Known(PbxSaysNo, 409, "not-now"),
    Known(NotANumber, 400, "bad-number"),
    Known(NotAllowed, 409, "not-allowed"),
    Known(Conflict, 412, "conflict"),
    Known(SecondFactorNeeded, 401, "second-factor"),
    Known(WrongCode, 401, "wrong-code"),
    Known(WrongCredentials, 401, "wrong-credentials"),
    Known(TooManyAttempts, 429, "too-many-attempts"),
    Known(DatabaseTrouble, 503, "busy"),
    Known(ShelfLate, 503, "busy"),
    Known(TimeoutError, 503, "busy"),
)
"""The one place where the house's errors get an HTTP status."""


def api_document() -> Json:
    """OpenAPI 3.1 of the API."""
    return document(
        OPERATIONS,
        title="PressZero",
        version=version("presszero"),
        description="Calls, tickets, customers and recordings of the contact centre.",
    )


@cache
def api_text() -> str:
    """The same as it is served. The same for every site, and the work of some tenths of a second."""
    return json.dumps(api_document())


def make_site(services: Services) -> web.Application:
    """The desk's web application. Runs nothing before it is started."""
    assets = Assets()
    app = web.Application(
        client_max_size=BODY_LIMIT,
        middlewares=[
            health.metrics_middleware(services.registry),
            language_middleware,
            problems_middleware(KNOWN, error_page),
            rate_middleware(),
            deadline_middleware,
            session_middleware(services.accounts.by_token, secure=services.secure_cookies),
        ],
    )
    app[SERVICES] = services
    app.on_response_prepare.append(headers_signal(services.secure_cookies, services.phone_url))
    set_up_templates(app, services, assets)
    services.registry.register(health.LiveCallsCollector(services.live))

    async def serve_openapi(request: web.Request) -> web.Response:
        return web.Response(text=await asyncio.to_thread(api_text), content_type="application/json")

    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, operation.serve)
        if operation.method == "GET":
            app.router.add_route("HEAD", operation.path, operation.serve)
    app.router.add_get("/api/v1/openapi.json", serve_openapi)
    app.router.add_get("/static/{name:.+}", assets.serve)
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/metrics", health.metrics)
    app.add_routes([*incidents_page.ROUTES, *promises_page.ROUTES, *desk_stream.ROUTES])
    if services.guest is not None:
        app.add_routes(ring_page.ring_routes(services.guest))
    app.add_routes([*account_page.ROUTES, *admin_people.ROUTES, *admin_groups.ROUTES, *admin_log.ROUTES])
    app.add_routes([*ticket_pages.ROUTES, *customer_pages.ROUTES, *missed_page.ROUTES, *search_page.ROUTES])
    app.add_routes([*insight_page.ROUTES])
    app.add_routes([*login_page.ROUTES, *languages_page.ROUTES])
    app.add_routes([*room_page.ROUTES, *pages.ROUTES, *export_page.ROUTES, *live_page.ROUTES])
    app[room_page.BOARD] = Board(services.live, lambda audiences: room_page.draw_board(app, audiences))
    app[room_page.DAY] = {}
    app.cleanup_ctx.append(_keep_board)
    app.on_shutdown.append(_end_streams)
    return app


async def _keep_board(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[room_page.BOARD].run(), name="board")
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _end_streams(app: web.Application) -> None:
    app[SERVICES].desks.hub.close()
    await app[room_page.BOARD].close()
