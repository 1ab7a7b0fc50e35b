"""A conversation's surroundings without sound: a line, an ear and a voice that pass words.

`FakeLine` implements `voicebot.media.MediaPort`, `FakeEar` the methods of `voicebot.hearing.Ear`, `FakeVoice`
`voicebot.voice.Voice`. "Audio" is text: `line.says("when is the next draw")` is one whole utterance.
"""

import asyncio
import hashlib
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from recordings.transcript import Recognised
from voicebot.media import Audio, Digit, HungUp, MediaEvent
from voicebot.segmenter import Segment, Silence, SpeechEnded, SpeechStarted
from voicebot.turn_end import OPEN
from voicebot.voice import Progress, VoiceFailed


class FakeLine:
    """One caller's line. What is played is over at once, unless `slow`: then the test calls `heard_out()`."""

    def __init__(self, *, slow: bool = False) -> None:
        self.played: list[bytes] = []
        self.stopped = 0
        self._slow = slow
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._silent = asyncio.Event()
        self._silent.set()

    def says(self, text: str, *, confidence: float = 0.9) -> None:
        """The caller speaks a whole utterance."""
        self._events.put_nowait(Audio(f"said {confidence} {text}".encode()))

    def sends(self, pcm: bytes) -> None:
        """Real sound, for a real ear."""
        self._events.put_nowait(Audio(pcm))

    def speaks_for(self, seconds: float) -> None:
        """The caller is speaking, not yet at the end."""
        self._events.put_nowait(Audio(f"speaking {seconds}".encode()))

    def breathes(self) -> None:
        """Audio in which nothing is said."""
        self._events.put_nowait(Audio(b"breath"))

    def coughs(self) -> None:
        """A short utterance without words."""
        self._events.put_nowait(Audio(b"cough"))

    @property
    def heard_all(self) -> bool:
        """Whether everything that happened on the line has been read."""
        return self._events.empty()

    def stays_silent(self) -> None:
        """Long enough for the ear to tell."""
        self._events.put_nowait(Audio(b"silence"))

    def presses(self, digit: str) -> None:
        """The caller presses a key."""
        self._events.put_nowait(Digit(digit))

    def hangs_up(self) -> None:
        """The caller leaves."""
        self._events.put_nowait(HungUp())

    def heard_out(self) -> None:
        """What was played has been sent."""
        self._silent.set()

    async def __aiter__(self) -> AsyncIterator[MediaEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, HungUp):
                self._silent.set()
                return

    def play(self, pcm: bytes) -> None:
        self.played.append(pcm)
        if self._slow:
            self._silent.clear()

    def stop_playing(self) -> float:
        self.stopped += 1
        self._silent.set()
        return 0.5

    @property
    def playing(self) -> bool:
        return not self._silent.is_set()

    async def drained(self) -> None:
        await self._silent.wait()

    async def close(self) -> None:
        self._silent.set()


class FakeEar:
    """Hears `FakeLine`'s text; `result` may be set to what recognition should raise, `slow` to hold it."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.trouble: str | None = None
        self.ready = asyncio.Event()
        self.ready.set()
        self.closed = False
        self.restarts = 0
        self.speaking_s = 0.0
        self.likely = False
        self.expects = OPEN
        self.understands: Callable[[str], bool] = lambda text: False
        self.nothings = 0
        self._said: list[Recognised] = []

    def hear(self, pcm: bytes) -> Sequence[Segment]:
        what, _, rest = pcm.decode().partition(" ")
        if what == "speaking":
            self.speaking_s = float(rest)
            return (SpeechStarted(0.0),)
        if what == "silence":
            return (Silence(0.0),)
        if what == "breath":
            self.speaking_s = 0.0
            return ()
        if what == "cough":
            self.speaking_s = 0.0
            self._said.append(Recognised(""))
            return (SpeechStarted(0.0), SpeechEnded(2.0, 1.0, 1.4))
        confidence, _, text = rest.partition(" ")
        self.speaking_s = 0.0
        self._said.append(Recognised(text=text, confidence=float(confidence)))
        return (SpeechStarted(0.0), SpeechEnded(3.0, 1.0, 2.5))

    async def words(self) -> Recognised:
        said = self._said.pop(0)
        await self.ready.wait()
        if self.fails is not None:
            raise self.fails
        return said

    def was_nothing(self) -> None:
        self.nothings += 1

    def restart(self) -> None:
        self.restarts += 1

    def end(self) -> None:
        self.closed = True


class FakeVoice:
    """Turns each text into a tenth of a second of silence, and remembers it."""

    def __init__(self, folder: Path) -> None:
        self.fails_on: str | None = None
        self.spoken: list[str] = []  # what was for one call alone
        self._folder = folder

    async def render(self, text: str) -> Path:
        if text == self.fails_on:
            raise VoiceFailed("the voice is hoarse")
        path = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(1600))
        return path

    async def speak(self, text: str) -> bytes:
        if text == self.fails_on:
            raise VoiceFailed("the voice is hoarse")
        self.spoken.append(text)
        return bytes(1600)

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        return [await self.render(text) for text in texts]
