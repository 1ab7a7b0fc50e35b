"""Connects to the legs that Asterisk's chan_websocket holds ready for the bot: each call by itself.

The other carrier beside `voicebot.server`. We go to Asterisk, not the other way round: Asterisk 22.10 waits
without end for the answer of a mute door, and its caller with it; a leg that waits for us ends by itself. So
there is no door for strangers here, and at Asterisk's nobody gets in who does not know the leg's random id.
Knows who talks by the injected `attend`; knows no dialogue, and no PBX beyond the wire.
"""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import quote
from uuid import UUID

import aiohttp
import structlog

from voicebot.chan_websocket import LONGEST_MESSAGE, PROTOCOL
from voicebot.media import Attend, Attendant
from voicebot.websocket_media import WebSocketMedia

log = structlog.get_logger()

_CONNECT_S = 1.5  # the leg waits for two
_ATTEND_S = 2.0  # the composition root only looks into a dictionary
_CLOSING_S = 1.0
_FAREWELL_S = 0.5


class WebSocketLines:
    """`async with WebSocketLines(...) as lines:` takes calls until the block ends, and ends them then."""

    def __init__(self, url: str, attend: Attend, *, connections: int = 64) -> None:
        """Nothing happens before `start`.

        Args:
            url: where Asterisk's HTTP server has the legs, as in ws://127.0.0.1:8088/media.
            attend: who talks with the call announced under this id.
            connections: conversations at the same time; beyond them callers go to an operator.
        """
        self._url = url.rstrip("/")
        self._attend = attend
        self._connections = connections
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Be ready to take calls."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """Take no more, end the conversations in progress; the callers go on in the dialplan."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def take(self, call: UUID, leg: str) -> None:
        """A leg of Asterisk's waits for us, for the call announced under this id. Returns at once."""
        if self._session is None:
            return
        if len(self._tasks) >= self._connections:
            log.warning("too many bot calls", action="bot_websocket_full", limit=self._connections)
            return  # the leg rings out
        task = asyncio.create_task(self._serve(self._session, call, leg))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, session: aiohttp.ClientSession, call: UUID, leg: str) -> None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                socket = await session.ws_connect(
                    f"{self._url}/{quote(leg, safe='')}",
                    protocols=(PROTOCOL,),
                    max_msg_size=LONGEST_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL_S),
                )
            media = WebSocketMedia(socket)
            media.start()
            try:
                attendant = await self._attendant(call)
                if attendant is not None:
                    await attendant.run(media)
            finally:
                # Whatever happened, also when the service stops: after our good-bye the dialplan goes on.
                await media.close()
        except (OSError, aiohttp.ClientError) as error:  # a deadline that has passed is an OSError too
            reason = type(error).__name__
            log.warning("no connection to the bot's leg", action="bot_websocket_nothing", reason=reason)
        except Exception:
            log.exception("bot call failed", action="bot_call_failed")

    async def _attendant(self, call: UUID) -> Attendant | None:
        async with asyncio.timeout(_ATTEND_S):
            attendant = await self._attend(call)
        if attendant is None:
            log.warning("nobody expects this call", action="bot_websocket_unknown")
        return attendant
