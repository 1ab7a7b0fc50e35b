"""Wishes that need no training: a person, good-bye, yes, no – by the rules of a language.

Pure. The request for a person stands above everything, so it must be found in many wordings and in bad
transcripts. A script adds words of its own (`operator_words`, `goodbye_words`).
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby

from voicebot import languages

_LONGEST = 14
"""Words of the longest utterance that can be a mere courtesy; it also bounds the work of the patterns."""
_NEARLY = 0.8
"""Likeness from which a long word is another one in a bad spelling."""


def words(text: str, language: str = languages.DEFAULT) -> list[str]:
    """Lower-case words with contractions written out; punctuation is gone."""
    wordings = languages.find(language).wordings
    plain = text.lower().replace("’", "'").replace("-", " ").replace("ё", "е")
    for pattern, instead in wordings.rewrites:
        plain = pattern.sub(instead, plain)
    found: list[str] = []
    for word in re.findall(r"[\w']+", plain):
        found.extend((wordings.spellings.get(word) or word.strip("'")).split())
    return found


def without_fillers(spoken: Sequence[str], language: str = languages.DEFAULT) -> list[str]:
    """The words that carry something: no "um", "please", "hello"."""
    fillers = languages.find(language).wordings.fillers
    return [word for word in spoken if word not in fillers]


class Wishes:
    """Rules of a language plus a script's own words."""

    def __init__(
        self,
        operator_words: Sequence[str] = (),
        goodbye_words: Sequence[str] = (),
        language: str = languages.DEFAULT,
    ) -> None:
        self._language = language
        self._rules = languages.find(language).wordings
        self._operator = [words(phrase, language) for phrase in operator_words]
        self._goodbye = [words(phrase, language) for phrase in goodbye_words]

    def is_for_a_person(self, spoken: Sequence[str]) -> bool:
        """Whether the caller asks for a person, in whatever words."""
        if any(_has(spoken, phrase) for phrase in self._operator):
            return True
        rules = self._rules
        # "operator, operator, operator!"
        said = [word for word, _ in groupby(without_fillers(spoken, self._language))]
        if rules.forgiving:
            said = [self._mended(word) for word in said]
        sentence = " ".join(said)
        if not said or (rules.something_else.search(sentence) and not rules.contact.search(sentence)):
            return False
        rest = [word for word in said if word not in rules.polite]
        if rules.short_request.match(self._short(rest)) or any(
            request.search(sentence) for request in rules.requests
        ):
            return True
        # "Operate her", "a representive": a short utterance with a word that is nearly it, or "speak to …".
        return bool(len(said) <= 3 or rules.speaking_to.search(sentence)) and any(
            self._mended(word) in rules.person_words for word in (*said, "".join(said))
        )

    def is_goodbye(self, spoken: Sequence[str]) -> bool:
        """Whether the caller wants nothing more: thanks, that was all, bye."""
        if any(_has(spoken, phrase) for phrase in self._goodbye):
            return True
        sentence = self._short(spoken)
        return bool(self._rules.goodbye.match(sentence) and self._rules.goodbye_word.search(sentence))

    def is_no(self, spoken: Sequence[str]) -> bool:
        """A bare no."""
        return bool(self._rules.no.match(self._short(spoken)))

    def is_yes(self, spoken: Sequence[str]) -> bool:
        """A bare yes, or an "okay" that says nothing more."""
        return bool(self._rules.yes.match(self._short(spoken)))

    def _mended(self, word: str) -> str:
        """A person's word instead of a bad spelling of it."""
        sounds = self._rules.sounds
        if len(word) < 6:
            return word
        said = word.translate(sounds)
        return next(
            (
                known
                for known in self._rules.person_words
                if SequenceMatcher(None, said, known.translate(sounds)).ratio() >= _NEARLY
            ),
            word,
        )

    def _short(self, spoken: Sequence[str]) -> str:
        """The utterance without fillers; empty where it is too long for a courtesy."""
        said = without_fillers(spoken, self._language)
        return " ".join(said) if len(said) <= _LONGEST else ""


def _has(spoken: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether `phrase` was said; one word alone counts only in a short utterance."""
    if not phrase or (len(phrase) == 1 and len(spoken) > 4):
        return False
    return any(
        list(spoken[at : at + len(phrase)]) == list(phrase) for at in range(len(spoken) - len(phrase) + 1)
    )
