"""Prompts cut into pieces of at most a second, at their quietest places.

Why: while a prompt plays, Asterisk asks us nothing; so whoever plays it in one go learns only at its end that
we are gone. Piece by piece, the fuse (`reception`) need never burn longer than a piece and three seconds.

The cutting is pure; `lay_out` writes the files. Knows no scenario, no menu and no call.
"""

import os
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

PIECE_S = 1.0
SHORTEST_S = 0.5  # a piece is cut where it is quietest between this length and the whole
WINDOW_S = 0.02
RATE = 8000


@dataclass(frozen=True)
class Rendered:
    """A sound that is ready: 8 kHz mono 16-bit WAV."""

    path: PurePath  # absolute, without `.wav`: as Asterisk wants it
    seconds: float


def cuts(samples: NDArray[np.int16]) -> list[int]:
    """Where to cut: indices between pieces, ascending; none for a sound of one piece."""
    window = round(WINDOW_S * RATE)
    found: list[int] = []
    start = 0
    while len(samples) - start > PIECE_S * RATE:
        first, last = start + round(SHORTEST_S * RATE), start + round(PIECE_S * RATE)
        frames = samples[first:last].astype(np.float64)
        loudness = (frames[: len(frames) // window * window].reshape(-1, window) ** 2).mean(axis=1)
        # Of equally quiet places the last one: fewer pieces.
        quietest = len(loudness) - 1 - int(np.argmin(loudness[::-1]))
        start = first + quietest * window + window // 2
        found.append(start)
    return found


def lay_out(sound: Path, folder: Path) -> tuple[Rendered, ...]:
    """The pieces of a WAV, in order, as files in `folder`; those that lie there already are kept.

    `sound` is named by its content, and so are its pieces.

    Raises:
        OSError: a file cannot be read or written.
    """
    with wave.open(str(sound)) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")
    places = cuts(samples)
    if not places:
        return (Rendered(sound.absolute().with_suffix(""), len(samples) / RATE),)
    pieces = []
    for number, part in enumerate(np.split(samples, places)):
        target = folder / f"{sound.stem}-{number}.wav"
        if not target.exists():
            _write(target, part.tobytes())
        pieces.append(Rendered(target.absolute().with_suffix(""), len(part) / RATE))
    return tuple(pieces)


def quiet(folder: Path, seconds: int) -> tuple[Rendered, ...]:
    """Silence of that length: the same second again and again.

    Raises:
        OSError: the file cannot be written.
    """
    target = folder / "quiet.wav"
    if not target.exists():
        _write(target, bytes(2 * RATE))
    return (Rendered(target.absolute().with_suffix(""), 1.0),) * seconds


def _write(target: Path, pcm: bytes) -> None:
    """Whole or not at all: another process may be making the same one."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".piece-", suffix=".wav")
    try:
        with os.fdopen(handle, "wb") as file, wave.open(file) as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(RATE)
            wav.writeframes(pcm)
        os.chmod(name, 0o644)  # the PBX may be another user
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
