"""Is this voice somebody speaking to us? Pure arithmetic between the voice detector and the segmenter.

webrtcvad takes music, hum and a television for voices. What tells them from a caller:

- speech glides: its pitch moves a little from one 20 ms frame to the next, while a note of music stays or
  jumps, and noise has no pitch at all;
- a caller is near: the television is far below the level at which this caller has been understood before, and
  what no recogniser found a word in is background from then on.

On a quiet line every voice is the caller's, glide or not: "one, two, three" is often spoken on a held note,
and to lose a digit is worse than to listen to a tune for a second.

Knows no engine, no utterance and no clock: each frame is 20 ms.
"""

from collections import deque
from collections.abc import Sequence
from math import log2, log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SECONDS, SAMPLE_RATE

FAINTEST_DB: Final = -46.0
"""dBFS of a frame; nobody speaks into a telephone below that, but televisions and neighbours do."""
TALKER_RANGE_DB: Final = 15.0
"""A caller begins within this below their own loud frames; what is fainter is somebody else."""
TRAILING_DB: Final = 6.0
"""Whoever speaks already may become fainter by that."""
BACKGROUND_DB: Final = 2.0
"""So far above the loud frames of what held no words another sound must be …"""
BELIEVED: Final = 2
"""… after so many such sounds in a row: a caller who was not understood once must be able to say it again."""
LOUDEST_BACKGROUND_DB: Final = -24.0
"""A caller who speaks up is heard over any background."""
MUSIC_S: Final = 0.8
"""Of the last three seconds: with so much pitch that does not glide there is music …"""
MUSIC_HOLDS_S: Final = 0.5
"""… but for what follows a pause so closely: a digit is shorter, and after each there is a breath."""
MUSIC_DB: Final = 2.0
"""So far above the music's loud frames speech must be."""
FORGET_DB_S: Final = 1.5
"""A background falls by that each second: it may have ended."""

_PITCHES: Final = (60, 440)  # Hz: of voices
_LOOK: Final = 400  # samples, 50 ms: two periods of the deepest voice, nearly
_PERIODIC: Final = 0.5  # autocorrelation from which a frame has a pitch
_OCTAVE: Final = 0.9  # a shorter period nearly as good is the true one
_STILL: Final = 0.004  # of an octave between two frames: a note that is held
_GLIDE: Final = (0.006, 0.13)  # of an octave: a voice that moves; more is a jump
_MEMORY: Final = 14  # frames in which gliding counts for speech
_BREATH: Final = 4  # frames without a voice
_MUSIC_EACH: Final = 10  # frames: so often the music's level is reckoned anew
_LIKELY: Final = 8  # frames in which likely speech must show itself
_LIKELY_VOICED: Final = 4  # of them
_GLIDING: Final = 2  # gliding steps at least that make a voice a speaker's …
_SPOKEN: Final = (
    0.3  # … and how far they outnumber held ones, of all: speech is at 0.6 and more, music about 0
)
_ALL_IN_ALL: Final = 0.36  # the same over a whole utterance …
_LONG: Final = 40  # … until it has so many steps: a tune hardly holds out so long, and some people drone
_MONOTONE: Final = 0.15


