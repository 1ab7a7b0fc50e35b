"""What the running bot understands: its scenario and what supervisors taught it, learnt while calls go on.

The phrases are read again after each change and twice a minute, since another node may have been taught. A
new understanding is made beside the old one, in a thread, and takes its place at once; conversations under
way keep theirs. Nothing can stop that thread: while it is at work no other one begins to learn.

Knows the records and the pure understanding; no calls, no web.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from tickets.database import DatabaseTrouble
from tickets.taught import TaughtPhrase
from voicebot.script import BotScript
from voicebot.teaching import Doubt, Phrase, doubt, taught
from voicebot.understanding import Understanding

log = structlog.get_logger()

RELOAD_EVERY_S = 30.0
# Of a core that has nothing else to do it takes one to three, five with all there may be.
LEARN_WITHIN_S = 20.0

Train = Callable[[BotScript, str], Understanding]
"""Makes an understanding of a script in a language."""


class NotLearnt(Exception):
    """The bot could not be taught just now; it goes on with what it knew."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a thread is learning."""

    language: str
    phrases: frozenset[Phrase]
    script: BotScript  # with them
    made: asyncio.Future[Understanding]


class Teacher:
    """One per service; `run` keeps it fresh."""

    def __init__(
        self,
        scripts: Mapping[str, BotScript],
        standing: Callable[[], Awaitable[Sequence[TaughtPhrase]]],
        train: Train,
    ) -> None:
        """Learn the scripts, which takes a second or two: not in the event loop.

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
        self._lesson: _Lesson | None = None  # under way, or to be taken
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
                        lesson = await self._begun(language, script, phrases)
                        new = await asyncio.shield(lesson.made)
                except Exception as error:
                    if self._lesson is not None and self._lesson.made.done():
                        self._lesson = None
                    raise NotLearnt(
                        "The bot could not learn the phrases: it goes on with what it knew."
                    ) from error
                self._lesson = None
                self._understandings[language], self._learnt[language] = new, phrases
                self._whole[language] = lesson.script
                self.age += 1
                log.info("The bot has learnt.", action="bot_learnt", language=language, phrases=len(phrases))

    async def _begun(self, language: str, script: BotScript, phrases: frozenset[Phrase]) -> _Lesson:
        """The lesson: begun now or, if it took too long, before. Another one is waited for first."""
        if self._lesson is not None and (self._lesson.language, self._lesson.phrases) != (language, phrases):
            await asyncio.wait({self._lesson.made})
            self._lesson = None
        if self._lesson is None:
            whole = taught(script, sorted(phrases))
            made = asyncio.ensure_future(asyncio.to_thread(self._train, whole, language))
            self._lesson = _Lesson(language, phrases, whole, made)
        return self._lesson

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
