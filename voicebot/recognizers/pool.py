"""Recognisers at work without stopping the event loop: own threads, a bounded queue, live calls first.

Knows engines only by `port.Recognizer`; knows no call.

    room for live utterances   ─┐
                                ├─→ threads → engine
    stretches of recordings    ─┘   (only while no live utterance waits)
"""

import asyncio
import contextlib
import os
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from recordings.transcript import Phrase, Recognised, Word
from voicebot.media import BYTES_PER_SECOND, FRAME_SECONDS
from voicebot.recognizers.health import Health
from voicebot.recognizers.joining import joined
from voicebot.recognizers.port import (
    Line,
    Listening,
    RecogniserBusy,
    RecogniserFailed,
    RecogniserLate,
    Recognizer,
)
from voicebot.recognizers.splitting import Stretch, split_at_silences
from voicebot.recognizers.work import STUCK_S, Urgency, WorkRoom
from voicebot.vad import VoiceDetector

log = structlog.get_logger()

T = TypeVar("T")

_AT_ONCE_BYTES = BYTES_PER_SECOND * 6 // 10  # smaller pieces cost more in errands than in work
_BEHIND_S = 0.8  # a streaming engine is always a piece behind
_APART_S = 0.5  # a shorter pause parts no sentence: it may lie within a word
_LONGEST_PART_S = 6.0  # to hear more than that twice would cost too much

Waited = Callable[[float], None]
"""Seconds that a caller waited for the words of an utterance."""


Start = Callable[[], Listening]
"""Begins one utterance, or a part of one; may take time."""


class LiveListening(Protocol):
    """One utterance of a live call. All methods belong to the event loop; only `result` waits."""

    @property
    def so_far(self) -> str | None:
        """What is understood of everything heard up to now; None while the engine is behind."""
        ...

    def accept(self, pcm: bytes) -> None:
        """More of the utterance."""

    def paused(self) -> None:
        """Maybe the end: the engine makes words of what it has, ahead of time."""

    def resumed(self, quiet_s: float) -> None:
        """It was not, but a pause of so long: what it made of a part of a sentence is dropped."""

    async def result(self) -> Recognised:
        """Everything heard. Raises `RecogniserBusy`, `RecogniserLate`, `RecogniserFailed`."""
        ...

    def cancel(self) -> None:
        """Nobody wants this utterance any more. Harmless when repeated."""


class RecognizerPool:
    """One engine, its threads and its queue. Made on any thread, used from one event loop."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        threads: int | None = None,
        waiting: int = 16,
        deadline_s: float = 3.0,
        stuck_s: float = STUCK_S,
        waited: Waited = lambda seconds: None,
    ) -> None:
        """Start the threads.

        Args:
            recognizer: the engine, its model loaded.
            threads: utterances decoded at the same time. None: one for an engine that uses several cores for
                each utterance, as many as there are cores for one that streams.
            waiting: utterances that may wait beside them.
            deadline_s: of one live utterance, its waiting included.
            stuck_s: of one decode; then its thread counts as hanging and is replaced, a few times.
            waited: told for each live utterance how long its words took once it had ended; `deadline_s` for
                one that was given up for want of time or room.
        """
        self.recognizer = recognizer
        self.deadline_s = deadline_s
        threads = threads or ((os.cpu_count() or 1) if recognizer.streams else 1)
        self._room = WorkRoom(threads=threads, waiting=waiting, name="recogniser", stuck_s=stuck_s)
        self._engine = _Engine(recognizer, self._room, deadline_s)
        self._waited = waited

    @property
    def trouble(self) -> str | None:
        """Why nothing is recognised now, in a sentence; None when all is well."""
        return self._engine.trouble

    def listen(self, grammar: Sequence[str] | None = None, line: Line | None = None) -> LiveListening:
        """Begin one utterance of a live call. `grammar` as in `Line.start`; `line`: the caller's, of ours."""
        start = partial((line or self.recognizer.line()).start, grammar)
        if self.recognizer.streams:
            return _Streamed(self._engine, start, self._waited)
        return _Whole(self._engine, start, self._waited)

    async def transcribe_long(self, pcm: NDArray[np.int16]) -> list[Phrase]:
        """A whole channel of a recording: phrases with times, and words with times where the engine has them.

        Live utterances always go first; each stretch between silences is one job.

        Args:
            pcm: mono samples at 8 kHz, shape (n,).

        Returns:
            Phrases in order; the speaker of each is a placeholder: only the caller of this knows who it was.

        Raises:
            RecogniserBusy, RecogniserFailed: try again later.
        """
        data = pcm.astype("<i2").tobytes()
        phrases = []
        for stretch in await asyncio.to_thread(_stretches, data):
            part = data[_byte(stretch.start_s) : _byte(stretch.end_s)]
            # No deadline here: it waits for every live call; the transcribing job has one for the whole.
            job = self._room.submit(Urgency.BACKGROUND, partial(self.recognizer.transcribe, part))
            heard = await self._engine.outcome(job)
            if heard.text:
                phrases.append(_phrase(stretch, heard))
        return phrases

    def close(self) -> None:
        """Stop the threads; who waits gets `RecogniserFailed`. Harmless when repeated."""
        self._room.close()


