"""Which of the questions a sentence asks, or none, by a regression over the example phrases. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

EVERYDAY: Final = ""
"""The name under which everyday sentences stand beside the questions."""
LEFT: Final = "+left"
"""The name under which stands what the script leaves to people."""


class Chances:
    """Learned once; not changed by use."""

    def __init__(self, known: NDArray[np.floating[Any]] | csr_array, of: NDArray[np.str_]) -> None:
        """`known`: one row of figures for each example, `of`: whose it is."""
        self._model = LogisticRegression(C=20, class_weight="balanced", max_iter=500)
        self._model.fit(known, np.where(of == LEFT, EVERYDAY, of))

    def of(self, vector: NDArray[np.floating[Any]]) -> Mapping[str, float]:
        """The chance of each question, and under `EVERYDAY` that of none."""
        logits = self._model.coef_ @ vector + self._model.intercept_
        if len(logits) == 1:  # one question against the rest; "" sorts before every name
            logits = np.array([0.0, logits[0]])
        odds = np.exp(logits - logits.max())
        return dict(zip(self._model.classes_, (odds / odds.sum()).tolist(), strict=True))
