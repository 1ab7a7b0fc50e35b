"""What SIPp's callers say, as it wants it: bare mu-law bytes in files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
_BIAS, _CLIP = 132, 32635


def mu_law(samples: NDArray[np.int16]) -> bytes:
    """ITU-T G.711 mu-law of 16-bit samples."""
    wide = samples.astype(np.int32)
    size = np.minimum(np.abs(wide), _CLIP) + _BIAS
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    sign = np.where(wide < 0, 0x80, 0)
    coded: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return coded.tobytes()


def write_sounds(folder: Path, lines: dict[str, Path], seconds: int) -> None:
    """`quiet.ul`, and each line with quiet behind it, all `seconds` long: no caller's phone falls mute."""
    folder.mkdir(parents=True, exist_ok=True)
    # A room, not a digital void: some noise keeps every step of the way awake.
    room = np.random.default_rng(1).integers(-8, 9, seconds * RATE).astype(np.int16)
    (folder / "quiet.ul").write_bytes(mu_law(room))
    for name, path in lines.items():
        with wave.open(str(path)) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
        said = room.copy()
        said[: len(samples)] = samples[: len(said)]
        (folder / f"{name}.ul").write_bytes(mu_law(said))
