"""Telephone audio in eight bits: G.711 mu-law to 16-bit samples and back. Pure.

Source: ITU-T G.711, table 2. Audio is mono; a byte of mu-law is a sample.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BIAS: Final = 132  # 33 in the 14-bit scale of the standard
_CLIP: Final = 32635


def _expansion() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4 & 7).astype(np.int32)
    size = (((code & 15).astype(np.int32) << 3) + _BIAS << exponent) - _BIAS
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _compression() -> NDArray[np.uint8]:
    """By a sample's bits, read as a number without sign."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    size = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.maximum(np.floor(np.log2(size)).astype(np.int32) - 7, 0)
    code = np.where(samples < 0, 0x80, 0) | exponent << 4 | (size >> exponent + 3) & 15
    packed: NDArray[np.uint8] = (~code & 0xFF).astype(np.uint8)
    return packed


_EXPANDED: Final = _expansion()
_COMPRESSED: Final = _compression()

SILENCE: Final = 0xFF  # a sample of zero


def expand(coded: bytes) -> bytes:
    """Mu-law as signed 16-bit little-endian samples."""
    return _EXPANDED[np.frombuffer(coded, dtype=np.uint8)].astype("<i2").tobytes()


def compress(pcm: bytes) -> bytes:
    """Signed 16-bit little-endian samples, whole ones, as mu-law."""
    coded: bytes = _COMPRESSED[np.frombuffer(pcm, dtype="<u2")].tobytes()
    return coded
