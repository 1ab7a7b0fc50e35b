"""What people on the phone have heard: tapes, and the prompts that are on them."""

import asyncio
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from ivr.pieces import cuts
from tests.fakes.until import eventually

HEARD = 0.7  # correlation of a prompt with what the caller heard, after two codecs; strangers stay below 0.3

Sound = NDArray[np.float64]


def read(path: Path) -> Sound:
    with wave.open(str(path)) as file:
        assert file.getframerate() == 8000
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def found_at(tape: Sound, prompt: Sound) -> list[float]:
    """Seconds at which a prompt is heard on a tape: peaks of the normalised cross-correlation."""
    score = fftconvolve(tape, prompt[::-1], "valid")
    energy = fftconvolve(tape**2, np.ones(len(prompt)), "valid")
    score /= np.sqrt(np.maximum(energy, 1.0) * np.sum(prompt**2))
    found: list[float] = []
    for index in np.flatnonzero(score > HEARD):
        if not found or index / 8000 - found[-1] > len(prompt) / 8000:
            found.append(index / 8000)
    return found


def loudest_piece(prompt: Sound) -> Sound:
    """Reception plays piece by piece, with a breath between them."""
    parts = np.split(prompt, cuts(prompt.astype(np.int16)))
    return max(parts, key=lambda part: float(np.sum(part**2)))


async def heard(tape: Path, seconds: float) -> Sound:
    """The tape of a caller who has hung up, once the network has closed it."""

    async def whole() -> bool:
        return len(await asyncio.to_thread(read, tape)) / 8000 >= seconds

    await eventually(whole, 10, "the caller's tape is written")
    return await asyncio.to_thread(read, tape)


def loudness(tape: Sound, start_s: float, end_s: float) -> float:
    """Root mean square of a stretch, of 32767."""
    return float(np.sqrt(np.mean(tape[int(start_s * 8000) : int(end_s * 8000)] ** 2)))


def is_heard(tape: Sound, prompt: Sound, from_s: float = 0.0) -> bool:
    """Whether a prompt is on a tape after `from_s`, in pieces: a busy machine puts silences between them."""
    size = 2000  # samples: a syllable
    pieces = [prompt[i : i + size] for i in range(0, len(prompt) - size, size)]
    loud = [piece for piece in pieces if np.sqrt(np.mean(piece**2)) > 500]
    part = tape[int(from_s * 8000) :]
    energy = np.maximum(fftconvolve(part**2, np.ones(size), "valid"), 1.0)
    best = [
        float(np.max(fftconvolve(part, piece[::-1], "valid") / np.sqrt(energy * np.sum(piece**2))))
        for piece in loud
    ]
    return sum(score > HEARD for score in best) > len(best) / 2
