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
_CUT = re.compile(r"[.,;:!?…]+(?=\s|$)|[。！？，、]|\s[-–—]+\s")
"""Punctuation between clauses: not that within a number."""
_STOPS = frozenset(".!?…。！？")
"""What ends a sentence: the next word begins another, whatever it is."""
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


def clauses(text: str, language: str = languages.DEFAULT) -> list[list[str]]:
    """The words of each clause, as far as the recogniser's punctuation tells."""
    goes_on = languages.find(language).wordings.goes_on
    found: list[list[str]] = []
    begins, mark = 0, ""
    for cut in (*_CUT.finditer(text), None):
        spoken = words(text[begins : cut.start() if cut else len(text)], language)
        if found and not _STOPS & {*mark} and goes_on.match(" ".join(spoken)):
            found[-1] += spoken
        elif spoken:
            found.append(spoken)
        if cut is not None:
            begins, mark = cut.end(), cut[0]
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

    def is_for_a_person(self, spoken: Sequence[str], parts: Sequence[Sequence[str]] = ()) -> bool:
        """Whether the caller asks for a person, in whatever words, and whatever else they want.

        `parts`: the `clauses` of the same. Each is judged by itself, too: the request is in one of them, and
        what makes it none in another does not count.
        """
        if any(_has(spoken, phrase) for phrase in self._operator) or self._asks(spoken):
            return True
        if len(parts) < 2:
            return False
        return any(
            any(_has(part, phrase) for phrase in self._operator) or self._asks(part, part=True)
            for part in parts
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

    def has_a_no(self, spoken: Sequence[str]) -> bool:
        """Whether one of the words makes a no of it."""
        return not self._rules.no_words.isdisjoint(spoken)

    def begins_with_a_yes(self, spoken: Sequence[str]) -> bool:
        """Whether it begins with what is a yes by itself: not "I have another question"."""
        return bool(self._rules.yes_word.match(" ".join(spoken)))

    def _said(self, spoken: Sequence[str]) -> list[str]:
        """The words that carry something, each once in a row: "operator, operator, operator!"."""
        said = [word for word, _ in groupby(without_fillers(spoken, self._language))]
        return [self._mended(word) for word in said] if self._rules.forgiving else said

    def _asks(self, spoken: Sequence[str], *, part: bool = False) -> bool:
        """Whether these words ask for a person. `part`: they are not all that was said."""
        said, rules = self._said(spoken), self._rules
        if not said:
            return False
        sentence = " ".join(said)
        mended = sentence if rules.forgiving else " ".join(map(self._mended, said))
        if any(request.search(mended) for request in rules.plain_requests):
            return True
        if rules.with_a_please.search(" ".join(spoken)):
            return True
        if self._asks_in_clause(sentence):
            return True
        if not self._is_something_else(sentence):
            short = self._short([word for word in said if word not in rules.polite])
            if rules.short_request.match(short) and (not part or rules.plain_person.search(short)):
                return True
            # "Operate her", "a representive": a short utterance with a word that is nearly it.
            few = len(said) <= 3 and not part
            if (few or rules.speaking_to.search(sentence)) and any(
                self._mended(word) in rules.person_words for word in (*said, "".join(said))
            ):
                return True
        within = rules.new_clause.split(sentence)
        return len(within) > 1 and any(map(self._asks_in_clause, within))

    def _asks_in_clause(self, clause: str) -> bool:
        return not self._is_something_else(clause) and any(
            request.search(clause) for request in self._rules.requests
        )

    def _is_something_else(self, clause: str) -> bool:
        return bool(self._rules.something_else.search(clause) and not self._rules.contact.search(clause))

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
