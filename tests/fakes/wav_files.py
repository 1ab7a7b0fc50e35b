"""WAV files as a PBX leaves them: whole, cut off by a kill, or with nonsense in the header."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000


def tone(seconds: float, hertz: float = 440.0, rate: int = RATE, level: float = 0.5) -> NDArray[np.int16]:
    """A sine, shape (n,)."""
    at = np.arange(int(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * at) * level * 32767).astype("<i2")


def wav_bytes(
    samples: NDArray[np.int16], rate: int = RATE, claimed: int | None = None, channels: int = 1
) -> bytes:
    """A plain 44-byte header and the samples; `claimed` lies about the length as a killed writer does."""
    sound = samples.astype("<i2").tobytes()
    size = len(sound) if claimed is None else claimed
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    riff = struct.pack("<I", min(size + 36, 0xFFFFFFFF))
    return b"RIFF" + riff + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", size) + sound


def write_wav(path: Path, samples: NDArray[np.int16], rate: int = RATE, claimed: int | None = None) -> Path:
    """The same as a file."""
    path.write_bytes(wav_bytes(samples, rate, claimed))
    return path
