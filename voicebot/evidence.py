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
from sklearn.linear_model import LogisticRegression

from voicebot import languages
from voicebot.likeness import Likeness, letter_features, top, word_features
from voicebot.wishes import without_fillers, words

EVERYDAY: Final = ""
"""The name under which everyday sentences stand beside the questions."""
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
    ordinary: float  # log of the chance that it is none of the questions
    unasked: int  # kinds of answer that were asked for and that it does not give
    unmet: float  # how usual the kind of answer is that it gives and that was not asked for

    @property
    def kinship(self) -> float:
        """What ties it to the question even if its strange words were misheard, 0 … 1."""
        return 0.3 * self.alike + 0.3 * self.spelled + 0.4 * self.belongs

    @property
    def rank(self) -> float:
        """To choose among questions, 0 … 1.6."""
        return self.kinship + 0.6 * self.overlap


class Examples:
    """Example phrases of a script's questions, learned; not changed by use."""

    def __init__(
        self, examples: Sequence[tuple[str, str]], language: str, background: Sequence[str] | None = None
    ) -> None:
        """Take `examples` as (question's name, phrase) pairs; `background`: not the language's own one."""
        self._language = language
        self._topics = languages.find(language).topics
        self._neutral = self._topics.neutral | {self._topics.root(word) for word in self._topics.neutral}
        self.names = sorted({name for name, _ in examples})
        everyday = self._topics.background if background is None else background
        said = [*examples, *((EVERYDAY, sentence) for sentence in everyday)]
        self._of = np.array([name for name, _ in said])
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
        self._chances = LogisticRegression(C=20, class_weight="balanced", max_iter=500)
        self._chances.fit(self._alike.known, self._of)
        self._everyday_at = list(self._chances.classes_).index(EVERYDAY)

    def content(self, spoken: Sequence[str]) -> list[str]:
        """The words that say what it is about."""
        return [sense for sense in self._senses(spoken) if sense not in self._neutral]

    def weigh(self, spoken: Sequence[str], names: Sequence[str]) -> list[Evidence]:
        """The evidence for each of `names`, the likeliest first."""
        senses = [self._in_script(sense) for sense in self._senses(spoken)]
        said = list(dict.fromkeys(senses))
        vector = self._alike.vector(" ".join(senses))
        alike = self._alike.to(vector)
        spelled = self._spelled.to(self._spelled.vector(" ".join(self._roots(spoken))))
        weights = {sense: self._weight(sense) for sense in said}
        total = sum(weights.values()) or 1.0
        strange = [sense for sense in said if sense not in self._users and sense not in self._neutral]
        unheard = self._topics.asks.difference(said)
        ordinary = log(self._chance_of_none(vector) + 0.01)
        found = []
        for name in names:
            of_it, own = self._of == name, self._own[name]
            unasked = sum(sense in self._topics.asks and sense not in own for sense in said)
            found.append(
                Evidence(
                    name=name,
                    alike=top(alike[of_it]),
                    spelled=top(spelled[of_it]),
                    belongs=sum(weight for sense, weight in weights.items() if sense in own) / total,
                    overlap=max(
                        _overlap(whole, sum(weights.get(sense, 0.0) for sense in example), total)
                        for example, whole in self._weighed[name]
                    ),
                    strange=sum(weights[sense] for sense in strange) / total,
                    strange_words=len(strange),
                    ordinary=ordinary,
                    unasked=unasked,
                    unmet=max((self._usual[name].get(ask, 0.0) for ask in unheard), default=0.0),
                )
            )
        return sorted(found, key=lambda one: one.rank, reverse=True)

    def _chance_of_none(self, vector: NDArray[np.float64]) -> float:
        logits = self._chances.coef_ @ vector + self._chances.intercept_
        if len(logits) == 1:  # one question against the rest; "" sorts before every name
            return float(1 / (1 + np.exp(logits[0])))
        odds = np.exp(logits - logits.max())
        return float(odds[self._everyday_at] / odds.sum())

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


def _overlap(one: float, both: float, other: float) -> float:
    """What two have in common, of all that is in them."""
    return both / (one + other - both)
