"""What the evidence for a question amounts to: the chance that it was asked, and how much chance is enough.

Pure. The figures are found by `python -m bench.tune_understanding`; tests measure them on what was held apart.
"""

from collections.abc import Mapping
from math import exp
from typing import Final, NamedTuple

from voicebot.evidence import Evidence


class Scale(NamedTuple):
    """A logistic regression over the evidence."""

    weights: Mapping[str, float]
    """What each figure of the evidence is worth; under "" what stands without any."""
    accept: float
    """Score from which a question counts as asked."""

    def score(self, evidence: Evidence) -> float:
        """The chance that the question was asked, if every second utterance asks one of the script's."""
        figures = ((getattr(evidence, name) if name else 1.0, weight) for name, weight in self.weights.items())
        return 1 / (1 + exp(-sum(figure * weight for figure, weight in figures)))


BY_WORDS: Final = Scale(
    {
        "": 2.88,
        "alike": 2.29,
        "spelled": 5.04,
        "belongs": 1.69,
        "strange": -7.12,
        "strange_words": 0.49,
        "ordinary": -0.95,
        "elsewhere": -15.83,
        "unasked": -1.00,
        "unmet": -1.11,
    },
    accept=0.4,
)
"""Where nothing is known of meaning."""
BY_MEANING: Final = Scale(
    {
        "": 3.70,
        "alike": 2.07,
        "spelled": 3.52,
        "belongs": 0.39,
        "strange": -6.60,
        "strange_words": 0.38,
        "ordinary": -0.51,
        "elsewhere": -9.78,
        "unasked": -1.47,
        "unmet": -1.12,
        "meant": 7.23,
        "meant_else": -10.41,
        "meant_none": -0.35,
    },
    accept=0.3,
)
"""With a model of meaning."""


def scale_of(evidence: Evidence) -> Scale:
    """The scale that this evidence is weighed on."""
    return BY_MEANING if evidence.by_meaning else BY_WORDS
