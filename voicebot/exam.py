"""How well example phrases teach a script's questions: each is asked of a bot that has not seen it.

Pure. `presszero bot train` shows the findings to whoever writes the scenario.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from voicebot import languages
from voicebot.meaning import Meaning, Remembering
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understanding
from voicebot.wishes import Wishes

T = TypeVar("T")

FOLDS: Final = 5
FEW: Final = 8
"""Example phrases below which a question is hardly taught."""
UNSURE: Final = "asks again"
"""What stands for a question where the bot chose none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One phrase, and what came of it."""

    question: str
    phrase: str
    chosen: str  # a question's name, a kind of wish, or `UNSURE`
    score: float
    nearest: str  # the likeliest question, whether it was chosen or not

    @property
    def right(self) -> bool:
        return self.chosen == self.question


@dataclass(frozen=True, slots=True)
class Exam:
    """Everything that was found."""

    answers: tuple[Answered, ...]
    taken: tuple[Answered, ...]  # sentences beside the questions that were taken for one
    beside: int  # of them, how many were asked: everyday ones, and those that are left to people
    few: tuple[tuple[str, int], ...]  # questions with few phrases, and how many

    @property
    def accuracy(self) -> float:
        """Share of the phrases that found their question."""
        return sum(answer.right for answer in self.answers) / len(self.answers)

    @property
    def rejection(self) -> float:
        """Share of the sentences beside the questions that were rejected."""
        return 1 - len(self.taken) / self.beside

    def confusions(self) -> list[tuple[str, str, int]]:
        """(question, what was chosen instead, how often), the most frequent first."""
        wrong = Counter((one.question, one.chosen) for one in self.answers if not one.right)
        return [(question, chosen, times) for (question, chosen), times in wrong.most_common()]

    def to_mend(self) -> list[Answered]:
        """Phrases that are nearest to another question's, the surest mistake first."""
        astray = [one for one in self.answers if one.nearest != one.question]
        return sorted(astray, key=lambda one: one.score, reverse=True)


class Asked(NamedTuple):
    """A sentence, and a bot that has not seen it."""

    bot: Understanding
    question: str | None  # whose example it is; None: it stands beside the questions
    sentence: str
    after: str | None  # the question that has to be answered first


def examine(script: BotScript, language: str = languages.DEFAULT, meaning: Meaning | None = None) -> Exam:
    """Cross-validate. `meaning`: as the bot at work has it."""
    answers: list[Answered] = []
    taken: list[Answered] = []
    beside = 0
    for one in held_apart(script, language, meaning):
        answer = _asked(one.bot, one.question or UNSURE, one.sentence, one.after)
        if one.question is not None:
            answers.append(answer)
            continue
        beside += 1
        if answer.chosen == answer.nearest:
            taken.append(answer)
    few = [(one.name, len(one.phrases)) for one in script.questions if len(one.phrases) < FEW]
    return Exam(tuple(answers), tuple(taken), beside, tuple(few))


def held_apart(script: BotScript, language: str, meaning: Meaning | None = None) -> Iterator[Asked]:
    """Every phrase, everyday sentence and sentence left to people once, with a bot taught the other four
    fifths of them.
    """
    examples = [(question.name, phrase) for question in script.questions for phrase in question.phrases]
    follows = {question.name: question.follows for question in script.questions if question.follows}
    wishes = Wishes(script.operator_words, script.goodbye_words, language)
    background, left = languages.find(language).topics.background, script.left_to_people
    known = meaning and Remembering(meaning)
    for fold in range(FOLDS):
        bot = Understanding(
            *(_others(examples, fold), wishes, language, follows, _others(background, fold)),
            *(_others(left, fold), known),
        )
        for name, phrase in examples[fold::FOLDS]:
            yield Asked(bot, name, phrase, follows.get(name))
        for sentence in (*background[fold::FOLDS], *left[fold::FOLDS]):
            yield Asked(bot, None, sentence, None)


def _others(everything: Sequence[T], fold: int) -> list[T]:
    return [one for at, one in enumerate(everything) if at % FOLDS != fold]


def _asked(bot: Understanding, question: str, phrase: str, after: str | None) -> Answered:
    understood, nearest = bot.classify(phrase, after), bot.nearest(phrase, after)[0]
    chosen = understood.name or (UNSURE if understood.kind is Kind.OUT_OF_SCOPE else understood.kind.value)
    return Answered(question, phrase, chosen, nearest.score, nearest.evidence.name)
