"""Takes the WebSockets that Twilio opens for the bot's calls: each call by itself.

The third carrier, beside `voicebot.server` and `voicebot.websocket_lines`. Twilio comes to us, by an address
with the call's random id in it, which was told to nobody else and is good once: a stranger gets no socket.
When we close ours, Twilio goes on with the call's next step. Knows who talks by the injected `attend`; knows
no dialogue and no door.
"""

import asyncio
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from aiohttp import WSMsgType, web

from voicebot.chan_websocket import BadText
from voicebot.media import Attend, Attendant
from voicebot.twilio_stream import LONGEST_MESSAGE, TwilioStream, begun
from voicebot.websocket_media import WebSocketMedia

log = structlog.get_logger()

_ATTEND_S = 2.0  # the composition root only looks into a dictionary
_BEGIN_S = 3.0  # Twilio says `connected` and `start` at once
_CLOSING_S = 1.0
_FAREWELL_S = 0.5


class TwilioLines:
    """`async with TwilioLines(...) as lines:` takes calls until the block ends, and ends them then."""

    def __init__(self, attend: Attend, *, connections: int = 64) -> None:
        """
        Args:
            attend: who talks with the call announced under this id.
            connections: conversations at the same time; beyond them callers go to an operator.
        """
        self._attend = attend
        self._connections = connections
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def serve(self, request: web.Request, call: UUID) -> web.StreamResponse:
        """Hold the conversation of this call over the WebSocket that is asked for; returns at its end.

        Raises:
            web.HTTPException: nobody expects the call, or there is no room.
        """
        attendant = await self._attendant(call)
        socket = web.WebSocketResponse(
            max_msg_size=LONGEST_MESSAGE, timeout=_FAREWELL_S, compress=False, autoclose=False
        )
        await socket.prepare(request)
        task = asyncio.create_task(self._talk(socket, attendant))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        return socket

    async def close(self) -> None:
        """Take no more, end the conversations in progress; Twilio goes on with their calls."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _attendant(self, call: UUID) -> Attendant:
        if self._closed or len(self._tasks) >= self._connections:
            log.warning("too many bot calls", action="twilio_stream_full", limit=self._connections)
            raise web.HTTPServiceUnavailable(text="No room.\n")
        async with asyncio.timeout(_ATTEND_S):
            attendant = await self._attend(call)
        if attendant is None:
            # No warning: the door stands open to the world, and strangers would fill the disk.
            log.debug("nobody expects this call", action="twilio_stream_unknown")
            raise web.HTTPNotFound(text="Nobody expects this call.\n")
        return attendant

    async def _talk(self, socket: web.WebSocketResponse, attendant: Attendant) -> None:
        try:
            async with asyncio.timeout(_BEGIN_S):
                stream_sid = await _begin(socket)
            media = WebSocketMedia(socket, TwilioStream(stream_sid))
            media.start()
            try:
                await attendant.run(media)
            finally:
                # Whatever happened, also when the service stops: after our good-bye Twilio goes on.
                await media.close()
        except (BadText, OSError) as error:  # a deadline that has passed is an OSError too
            reason = str(error) or type(error).__name__
            log.warning("not a media stream", action="twilio_stream_garbage", reason=reason)
        except Exception:
            log.exception("bot call failed", action="bot_call_failed")
        finally:
            await socket.close()


async def _begin(socket: web.WebSocketResponse) -> str:
    """Read up to the message that names the stream: its id."""
    while True:
        message = await socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise BadText("closed before a word was said")
        stream_sid = begun(message.data)
        if stream_sid is not None:
            return stream_sid
