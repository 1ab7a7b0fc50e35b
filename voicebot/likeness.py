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
from scipy.sparse import csr_array
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
        self.known = self._rows(counted)
        """One row for each sentence. Sparse: of thousands of features a sentence has some dozens."""

    def vector(self, sentence: str) -> NDArray[np.float64]:
        """The sentence's known features, shorter than 1 by its unknown ones."""
        places, values = self._weighed(Counter(self._features(sentence)))
        found = np.zeros(len(self._at))
        found[places] = values
        return found

    def to(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Likeness of a sentence's vector to each sentence, 0 … 1."""
        return np.asarray(self.known @ vector)

    def _weighed(self, counts: Counter[str]) -> tuple[list[int], NDArray[np.float64]]:
        """Which known features there are, and what they weigh."""
        places, values, square = [], [], 0.0
        for feature, times in counts.items():
            value = (1 + log(times)) * self._weight.get(feature, self._strange)
            square += value * value
            if feature in self._at:
                places.append(self._at[feature])
                values.append(value)
        return places, np.array(values) / (square**0.5 or 1.0)

    def _rows(self, counted: Sequence[Counter[str]]) -> csr_array:
        weighed = [self._weighed(counts) for counts in counted]
        begins = np.cumsum([0, *(len(places) for places, _ in weighed)])
        columns = np.array([place for places, _ in weighed for place in places], np.int32)
        values = np.concatenate([np.empty(0), *(row for _, row in weighed)])
        return csr_array((values, columns, begins), shape=(len(counted), len(self._at)))


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