class _Engine:
    """The engine in its room: what came of a job, and how the engine is."""

    def __init__(self, recognizer: Recognizer, room: WorkRoom, deadline_s: float) -> None:
        self.recognizer = recognizer
        self.deadline_s = deadline_s
        self._room = room
        self._health = Health()

    @property
    def trouble(self) -> str | None:
        return self._room.trouble or self._health.trouble(time.monotonic())

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """For a live call. Raises `RecogniserBusy`, `RecogniserFailed`."""
        return self._room.submit(Urgency.LIVE, work)

    async def outcome(self, job: "Future[T]") -> T:
        """What the job gave, its failures by our names."""
        try:
            result = await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # our caller gave up, or its deadline came
            raise RecogniserFailed("The recogniser was shut down.") from None
        except RecogniserFailed:
            raise  # the room's own word
        except Exception as error:
            name = self.recognizer.name
            log.exception("recogniser failed", action="recogniser_failed", engine=name)
            if self._health.failed(time.monotonic()):
                log.critical(
                    "The recogniser fails each time: callers get people.", action="recogniser_broken"
                )
            raise RecogniserFailed(f"{name} failed on this audio: {type(error).__name__}.") from error
        self._health.succeeded()
        return result


class _Live(ABC):
    """What both kinds of engine share: a deadline, and its failures by our names."""

    def __init__(self, engine: _Engine, start: Start, waited: Waited) -> None:
        self._engine = engine
        self._start = start
        self._waited = waited

    async def result(self) -> Recognised:
        if (trouble := self._engine.trouble) is not None:
            raise RecogniserFailed(trouble)
        deadline_s = self._engine.deadline_s
        began = time.monotonic()
        try:
            async with asyncio.timeout(deadline_s):
                heard = await self._finished()
        except RecogniserBusy:
            self._waited(deadline_s)
            raise
        except TimeoutError as error:
            self._waited(deadline_s)
            log.warning("recogniser late", action="recogniser_late", deadline_s=deadline_s)
            raise RecogniserLate(
                f"No words within {deadline_s} s: give the recogniser more cores, or fewer calls."
            ) from error
        self._waited(time.monotonic() - began)
        return heard

    @property
    @abstractmethod
    def so_far(self) -> str | None: ...

    @abstractmethod
    async def _finished(self) -> Recognised: ...


