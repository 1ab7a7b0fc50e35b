"""How long a silence ends the caller's turn: by what was asked, and by what is understood of it so far. Pure.

A yes is complete at once, a number when all its digits are there, a well understood question nearly at once;
"I would like to know, um" is not over however long the breath. Knows no audio and no engine.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voicebot import languages

COMPLETE_S: Final = 0.26
"""After an answer to which nothing is missing: a yes, the last digit, a phrase of the grammar."""
UNDERSTOOD_S: Final = 0.35
"""After a question that was well understood."""
OPEN_S: Final = 0.6
"""After anything else."""
NUMBER_S: Final = 1.0
"""Between two groups of a number that is read from a ticket."""
HESITATION_S: Final = 1.3
"""After a sentence that cannot end like this."""
UNHEARD_S: Final = 1.0
"""While the engine still works on the words there is nothing to be gained by an earlier end."""


class Wanted(StrEnum):
    """Kinds of answers."""

    OPEN = "open"
    YES_NO = "yes_no"
    DIGITS = "digits"


@dataclass(frozen=True, slots=True)
class Expect:
    """What the bot has asked for. `digits`: how many; None: any number."""

    wanted: Wanted = Wanted.OPEN
    digits: int | None = None


OPEN: Final = Expect()
YES_NO: Final = Expect(Wanted.YES_NO)


def expect_digits(count: int | None = None) -> Expect:
    """A number of `count` digits, or of any length."""
    return Expect(Wanted.DIGITS, count)


@dataclass(frozen=True, slots=True)
class SoFar:
    """What an engine has understood of an utterance.

    `understood`: the dialogue could act on it well.
    `complete`: a phrase of the grammar, and no longer one goes on from it.
    """

    text: str
    understood: bool = False
    complete: bool = False


def silence_that_ends(so_far: SoFar | None, expect: Expect, language: str = languages.DEFAULT) -> float:
    """Seconds of silence that make the turn the bot's. `so_far`: None while nothing is decoded yet."""
    if so_far is None:
        return UNHEARD_S
    words = _words(so_far.text)
    if not words:
        return OPEN_S  # a cough
    if expect.wanted is Wanted.DIGITS and (count := _digits(words, language)):
        return COMPLETE_S if expect.digits is not None and count >= expect.digits else NUMBER_S
    if is_unfinished(so_far.text, language):
        return HESITATION_S
    if so_far.complete or (so_far.understood and expect.wanted is Wanted.YES_NO):
        return COMPLETE_S
    return UNDERSTOOD_S if so_far.understood else OPEN_S


def is_unfinished(text: str, language: str = languages.DEFAULT) -> bool:
    """Whether a sentence cannot well end like this."""
    words, pauses = _words(text), languages.find(language).pauses
    return bool(words) and (words[-1] in pauses.not_last or " ".join(words[-3:]).endswith(pauses.wishes))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'"))


def _digits(words: list[str], language: str) -> int:
    """How many digits were said; "twenty five" counts as two, "fifteen" too."""
    numbers = languages.find(language).numbers.words
    return sum(len(word) if word.isdigit() else _length(numbers.get(word)) for word in words)


def _length(number: int | None) -> int:
    """Digits that a spoken number adds to what is said around it: the "twenty" of "twenty five" one."""
    if number is None:
        return 0
    return len(str(number).rstrip("0")) or 1 if number != 10 else 2
