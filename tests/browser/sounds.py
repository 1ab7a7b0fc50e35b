"""What is on a tape (8 kHz mono WAV): how long it is, whether it is silent, whether a sentence is heard."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

RATE = 8000
HEADER = 44  # bytes; the header of a tape that still runs does not know its length
LOUD = 150.0  # root mean square of samples
PIECE_S = 1.0
LIKE = 0.4  # normalised correlation; of the same words through two codecs over 0.6, of others under 0.2


def seconds_of(tape: Path) -> float:
    """How much has been taped so far."""
    return max(0, tape.stat().st_size - HEADER) / 2 / RATE if tape.exists() else 0.0


def is_silent(tape: Path, begin: float, end: float) -> bool:
    """Whether nothing is to be heard there."""
    return bool(np.sqrt(np.mean(_read(tape)[int(begin * RATE) : int(end * RATE)] ** 2)) < LOUD)


def resembles(tape: Path, begin: float, end: float, sentence: Path) -> bool:
    """Whether a piece of the sentence is heard there, by its waveform: the best normalised correlation."""
    heard, spoken = _read(tape)[int(begin * RATE) : int(end * RATE)], _read(sentence)
    size = int(PIECE_S * RATE)
    pieces = [spoken[at : at + size] for at in range(0, len(spoken) - size, size // 2)]
    loudest = sorted(pieces, key=lambda piece: -float(np.sum(piece**2)))[:4]
    return max(_likeness(heard, piece) for piece in loudest) > LIKE


def _likeness(heard: NDArray[np.float64], piece: NDArray[np.float64]) -> float:
    piece = piece - piece.mean()
    products = fftconvolve(heard, piece[::-1], mode="valid")
    power = fftconvolve(heard**2, np.ones(len(piece)), mode="valid")
    return float(np.max(np.abs(products) / np.sqrt(np.maximum(power, 1e6) * np.sum(piece**2))))


def _read(path: Path) -> NDArray[np.float64]:
    samples = path.read_bytes()[HEADER:]
    return np.frombuffer(samples[: len(samples) // 2 * 2], dtype="<i2").astype(np.float64)