class SpeechGate:
    """One per line; every frame in order."""

    def __init__(self) -> None:
        self._look = np.zeros(_LOOK)
        self._pitch: float | None = None  # of the last frame, as its period's binary logarithm
        self._voiced: deque[bool] = deque(maxlen=_LIKELY)
        # 1: gliding, -1: held, 0: a jump, None: no pitch
        self._steps: deque[int | None] = deque(maxlen=_MEMORY)
        self._tally = (0, 0)  # of the utterance in progress: sum of its steps, and how many
        self._levels: deque[float] = deque(maxlen=round(6.0 / FRAME_SECONDS))  # of what passed lately
        # Levels of what had a pitch and was no speech.
        self._music: deque[float | None] = deque(maxlen=round(3.0 / FRAME_SECONDS))
        self._music_db = FAINTEST_DB
        self._frames = 0
        self._unbroken = 0  # frames since the line was last still
        self._still = 0  # frames that it is
        self._speaks = False
        self._within = False  # an utterance is in progress
        self._talker_db: float | None = None
        self._background_db: float | None = None
        self._wordless = 0  # sounds in a row

    @property
    def likely(self) -> bool:
        """Somebody has probably begun to speak: a bot that speaks falls silent."""
        return sum(self._voiced) >= _LIKELY_VOICED and _glides(list(self._steps)[-_LIKELY:])

    def hear(self, frame: bytes, voiced: bool) -> bool:
        """One frame of 20 ms and the voice detector's flag for it: whether it is the caller's speech."""
        samples = np.frombuffer(frame, "<i2").astype(np.float64)
        self._look = np.concatenate((self._look[len(samples) :], samples))
        if self._background_db is not None:
            self._background_db -= FORGET_DB_S * FRAME_SECONDS
        level = _level_db(samples)
        near = voiced and level >= FAINTEST_DB and level >= self._threshold_db()
        if near:
            self._steps.append(self._step())
        else:
            self._pitch = None
            self._steps.append(None)
        self._voiced.append(near)
        if (step := self._steps[-1]) is not None:
            self._tally = (self._tally[0] + step, self._tally[1] + 1)
        self._speaks = _glides(self._steps)
        speech = near and (self._speaks or (self._quiet and (self._within or self._has_pitch)))
        if speech:
            self._levels.append(level)
        self._still = 0 if near else self._still + 1
        self._unbroken = self._unbroken + 1 if self._still < _BREATH else 0
        held = self._unbroken * FRAME_SECONDS > MUSIC_HOLDS_S and not self._speaks
        self._notice_music(level if held and self._pitch is not None else None)
        return speech

    def begin(self) -> None:
        """An utterance has begun a moment ago."""
        self._within = True
        pitched = [step for step in self._steps if step is not None]
        self._tally = (sum(pitched), len(pitched))

    def end(self) -> None:
        """It is over, or nobody wants it any more."""
        self._within = False

    @property
    def spoken(self) -> bool:
        """Whether the utterance in progress is, all in all, speech: a tune passes for it here and there."""
        total, count = self._tally
        return self._quiet or total >= (_ALL_IN_ALL if count < _LONG else _MONOTONE) * count

    @property
    def _quiet(self) -> bool:
        """Neither music nor a known background is there."""
        return self._background_db is None and self._music_db <= FAINTEST_DB

    @property
    def _has_pitch(self) -> bool:
        return sum(step is not None for step in self._steps) >= _GLIDING

    def had_words(self) -> None:
        """What passed lately was understood: that loud is this caller."""
        self._wordless, self._background_db = 0, None
        if (loud := self._loud_db()) is not None:
            known = self._talker_db
            self._talker_db = loud if known is None else max(loud, (known + loud) / 2)

    def had_none(self) -> None:
        """What passed lately held no words: that loud is the background, if it happens again."""
        loud = self._loud_db()
        if loud is None:
            return
        self._wordless += 1
        if self._wordless >= BELIEVED:
            self._background_db = min(loud + BACKGROUND_DB, LOUDEST_BACKGROUND_DB)

    def _loud_db(self) -> float | None:
        if not self._levels:
            return None
        loud = float(np.percentile(self._levels, 90))
        self._levels.clear()
        return loud

    def _threshold_db(self) -> float:
        limits = [self._music_db]
        if self._talker_db is not None:
            limits.append(self._talker_db - TALKER_RANGE_DB - (TRAILING_DB if self._speaks else 0.0))
        if self._background_db is not None:
            limits.append(self._background_db)
        return max(limits)

    def _notice_music(self, level: float | None) -> None:
        self._music.append(level)
        self._frames += 1
        if self._frames % _MUSIC_EACH:
            return
        music = [level for level in self._music if level is not None]
        loud = len(music) >= MUSIC_S / FRAME_SECONDS
        self._music_db = (
            min(float(np.percentile(music, 90)) + MUSIC_DB, LOUDEST_BACKGROUND_DB) if loud else FAINTEST_DB
        )

    def _step(self) -> int | None:
        before, self._pitch = self._pitch, _pitch(self._look)
        if before is None or self._pitch is None:
            return None
        moved = abs(self._pitch - before)
        if moved < _STILL:
            return -1
        return 1 if _GLIDE[0] < moved < _GLIDE[1] else 0


def _glides(steps: Sequence[int | None]) -> bool:
    """Whether these are steps of a voice rather than of an instrument."""
    pitched = [step for step in steps if step is not None]
    return pitched.count(1) >= _GLIDING and sum(pitched) >= _SPOKEN * len(pitched)


def _level_db(samples: NDArray[np.float64]) -> float:
    """dBFS of a frame."""
    return 10 * log10(float(samples @ samples) / len(samples) + 1) - 90.3


_LAGS: Final = np.arange(SAMPLE_RATE // _PITCHES[1], SAMPLE_RATE // _PITCHES[0] + 2)
_TRANSFORM: Final = 1024  # at least the window and the longest lag


def _pitch(sound: NDArray[np.float64]) -> float | None:
    """Binary logarithm of the pitch's period in samples, or None where there is none."""
    sound = sound - sound.mean()
    spectrum = np.fft.rfft(sound, _TRANSFORM)
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _TRANSFORM)[_LAGS]
    energy = np.concatenate(([0.0], np.cumsum(sound**2)))
    likeness = products / np.sqrt(np.maximum(energy[_LOOK - _LAGS] * (energy[-1] - energy[_LAGS]), 1.0))
    inner = likeness[1:-1]
    peaks = np.flatnonzero((inner >= likeness[:-2]) & (inner >= likeness[2:]))
    if not peaks.size or (best := float(inner[peaks].max())) < _PERIODIC:
        return None
    at = int(peaks[inner[peaks] >= _OCTAVE * best][0]) + 1
    left, top, right = (float(likeness[at + offset]) for offset in (-1, 0, 1))
    bend = left - 2 * top + right
    return log2(_LAGS[at] + (0.5 * (left - right) / bend if bend < 0 else 0.0))
