"""Our prompts as files that Twilio plays, at addresses that change with what is in them.

`<Play>` and not `<Say>`: callers hear the scenario's own voice and recorded files in all its languages, as
over an Asterisk, and Twilio keeps what it has fetched once, since an address never has anything else. There
is nothing secret in them, so they are there for everybody who asks.
"""

import asyncio
import hashlib
import io
import re
import wave
from dataclasses import dataclass
from pathlib import Path

from ivr.pieces import RATE
from ivr.prompts import Pieces, PromptBook

_NAMED = 16  # digits of the hash
_NAME = re.compile(
    rf"(?P<language>[^/]{{1,40}})/(?P<prompt>[^/.]{{1,200}})\.(?P<hash>[0-9a-f]{{{_NAMED}}})\.wav"
)


@dataclass(frozen=True, slots=True)
class Sound:
    """A file, WAV of 8 kHz and 16 bit."""

    data: bytes
    lasting: bool  # its address has never anything else


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

    async def read(self, name: str) -> Sound | None:
        """A file; None: that is no name of ours.

        A call that goes on may ask for what a service of before has named, with another scenario: then the
        prompt is as it is now, or, where there is none any more, silent. The call goes on with its next step.

        Raises:
            OSError: it cannot be read.
        """
        named = _NAME.fullmatch(name)
        if named is None:
            return None
        try:
            pieces = self._prompts.in_language(named["language"]).prompt(named["prompt"])
        except KeyError:
            pieces = ()
        if not pieces:
            return Sound(_SILENCE, lasting=False)
        return Sound(await asyncio.to_thread(_joined, pieces), lasting=_hash(pieces) == named["hash"])


def _hash(pieces: Pieces) -> str:
    """Pieces are named by their content."""
    return hashlib.sha256("\n".join(piece.path.name for piece in pieces).encode()).hexdigest()[:_NAMED]


def _joined(pieces: Pieces) -> bytes:
    frames = []
    for piece in pieces:
        with wave.open(f"{Path(piece.path)}.wav") as wav:
            frames.append(wav.readframes(wav.getnframes()))
    return _wav(b"".join(frames))


def _wav(frames: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as whole:
        whole.setnchannels(1)
        whole.setsampwidth(2)
        whole.setframerate(RATE)
        whole.writeframes(frames)
    return out.getvalue()


_SILENCE = _wav(bytes(2 * RATE // 10))
