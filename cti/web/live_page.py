"""The stream behind the live parts of pages: server-sent events (https://html.spec.whatwg.org/#server-sent-events)."""

import asyncio

from aiohttp import web

from cti.web.pages import BOARD
from cti.web.problems import Problem
from cti.web.security import TOKEN
from cti.web.services import services_of

STREAM_LIMIT = 100
BEAT_S = 15.0  # a comment this often: finds dead links, and accounts that logged out
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
    seen = 0
    try:
        with board.watching():
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        news = await board.newer(seen)
                except TimeoutError:
                    if await services_of(request).accounts.by_token(request[TOKEN]) is None:
                        break  # the page asks again, is refused, and shows the login
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


def as_event(name: str, text: str) -> bytes:
    """One event; every line of `text` becomes a data line, so no text can forge another event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


ROUTES = (web.get("/live", live_stream),)
