"""The HTTP port: opens it, bounds what strangers can hold of it, closes it in order.

A silent client, or one that dribbles its header, is dropped by aiohttp's keep-alive clock. The number of
connections is bounded here, because every one takes a file descriptor, and calls need those too.
"""

import asyncio

import structlog
from aiohttp import web

log = structlog.get_logger()

IDLE_S = 20.0  # without a whole request header
GOOD_BYE_S = 3.0  # open requests and event streams get this long at the end
CONNECTION_LIMIT = 256


class _Refusal(asyncio.Protocol):
    """What a client gets when the house is full: nothing, at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class FrontDoor:
    """Serves an application on one address."""

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        idle_s: float = IDLE_S,
        connection_limit: int = CONNECTION_LIMIT,
    ) -> None:
        """Opens nothing yet. `port` 0 takes a free one."""
        self._host = host
        self._port = port
        self._connection_limit = connection_limit
        self._listener: asyncio.Server | None = None
        self._runner = web.AppRunner(
            app,
            access_log=None,  # paths carry ids and searches; /metrics has the counts
            keepalive_timeout=idle_s,
            max_line_size=4096,
            max_field_size=8190,
            shutdown_timeout=GOOD_BYE_S,
        )

    @property
    def port(self) -> int:
        """The port that is open."""
        if self._listener is None:
            raise RuntimeError("the door is not open")
        return int(self._listener.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Open the door.

        Raises:
            OSError: the port is in use, or may not be opened.
        """
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise RuntimeError("a runner that is set up has a server")

        def answer() -> asyncio.Protocol:
            if len(server.connections) >= self._connection_limit:
                log.warning("too many HTTP connections, one was refused", action="http_full")
                return _Refusal()
            return server()

        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(answer, self._host, self._port)

    async def close(self) -> None:
        """Take no more, let open requests end, stop the application."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
