"""What sentences mean, as vectors: the port that a packaged model fills, and the examples seen through it.

Sentences that mean the same lie close together although they share no word: the cosine of two vectors says
how close. A bot without such a model (`voicebot.packaged_meaning`) goes by words alone.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from voicebot.chances import EVERYDAY, LEFT, Chances
from voicebot.likeness import top


class Meaning(Protocol):
    """Shared by all conversations, from any thread."""

    def vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 for each sentence; two milliseconds each, less for several at once."""


class Remembering:
    """A meaning that works every sentence out once: for whoever sets the same ones side by side again."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._known: dict[str, NDArray[np.float32]] = {}

    def vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """As `Meaning` says."""
        new = list(dict.fromkeys(one for one in sentences if one not in self._known))
        if new:
            self._known.update(zip(new, self._meaning.vectors(new), strict=True))
        return np.array([self._known[one] for one in sentences])


class Meant(NamedTuple):
    """A sentence beside the examples, by meaning."""

    likeness: NDArray[np.float32]  # to each of them
    elsewhere: float  # likeness to those that are no question's
    chances: Mapping[str, float]  # of each question, and under `EVERYDAY` that of none


class MeantExamples:
    """What the examples mean; not changed by use."""

    def __init__(self, meaning: Meaning, sentences: Sequence[str], of: NDArray[np.str_]) -> None:
        """`of`: whose each sentence is."""
        self._meaning = meaning
        self._known = meaning.vectors(sentences)
        self._elsewhere = np.isin(of, (EVERYDAY, LEFT))
        self._chances = Chances(self._known, of)

    def beside(self, sentences: Sequence[str]) -> list[Meant]:
        """Set sentences beside them."""
        return [self._meant(vector) for vector in self._meaning.vectors(sentences)]

    def _meant(self, vector: NDArray[np.float32]) -> Meant:
        likeness = self._known @ vector
        return Meant(likeness, top(likeness[self._elsewhere]), self._chances.of(vector))
