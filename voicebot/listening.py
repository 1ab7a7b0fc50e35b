"""The listening half of one conversation: what comes from the line becomes news for the talking half.

It runs beside the talking half, so that barge-in and keys act at once, whatever else is going on. Knows the
ear and the mouth; understands and decides nothing, but gives way: the bot falls silent at likely speech, and
goes on with its sentence where it was a cough. Each false alarm makes it harder to interrupt for a while.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from voicebot import moves as talk
from voicebot.hearing import Ear
from voicebot.media import Audio, Digit, MediaPort
from voicebot.moves import Say
from voicebot.news import Drained, News, Words
from voicebot.segmenter import Silence, SpeechEnded
from voicebot.speaking import Mouth
from voicebot.turn_end import Expect

BARGE_IN_S: Final = (0.0, 0.3, 0.8)
"""Speech that long over the bot's voice silences it, by false alarms so far; 0.0: likely speech will do."""
BACK_OFF_S: Final = 0.6
"""Whoever the bot gave way to has been quiet for that long before it goes on."""
COUGH_S: Final = 0.7
"""A shorter sound without words is none of the conversation's business."""
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
        self._alarms = 0  # times that the bot gave way to nothing, since words were last heard
        self._quiet_since = 0.0
        self.one_moment: Say | None = None
        """What bridges a slow recognition."""
        self.deaf = False
        """Decided: what the caller says now is for the operator."""
        self.gone = asyncio.Event()
        """The caller has hung up."""
        self.last_sound_at = _now()
        """When anything last came from the line, by the event loop's clock."""

    @property
    def somebody_speaks(self) -> bool:
        """The caller is speaking, or has spoken and nobody has acted on their words yet."""
        return self._ear.speaking_s > 0 or self._untold > 0

    @property
    def words_are_coming(self) -> bool:
        """An utterance has ended, and nobody has acted on its words yet."""
        return self._untold > 0

    def expect(self, expected: Expect) -> None:
        """What the bot asks for now: how soon a silence ends the answer."""
        self._ear.expects = expected

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

    def go_on(self) -> None:
        """The bot gave way to nothing: it says the rest."""
        self._alarms += 1
        self._mouth.go_on()
        self._help(self._tell_when_said)

    def _hear(self, pcm: bytes, spoke: bool) -> bool:
        """One frame; `spoke` and the answer: whether the bot was speaking before it, and now."""
        self.last_sound_at = _now()
        speaks = self._mouth.speaks
        if spoke and not speaks and not self.somebody_speaks and not self._mouth.cut_off:
            self._ear.restart()  # the caller's time to think begins when the bot is silent
        for segment in self._ear.hear(pcm):
            if isinstance(segment, SpeechEnded):
                self._untold += 1
                self._help(self._recognise, segment)
            elif isinstance(segment, Silence) and not speaks and not self._untold and not self._mouth.cut_off:
                self._tell(talk.Silence())
        if speaks and not self.deaf and self._means_it():
            self._mouth.give_way()
        self._back_off()
        return speaks and self._mouth.speaks

    def _means_it(self) -> bool:
        """Whether the caller wants to be heard over the bot's voice."""
        needed = BARGE_IN_S[min(self._alarms, len(BARGE_IN_S) - 1)]
        return self._ear.speaking_s >= needed if needed else self._ear.likely or self._ear.speaking_s > 0

    def _back_off(self) -> None:
        """Go on with what was cut off, once whoever made a noise has been quiet for a while."""
        if self.somebody_speaks or self._ear.likely:
            self._quiet_since = self.last_sound_at
        elif self._mouth.cut_off and self.last_sound_at - self._quiet_since >= BACK_OFF_S:
            self._ear.was_nothing()
            self.go_on()

    async def _recognise(self, ended: SpeechEnded) -> None:
        words = asyncio.ensure_future(self._ear.words())
        try:
            done, _ = await asyncio.wait({words}, timeout=PATIENCE_S)
            if not done and self.one_moment and not self._mouth.speaks and not self.deaf:
                await self._mouth.bridge(self.one_moment)
            recognised = await words  # its deadline is the recogniser pool's
        finally:
            words.cancel()
        spoken_s = ended.spoken_until_s - ended.started_at_s
        if recognised.text:
            self._alarms = 0
        elif spoken_s < COUGH_S:
            self._untold -= 1
            self._ear.was_nothing()
            self._tell(Drained())  # a good-bye may be waiting for this to pass
            return
        self._tell(Words(recognised, ended.started_at_s, spoken_s))

    async def _tell_when_said(self) -> None:
        await self._mouth.all_said()
        self._tell(Drained())


def _now() -> float:
    return asyncio.get_running_loop().time()
