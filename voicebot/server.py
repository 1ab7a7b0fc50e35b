"""AudioSocket server: one TCP connection per bot call, each by itself.

Whatever a connection does (a port scan, garbage, silence, an unknown id, a flood) costs that connection only.
Knows who talks by the injected `attend`; knows no dialogue and no PBX beyond the wire.
"""

import asyncio
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog

from voicebot.audiosocket import BadMessage, Decoder, Kind, Message
from voicebot.inbox import Flood
from voicebot.media import Attend, Attendant
from voicebot.socket_media import SocketMedia

log = structlog.get_logger()

_FIRST_MESSAGE_S = 2.0  # Asterisk sends the id at once
_ATTEND_S = 2.0  # the composition root only looks into a dictionary
_CLOSING_S = 1.0
_STRANGERS = 64  # beside one for each conversation that may begin at the same instant


class AudioSocketServer:
    """`async with AudioSocketServer(...) as server:` listens until the block ends, and ends its calls."""

    def __init__(self, host: str, port: int, attend: Attend, *, connections: int = 64) -> None:
        """Nothing happens before `start`.

        Args:
            host: address to listen on; loopback, as the protocol has no authentication.
            port: 0 for any free one.
            attend: who talks with the call announced under this id.
            connections: conversations at the same time; beyond them the dialplan takes callers to an operator
                at once.
        """
        self._host, self._wanted_port = host, port
        self._attend = attend
        self._connections = connections
        self._tasks: set[asyncio.Task[None]] = set()
        self._strangers: dict[asyncio.Task[None], None] = {}  # connections without an id yet, oldest first
        self._calls = 0
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("The server has not been started.")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._server = await asyncio.start_server(self._accept, self._host, self._wanted_port)

    async def close(self) -> None:
        """Stop listening, end the conversations in progress; the callers go on in the dialplan."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:  # asyncio runs this as a task
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(task, reader, writer)
        except (BadMessage, Flood) as error:
            log.warning("not AudioSocket", action="audiosocket_garbage", reason=str(error))
        except OSError as error:  # a deadline that has passed is one too
            log.info("connection came to nothing", action="audiosocket_nothing", reason=type(error).__name__)
        except asyncio.CancelledError:
            pass  # by ourselves, at the end or to make room; asyncio's streams would report it as a failure
        except Exception:
            log.exception("bot call failed", action="bot_call_failed")
        finally:
            writer.close()

    async def _serve(
        self, task: "asyncio.Task[None]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        decoder = Decoder()
        self._make_room_for(task)
        try:
            async with asyncio.timeout(_FIRST_MESSAGE_S):
                first, more = await _first_message(reader, decoder)
        finally:
            self._strangers.pop(task, None)
        media = SocketMedia(reader, writer, decoder, more)
        media.start()
        try:
            attendant = await self._attendant(first.call)
            if attendant is not None:
                self._calls += 1
                try:
                    await attendant.run(media)
                finally:
                    self._calls -= 1
        finally:
            # Whatever happened, also when the service stops: our END lets the caller go on in the dialplan.
            await media.close()

    async def _attendant(self, call: UUID) -> Attendant | None:
        if self._calls >= self._connections:
            log.warning("too many bot calls", action="audiosocket_full", limit=self._connections)
            return None
        async with asyncio.timeout(_ATTEND_S):
            attendant = await self._attend(call)
        if attendant is None:
            log.warning("nobody expects this call", action="audiosocket_unknown")
        return attendant

    def _make_room_for(self, task: "asyncio.Task[None]") -> None:
        """Asterisk names its call at once, so the connection that has said nothing for longest has to go."""
        self._strangers[task] = None
        if len(self._strangers) > _STRANGERS + self._connections:
            longest = next(iter(self._strangers))
            del self._strangers[longest]
            longest.cancel()


async def _first_message(reader: asyncio.StreamReader, decoder: Decoder) -> tuple[Message, list[Message]]:
    """The message that names the call, and what arrived together with it."""
    while True:
        data = await reader.read(4096)
        if not data:
            raise ConnectionError("closed before a word was said")
        messages = decoder.feed(data)
        if messages:
            if messages[0].kind is not Kind.UUID:
                raise BadMessage(f"began with {messages[0].kind.name}")
            return messages[0], messages[1:]
