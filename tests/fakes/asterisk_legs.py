"""Asterisk's side of its WebSocket channel over a real socket, after chan_websocket.c of Asterisk 22.

Queues what it is sent and plays it at its own pace, a frame each 20 ms; knows marks, flushes and a queue that
is full. What stands in `heard` is what its caller has heard, and when. Speaks as `AudioSocketCaller` does.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import aiohttp
from aiohttp import web

from tests.fakes.audiosocket_client import AUDIO, FRAME_BYTES, FRAME_SECONDS, Heard, Hearer
from voicebot.websocket_lines import WebSocketLines

FULL, ROOM, MOST = 900, 800, 1000  # frames: QUEUE_LENGTH_XOFF_LEVEL, _XON_LEVEL, _MAX
LONGEST_TEXT = 128


class AsteriskLegs:
    """Asterisk's HTTP server, as far as it is asked for media: a leg is known by its id, and lets in once."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []  # paths
        self._waiting: dict[str, asyncio.Future[web.WebSocketResponse]] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Serve while inside."""
        runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/media"
        try:
            yield self
        finally:
            await runner.cleanup()

    def ready(self, leg: str) -> "asyncio.Future[web.WebSocketResponse]":
        """A leg that waits for somebody; done when they are here."""
        self._waiting[leg] = asyncio.get_running_loop().create_future()
        return self._waiting[leg]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        waiting = self._waiting.pop(request.path.removeprefix("/media/"), None)
        if waiting is None:
            return web.Response(status=404)
        socket = web.WebSocketResponse(protocols=("media",), autoclose=False, timeout=1)
        await socket.prepare(request)
        waiting.set_result(socket)
        await self._over(socket)
        return socket

    async def _over(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:  # noqa: ASYNC110 - the caller has the socket
            await asyncio.sleep(0.02)


class ChanWebSocketCaller(Hearer):
    """`async with ChanWebSocketCaller(legs, lines, call) as it:` is a call; leaving the block hangs up."""

    def __init__(
        self,
        legs: AsteriskLegs,
        lines: WebSocketLines,
        call: UUID,
        *,
        marks: bool = True,
        media_format: str = "slin",
    ) -> None:
        """`marks`: whether this Asterisk tells that a mark was played."""
        super().__init__()
        self._legs, self._lines, self._call = legs, lines, call
        self._marks = marks
        self._format = media_format
        self.commands: list[str] = []
        self.starved = 0  # frames that it had nothing for, since it was sent anything
        self.close_code: int | None = None
        self._queue: deque[bytes | str] = deque()  # frames, and the names of marks
        self._full = False
        self._to_say: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        leg = str(uuid4())
        here = self._legs.ready(leg)
        self._lines.take(self._call, leg)
        async with asyncio.timeout(2):  # then the dialplan goes on without the bot
            self.socket = await here
        await self._tell(
            "MEDIA_START",
            connection_id=leg,
            channel="WebSocket/INCOMING/0x1",
            format=self._format,
            optimal_frame_size=FRAME_BYTES if self._format == "slin" else 160,
            ptime=20,
            channel_variables={},
        )
        work = (self._listen(), self._speak(), self._play())
        self._tasks = [asyncio.create_task(each) for each in work]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.closed.is_set():
            await self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    async def say(self, pcm: bytes) -> float:
        """Speak at the pace of speech; the event loop's time at which the last frame had been sent."""
        self._to_say.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
        self._said.clear()
        async with asyncio.timeout(len(pcm) / 16000 + 5):
            await self._said.wait()
        return asyncio.get_running_loop().time()

    def press(self, digit: str) -> None:
        """Press a key."""
        self._tasks.append(asyncio.create_task(self._tell("DTMF_END", digit=digit)))

    async def hang_up(self) -> None:
        """As Asterisk does: a close with status 1000."""
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await self.socket.close(code=1000)

    @property
    def ended_properly(self) -> bool:
        """Whether the server said good-bye."""
        return self.close_code == 1000

    async def _tell(self, event: str, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"event": event, "channel_id": "1.1", **fields}))

    async def _listen(self) -> None:
        while True:
            message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                self._take(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await self._obey(message.data)
            else:
                if message.type is aiohttp.WSMsgType.CLOSE:
                    self.close_code = message.data
                    await self.socket.close(code=message.data)
                break
            if not self._full and len(self._queue) >= FULL:
                self._full = True
                await self._tell("MEDIA_XOFF")
        self.closed.set()
        self._news.set()

    def _take(self, data: bytes) -> None:
        assert len(data) % FRAME_BYTES == 0, "Asterisk drops what is left beyond whole frames"
        assert len(self._queue) < MOST, "Asterisk drops what comes when its queue is full"
        self._queue.extend(data[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES))

    async def _obey(self, text: str) -> None:
        assert len(text) <= LONGEST_TEXT, "Asterisk takes no longer text"
        command = json.loads(text)
        self.commands.append(command["command"])
        if command["command"] == "FLUSH_MEDIA":
            self._queue.clear()
        elif command["command"] == "MARK_MEDIA" and self._marks:
            self._queue.append(command["correlation_id"])

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while not self.closed.is_set():
                await self._play_next(loop.time())
                due += FRAME_SECONDS
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _play_next(self, now: float) -> None:
        if self._full and len(self._queue) < ROOM:
            self._full = False
            await self._tell("MEDIA_XON")
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, bytes):
                self.heard.append(Heard(now, AUDIO, item))
                self._news.set()
                return
            await self._tell("MEDIA_MARK_PROCESSED", correlation_id=item)
        if self.heard:
            self.starved += 1

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while not self.closed.is_set():
                frame = self._to_say.popleft() if self._to_say else b""
                await self.socket.send_bytes(frame.ljust(FRAME_BYTES, b"\0"))
                if not self._to_say:
                    self._said.set()
                due += FRAME_SECONDS
                await asyncio.sleep(max(0.0, due - loop.time()))
