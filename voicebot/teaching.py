"""More ways to ask a question than the scenario has: what a supervisor taught the bot while it was at work.

Pure: a script and phrases in, a script that has both out; and what speaks against a phrase. The request for a
person stands above everything: no phrase that is one is ever taught as something else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from voicebot.script import BotScript
from voicebot.understanding import Kind, Understanding

MOST: Final = 300
"""Phrases of one question, the scenario's included: each costs every utterance some time."""

_LONG_NUMBER = re.compile(r"\d(?:[\s\-.]?\d){4,}")


class Phrase(NamedTuple):
    """A way to ask a question."""

    question: str  # its name in the script
    words: str


class Objection(StrEnum):
    """What speaks against teaching a phrase."""

    FOR_A_PERSON = "for_a_person"
    COURTESY = "courtesy"  # yes, no, good-bye: they mean that in every script
    NO_WORDS = "no_words"
    NUMBER = "number"  # somebody's: a ticket's, a card's, a telephone's
    NEARER_TO_ANOTHER = "nearer_to_another"  # may be taught all the same


@dataclass(frozen=True, slots=True)
class Doubt:
    """An objection to one phrase."""

    words: str
    objection: Objection
    question: str | None = None  # which the phrase is nearer to
    score: float = 0.0

    @property
    def final(self) -> bool:
        """Whether the phrase must not be taught, whoever wants it."""
        return self.objection is not Objection.NEARER_TO_ANOTHER


def taught(script: BotScript, phrases: Iterable[Phrase]) -> BotScript:
    """The script with the phrases at its questions. Those of questions that it does not have are left out."""
    more: dict[str, list[str]] = {}
    for question, words in phrases:
        more.setdefault(question, []).append(words)
    questions = tuple(
        question.model_copy(
            update={"phrases": tuple(dict.fromkeys([*question.phrases, *more[question.name]]))[:MOST]}
        )
        if question.name in more
        else question
        for question in script.questions
    )
    return script.model_copy(update={"questions": questions})


def doubt(understanding: Understanding, question: str, words: str, after: str | None = None) -> Doubt | None:
    """What speaks against teaching `words` as `question`, as the bot understands so far; None: nothing.

    `after`: the question that it follows, where it counts only then.
    """
    if _LONG_NUMBER.search(words):
        return Doubt(words, Objection.NUMBER)
    understood = understanding.classify(words, after)
    match understood.kind:
        case Kind.OPERATOR:
            return Doubt(words, Objection.FOR_A_PERSON)
        case Kind.NOTHING:
            return Doubt(words, Objection.NO_WORDS)
        case Kind.GOODBYE | Kind.YES | Kind.NO:
            return Doubt(words, Objection.COURTESY)
        case Kind.QUESTION if understood.name != question:
            return Doubt(words, Objection.NEARER_TO_ANOTHER, understood.name, understood.score)
    return None
