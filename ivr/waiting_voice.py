"""Makes the announcements for waiting callers: pieces spoken ahead, joined when a code is first needed.

How one reaches a caller without taking them out of the queue: `app_queue` plays `<static>/please_hold` now
and then, and Asterisk looks a file up by the channel's language: `<static>/<language>/please_hold`, then the
plain one. So each announcement lies in the folder of a language of its own, `en_p3w5o`; what stands behind
the underscore is a dialect to Asterisk, and all other sounds stay those of `en`. With us away the plain
`please_hold` is heard.

Knows files and the voice; no queue, no PBX.
"""

import asyncio
import contextlib
import secrets
import shutil
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from ivr.languages import folder_name
from ivr.waiting_words import CODE, Announcement, WaitingWords, texts
from recordings.audio import TELEPHONE_RATE
from voicebot.voice import Voice, VoiceFailed, read_telephone_wav

log = structlog.get_logger()

SOUND = "please_hold.wav"
AT_ONCE = 13  # pieces a process; between two processes others get their turn with the voice
AGAIN_AFTER_S = 60.0
SWEPT_AFTER_S = 86_400.0
PAUSE = bytes(2 * TELEPHONE_RATE * 3 // 10)  # between two pieces


class WaitingVoice:
    """One per service. `run` speaks the pieces; announcements with one that is not there yet are not made."""

    def __init__(self, words: WaitingWords, voice: Voice, language: str, static: Path) -> None:
        """`static`: where the plain `please_hold.wav` lies."""
        self._texts = dict(texts(words))
        self._voice = voice
        self._prefix = folder_name(language) + "_"
        self._static = static
        self._pieces: dict[str, Sequence[Path]] = {}
        self._made: set[str] = set()

    async def run(self) -> None:
        """Remove what nobody hears any more, speak all pieces, then end. Failures are tried again."""
        await asyncio.to_thread(_sweep, self._static, self._prefix)
        while missing := [name for name in self._texts if name not in self._pieces]:
            try:
                for start in range(0, len(missing), AT_ONCE):
                    names = missing[start : start + AT_ONCE]
                    paths = await self._voice.render_all([self._texts[name] for name in names])
                    self._pieces |= {name: [path] for name, path in zip(names, paths, strict=True)}
            except VoiceFailed as error:
                log.warning("Waiting callers are not told their place.", action="no_place", reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
        log.info("Waiting callers are told their place.", action="place_told", pieces=len(self._pieces))

    def add(self, name: str, sounds: Sequence[Path]) -> None:
        """Take in a piece that is spoken elsewhere: the offer of a call-back, an incident."""
        self._pieces[name] = sounds

    async def make(self, announcement: Announcement) -> str | None:
        """The channel language under which it is heard; None: a piece of it is not spoken yet."""
        code = self._prefix + announcement.code
        if code in self._made:
            return code
        names = announcement.pieces()
        if any(name not in self._pieces for name in names):
            return None
        try:
            sounds = [self._pieces[name] for name in names]
            await asyncio.to_thread(_join, sounds, self._static / code / SOUND)
        except (OSError, VoiceFailed) as error:
            log.warning("An announcement could not be made.", action="no_place", reason=type(error).__name__)
            return None
        self._made.add(code)
        return code


class WaitingVoices:
    """The same for callers of all languages: each is told in theirs."""

    def __init__(
        self, voices: Mapping[str, WaitingVoice], own: str, language_of: Callable[[str], str]
    ) -> None:
        """`voices`: by language. `own`: for callers of others. `language_of`: of a caller, by call id."""
        self._voices, self._own, self._language_of = voices, voices[own], language_of

    async def run(self) -> None:
        """Speak all pieces of all languages, one language after the other, then end."""
        for voice in self._voices.values():
            await voice.run()

    def add(self, name: str, sounds: Sequence[Path]) -> None:
        """Take in a piece that is the same in all languages: an incident, in its author's words."""
        for voice in self._voices.values():
            voice.add(name, sounds)

    async def make(self, announcement: Announcement, call_id: str) -> str | None:
        """See `WaitingVoice.make`; for this caller."""
        return await self._voices.get(self._language_of(call_id), self._own).make(announcement)


def _sweep(static: Path, prefix: str) -> None:
    """Away with announcements of old incidents; those in use by another process are younger."""
    for folder in static.glob(f"{prefix}p*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            old = time.time() - folder.stat().st_mtime > SWEPT_AFTER_S
            if old and CODE.fullmatch(folder.name.removeprefix(prefix)):
                shutil.rmtree(folder, ignore_errors=True)


def _join(pieces: Sequence[Sequence[Path]], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_suffix(f".{secrets.token_hex(4)}")  # two callers may need the same one at once
    spoken = PAUSE.join(b"".join(read_telephone_wav(sound) for sound in sounds) for sounds in pieces)
    try:
        with wave.open(str(made), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(TELEPHONE_RATE)
            out.writeframes(spoken)
        made.chmod(0o644)  # the PBX may be another user
        made.replace(target)  # whole or not at all
    finally:
        made.unlink(missing_ok=True)
