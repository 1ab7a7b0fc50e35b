"""What every recogniser offers, and how it fails. Knows no engine, no call and no event loop.

The methods here may block for as long as the engine computes: only `pool.RecognizerPool` calls them,
on its own threads. Audio is signed 16-bit little-endian mono at 8 kHz.
"""

from collections.abc import Sequence
from typing import Protocol

from recordings.transcript import Recognised


class RecogniserBusy(Exception):
    """More utterances wait than the recogniser can take; hand the caller over."""


class RecogniserLate(Exception):
    """The recogniser did not answer within its deadline; hand the caller over."""


class RecogniserFailed(Exception):
    """The engine broke on this utterance; hand the caller over."""


class ModelMissing(Exception):
    """The speech model cannot be loaded; the message says what to install or set."""


class Listening(Protocol):
    """One utterance in the engine's ear. Used by one thread at a time, not always the same one."""

    def accept(self, pcm: bytes) -> str | None:
        """Take more of the utterance; streaming engines return what they understand so far."""
        ...

    def result(self) -> Recognised:
        """What was said in all that was accepted. The last call: nothing is accepted behind it."""
        ...


class Line(Protocol):
    """An engine for the utterances of one caller, whose voice it may get used to. Any thread may come."""

    def start(self, grammar: Sequence[str] | None = None) -> Listening:
        """Begin one utterance. `grammar`: phrases to expect; an engine may ignore it."""
        ...


class Recognizer(Line, Protocol):
    """An engine with its model. Safe to use for several utterances at a time."""

    name: str  # as the transcript's `engine` tells it, model included: "whisper tiny.en"
    language: str  # BCP 47: "en", "ko"
    takes_grammar: bool  # hears nothing but the phrases that it is given; False: any words
    streams: bool  # computes during `accept`; False: all the work is in `result`

    def line(self) -> Line:
        """For one caller more."""
        ...

    def transcribe(self, pcm: bytes) -> Recognised:
        """A stretch of a recording, with times for each word counted from its beginning."""
        ...
