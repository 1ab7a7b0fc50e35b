"""Puts what callers asked about the same in different words together.

TF-IDF of letter groups, which forgive a recogniser's mistakes and need no language; average linkage. Pure:
texts in, groups of their numbers out; the same texts always give the same groups. Knows no script: it is for
what the script does not cover.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.text import TfidfVectorizer

MOST: Final = 2000
"""Texts looked at, each wording once: time and memory grow with their square (2,000: a second, 100 MB)."""
APART: Final = 0.84
"""Mean cosine distance from which two groups are about different things. Tuned on a support line's questions,
English and Russian."""
LONGEST: Final = 300
"""Letters of a text that are looked at."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Texts about the same. Numbers are places in the list that was given."""

    members: tuple[int, ...]  # the most typical first; of those that are the same words, in the given order
    wordings: int  # different ones among them

    @property
    def size(self) -> int:
        """How often it was said."""
        return len(self.members)


def cluster(texts: Sequence[str], apart: float = APART) -> list[Cluster]:
    """Groups of the texts, the largest first; whatever is like nothing else is a group of one.

    Texts without a letter or digit belong to none. Of more than `MOST` wordings the first ones are taken.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        if plain := " ".join(_WORD.findall(text[:LONGEST].lower())):
            same[plain].append(number)
    wordings = list(same)[:MOST]
    groups: dict[int, list[int]] = defaultdict(list)
    likeness = _likeness(wordings)
    for place, label in enumerate(_labels(likeness, apart)):
        groups[label].append(place)
    found = []
    for places in groups.values():
        said = np.array([len(same[wordings[place]]) for place in places])
        typical = likeness[np.ix_(places, places)] @ said  # near to most of what was said
        order = sorted(range(len(places)), key=lambda at: (-typical[at], places[at]))
        members = tuple(number for at in order for number in same[wordings[places[at]]])
        found.append(Cluster(members, len(places)))
    return sorted(found, key=lambda one: (-one.size, one.members[0]))


def _likeness(wordings: list[str]) -> NDArray[np.float64]:
    """Cosine likeness of each to each, 0 … 1."""
    if not wordings:
        return np.zeros((0, 0))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, lowercase=False)
    weights = vectorizer.fit_transform(wordings)
    return np.asarray((weights @ weights.T).todense())


def _labels(likeness: NDArray[np.float64], apart: float) -> list[int]:
    if len(likeness) < 2:
        return [0] * len(likeness)
    grouping = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=apart
    )
    return [int(label) for label in grouping.fit_predict(np.clip(1 - likeness, 0, 1))]
