"""Server-sent events (https://html.spec.whatwg.org/#server-sent-events): one way for all who follow.

Knows how a stream begins, beats and ends; not what it tells.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from cti.web.security import TOKEN
from cti.web.services import services_of
from tickets.accounts import Account
from tickets.database import DatabaseTrouble

BEAT_S = (
    15.0  # at least this often something is sent, which finds dead links, and the login is asked for again
)
WRITE_DEADLINE_S = 10.0  # a client that does not read is let go; its page connects again
ALIVE = b"event: alive\ndata: 1\n\n"  # a comment would do for the link, but pages cannot hear it

Newer = Callable[[int], Awaitable[tuple[int, str] | None]]
"""Waits for what is newer than a version (0: any); None: the house closes."""


async def tell_news(
    request: web.Request, name: str, newer: Newer, may_go_on: Callable[[Account], bool], *, retry_ms: int
) -> web.StreamResponse:
    """A stream of events called `name`, each the whole newest state; ends with the login, or with its rights.

    `may_go_on`: whether an account as it is now may have the stream that it opened. `retry_ms`: browsers wait
    this long before they connect again.
    """
    response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    seen, asked_at = 0, time.monotonic()
    try:
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await response.prepare(request)
            await response.write(f"retry: {retry_ms}\n\n".encode())
        while True:
            if time.monotonic() - asked_at >= BEAT_S:
                if not await _may_go_on(request, may_go_on):
                    break  # the page asks again, is refused, and shows the login
                asked_at = time.monotonic()
            try:
                async with asyncio.timeout(BEAT_S):
                    news = await newer(seen)
            except TimeoutError:
                message = ALIVE
            else:
                if news is None:
                    break
                seen, text = news
                message = as_event(name, text, seen)
            async with asyncio.timeout(WRITE_DEADLINE_S):
                await response.write(message)
    except (ConnectionError, TimeoutError):
        pass  # gone, or as good as gone
    return response


async def _may_go_on(request: web.Request, may_go_on: Callable[[Account], bool]) -> bool:
    """A database that is away just now ends nobody's stream."""
    try:
        account = await services_of(request).accounts.by_token(request[TOKEN])
    except DatabaseTrouble:
        return True
    return account is not None and may_go_on(account)


def as_event(name: str, text: str, number: int) -> bytes:
    """One event; every line of `text` becomes a data line, so no text can forge another event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\nid: {number}\n{lines}\n".encode()
