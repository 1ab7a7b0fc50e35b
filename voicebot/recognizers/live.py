"""An utterance of a live call at an engine: heard as a whole, or (`streaming.py`) while it is spoken.

Belongs to the event loop; the engine's work is done in the room's threads. Knows no call.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

import structlog

from recordings.transcript import Recognised
from voicebot.recognizers.health import Health
from voicebot.recognizers.port import Listening, RecogniserBusy, RecogniserFailed, RecogniserLate, Recognizer
from voicebot.recognizers.work import Urgency, WorkRoom

log = structlog.get_logger()

T = TypeVar("T")

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


class Engine:
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


class Live(ABC):
    """What both kinds of engine share: a deadline, and its failures by our names."""

    def __init__(self, engine: Engine, start: Start, waited: Waited) -> None:
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


class Whole(Live):
    """For an engine that hears one finished utterance: kept here, decoded at the pause or at the end."""

    def __init__(self, engine: Engine, start: Start, waited: Waited) -> None:
        super().__init__(engine, start, waited)
        self._heard = bytearray()
        self._early: Future[Recognised] | None = None

    @property
    def so_far(self) -> str | None:
        """Only what was decoded at a pause is known."""
        return text_of(self._early)

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


def text_of(job: "Future[Recognised] | None") -> str | None:
    """What a job has made out; None while it has not, or where it failed."""
    if job is None or not job.done() or job.cancelled() or job.exception() is not None:
        return None
    return job.result().text
