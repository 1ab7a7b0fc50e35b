"""Recognisers at work without stopping the event loop: own threads, a bounded queue, live calls first.

Knows engines only by `port.Recognizer`; knows no call.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recordings.transcript import Phrase, Recognised
from voicebot.recognizers.port import Recognizer


class LiveListening(Protocol):
    """One utterance of a live call. All methods belong to the event loop; only `result` waits."""

    partial: str | None  # what a streaming engine understands so far

    def accept(self, pcm: bytes) -> None:
        """More of the utterance."""

    def paused(self) -> None:
        """Maybe the end: an engine that does not stream decodes what it has, ahead of time."""

    def resumed(self) -> None:
        """It was not: drop what was decoded at the pause."""

    async def result(self) -> Recognised:
        """Everything heard. Raises `RecogniserBusy`, `RecogniserLate`, `RecogniserFailed`."""

    def cancel(self) -> None:
        """Nobody wants this utterance any more. Harmless when repeated."""


class RecognizerPool:
    """One engine, its threads and its queue."""

    def __init__(
        self, recognizer: Recognizer, *, threads: int = 1, waiting: int = 16, deadline_s: float = 3.0
    ) -> None:
        raise NotImplementedError

    def listen(self, grammar: Sequence[str] | None = None) -> LiveListening:
        """Begin one utterance of a live call."""
        raise NotImplementedError

    async def transcribe_long(self, pcm: NDArray[np.int16]) -> list[Phrase]:
        """A whole channel of a recording: split at silences, times of phrases and words; never before live calls."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop the threads; what waits fails with `RecogniserFailed`."""
        raise NotImplementedError
