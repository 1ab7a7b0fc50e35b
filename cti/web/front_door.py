"""The HTTP port: opens it, bounds what strangers can hold of it, closes it in order.

A silent client, or one that dribbles its header, is dropped by aiohttp's keep-alive clock; one that does not
read its answer is dropped here. The number of connections is bounded here too, in all and for each address,
because every one takes a file descriptor, and calls need those.
"""

import asyncio
import socket
import ssl
import sys

import structlog
from aiohttp import web

from cti.web import limits

log = structlog.get_logger()

IDLE_S = 20.0  # without a whole request header
HANDSHAKE_S = 10.0  # of TLS
UNREAD_S = 20.0  # of which a client reads nothing of what waits for it
GOOD_BYE_S = 3.0  # open requests and event streams get this long at the end
CONNECTION_LIMIT = 256
ADDRESS_LIMIT = 128  # connections of one address; a browser opens six, and a proxy elsewhere speaks for many
HEADER_LINES = 100
_ACKED = slice(120, 128)  # of Linux's `struct tcp_info`: tcpi_bytes_acked, what the peer has taken so far


class _Doorman(asyncio.Protocol):
    """Looks at who comes before aiohttp sees them; whom it turns away gets nothing, at once."""

    def __init__(self, door: "FrontDoor", server: web.Server) -> None:
        self._door, self._server = door, server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            return
        if self._door.is_full(transport):
            transport.close()
            return
        handler = self._server()
        transport.set_protocol(handler)
        handler.connection_made(transport)


class FrontDoor:
    """Serves an application on one address."""

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        idle_s: float = IDLE_S,
        unread_s: float = UNREAD_S,
        connection_limit: int = CONNECTION_LIMIT,
        address_limit: int = ADDRESS_LIMIT,
    ) -> None:
        """Opens nothing yet. `port` 0 takes a free one. `tls`: serve https, and nothing else."""
        self._host, self._tls = host, tls
        self._port = port
        self._unread_s = unread_s
        self._connection_limit, self._address_limit = connection_limit, address_limit
        self._sweeping: asyncio.Task[None] | None = None
        self._listener: asyncio.Server | None = None
        self._runner = web.AppRunner(
            app,
            access_log=None,  # paths carry ids and searches; /metrics has the counts
            keepalive_timeout=idle_s,
            max_line_size=4096,
            max_field_size=8190,
            max_headers=HEADER_LINES,
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

        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: _Doorman(self, server),
            self._host,
            self._port,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_S,
        )
        self._sweeping = asyncio.create_task(self._sweep(), name="front_door")

    def is_full(self, transport: asyncio.Transport) -> bool:
        """Whether the one who comes has to go again."""
        others = self._transports()
        if len(others) >= self._connection_limit:
            log.warning("too many HTTP connections, one was refused", action="http_full")
            return True
        address = _address(transport)
        if address is None or sum(_address(other) == address for other in others) < self._address_limit:
            return False
        log.warning("one address has too many HTTP connections", action="http_address_full")
        return True

    def _transports(self) -> list[asyncio.Transport]:
        handlers = self._runner.server.connections if self._runner.server is not None else []
        return [handler.transport for handler in handlers if isinstance(handler.transport, asyncio.Transport)]

    async def _sweep(self) -> None:
        """Drop who does not read: who has taken nothing of what waits for them for too long."""
        clock = asyncio.get_running_loop().time
        unread: dict[asyncio.Transport, tuple[int, float]] = {}
        while True:
            await asyncio.sleep(self._unread_s / 4)
            before, unread, now = unread, {}, clock()
            for transport in self._transports():
                if not transport.get_write_buffer_size():
                    continue
                taken = _taken(transport)
                was, since = before.get(transport, (taken, now))
                unread[transport] = (taken, now if taken > was else since)
                if now - unread[transport][1] >= self._unread_s:
                    log.info("an HTTP client reads nothing: dropped", action="http_unread")
                    transport.abort()

    async def close(self) -> None:
        """Take no more, let open requests end, stop the application."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


def _taken(transport: asyncio.Transport) -> int:
    """A figure that grows while the client reads. The bytes that wait with us are not enough to tell: whoever
    writes fills them up again.
    """
    try:
        told: bytes = transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.stop
        )
        if len(told) == _ACKED.stop:
            return int.from_bytes(told[_ACKED], sys.byteorder)
    except (AttributeError, OSError):
        pass  # not Linux, or closed already
    return -transport.get_write_buffer_size()


def _address(transport: asyncio.Transport) -> str | None:
    """Whose connection it is; None: this machine's."""
    peer = transport.get_extra_info("peername")
    address = str(peer[0]) if isinstance(peer, tuple) else ""
    return None if limits.is_here(address) else limits.neighbourhood(address)
