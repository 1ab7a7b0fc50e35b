"""What callers may say in each state of a conversation, for recognisers that take a grammar (Vosk).

Pure. A person can be asked for in every state, so those words are in every grammar. Recognisers of that kind
hear everything else as "something else", without words: the dialogue asks again, and then gives the caller a
person.
"""

import importlib
import importlib.util
import re
from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType

from voicebot import languages
from voicebot.script import BotScript
from voicebot.turn_end import Expect, Wanted

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


class Grammars:
    """Of one script in one language; holds no conversation: all calls share it."""

    def __init__(self, script: BotScript, language: str) -> None:
        """A language without a file `voicebot/languages/<code>/grammar.py` has only the script's wordings."""
        self.script = script
        words = _words(language)
        person = (*script.operator_words, *(words.PERSON if words else ()))
        answers = (*words.YES, *words.NO, *words.GOODBYE) if words else ()
        self._open = _phrases((*script.wordings(), *person, *answers))
        self._by_wanted = {Wanted.OPEN: self._open}
        if words is not None:
            # Any order of the phrases' words can be heard: so one figure each is enough for all numbers.
            spoken = languages.find(language)
            numbers = spoken.numbers
            figures = (
                *numbers.words,
                *numbers.hundred,
                *numbers.scales,
                *numbers.times,
                *numbers.digit_names,
            )
            dates = (*numbers.ordinals, *spoken.dates.months)
            self._by_wanted |= {
                Wanted.YES_NO: _phrases((*words.YES, *words.NO, *person)),
                Wanted.DIGITS: _phrases((*figures, *dates, *words.BESIDE, *words.YES, *words.NO, *person)),
            }

    def of(self, expect: Expect) -> Sequence[str]:
        """The phrases of a state, each once and in lower case."""
        return self._by_wanted.get(expect.wanted, self._open)


def person_hints(language: str) -> Sequence[str]:
    """How a person is asked for: what a recogniser without a grammar is told of where it is unsure."""
    words = _words(language)
    return words.HINTS if words is not None else ()


def _phrases(phrases: Iterable[str]) -> tuple[str, ...]:
    """Words alone: supervisors teach sentences with commas."""
    return tuple(dict.fromkeys(" ".join(_WORD.findall(phrase.lower())) for phrase in phrases))


@cache
def _words(language: str) -> ModuleType | None:
    code = language.lower().partition("-")[0]
    name = f"{languages.__name__}.{code}.grammar"
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return importlib.import_module(name) if found is not None else None
