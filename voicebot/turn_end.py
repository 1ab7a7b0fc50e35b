"""How long a silence ends the caller's turn: by what was asked, and by what is understood of it so far. Pure.

A yes is complete at once, a number when all its digits are there, a well understood question nearly at once;
"I would like to know, um" is not over however long the breath. Knows no audio and no engine.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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


def silence_that_ends(so_far: SoFar | None, expect: Expect) -> float:
    """Seconds of silence that make the turn the bot's. `so_far`: None while nothing is decoded yet."""
    if so_far is None:
        return UNHEARD_S
    words = _words(so_far.text)
    if not words:
        return OPEN_S  # a cough
    if expect.wanted is Wanted.DIGITS and (count := _digits(words)):
        return COMPLETE_S if expect.digits is not None and count >= expect.digits else NUMBER_S
    if is_unfinished(so_far.text):
        return HESITATION_S
    if so_far.complete or (so_far.understood and expect.wanted is Wanted.YES_NO):
        return COMPLETE_S
    return UNDERSTOOD_S if so_far.understood else OPEN_S


def is_unfinished(text: str) -> bool:
    """Whether a sentence cannot well end like this."""
    words = _words(text)
    return bool(words) and (words[-1] in _NOT_LAST or " ".join(words[-3:]).endswith(_WISHES))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'"))


def _digits(words: list[str]) -> int:
    """How many digits were said; "twenty five" counts as two."""
    return sum(len(word) if word.isdigit() else _NUMBERS.get(word, 0) for word in words)


def _listed(block: str) -> list[str]:
    """Long lists of words read better as blocks."""
    return block.split()


# Words that nobody ends a sentence with: articles, joints, fillers. Languages without them lose patience.
_NOT_LAST: Final = frozenset(
    _listed(
        """
    a an the my your our and or but because if when with without of for to about um uh uhm erm er hmm i i'm
    is are was whether that's which
    и или но а что чтобы если когда потому мой моя мои моё мне меня для про о об с без на в к э эм ну значит
    """
    )
)
_WISHES: Final = ("i want", "i need", "would like", "хочу", "хотел бы", "хотела бы")
_NUMBERS: Final = dict.fromkeys(
    _listed(
        """
    zero oh one two three four five six seven eight nine
    ноль нуль один одна два две три четыре пять шесть семь восемь девять
    twenty thirty forty fifty sixty seventy eighty ninety
    двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто
    """
    ),
    1,
) | dict.fromkeys(
    _listed(
        """
    ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать
    девятнадцать
    """
    ),
    2,
)
