"""Our prompts as files that Twilio plays, at addresses that change with what is in them.

`<Play>` and not `<Say>`: callers hear the scenario's own voice and recorded files in all its languages, as
over an Asterisk, and Twilio keeps what it has fetched once, since an address never has anything else. There
is nothing secret in them, so they are there for everybody who asks.
"""

import asyncio
import hashlib
import io
import wave
from pathlib import Path

from ivr.pieces import RATE
from ivr.prompts import Pieces, PromptBook

_NAMED = 16  # digits of the hash


class Sounds:
    """Names and files of prompts, by language."""

    def __init__(self, prompts: PromptBook) -> None:
        self._prompts = prompts

    def names(self, prompts: tuple[str, ...], language: str) -> list[str]:
        """The files of these prompts, below the address of sounds; of one that has no sound, none."""
        book = self._prompts.in_language(language)
        return [
            f"{language}/{prompt}.{_hash(pieces)}.wav"
            for prompt in prompts
            if (pieces := book.prompt(prompt))
        ]

    async def read(self, name: str) -> bytes | None:
        """A file, WAV of 8 kHz and 16 bit; None: there is none of that name.

        Raises:
            OSError: it cannot be read.
        """
        language, _, file = name.partition("/")
        prompt = file.partition(".")[0]
        try:
            pieces = self._prompts.in_language(language).prompt(prompt)
        except KeyError:
            return None
        return await asyncio.to_thread(_joined, pieces) if pieces else None


def _hash(pieces: Pieces) -> str:
    """Pieces are named by their content."""
    return hashlib.sha256("\n".join(piece.path.name for piece in pieces).encode()).hexdigest()[:_NAMED]


def _joined(pieces: Pieces) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as whole:
        whole.setnchannels(1)
        whole.setsampwidth(2)
        whole.setframerate(RATE)
        for piece in pieces:
            with wave.open(f"{Path(piece.path)}.wav") as wav:
                whole.writeframes(wav.readframes(wav.getnframes()))
    return out.getvalue()
