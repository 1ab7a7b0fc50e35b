"""Asterisk's side of an AudioSocket connection over a real socket: speaks a WAV, presses keys, listens.

Serves tests and the bench. Paces what it sends as Asterisk does, a frame each 20 ms, silence where it has
nothing to say; keeps every frame that it hears with the time of its arrival.
"""

import asyncio
import contextlib
import wave
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import numpy as np

FRAME_BYTES = 320
FRAME_SECONDS = 0.02
END, ID, DIGIT, AUDIO = 0x00, 0x01, 0x03, 0x10


def message(kind: int, payload: bytes = b"") -> bytes:
    """Written by hand, not by the code under test."""
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


def read_wav(path: Path) -> bytes:
    """Samples of an 8 kHz mono 16-bit WAV."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2), path
        return file.readframes(file.getnframes())


@dataclass(frozen=True, slots=True)
class Heard:
    """One message from the server."""

    at: float  # the event loop's clock
    kind: int
    payload: bytes

    @property
    def loud(self) -> bool:
        """Sound, not the silence that keeps the line open."""
        samples = np.frombuffer(self.payload, "<i2")
        return self.kind == AUDIO and bool(samples.size) and int(np.abs(samples.astype(np.int32)).max()) > 100


class Hearer:
    """Whoever hears the server, over whichever carrier."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.closed = asyncio.Event()  # the server ended the call, or cut it
        self._news = asyncio.Event()

    async def first_sound_after(self, at: float, within_s: float = 10.0) -> float:
        """The time of the first frame with sound in it that arrived after `at`."""
        async with asyncio.timeout(within_s):
            while True:
                for heard in self.heard:
                    if heard.at > at and heard.loud:
                        return heard.at
                await self._next()

    async def quiet_for(self, seconds: float, within_s: float = 30.0) -> None:
        """Wait until the server has been silent for so long (and had said something before)."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            while True:
                sounds = [heard.at for heard in self.heard if heard.loud]
                if sounds and loop.time() - sounds[-1] >= seconds:
                    return
                await self._next()

    async def _next(self) -> None:
        if self.closed.is_set():
            raise ConnectionError("The server has ended the call.")
        self._news.clear()
        await self._news.wait()


class AudioSocketCaller(Hearer):
    """`async with AudioSocketCaller(port, call) as caller:` is a call; leaving the block hangs up."""

    def __init__(self, port: int, call: UUID, host: str = "127.0.0.1") -> None:
        super().__init__()
        self._address = host, port
        self._call = call
        self._to_say: deque[bytes] = deque()
        self._said = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(5):
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        self._writer.write(message(ID, self._call.bytes))
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def say(self, pcm: bytes) -> float:
        """Speak at the pace of speech.

        Returns:
            The event loop's time at which the last frame had been sent.
        """
        self._to_say.extend(pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
        self._said.clear()
        async with asyncio.timeout(len(pcm) / 16000 + 5):
            await self._said.wait()
        return asyncio.get_running_loop().time()

    def press(self, digit: str) -> None:
        """Press a key."""
        self._writer.write(message(DIGIT, digit.encode()))

    def hang_up(self) -> None:
        """As Asterisk does: a TCP reset, no message."""
        self._writer.transport.abort()

    @property
    def ended_properly(self) -> bool:
        """Whether the server's last word was END."""
        return bool(self.heard) and self.heard[-1].kind == END

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                header = await self._reader.readexactly(3)
                payload = await self._reader.readexactly(int.from_bytes(header[1:], "big"))
                self.heard.append(Heard(loop.time(), header[0], payload))
                self._news.set()
                if header[0] == END:
                    break
        self.closed.set()
        self._news.set()
        self._writer.close()

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(ConnectionError):
            while not self.closed.is_set():
                frame = self._to_say.popleft() if self._to_say else b""
                self._writer.write(message(AUDIO, frame.ljust(FRAME_BYTES, b"\0")))
                if not self._to_say:
                    self._said.set()
                due += FRAME_SECONDS
                await asyncio.sleep(max(0.0, due - loop.time()))
