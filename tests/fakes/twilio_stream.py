"""Twilio's side of a media stream over a real WebSocket: a caller who speaks, presses keys and listens.

Sends a frame each 20 ms, silence where there is nothing to say; plays what it is sent at its own pace, tells
of marks when their time has come, and forgets everything at a `clear`, marks told.
"""

import asyncio
import base64
import contextlib
import json
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiohttp

from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from voicebot import mulaw
from voicebot.media import FRAME_BYTES, FRAME_SECONDS

CONNECT_S = 5.0
_SAMPLES = FRAME_BYTES // 2  # bytes of mu-law in a frame
_QUIET = bytes([mulaw.SILENCE]) * _SAMPLES


class StreamedCall:
    """`async with StreamedCall(...) as call:` streams until the other side closes or the block ends."""

    def __init__(
        self, url: str, call_sid: str, settings: TwilioSettings, hears: Callable[[bytes], None]
    ) -> None:
        """`hears` gets each frame (samples) when its time has come, silence too."""
        self._url, self._call_sid, self._settings, self._hears = url, call_sid, settings, hears
        self.stream_sid = "MZ" + call_sid[2:]
        self.closed = asyncio.Event()
        self.close_code: int | None = None
        self.events: list[str] = []  # of the other side
        self._to_say: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._to_play: deque[bytes | str] = deque()  # frames of mu-law, and names of marks
        self._unframed = b""
        self._sequence = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(CONNECT_S):
                self.socket = await self._session.ws_connect(self._url, max_msg_size=1 << 20)
            await self._send("connected", protocol="Call", version="1.0.0")
            await self._send("start", start={
                "streamSid": self.stream_sid, "accountSid": self._settings.account_sid,
                "callSid": self._call_sid, "tracks": ["inbound"], "customParameters": {},
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            })  # fmt: skip
        except BaseException:
            await self._session.close()
            raise
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._pace())]
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
        await self._session.close()

    async def say(self, pcm: bytes) -> float:
        """Speak at the pace of speech; the event loop's time at which the last frame had been sent."""
        self._to_say.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
        self._said.clear()
        async with asyncio.timeout(len(pcm) / 16000 + 5):
            await self._said.wait()
        return asyncio.get_running_loop().time()

    def press(self, digit: str) -> None:
        """Press a key."""
        told = {"track": "inbound_track", "digit": digit}
        self._tasks.append(asyncio.create_task(self._send("dtmf", dtmf=told)))

    async def hang_up(self) -> None:
        """As Twilio tells of it: a last word, and a close."""
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await self._send("stop", stop={"callSid": self._call_sid})
            await self.socket.close(code=1000)

    async def _send(self, event: str, **more: object) -> None:
        told: dict[str, object] = {"event": event, **more}
        if event != "connected":
            self._sequence += 1
            told |= {"sequenceNumber": str(self._sequence), "streamSid": self.stream_sid}
        await self.socket.send_str(json.dumps(told))

    async def _listen(self) -> None:
        while True:
            message = await self.socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            await self._obey(json.loads(message.data))
        self.close_code = self.socket.close_code
        self.closed.set()

    async def _obey(self, told: dict[str, object]) -> None:
        event, about = str(told["event"]), told.get(str(told["event"]))
        self.events.append(event)
        if told.get("streamSid") != self.stream_sid:
            raise ValueError("That is the id of another stream.")
        if event == "media" and isinstance(about, dict):
            self._unframed += base64.b64decode(about["payload"], validate=True)
            while len(self._unframed) >= _SAMPLES:
                self._to_play.append(self._unframed[:_SAMPLES])
                self._unframed = self._unframed[_SAMPLES:]
        elif event == "mark" and isinstance(about, dict):
            self._to_play.append(str(about["name"]))
        elif event == "clear":
            marks = [item for item in self._to_play if isinstance(item, str)]
            self._to_play.clear()
            for name in marks:
                await self._send("mark", mark={"name": name})

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while not self.closed.is_set():
                await self._play_next()
                frame = self._to_say.popleft().ljust(FRAME_BYTES, b"\0") if self._to_say else None
                coded = _QUIET if frame is None else mulaw.compress(frame)
                payload = base64.b64encode(coded).decode()
                await self._send("media", media={"track": "inbound", "payload": payload})
                if not self._to_say:
                    self._said.set()
                due += FRAME_SECONDS
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _play_next(self) -> None:
        while self._to_play:
            item = self._to_play.popleft()
            if isinstance(item, bytes):
                self._hears(mulaw.expand(item))
                return
            await self._send("mark", mark={"name": item})
        self._hears(bytes(FRAME_BYTES))
