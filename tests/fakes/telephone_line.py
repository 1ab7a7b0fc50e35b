"""What a telephone line does to a voice: its band, the companding of G.711, noise. Deterministic."""

import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Law = Literal["mu-law", "A-law"]

RATE = 8000
BAND_HZ = (300, 3400)
AROUND_S = 0.3  # of the noise alone, before and behind the words
LOUDEST = 0.7

_BAND = butter(6, BAND_HZ, "bandpass", fs=RATE, output="sos")


def over_the_line(pcm: bytes, law: Law, noise_db: float | None, seed: str) -> bytes:
    """8 kHz mono signed 16-bit samples, as they come out. `noise_db`: speech above noise; None: no noise."""
    around = np.zeros(round(AROUND_S * RATE))
    voice = np.concatenate([around, np.frombuffer(pcm, "<i2") / 32768, around])
    voice = sosfilt(_BAND, voice)
    voice *= LOUDEST / max(float(np.abs(voice).max()), 1e-9)
    if noise_db is not None:
        noise = sosfilt(_BAND, np.random.default_rng(zlib.crc32(seed.encode())).standard_normal(len(voice)))
        spoken = voice[np.abs(voice) > 0.02]  # how loud the words are, not their pauses
        wanted = float(np.sqrt(np.mean(spoken**2))) / 10 ** (noise_db / 20)
        voice = voice + noise * wanted / float(np.sqrt(np.mean(noise**2)))
    heard = _companded(np.clip(voice, -1, 1), law)
    return (heard * 32767).astype("<i2").tobytes()


def _companded(voice: NDArray[np.float64], law: Law) -> NDArray[np.float64]:
    """Through 8 bits of G.711's logarithmic scale and back (the continuous formulas)."""
    sign, size = np.sign(voice), np.abs(voice)
    if law == "mu-law":
        steps = np.round(np.log1p(255 * size) / np.log(256) * 127) / 127
        return np.asarray(sign * (256**steps - 1) / 255)
    whole = 1 + np.log(87.6)
    curve = np.where(size < 1 / 87.6, 87.6 * size / whole, (1 + np.log(np.maximum(87.6 * size, 1))) / whole)
    steps = np.round(curve * 127) / 127
    back = np.where(steps < 1 / whole, steps * whole / 87.6, np.exp(steps * whole - 1) / 87.6)
    return np.asarray(sign * back)
