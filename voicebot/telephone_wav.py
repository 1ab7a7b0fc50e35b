"""Reads the WAVs that the bot's voices make, and cuts them. Adapter to files; knows no synthesiser."""

import wave
from pathlib import Path
from typing import Final

import numpy as np

from recordings.audio import TELEPHONE_RATE

QUIET: Final = 250  # of 32767: below it a sample is silence
EDGE_S: Final = 0.03  # of the silence that is left, for soft first and last sounds


class VoiceFailed(Exception):
    """A text could not be turned into sound; the message says why and what to do."""


def read_telephone_wav(path: Path) -> bytes:
    """Samples of an 8 kHz mono 16-bit WAV.

    Raises:
        VoiceFailed: the file is something else, or cannot be read.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (TELEPHONE_RATE, 1, 2):
                raise VoiceFailed(
                    f"{path.name} is no 8 kHz mono 16-bit WAV: remove it, to have it made again."
                )
            return file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise VoiceFailed(f"{path.name} cannot be read: remove it, to have it made again.") from error


def silence(seconds: float) -> bytes:
    """Samples of nothing."""
    return bytes(2 * round(seconds * TELEPHONE_RATE))


def without_edges(pcm: bytes) -> bytes:
    """The same sound without the silence before and after it."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > QUIET)
    if not len(loud):
        return pcm
    edge = round(EDGE_S * TELEPHONE_RATE)
    return pcm[2 * max(0, int(loud[0]) - edge) : 2 * (int(loud[-1]) + 1 + edge)]
