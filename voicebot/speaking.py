"""The mouth of one conversation: what it is saying, and what an interruption cut off.

Knows a `MediaPort` and a `Voice`; decides nothing: the dialogue says what, the listening half when to stop.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from voicebot.dialogue import Say
from voicebot.media import BYTES_PER_SECOND, MediaPort
from voicebot.voice import Voice, VoiceFailed, read_telephone_wav

_log = structlog.get_logger()

VOICE_S: Final = 3.0
"""Deadline for the sound of a text: rendered ahead it takes a millisecond."""
GAP: Final = bytes(BYTES_PER_SECOND // 4)
"""Silence between two sentences of the bot."""
LAST_WORDS_S: Final = 2.0
"""Beyond their own length the last words have this long to leave; then the caller goes on without them."""

Told = Callable[[Say, float], None]
"""Told each sentence that begins, and at which time of the event loop's clock."""


class Mouth:
    """One per conversation."""

    def __init__(self, media: MediaPort, voice: Voice, told: Told) -> None:
        self._media = media
        self._voice = voice
        self._told = told
        self._saying: tuple[Say, ...] = ()
        self._interrupted: tuple[Say, ...] = ()
        self.silent_since = _now()
        """When what was handed to the line is, or will be, all said."""

    @property
    def speaks(self) -> bool:
        """Whether the caller hears the bot now."""
        return self._media.playing

    async def say(self, says: tuple[Say, ...], *, last: bool) -> None:
        """Speak them one after the other; an interruption drops the rest. `last`: nothing follows them.

        Raises:
            VoiceFailed, TimeoutError: there is no sound for a sentence that is not among the last words.
        """
        self._saying = says
        for say in says:
            if self._saying is not says:
                return  # interrupted: the rest is not wanted either
            try:
                await self.speak(say)
            except (VoiceFailed, TimeoutError):
                if not last:
                    raise
                # The decision stands without its words, and keeps its own reason.
                _log.exception("a prompt has no sound", action="prompt_failed", prompt=say.prompt)

    async def speak(self, say: Say) -> None:
        """One sentence behind what is being said, without taking its place."""
        async with asyncio.timeout(VOICE_S):
            path = await self._voice.render(say.text)
            pcm = await asyncio.to_thread(read_telephone_wav, path)
        now = _now()
        if self._media.playing:
            self._media.play(GAP)
            self.silent_since += len(GAP) / BYTES_PER_SECOND
        begins_at = max(now, self.silent_since)
        self._media.play(pcm)
        self.silent_since = begins_at + len(pcm) / BYTES_PER_SECOND
        self._told(say, begins_at)

    def give_way(self) -> None:
        """The caller speaks: fall silent, and remember what was being said."""
        self._interrupted = self._saying
        self.fall_silent()

    def take_interrupted(self) -> tuple[Say, ...]:
        """What the caller interrupted last; only once."""
        interrupted, self._interrupted = self._interrupted, ()
        return interrupted

    def fall_silent(self) -> None:
        """Say no more of it."""
        self._media.stop_playing()
        self._saying = ()
        self.silent_since = _now()

    async def finish(self) -> None:
        """Let the last words out; a carrier that does not send them must not hold the caller."""
        left = max(0.0, self.silent_since - _now())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left + LAST_WORDS_S):
                await self._media.drained()


def _now() -> float:
    return asyncio.get_running_loop().time()
