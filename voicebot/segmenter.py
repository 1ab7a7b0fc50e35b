"""Where an utterance begins, pauses and ends: a pure state machine over a voice detector's flags.

No clock and no I/O: the length of each frame is passed in. Knows no audio and no engine.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    start: float = 0.12  # voiced time within `window` that counts as speech: a click is shorter
    window: float = 0.24  # in which `start` must fall together
    pause: float = 0.2  # silence after which an early decode pays
    end: float = 0.5  # silence that ends the utterance, unless `Segmenter.ends_after` says otherwise
    resume: float = 0.06  # voiced time within twice as long that goes on with speech: a click is shorter
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
    """Nothing was said for `Timing.silence`. Told once; again only after `restart()` or likely speech."""

    at_s: float


Segment = SpeechStarted | Pause | Resumed | SpeechEnded | Silence


class Segmenter:
    """Feed it every frame in order. Times count from its making, in seconds of audio heard."""

    def __init__(self, timing: Timing | None = None) -> None:
        self._timing = timing or Timing()
        self._now = 0.0
        self._recent: deque[tuple[float, float]] = deque()  # (begin, length) of the last voiced frames
        self._started_at: float | None = None
        self._spoken_until = 0.0
        self._paused = False
        self._silent_since: float | None = 0.0  # None: `Silence` was told
        self._silent_before: float | None = 0.0  # the same before the utterance in progress or the last one
        self.ends_after = self._timing.end
        """Seconds of silence that end the utterance in progress."""

    @property
    def speaking(self) -> bool:
        """Between `SpeechStarted` and `SpeechEnded`, pauses included."""
        return self._started_at is not None

    @property
    def spoken_s(self) -> float:
        """From the start of the utterance in progress to its last voiced frame; 0.0 outside one."""
        return 0.0 if self._started_at is None else self._spoken_until - self._started_at

    def hear(self, voiced: bool, seconds: float) -> Sequence[Segment]:
        """One frame: was it voiced, and how long was it. What follows from it, in order."""
        if voiced:
            self._recent.append((self._now, seconds))
        self._now += seconds
        if self._started_at is None:
            return self._wait_for_speech()
        return self._follow_speech(self._started_at, voiced)

    def restart(self) -> None:
        """Forget an utterance in progress and count the silence anew (the bot has just fallen silent)."""
        self._quiet_down()
        self._silent_before = self._silent_since

    def dismiss(self) -> None:
        """The utterance in progress, or else the last one, was none: the silence goes on behind it.

        Where it had been told it counts from now: whoever was told may have spoken since.
        """
        self._quiet_down()
        if self._silent_before is not None:
            self._silent_since = self._silent_before

    def _quiet_down(self) -> None:
        self._started_at = None
        self._recent.clear()
        self._silent_since = self._now

    def _voiced_within(self, window: float) -> float:
        """Voiced time in the last `window` seconds."""
        while self._recent and self._recent[0][0] < self._now - window - _HAIR:
            self._recent.popleft()
        return sum(length for _, length in self._recent) + _HAIR

    def _wait_for_speech(self) -> Sequence[Segment]:
        timing = self._timing
        if self._voiced_within(timing.window) >= timing.start:
            self._started_at = self._recent[0][0]
            self._spoken_until = self._now
            self._paused = False
            self._silent_before = self._silent_since
            return (SpeechStarted(self._started_at),)
        if self._silent_since is not None and self._now - self._silent_since >= timing.silence - _HAIR:
            self._silent_since = None
            return (Silence(self._now),)
        return ()

    def _follow_speech(self, started_at: float, voiced: bool) -> Sequence[Segment]:
        timing = self._timing
        segments: list[Segment] = []
        if self._voiced_within(2 * timing.resume) >= timing.resume and voiced:
            self._spoken_until = self._now
            if self._paused:
                self._paused = False
                segments.append(Resumed(self._recent[0][0]))
        quiet = self._now - self._spoken_until + _HAIR
        ended = quiet >= self.ends_after
        if ended or self._now - started_at >= timing.longest - _HAIR:
            segments.append(SpeechEnded(self._now, started_at, self._spoken_until, cut=not ended))
            self._quiet_down()
        elif quiet >= timing.pause and not self._paused:
            self._paused = True
            segments.append(Pause(self._spoken_until))
        return segments


_HAIR = 1e-6  # sums of frame lengths are floats: a hair under a limit is the limit
