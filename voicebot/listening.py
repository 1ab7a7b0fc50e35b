"""The listening half of one conversation: what comes from the line becomes news for the talking half.

It runs beside the talking half, so that barge-in and keys act at once, whatever else is going on. Knows the
ear and the mouth; understands and decides nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from voicebot import dialogue as talk
from voicebot.dialogue import Say
from voicebot.hearing import Ear
from voicebot.media import Audio, Digit, MediaPort
from voicebot.news import Drained, News, Words
from voicebot.segmenter import Silence, SpeechEnded
from voicebot.speaking import Mouth

BARGE_IN_S: Final = 0.3
"""Speech that long over the bot's voice means it: the bot falls silent."""
PATIENCE_S: Final = 1.2
"""Recognition longer than that is bridged by "one moment"."""


class Help(Protocol):
    """Whoever runs work beside everything else; its failure becomes news."""

    def __call__(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        """Begin it."""
        ...


class Listener:
    """One per conversation."""

    def __init__(self, ear: Ear, mouth: Mouth, *, tell: Callable[[News], None], help_with: Help) -> None:
        self._ear = ear
        self._mouth = mouth
        self._tell = tell
        self._help = help_with
        self._untold = 0
        self.one_moment: Say | None = None
        """What bridges a slow recognition."""
        self.deaf = False
        """Decided: what the caller says now is for the operator."""
        self.gone = asyncio.Event()
        """The caller has hung up."""
        self.last_sound_at = asyncio.get_running_loop().time()
        """When anything last came from the line, by the event loop's clock."""

    @property
    def somebody_speaks(self) -> bool:
        """The caller is speaking, or has spoken and nobody has acted on their words yet."""
        return self._ear.speaking_s > 0 or self._untold > 0

    @property
    def words_are_coming(self) -> bool:
        """An utterance has ended, and nobody has acted on its words yet."""
        return self._untold > 0

    def taken(self) -> None:
        """The talking half acts on one utterance's words."""
        self._untold -= 1

    async def listen(self, media: MediaPort) -> None:
        """Until the caller is gone."""
        spoke = False
        async for event in media:
            if isinstance(event, Audio):
                spoke = self._hear(event.pcm, spoke)
            elif isinstance(event, Digit):
                self._tell(talk.Key(event.digit))
        self.gone.set()
        self._mouth.fall_silent()
        self._tell(Drained())  # whoever waits for news sees that the caller is gone

    def _hear(self, pcm: bytes, spoke: bool) -> bool:
        """One frame; `spoke` and the answer: whether the bot was speaking before it, and now."""
        self.last_sound_at = asyncio.get_running_loop().time()
        speaks = self._mouth.speaks
        if spoke and not speaks and not self.somebody_speaks:
            self._ear.restart()  # the caller's time to think begins when the bot is silent
        for segment in self._ear.hear(pcm):
            if isinstance(segment, SpeechEnded):
                self._untold += 1
                self._help(self._recognise, segment.started_at_s)
            elif isinstance(segment, Silence) and not speaks and not self._untold:
                self._tell(talk.Silence())
        if speaks and not self.deaf and self._ear.speaking_s >= BARGE_IN_S:
            self._mouth.give_way()
        return speaks

    async def _recognise(self, started_at_s: float) -> None:
        words = asyncio.ensure_future(self._ear.words())
        try:
            done, _ = await asyncio.wait({words}, timeout=PATIENCE_S)
            if not done and self.one_moment and not self._mouth.speaks and not self.deaf:
                await self._mouth.speak(self.one_moment)
            recognised = await words  # its deadline is the recogniser pool's
        finally:
            words.cancel()
        self._tell(Words(recognised, started_at_s))
