"""What a sentence means, as a vector: the port that a packaged model fills (`voicebot.packaged_meaning`).

Sentences that mean the same lie close together although they share no word: the cosine of two vectors says
how close. A bot without such a model goes by words alone.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Meaning(Protocol):
    """Shared by all conversations, from any thread."""

    def vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 for each sentence; about a millisecond each."""


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
