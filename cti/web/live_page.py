"""The stream behind the live parts of pages: server-sent events (https://html.spec.whatwg.org/#server-sent-events)."""

import asyncio
import time

from aiohttp import web

from cti.web.access import sight_of, sight_of_account
from cti.web.board import Audience
from cti.web.languages import language
from cti.web.pages import BOARD
from cti.web.problems import Problem
from cti.web.security import TOKEN
from cti.web.services import services_of
from tickets.database import DatabaseTrouble
from tickets.sight import Sight

STREAM_LIMIT = 100
BEAT_S = (
    15.0  # at least this often something is sent, which finds dead links, and the login is asked for again
)
WRITE_DEADLINE_S = 10.0  # a client that does not read is let go; its page connects again
RETRY_MS = 2000  # browsers wait this long before they connect again


async def live_stream(request: web.Request) -> web.StreamResponse:
    """Events named `board`: the fragment of the first page, whole, after every change."""
    board = request.app[BOARD]
    if board.watchers >= STREAM_LIMIT:
        raise Problem(503, "too-many-streams", "Too many pages are open.", headers={"Retry-After": "10"})
    response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    async with asyncio.timeout(WRITE_DEADLINE_S):
        await response.prepare(request)
        await response.write(f"retry: {RETRY_MS}\n\n".encode())
    seen, asked_at = 0, time.monotonic()
    audience = Audience(sight_of(request), language())
    try:
        with board.watching(audience):
            while True:
                if time.monotonic() - asked_at >= BEAT_S:
                    if not await _sees_the_same(request, audience.sight):
                        break  # the page asks again, is refused, and shows the login
                    asked_at = time.monotonic()
                try:
                    async with asyncio.timeout(BEAT_S):
                        news = await board.newer(seen, audience)
                except TimeoutError:
                    message = b": still here\n\n"
                else:
                    if news is None:
                        break
                    seen, picture = news
                    message = as_event("board", picture)
                async with asyncio.timeout(WRITE_DEADLINE_S):
                    await response.write(message)
    except (ConnectionError, TimeoutError):
        pass  # gone, or as good as gone
    return response


async def _sees_the_same(request: web.Request, sight: Sight) -> bool:
    """Whether the stream may go on: still logged in, and with the rights it began with.

    A database that is away just now ends nobody's stream.
    """
    services = services_of(request)
    try:
        account = await services.accounts.by_token(request[TOKEN])
    except DatabaseTrouble:
        return True
    return account is not None and sight_of_account(services, account) == sight


def as_event(name: str, text: str) -> bytes:
    """One event; every line of `text` becomes a data line, so no text can forge another event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


ROUTES = (web.get("/live", live_stream),)
