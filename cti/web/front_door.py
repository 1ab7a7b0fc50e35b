"""The HTTP port: opens it, bounds what strangers can hold of it, closes it in order.

A silent client or one that dribbles its header is dropped by aiohttp's keep-alive clock; the number of
connections is bounded here, because every one takes a file descriptor that calls need too.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

log = structlog.get_logger()

IDLE_S = 20.0  # without a finished request header
GOOD_BYE_S = 3.0  # open requests and event streams get this long at shutdown
CONNECTION_LIMIT = 256


class PortTaken(Exception):
    """The HTTP port cannot be opened; the message says what to do."""


class _Refusal(asyncio.Protocol):
    """What a client gets when the house is full: nothing, at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@asynccontextmanager
async def open_door(
    app: web.Application,
    host: str,
    port: int,
    *,
    idle_s: float = IDLE_S,
    connection_limit: int = CONNECTION_LIMIT,
) -> AsyncIterator[int]:
    """Serve `app` while inside; yields the port, which matters when 0 was asked for.

    Raises:
        PortTaken: another program has the port, or it may not be opened.
    """
    runner = web.AppRunner(
        app,
        access_log=None,  # paths carry ids and searches; /metrics has the counts
        keepalive_timeout=idle_s,
        max_line_size=4096,
        max_field_size=8190,
        shutdown_timeout=GOOD_BYE_S,
    )
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - setup() made it

    def answer() -> asyncio.Protocol:
        if len(server.connections) >= connection_limit:
            log.warning("too many HTTP connections, one was refused", action="http_full")
            return _Refusal()
        return server()

    loop = asyncio.get_running_loop()
    try:
        try:
            listener = await loop.create_server(answer, host, port)
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
            raise PortTaken(
                f"HTTP port {host}:{port} {why}: stop the program that has it, or set PRESSZERO_HTTP_PORT."
            ) from error
        try:
            yield int(listener.sockets[0].getsockname()[1])
        finally:
            listener.close()
    finally:
        await runner.cleanup()
