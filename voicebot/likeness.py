"""How alike two sentences are. Pure; knows neither questions nor languages.

TF-IDF and cosines by hand: scikit-learn's own take twenty times as long for one sentence, most of it checks
of their input, and calls are understood within the event loop.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Features = Callable[[str], Iterator[str]]


@cache
def calm() -> None:
    """Numpy's linear algebra in one thread from now on, in the whole process.

    Ours is small: a second thread saves nothing, and on a busy machine the two wait for each other, which
    makes milliseconds of learning seconds. It counts for libraries that are loaded by then.
    """
    threadpool_limits(limits=1, user_api="blas")


class Likeness:
    """Cosine likeness to a fixed list of sentences. A feature never seen before weighs most of all."""

    def __init__(self, sentences: Sequence[str], features: Features) -> None:
        self._features = features
        counted = [Counter(features(sentence)) for sentence in sentences]
        seen = Counter(feature for counts in counted for feature in counts)
        self._strange = 1 + log(1 + len(sentences))
        self._weight = {feature: self._strange - log(1 + times) for feature, times in seen.items()}
        self._at = {feature: at for at, feature in enumerate(seen)}
        self.known = np.array([self.vector(sentence) for sentence in sentences])
        """One row for each sentence."""

    def vector(self, sentence: str) -> NDArray[np.float64]:
        """The sentence's known features, shorter than 1 by its unknown ones."""
        found, square = np.zeros(len(self._at)), 0.0
        for feature, times in Counter(self._features(sentence)).items():
            value = (1 + log(times)) * self._weight.get(feature, self._strange)
            square += value * value
            if feature in self._at:
                found[self._at[feature]] = value
        return found / square**0.5 if square else found

    def to(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Likeness of a sentence's vector to each sentence, 0 … 1."""
        return np.asarray(self.known @ vector)


def word_features(sentence: str) -> Iterator[str]:
    """Words, which one space parts, and pairs of neighbours."""
    found = sentence.split()
    yield from found
    yield from (f"{one} {other}" for one, other in pairwise(found))


def letter_features(sentence: str) -> Iterator[str]:
    """Groups of three to five letters within a word and its edges: they forgive a recogniser's mistakes."""
    for word in sentence.split():
        edged = f" {word} "
        for size in (3, 4, 5):
            yield from (edged[at : at + size] for at in range(max(1, len(edged) - size + 1)))


def top(likeness: NDArray[np.floating[Any]]) -> float:
    """Mostly the nearest example, a little the second: one odd example should not decide alone. None: 0."""
    if not len(likeness):
        return 0.0
    two = np.sort(likeness)[::-1][:2]
    return float(0.7 * two[0] + 0.3 * two.mean())
