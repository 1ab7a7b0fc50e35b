"""What speaks for a question and against it: figures for what a caller said, each by itself of little worth.

Pure: knows words of a language and example phrases; what the figures amount to says `voicebot.understanding`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot import languages
from voicebot.chances import EVERYDAY, LEFT, Chances
from voicebot.likeness import Likeness, calm, letter_features, top, word_features
from voicebot.meaning import Meaning, Meant, MeantExamples
from voicebot.wishes import without_fillers, words

_GRAMMAR: Final = 0.3
"""Weight of words that only say how something is asked, beside those that say what about."""
_MISHEARD: Final = 0.78
"""Likeness from which a strange word is taken for a misheard word of the script."""
_SHORTEST: Final = 4
"""Letters of the shortest word that may be a misheard one."""


class Evidence(NamedTuple):
    """For one question. Shares and likenesses are 0 … 1."""

    name: str
    alike: float  # to its examples, by words
    spelled: float  # by letters
    belongs: float  # share of what was said that its examples say, too
    overlap: float  # the same of both together, with the nearest example
    strange: float  # share of what was said that no question and no everyday English knows
    strange_words: int
    ordinary: float  # log of the chance that it is none of the questions, by words
    elsewhere: float  # likeness to everyday sentences and what is left to people, by words and by letters
    left: float  # likeness to what is left to people, by words
    unasked: int  # kinds of answer that were asked for and that it does not give
    unmet: float  # how usual the kind of answer is that it gives and that was not asked for
    chance: float  # log of the chance that it is this one, by words and, with a model, by meaning: summed
    length: float  # log of the number of words: long sentences are less alike to anything
    by_meaning: bool  # whether there was a model of it; without one the following are 0
    meant: float  # likeness to its examples by meaning
    meant_else: float  # the same, to everyday sentences and what is left to people
    meant_none: float  # log of the chance that it is none of the questions, by meaning

    @property
    def kinship(self) -> float:
        """What ties it to the question even if its strange words were misheard, 0 … 1."""
        return 0.3 * self.alike + 0.3 * self.spelled + 0.4 * self.belongs

    @property
    def rank(self) -> float:
        """To choose among questions, -1 … 2.6."""
        return self.kinship + 0.6 * self.overlap + self.meant + 0.1 * self.chance


class Examples:
    """Example phrases of a script's questions, learned; not changed by use."""

    def __init__(
        self,
        examples: Sequence[tuple[str, str]],
        language: str,
        background: Sequence[str] | None = None,
        left: Sequence[str] = (),
        meaning: Meaning | None = None,
    ) -> None:
        """Take `examples` as (question's name, phrase) pairs.

        `background`: not the language's own one. `left`: what the script leaves to people. Without a
        `meaning` words alone have to do.
        """
        calm()
        self._language = language
        self._topics = languages.find(language).topics
        self._neutral = self._topics.neutral | {self._topics.root(word) for word in self._topics.neutral}
        self.names = sorted({name for name, _ in examples})
        everyday = self._topics.background if background is None else background
        said = [*examples, *((EVERYDAY, one) for one in everyday), *((LEFT, one) for one in left)]
        self._of = np.array([name for name, _ in said])
        self._elsewhere, self._left = np.isin(self._of, (EVERYDAY, LEFT)), self._of == LEFT
        spoken = [words(phrase, language) for _, phrase in said]
        senses = [self._senses(phrase) for phrase in spoken]
        self._alike = Likeness([" ".join(phrase) for phrase in senses], word_features)
        self._spelled = Likeness([" ".join(self._roots(phrase)) for phrase in spoken], letter_features)
        self._sets: Mapping[str, list[frozenset[str]]] = defaultdict(list)
        for name, phrase in zip(self._of, senses, strict=True):
            self._sets[name].append(frozenset(phrase))
        self._own = {name: frozenset().union(*self._sets[name]) for name in self.names}
        self._users = Counter(sense for own in self._own.values() for sense in own)
        self._long = [sense for sense in self._users if len(sense) >= _SHORTEST]
        self._weighed = {
            name: [(example, sum(map(self._weight, example)) or 1.0) for example in self._sets[name]]
            for name in self.names
        }
        self._usual = {name: self._shares(name) for name in self.names}
        self._by_words = Chances(self._alike.known, self._of)
        self._meant: MeantExamples | None = None
        if meaning is not None:
            self._meant = MeantExamples(meaning, [" ".join(phrase) for phrase in spoken], self._of)

    def content(self, spoken: Sequence[str]) -> list[str]:
        """The words that say what it is about."""
        return [sense for sense in self._senses(spoken) if sense not in self._neutral]

    def weigh(self, sentences: Sequence[Sequence[str]], names: Sequence[str]) -> list[list[Evidence]]:
        """For each of `sentences` the evidence for each of `names`, the likeliest first."""
        meant: Sequence[Meant | None] = [None] * len(sentences)
        if self._meant is not None:
            meant = self._meant.beside([" ".join(spoken) for spoken in sentences])
        found = []
        for spoken, by_meaning in zip(sentences, meant, strict=True):
            said = self._said(spoken, by_meaning)
            found.append(sorted((self._for(name, said) for name in names), key=_by_rank, reverse=True))
        return found

    def _said(self, spoken: Sequence[str], meant: Meant | None) -> "_Said":
        senses = [self._in_script(sense) for sense in self._senses(spoken)]
        vector = self._alike.vector(" ".join(senses))
        alike = self._alike.to(vector)
        spelled = self._spelled.to(self._spelled.vector(" ".join(self._roots(spoken))))
        weights = {sense: self._weight(sense) for sense in dict.fromkeys(senses)}
        return _Said(
            weights=weights,
            total=sum(weights.values()) or 1.0,
            strange=[sense for sense in weights if sense not in self._users and sense not in self._neutral],
            alike=alike,
            spelled=spelled,
            elsewhere=0.5 * top(alike[self._elsewhere]) + 0.5 * top(spelled[self._elsewhere]),
            by_words=self._by_words.of(vector),
            meant=meant,
            length=len(spoken),
        )

    def _for(self, name: str, said: "_Said") -> Evidence:
        """What one utterance has of one question."""
        of_it, own, senses, total = self._of == name, self._own[name], said.weights.keys(), said.total
        unheard, meant = self._topics.asks - senses, said.meant
        return Evidence(
            name=name,
            alike=top(said.alike[of_it]),
            spelled=top(said.spelled[of_it]),
            belongs=sum(weight for sense, weight in said.weights.items() if sense in own) / total,
            overlap=max(
                _overlap(whole, sum(said.weights.get(sense, 0.0) for sense in example), total)
                for example, whole in self._weighed[name]
            ),
            strange=sum(said.weights[sense] for sense in said.strange) / total,
            strange_words=len(said.strange),
            ordinary=log(said.by_words[EVERYDAY] + 0.01),
            elsewhere=said.elsewhere,
            left=max(said.alike[self._left], default=0.0),
            unasked=sum(sense in self._topics.asks and sense not in own for sense in senses),
            unmet=max((self._usual[name].get(ask, 0.0) for ask in unheard), default=0.0),
            chance=log(said.by_words[name] + 0.001) + (log(meant.chances[name] + 0.001) if meant else 0.0),
            length=log(1 + said.length),
            by_meaning=meant is not None,
            meant=top(meant.likeness[of_it]) if meant else 0.0,
            meant_else=meant.elsewhere if meant else 0.0,
            meant_none=log(meant.chances[EVERYDAY] + 0.01) if meant else 0.0,
        )

    def _senses(self, spoken: Sequence[str]) -> list[str]:
        return self._topics.senses(without_fillers(spoken, self._language))

    def _roots(self, spoken: Sequence[str]) -> list[str]:
        return [self._topics.root(word) for word in without_fillers(spoken, self._language)]

    def _shares(self, name: str) -> dict[str, float]:
        counted = Counter(sense for example in self._sets[name] for sense in example)
        return {sense: count / len(self._sets[name]) for sense, count in counted.items()}

    def _weight(self, sense: str) -> float:
        """A word of one question tells more than a word of all; an unknown word tells most."""
        neutral = sense in self._neutral
        users = self._users.get(sense)
        if users is None:
            return 0.4 if neutral else 1 + log(len(self.names))
        return (1 + log(len(self.names) / users)) * (_GRAMMAR if neutral else 1.0)

    def _in_script(self, sense: str) -> str:
        """The script's word that this is a misheard form of, or itself."""
        if sense in self._users or sense in self._neutral or len(sense) < _SHORTEST:
            return sense
        return next(iter(get_close_matches(sense, self._long, 1, _MISHEARD)), sense)


class _Said(NamedTuple):
    """One utterance beside all examples."""

    weights: Mapping[str, float]  # what each of its senses weighs
    total: float  # of them; 1 for none
    strange: Sequence[str]  # senses that nobody taught
    alike: NDArray[np.float64]  # to each example, by words
    spelled: NDArray[np.float64]  # by letters
    elsewhere: float  # as in the evidence
    by_words: Mapping[str, float]  # chance of each question, and under `EVERYDAY` that of none
    meant: Meant | None
    length: int  # words


def _by_rank(evidence: Evidence) -> float:
    return evidence.rank


def _overlap(one: float, both: float, other: float) -> float:
    """What two have in common, of all that is in them."""
    return both / (one + other - both)
