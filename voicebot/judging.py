"""What the evidence for a question amounts to: the chance that it was asked, and how much is enough.

Pure. The figures are found by `python -m bench.tune_understanding`; tests measure them on what was held
apart.
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
        figures = (
            (getattr(evidence, name) if name else 1.0, weight) for name, weight in self.weights.items()
        )
        return 1 / (1 + exp(-sum(figure * weight for figure, weight in figures)))


BY_WORDS: Final = Scale(
    {
        "": -1.92,
        "spelled": 3.24,
        "belongs": 2.94,
        "strange": -2.10,
        "ordinary": -0.84,
        "elsewhere": -9.54,
        "unasked": -0.60,
        "unmet": 0.15,
        "chance": 0.94,
        "length": 1.60,
    },
    accept=0.4,
)
"""Where nothing is known of meaning."""
BY_MEANING: Final = Scale(
    {
        "": -0.50,
        "spelled": 1.17,
        "belongs": 2.53,
        "strange": -2.07,
        "ordinary": -0.40,
        "elsewhere": -5.90,
        "unasked": -0.67,
        "unmet": -0.53,
        "meant": 5.38,
        "meant_else": -6.75,
        "meant_none": -0.52,
        "chance": 0.48,
        "length": 0.96,
    },
    accept=0.35,
)
"""With a model of meaning."""


def scale_of(evidence: Evidence) -> Scale:
    """The scale that this evidence is weighed on."""
    return BY_MEANING if evidence.by_meaning else BY_WORDS