class _Whole(_Live):
    """For an engine that hears one finished utterance: kept here, decoded at the pause or at the end."""

    def __init__(self, engine: _Engine, start: Start, waited: Waited) -> None:
        super().__init__(engine, start, waited)
        self._heard = bytearray()
        self._early: Future[Recognised] | None = None

    @property
    def so_far(self) -> str | None:
        """Only what was decoded at a pause is known."""
        return _text(self._early)

    def accept(self, pcm: bytes) -> None:
        self._heard += pcm

    def paused(self) -> None:
        self.cancel()
        try:
            self._early = self._decode()
        except (RecogniserBusy, RecogniserFailed):
            self._early = None  # no harm yet: the end of the utterance asks again

    def resumed(self, quiet_s: float) -> None:
        self.cancel()

    async def _finished(self) -> Recognised:
        # What came in since the pause is silence, or the segmenter would have said `Resumed`.
        return await self._engine.outcome(self._early or self._decode())

    def cancel(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None

    def _decode(self) -> "Future[Recognised]":
        heard = bytes(self._heard)

        def decode() -> Recognised:
            listening = self._start()
            listening.accept(heard)
            return listening.result()

        return self._engine.submit(decode)


class _Streamed(_Live):
    """For an engine that computes while it listens, in parts that longer pauses part.

    At each pause the part so far is closed, so that its words are there when the pause proves to be the end.
    If it does not, and was short, it may have been within a word: the part is heard once more, with what
    follows. (What an engine tells in between lacks the last words: it wants to hear what comes behind them.)
    """

    def __init__(self, engine: _Engine, start: Start, waited: Waited) -> None:
        super().__init__(engine, start, waited)
        self._closed: list[Future[Recognised]] = []  # parts before the one in progress
        self._part = self._begin()
        self._at_work: Future[None] | None = None
        self._early: Future[Recognised] | None = None

    @property
    def so_far(self) -> str | None:
        """All words at a pause; in between those that the engine is already sure of."""
        last = _text(self._early) if self._early is not None else self._part.partial
        texts = [*map(_text, self._closed), last]
        return None if None in texts else " ".join(text for text in texts if text)

    def accept(self, pcm: bytes) -> None:
        self._part.put(pcm)
        if self._part.waiting >= _AT_ONCE_BYTES and (self._at_work is None or self._at_work.done()):
            with contextlib.suppress(RecogniserBusy, RecogniserFailed):  # the next frame asks again
                self._at_work = self._engine.submit(self._part.take_in)

    def paused(self) -> None:
        try:
            self._early = self._engine.submit(self._part.finish)
        except (RecogniserBusy, RecogniserFailed):
            self._early = None  # no harm yet: the end of the utterance asks again

    def resumed(self, quiet_s: float) -> None:
        if self._early is None:
            return
        if quiet_s >= _APART_S or self._part.seconds >= _LONGEST_PART_S:
            self._closed.append(self._early)
            self._part = self._begin()
        else:
            self._early.cancel()
            self._part = self._begin(self._part.heard)
        self._early = None

    async def _finished(self) -> Recognised:
        if self._early is None:
            self._early = self._engine.submit(self._part.finish)
        return joined([await self._engine.outcome(part) for part in (*self._closed, self._early)])

    def cancel(self) -> None:
        for job in (self._at_work, self._early, *self._closed):
            if job is not None:
                job.cancel()

    def _begin(self, heard: bytes = b"") -> "_Part":
        return _Part(self._start, heard)


class _Part:
    """A part of an utterance for an engine that streams.

    Belongs to the event loop, but for its jobs: they run on any thread, and whichever is first takes all that
    has come in by then, so that it stays in order.
    """

    def __init__(self, start: Start, heard: bytes) -> None:
        self._start = start
        self._all = bytearray(heard)
        self._unheard = deque([heard] if heard else [])
        self._at_it = threading.Lock()
        self._listening: Listening | None = None
        self._partial = ""
        self._taken_in = 0
        self._fault: Exception | None = None

    @property
    def heard(self) -> bytes:
        """All of it."""
        return bytes(self._all)

    @property
    def seconds(self) -> float:
        return len(self._all) / BYTES_PER_SECOND

    @property
    def waiting(self) -> int:
        """Bytes that no job has been asked to take in."""
        return len(self._all) - self._taken_in

    @property
    def partial(self) -> str | None:
        """None while the engine is behind."""
        return None if self.waiting / BYTES_PER_SECOND > _BEHIND_S else self._partial

    def put(self, pcm: bytes) -> None:
        self._all += pcm
        self._unheard.append(pcm)

    def take_in(self) -> None:
        """Work: hear what has come in."""
        with self._at_it:
            if pcm := self._new():
                try:
                    self._partial = self._ear().accept(pcm) or ""
                except Exception as fault:
                    self._fault = fault  # what is lost must not look like silence
                    raise

    def finish(self) -> Recognised:
        """Work: hear the rest; all the words."""
        with self._at_it:
            if self._fault is not None:
                raise self._fault
            if pcm := self._new():
                self._ear().accept(pcm)
            return self._ear().result()

    def _new(self) -> bytes:
        pieces = []
        while self._unheard:
            pieces.append(self._unheard.popleft())
        pcm = b"".join(pieces)
        self._taken_in += len(pcm)
        return pcm

    def _ear(self) -> Listening:
        # Made on the worker's thread: building a grammar's graph takes time.
        self._listening = self._listening or self._start()
        return self._listening


def _text(job: "Future[Recognised] | None") -> str | None:
    """What a job has made out; None while it has not, or where it failed."""
    if job is None or not job.done() or job.cancelled() or job.exception() is not None:
        return None
    return job.result().text


def _stretches(data: bytes) -> list[Stretch]:
    return split_at_silences([voiced for _, voiced in VoiceDetector().frames(data)], FRAME_SECONDS)


def _byte(seconds: float) -> int:
    return round(seconds * BYTES_PER_SECOND / 2) * 2


def _phrase(stretch: Stretch, heard: Recognised) -> Phrase:
    """Times of the stretch become times of the recording."""
    words = tuple(
        Word(word.text, stretch.start_s + word.start_s, stretch.start_s + word.end_s, word.confidence)
        for word in heard.words
    )
    return Phrase(
        speaker="caller",
        start_s=words[0].start_s if words else stretch.start_s,
        end_s=words[-1].end_s if words else stretch.end_s,
        text=heard.text,
        confidence=heard.confidence,
        words=words,
    )
