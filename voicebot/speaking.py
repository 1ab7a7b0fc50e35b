"""The mouth of one conversation: what it is saying, and where it stopped when the caller spoke.

Knows a `MediaPort` and a `Voice`; decides nothing: the dialogue says what, the listening half when to stop.

    speaks ──(give_way)──→ cut off ──(go_on)──→ speaks, from the last breath before the cut
                              │
                              └──(forget, or something new to say)──→ silent
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog

from voicebot.media import BYTES_PER_SECOND, SAMPLE_RATE, MediaPort
from voicebot.moves import Say
from voicebot.telephone_wav import VoiceFailed, read_telephone_wav, silence, without_edges
from voicebot.texts import Part
from voicebot.voice import Voice

_log = structlog.get_logger()

VOICE_S: Final = 3.0
"""Deadline for the sound of a text: rendered ahead it takes a millisecond."""
LIVE_VOICE_S: Final = 10.0
"""The same for what is spoken for this call alone, on a machine that has other work."""
PATIENCE_S: Final = 1.2
"""Such a text that takes longer is bridged by "one moment"."""
GAP: Final = silence(0.25)
"""Silence between two sentences of the bot."""
LAST_WORDS_S: Final = 2.0
"""Beyond their own length the last words have this long to leave; then the caller goes on without them."""
BACK_S: Final = 2.0
"""A breath further back than that is not looked for: the bot goes on a little before the cut."""
UNHEARD_S: Final = 0.7
"""Of what was cut off so early nobody understood anything: both began at the same moment."""

Told = Callable[[Say, float], None]
"""Told each sentence that begins, and at which time of the event loop's clock."""


class Mouth:
    """One per conversation."""

    def __init__(self, media: MediaPort, voice: Voice, told: Told) -> None:
        self._media = media
        self._voice = voice
        self._told = told
        self._saying: tuple[Say, ...] = ()
        self._run = bytearray()  # all that was handed to the line since it was last silent
        self._rest: bytearray | None = None  # what is still to be said, while cut off
        self.one_moment: Say | None = None
        """What bridges words that are long in the making."""
        self.unheard = False
        """What was cut off last had hardly begun."""
        self.silent_since = _now()
        """When what was handed to the line is, or will be, all said."""

    @property
    def speaks(self) -> bool:
        """Whether the caller hears the bot now."""
        return self._media.playing

    @property
    def cut_off(self) -> bool:
        """Whether it gave way and has neither gone on nor forgotten what it was saying."""
        return self._rest is not None

    async def say(self, says: tuple[Say, ...], *, last: bool) -> None:
        """Speak them one after the other, instead of what was cut off. `last`: nothing follows them.

        Raises:
            VoiceFailed, TimeoutError: there is no sound for a sentence that is not among the last words.
        """
        self._rest = None
        self._saying = says
        for say in says:
            try:
                await self._say(say, says)
            except (VoiceFailed, TimeoutError):
                if not last:
                    raise
                # The decision stands without its words, and keeps its own reason.
                _log.exception("a prompt has no sound", action="prompt_failed", prompt=say.prompt)
            if self._saying is not says:
                return  # the rest is not wanted any more

    async def _say(self, say: Say, says: tuple[Say, ...]) -> None:
        told = False
        for part in say.spoken:
            pcm = await self._sound(part)
            if self._saying is not says:
                return
            begins_at = self._play(pcm, GAP if part.after_s is None else silence(part.after_s))
            if not told:
                self._told(say, begins_at)
                told = True

    async def bridge(self, say: Say) -> None:
        """One sentence between, whatever is cut off."""
        pcm = b"".join([await self._sound(part) for part in say.spoken])
        rest, self._rest = self._rest, None
        self._told(say, self._play(pcm))
        self._rest = rest

    def give_way(self) -> None:
        """The caller speaks: fall silent at once, and remember what is left to be said."""
        if not self._media.playing:
            return
        said_s = self._media.stop_playing()
        self.unheard = said_s < UNHEARD_S
        self._rest = self._run[0 if self.unheard else last_breath(bytes(self._run), said_s) :]
        self.silent_since = _now()

    def go_on(self) -> None:
        """It was nothing: say the rest."""
        rest, self._rest = self._rest, None
        if rest:
            self._play(bytes(rest))

    def forget(self) -> None:
        """What was cut off is not wanted any more."""
        if self._rest is not None:
            self._rest, self._saying = None, ()

    def fall_silent(self) -> None:
        """Say no more, and nothing of it later."""
        self._media.stop_playing()
        self._rest, self._saying = None, ()
        self.silent_since = _now()

    async def all_said(self) -> None:
        """Return when nothing is left to be heard."""
        await self._media.drained()  # no deadline of its own: ending the call ends it

    async def finish(self) -> None:
        """Let the last words out; a carrier that does not send them must not hold the caller."""
        left = max(0.0, self.silent_since - _now())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left + LAST_WORDS_S):
                await self._media.drained()

    async def _sound(self, part: Part) -> bytes:
        if not part.kept:
            return await self._live(part.text)
        async with asyncio.timeout(VOICE_S):
            path = await self._voice.render(part.text)
            pcm = await asyncio.to_thread(read_telephone_wav, path)
        return without_edges(pcm) if part.tight else pcm

    async def _live(self, text: str) -> bytes:
        async with asyncio.timeout(LIVE_VOICE_S):
            speaking = asyncio.ensure_future(self._voice.speak(text))
            try:
                done, _ = await asyncio.wait({speaking}, timeout=PATIENCE_S)
                if not done and self.one_moment is not None and not self.speaks:
                    await self.bridge(self.one_moment)
                return await speaking
            finally:
                speaking.cancel()

    def _play(self, pcm: bytes, gap: bytes = GAP) -> float:
        """Hand it to the line, or keep it while cut off; when it begins to be heard."""
        now = _now()
        if self._rest is not None:
            self._rest += gap + pcm
            return now
        if self._media.playing:
            pcm = gap + pcm
        else:
            self._run.clear()
        begins_at = max(now, self.silent_since)
        self._media.play(pcm)
        self._run += pcm
        self.silent_since = begins_at + len(pcm) / BYTES_PER_SECOND
        return begins_at


def last_breath(pcm: bytes, said_s: float) -> int:
    """The byte at which to go on with `pcm` after `said_s` seconds of it: the last short silence.

    A word cut in two is said again as a whole, and a few words before it for the sake of the sentence.
    """
    step = SAMPLE_RATE // 100
    begin = max(0, int((said_s - BACK_S) * 100))
    samples = np.frombuffer(pcm, "<i2")[begin * step : int(said_s * 100) * step]
    levels = np.abs(samples[: len(samples) // step * step].reshape(-1, step).astype(np.int32)).mean(axis=1)
    quiet = levels < _QUIET
    for end in range(len(quiet) - _SOME_WORDS, _BREATH - 1, -1):
        if quiet[end - _BREATH : end].all():
            return (begin + end - _BREATH // 2) * step * 2
    return begin * step * 2


_QUIET: Final = 60  # mean sample value between words
_BREATH: Final = 6  # hundredths of a second
_SOME_WORDS: Final = 40  # hundredths of a second before the cut that are said again at least


def _now() -> float:
    return asyncio.get_running_loop().time()
