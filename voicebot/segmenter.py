"""Where an utterance begins, pauses and ends: a pure state machine over a voice detector's flags.

No clock and no I/O: the length of each frame is passed in. Knows no audio and no engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    start: float = 0.12  # voiced time within `window` that counts as speech: a click is shorter
    window: float = 0.24  # in which `start` must fall together
    pause: float = 0.24  # silence after which an early decode pays
    end: float = 0.5  # silence that ends the utterance
    resume: float = 0.06  # voiced time in a row that ends a pause: a click within a pause is shorter
    silence: float = 6.0  # nothing said since `restart()`, or since the last utterance
    longest: float = 20.0  # an utterance is cut here: nobody asks for longer, and music never ends


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks. `at_s`: when the first voiced frame began, a little in the past."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Quiet for `Timing.pause`: maybe the end. `spoken_until_s`: end of the last voiced frame."""

    spoken_until_s: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """It was not the end: what was decoded at the pause is worth nothing."""

    at_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance is over. `cut`: still speaking, but `Timing.longest` was reached."""

    at_s: float
    started_at_s: float
    spoken_until_s: float
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was said for `Timing.silence`. Told once; again only after `restart()` or an utterance."""

    at_s: float


Segment = SpeechStarted | Pause | Resumed | SpeechEnded | Silence


class Segmenter:
    """Feed it every frame in order. Times count from its making, in seconds of audio heard."""

    def __init__(self, timing: Timing | None = None) -> None:
        self._timing = timing or Timing()

    @property
    def speaking(self) -> bool:
        """Between `SpeechStarted` and `SpeechEnded`, pauses included."""
        raise NotImplementedError

    def hear(self, voiced: bool, seconds: float) -> Sequence[Segment]:
        """One frame: was it voiced, and how long was it. What follows from it, in order."""
        raise NotImplementedError

    def restart(self) -> None:
        """Forget an utterance in progress and count the silence anew (the bot has just fallen silent)."""
        raise NotImplementedError
