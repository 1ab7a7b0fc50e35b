"""The stream behind the live parts of pages."""

from aiohttp import web

from cti.web.access import sight_of, sight_of_account
from cti.web.board import Audience
from cti.web.languages import language
from cti.web.problems import Problem
from cti.web.room_page import BOARD
from cti.web.services import services_of
from cti.web.streams import tell_news

STREAM_LIMIT = 100
RETRY_MS = 2000


async def live_stream(request: web.Request) -> web.StreamResponse:
    """Events named `board`: the fragment of the first page, whole, after every change."""
    board, services = request.app[BOARD], services_of(request)
    if board.watchers >= STREAM_LIMIT:
        raise Problem(503, "too-many-streams", "Too many pages are open.", headers={"Retry-After": "10"})
    audience = Audience(sight_of(request), language())
    with board.watching(audience):
        return await tell_news(
            request,
            "board",
            lambda seen: board.newer(seen, audience),
            lambda account: sight_of_account(services, account) == audience.sight,
            retry_ms=RETRY_MS,
        )


ROUTES = (web.get("/live", live_stream),)
