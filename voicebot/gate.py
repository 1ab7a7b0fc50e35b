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
from math import log2, log10
from typing import Final

import numpy as np

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
FLOOR_DB: Final = 2.0
"""So far above its noise the line must be: the voice detector takes loud noise for voices."""
NOISY_DB: Final = -45.0
"""A line whose noise is at that level and more hides the pitch of voices …"""
RISE_DB: Final = 4.0
"""… but whoever speaks over it is so much louder."""
FORGET_DB_S: Final = 1.5
"""A background falls by that each second: it may have ended."""

_SILENT_DB: Final = -90.3  # nothing at all
_PITCHES: Final = (60, 440)  # Hz: of voices
_LOOK: Final = 400  # samples, 50 ms: two periods of the deepest voice, nearly
_LOOK_FRAMES: Final = -(-_LOOK // round(SAMPLE_RATE * FRAME_SECONDS))
_PERIODIC: Final = 0.5  # autocorrelation from which a frame has a pitch
_LEAST_PERIODIC: Final = 0.38  # the same in noise, whose own is at 0.3 now and then
_OCTAVE: Final = 0.9  # a shorter period nearly as good is the true one
_STILL: Final = 0.004  # of an octave between two frames: a note that is held
_GLIDE: Final = (0.006, 0.13)  # of an octave: a voice that moves; more is a jump
_FLOOR_EACH: Final = 25  # frames: half a second …
_FLOOR_BLOCKS: Final = 6  # … and so many of them: in three seconds everybody is silent for a moment
_FLOOR_OVER: Final = 4  # frames: noise sways from one to the next
_MEMORY: Final = 14  # frames in which gliding counts for speech
_BREATH: Final = 4  # frames without a voice
_MUSIC_FRAMES: Final = round(3.0 / FRAME_SECONDS)
_MUSIC_EACH: Final = 10  # frames: so often the music's level is reckoned anew
_LIKELY: Final = 8  # frames in which likely speech must show itself
_LIKELY_VOICED: Final = 4  # of them
_GLIDING: Final = 2  # gliding steps at least that make a voice a speaker's …
_SPOKEN: Final = (
    0.3  # … and how far they outnumber held ones, of all: speech is at 0.6 and more, music about 0
)
_ALL_IN_ALL: Final = 0.36  # the same over a whole utterance …
_MANY: Final = 40  # … until it has so many steps: a tune hardly holds out so long, and some people drone
_MONOTONE: Final = 0.15


class _Steps:
    """The last so many steps of the pitch, and what they amount to. 1: gliding, -1: held, 0: a jump."""

    def __init__(self, most: int) -> None:
        self._kept: deque[int | None] = deque([None] * most)  # None: no pitch
        self.pitched = self.gliding = self.held = 0

    def add(self, step: int | None) -> None:
        """One more; the oldest goes."""
        self._kept.append(step)
        for which, count in ((step, 1), (self._kept.popleft(), -1)):
            if which is not None:
                self.pitched += count
                self.gliding += count * (which == 1)
                self.held += count * (which == -1)

    @property
    def total(self) -> int:
        """Sum."""
        return self.gliding - self.held

    @property
    def glides(self) -> bool:
        """Whether these are steps of a voice rather than of an instrument."""
        return self.gliding >= _GLIDING and self.total >= _SPOKEN * self.pitched


class _Floor:
    """The level that the line does not fall below: its noise, if it has any. All in dBFS."""

    def __init__(self) -> None:
        self._last: deque[float] = deque([0.0] * _FLOOR_OVER)
        self._lows = deque([_SILENT_DB] * _FLOOR_BLOCKS, maxlen=_FLOOR_BLOCKS)
        self._sum = 0.0
        self._low = 0.0  # of the block in progress
        self._frames = 0
        self.db = _SILENT_DB

    def add(self, level: float) -> None:
        """One frame more."""
        self._last.append(level)
        self._sum += level - self._last.popleft()
        self._frames += 1
        if self._frames < _FLOOR_OVER:
            return
        self._low = min(self._low, self._sum / _FLOOR_OVER)
        if self._frames % _FLOOR_EACH == 0:
            self._lows.append(self._low)
            self.db, self._low = min(self._lows), 0.0


class SpeechGate:
    """One per line; every frame in order. It runs fifty times a second for each call: little may be done
    for frames without a voice.
    """

    def __init__(self) -> None:
        self._look: deque[bytes] = deque(maxlen=_LOOK_FRAMES)  # the last frames
        self._pitch: float | None = None  # of the last frame, as its period's binary logarithm
        self._voiced: deque[bool] = deque([False] * _LIKELY)
        self._voiced_count = 0
        self._steps, self._latest = _Steps(_MEMORY), _Steps(_LIKELY)
        self._tally = (0, 0)  # of the utterance in progress: sum of its steps, and how many
        self._levels: deque[float] = deque(maxlen=round(6.0 / FRAME_SECONDS))  # of what passed lately
        # Levels of what had a pitch and was no speech, and how many frames ago.
        self._music: deque[tuple[int, float]] = deque()
        self._music_db = FAINTEST_DB
        self._floor = _Floor()
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
        return self._voiced_count >= _LIKELY_VOICED and self._latest.glides

    def hear(self, frame: bytes, voiced: bool) -> bool:
        """One frame of 20 ms and the voice detector's flag for it: whether it is the caller's speech."""
        self._look.append(frame)
        self._frames += 1
        if self._background_db is not None:
            self._background_db -= FORGET_DB_S * FRAME_SECONDS
        level = _level_db(frame)
        near = voiced and level >= FAINTEST_DB and level >= self._threshold_db()
        self._floor.add(level)
        self._follow_pitch(near, level)
        self._speaks = self._steps.glides
        heard = self._within or self._has_pitch or self._rises(level)
        speech = near and (self._speaks or (self._quiet and heard))
        if speech:
            self._levels.append(level)
        self._still = 0 if near else self._still + 1
        self._unbroken = self._unbroken + 1 if self._still < _BREATH else 0
        held = self._unbroken * FRAME_SECONDS > MUSIC_HOLDS_S and not self._speaks
        self._notice_music(level if held and self._pitch is not None else None)
        return speech

    def _follow_pitch(self, near: bool, level: float) -> None:
        before, self._pitch = self._pitch, None
        if near:
            voice = 1 - 10 ** ((self._floor.db - level) / 10)  # its share of the frame; the rest is noise
            self._pitch = _pitch(b"".join(self._look), max(_LEAST_PERIODIC, _PERIODIC * voice))
        step = None
        if before is not None and self._pitch is not None:
            moved = abs(self._pitch - before)
            step = -1 if moved < _STILL else int(_GLIDE[0] < moved < _GLIDE[1])
            self._tally = (self._tally[0] + step, self._tally[1] + 1)
        self._steps.add(step)
        self._latest.add(step)
        self._voiced.append(near)
        self._voiced_count += near - self._voiced.popleft()

    def begin(self) -> None:
        """An utterance has begun a moment ago."""
        self._within = True
        self._tally = (self._steps.total, self._steps.pitched)

    def end(self) -> None:
        """It is over, or nobody wants it any more."""
        self._within = False

    @property
    def spoken(self) -> bool:
        """Whether the utterance in progress is, all in all, speech: a tune passes for it here and there."""
        total, count = self._tally
        return self._quiet or total >= (_ALL_IN_ALL if count < _MANY else _MONOTONE) * count

    @property
    def _quiet(self) -> bool:
        """Neither music nor a known background is there."""
        return self._background_db is None and self._music_db <= FAINTEST_DB

    @property
    def noisy(self) -> bool:
        """Whether the line has a noise of its own in which voices drown."""
        return self._floor.db >= NOISY_DB

    def _rises(self, level: float) -> bool:
        """Whether there is noise, and a sound stands out of it: noise takes a voice's pitch away."""
        return self.noisy and level >= self._floor.db + RISE_DB

    @property
    def _has_pitch(self) -> bool:
        return self._steps.pitched >= _GLIDING

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
        limit = max(self._music_db, self._floor.db + FLOOR_DB)
        if self._talker_db is not None:
            limit = max(limit, self._talker_db - TALKER_RANGE_DB - (TRAILING_DB if self._speaks else 0.0))
        return limit if self._background_db is None else max(limit, self._background_db)

    def _notice_music(self, level: float | None) -> None:
        if level is not None:
            self._music.append((self._frames, level))
        if self._frames % _MUSIC_EACH:
            return
        while self._music and self._music[0][0] <= self._frames - _MUSIC_FRAMES:
            self._music.popleft()
        self._music_db = FAINTEST_DB
        if len(self._music) >= MUSIC_S / FRAME_SECONDS:
            loud = float(np.percentile([level for _, level in self._music], 90))
            self._music_db = min(loud + MUSIC_DB, LOUDEST_BACKGROUND_DB)


def _level_db(frame: bytes) -> float:
    """dBFS."""
    samples = np.frombuffer(frame, "<i2").astype(np.float32)
    return 10 * log10(float(samples @ samples) / len(samples) + 1) + _SILENT_DB


_SHORTEST: Final = SAMPLE_RATE // _PITCHES[1]
_LONGEST: Final = SAMPLE_RATE // _PITCHES[0] + 1


def _pitch(look: bytes, periodic: float) -> float | None:
    """Binary logarithm of the pitch's period in samples, or None where there is none.

    `periodic`: the autocorrelation that makes it one.

    The autocorrelation of the window, each lag by the energy of the two parts that it compares.
    """
    if len(look) < 2 * _LOOK:
        return None
    padded = np.zeros(_LOOK + _LONGEST, np.float32)
    sound = padded[:_LOOK]
    sound[:] = np.frombuffer(look[-2 * _LOOK :], "<i2")
    sound -= float(np.add.reduce(sound)) / _LOOK
    products = np.correlate(padded[_SHORTEST:], sound, "valid")
    energy = np.add.accumulate(sound * sound)
    parts = energy[_LOOK - _LONGEST - 1 : _LOOK - _SHORTEST][::-1] * (
        energy[-1] - energy[_SHORTEST - 1 : _LONGEST]
    )
    likeness = products / np.sqrt(np.maximum(parts, 1.0))
    rises = likeness[1:] >= likeness[:-1]
    peaks = (rises[:-1] & ~rises[1:]).nonzero()[0]
    if not peaks.size:
        return None
    heights = likeness[peaks + 1]
    best = float(np.maximum.reduce(heights))
    if best < periodic:
        return None
    at = int(peaks[(heights >= _OCTAVE * best).argmax()]) + 1
    left, top, right = likeness[at - 1 : at + 2].tolist()
    bend = left - 2 * top + right
    return log2(_SHORTEST + at + (0.5 * (left - right) / bend if bend < 0 else 0.0))
