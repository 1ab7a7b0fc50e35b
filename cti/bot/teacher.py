"""What the running bot understands: its scenario and what supervisors taught it, learnt while calls go on.

The phrases are read again after each change and twice a minute, since another node may have been taught. A
new understanding is made beside the old one and takes its place at once; conversations under way keep theirs.
Knows the records and the pure understanding; no calls, no web.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from tickets.database import DatabaseTrouble
from tickets.taught import TaughtPhrase
from voicebot.script import BotScript
from voicebot.teaching import Doubt, Phrase, doubt, taught
from voicebot.understanding import Understanding

log = structlog.get_logger()

RELOAD_EVERY_S = 30.0
LEARN_WITHIN_S = 20.0  # with a thousand phrases it takes one

Train = Callable[[BotScript, str], Understanding]
"""Makes an understanding of a script in a language."""


class NotLearnt(Exception):
    """The bot could not be taught just now; it goes on with what it knew."""


class Teacher:
    """One per service; `run` keeps it fresh."""

    def __init__(
        self,
        scripts: Mapping[str, BotScript],
        standing: Callable[[], Awaitable[Sequence[TaughtPhrase]]],
        train: Train,
    ) -> None:
        """
        Args:
            scripts: the bot's script in each language, by BCP 47; the scenario's own language first.
            standing: the taught phrases on record, `TaughtBook.standing`.
            train: `Understanding.train`.
        """
        self._scripts, self._standing, self._train = dict(scripts), standing, train
        self._learnt: dict[str, frozenset[Phrase]] = {language: frozenset() for language in scripts}
        self._understandings = {language: train(script, language) for language, script in scripts.items()}
        self._whole = dict(scripts)  # with what was taught
        self._learning = asyncio.Lock()
        self._unread = False  # the last time
        self.age = 0  # +1 with everything learnt: tells caches theirs

    @property
    def languages(self) -> Sequence[str]:
        """In which the bot may be taught; its scenario's own first."""
        return tuple(self._scripts)

    def understanding(self, language: str | None = None) -> Understanding:
        """What it understands at this moment; the scenario's own language for one that it does not speak."""
        own = next(iter(self._understandings.values()))
        return own if language is None else self._understandings.get(language, own)

    def script(self, language: str) -> BotScript:
        """A language's script with what was taught; another object after each lesson."""
        return self._whole[language]

    def questions(self, language: str | None = None) -> Mapping[str, str]:
        """The questions that it answers: name → topic."""
        own = next(iter(self._scripts.values()))
        script = own if language is None else self._scripts.get(language, own)
        return {question.name: question.topic for question in script.questions}

    def uses(self, phrase: TaughtPhrase) -> bool:
        """Whether a phrase on record does anything: its question or language may have left the scenario."""
        return phrase.language in self._scripts and phrase.question in self.questions(phrase.language)

    def knows(self, phrase: TaughtPhrase) -> bool:
        """Whether a phrase on record has been learnt."""
        return Phrase(phrase.question, phrase.phrase) in self._learnt.get(phrase.language, ())

    def doubts(self, question: str, phrases: Sequence[str], language: str) -> list[Doubt]:
        """What speaks against teaching these. Takes milliseconds for each: not for the event loop."""
        understanding = self.understanding(language)
        follows = {one.name: one.follows for one in self._scripts[language].questions}
        found = (doubt(understanding, question, words, follows.get(question)) for words in phrases)
        return [one for one in found if one is not None]

    async def learn(self) -> None:
        """Read what is on record, and understand it from now on.

        Raises:
            DatabaseTrouble: it could not be read.
            NotLearnt: it took too long, or the phrases cannot be learnt.
        """
        async with self._learning:
            wanted = _by_language(await self._standing())
            for language, script in self._scripts.items():
                phrases = frozenset(wanted.get(language, ()))
                if phrases == self._learnt[language]:
                    continue
                try:
                    async with asyncio.timeout(LEARN_WITHIN_S):
                        whole = taught(script, sorted(phrases))
                        new = await asyncio.to_thread(self._train, whole, language)
                except Exception as error:
                    raise NotLearnt(
                        "The bot could not learn the phrases: it goes on with what it knew."
                    ) from error
                self._understandings[language], self._learnt[language] = new, phrases
                self._whole[language] = whole
                self.age += 1
                log.info("The bot has learnt.", action="bot_learnt", language=language, phrases=len(phrases))

    async def run(self) -> None:
        """Learn what other nodes were taught, until cancelled."""
        while True:
            try:
                await self.learn()
                self._unread = False
            except (DatabaseTrouble, NotLearnt) as error:  # what is known holds
                if not self._unread:
                    log.warning("Taught phrases are not learnt.", action="bot_not_learnt", reason=str(error))
                self._unread = True
            except Exception:  # what is known holds: no reason to end a service that has callers
                log.exception("Taught phrases are not learnt.", action="bot_not_learnt")
            await asyncio.sleep(RELOAD_EVERY_S)


def _by_language(phrases: Sequence[TaughtPhrase]) -> dict[str, list[Phrase]]:
    found: dict[str, list[Phrase]] = {}
    for one in phrases:
        found.setdefault(one.language, []).append(Phrase(one.question, one.phrase))
    return found
