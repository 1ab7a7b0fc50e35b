"""WebSocket server for Asterisk's chan_websocket: one connection per bot call, each by itself.

The other carrier beside `voicebot.server`, with the same promises: whatever a connection does costs that
connection only. A call is named by `?call=` and the id that reception has announced; the id lets in once.
Knows who talks by the injected `attend`; knows no dialogue, no pages, and no PBX beyond the wire.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from aiohttp import web

from voicebot.chan_websocket import LONGEST_MESSAGE
from voicebot.media import Attend, Attendant
from voicebot.websocket_media import WebSocketMedia

log = structlog.get_logger()

PATH = "/bot"
PROTOCOL = "media"  # as Asterisk calls it

_UPGRADED_S = 2.0  # Asterisk asks at once
_ATTEND_S = 2.0  # the composition root only looks into a dictionary
_CLOSING_S = 1.0
_FAREWELL_S = 0.5
_STRANGERS = 64  # beside one for each conversation that may begin at the same instant


class _Doorman(asyncio.Protocol):
    """Meets a connection before aiohttp does."""

    def __init__(self, server: "WebSocketServer") -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._server.met(transport)


class WebSocketServer:
    """`async with WebSocketServer(...) as server:` listens until the block ends, and ends its calls."""

    def __init__(self, host: str, port: int, attend: Attend, *, connections: int = 64) -> None:
        """Nothing happens before `start`. As for `voicebot.server.AudioSocketServer`."""
        self._host, self._wanted_port = host, port
        self._attend = attend
        self._connections = connections
        self._tasks: set[asyncio.Task[object]] = set()
        self._strangers: dict[asyncio.Transport, asyncio.TimerHandle] = {}  # not upgraded yet, oldest first
        self._calls = 0
        self._listener: asyncio.Server | None = None
        self._web: web.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._listener is None:
            raise RuntimeError("The server has not been started.")
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._web = web.Server(
            self._accept,
            access_log=None,
            keepalive_timeout=_UPGRADED_S,
            lingering_time=0,
            max_line_size=1024,
            max_field_size=1024,
            max_headers=32,
        )
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Doorman(self), self._host, self._wanted_port)

    async def close(self) -> None:
        """Stop listening, end the conversations in progress; the callers go on in the dialplan."""
        if self._listener is not None:
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)
        for transport in list(self._strangers):
            self._show_out(transport)
        if self._web is not None:
            await self._web.shutdown(_CLOSING_S)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def met(self, transport: asyncio.Transport) -> None:
        """Somebody has connected. Who is no call within the deadline has to go; so has, when the door is
        full, who has been here for longest: Asterisk asks at once.
        """
        if self._web is None:
            raise RuntimeError("a server that listens has been started")
        handler = self._web()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        loop = asyncio.get_running_loop()
        self._strangers[transport] = loop.call_later(_UPGRADED_S, self._show_out, transport)
        if len(self._strangers) > _STRANGERS + self._connections:
            self._show_out(next(iter(self._strangers)))

    def _show_out(self, transport: asyncio.Transport) -> None:
        self._known(transport)
        transport.abort()

    def _known(self, transport: asyncio.Transport) -> None:
        timer = self._strangers.pop(transport, None)
        if timer is not None:
            timer.cancel()

    async def _accept(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is None:  # aiohttp runs this in one
            return _refusal(500)
        self._tasks.add(task)
        try:
            return await self._serve(request)
        except OSError as error:  # a deadline that has passed is one too
            log.info(
                "connection came to nothing", action="bot_websocket_nothing", reason=type(error).__name__
            )
        except Exception:
            log.exception("bot call failed", action="bot_call_failed")
        finally:
            self._tasks.discard(task)
        return _refusal(500)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        call, transport = _call_of(request), request.transport
        socket = web.WebSocketResponse(
            timeout=_FAREWELL_S, protocols=(PROTOCOL,), compress=False, max_msg_size=LONGEST_MESSAGE
        )
        if call is None or transport is None or not socket.can_prepare(request):
            log.warning("no call of a PBX", action="bot_websocket_stranger")
            return _refusal(404)
        attendant = await self._attendant(call)
        if attendant is None:
            return _refusal(404)
        # From here on the conversation is run, whatever happens: it has a recogniser to give back.
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_UPGRADED_S):
                await socket.prepare(request)
        self._known(transport)
        await self._converse(attendant, socket)
        return socket

    async def _converse(self, attendant: Attendant, socket: web.WebSocketResponse) -> None:
        media = WebSocketMedia(socket)
        media.start()
        self._calls += 1
        try:
            await attendant.run(media)
        finally:
            self._calls -= 1
            # Whatever happened, also when the service stops: after our good-bye the dialplan goes on.
            await media.close()

    async def _attendant(self, call: UUID) -> Attendant | None:
        if self._calls >= self._connections:
            log.warning("too many bot calls", action="bot_websocket_full", limit=self._connections)
            return None
        async with asyncio.timeout(_ATTEND_S):
            attendant = await self._attend(call)
        if attendant is None:
            log.warning("nobody expects this call", action="bot_websocket_unknown")
        return attendant


def _call_of(request: web.BaseRequest) -> UUID | None:
    """The id that a channel of Asterisk's names; None: it is something else, such as a page in a browser."""
    if request.method != "GET" or request.path != PATH or "Origin" in request.headers:
        return None
    with contextlib.suppress(ValueError):
        return UUID(request.query.get("call", ""))
    return None


def _refusal(status: int) -> web.Response:
    answer = web.Response(status=status)
    answer.force_close()
    return answer
