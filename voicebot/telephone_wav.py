"""Reads the WAVs that the bot's voices make. Adapter to files; knows no synthesiser."""

import wave
from pathlib import Path

from recordings.audio import TELEPHONE_RATE


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
