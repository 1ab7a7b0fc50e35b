"""Finds the weights of `voicebot.understanding`: `python -m bench.tune_understanding`.

A logistic regression over the evidence for the likeliest question of each utterance in the tuning halves of
tests/fakes/utterances_*.tsv: is it that question, or none? Both languages together, half of the weight on
what is out of scope. Prints the constants, and what thresholds would do on the tuning halves by
cross-validation.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.fakes.scripts import script
from tests.fakes.utterances import Utterance, utterances
from voicebot.evidence import Evidence
from voicebot.understanding import Understanding

LANGUAGES = ("en", "ru")
FEATURES = ("alike", "spelled", "belongs", "strange", "strange_words", "ordinary", "unasked", "unmet")
HELD_OUT = 10


def main() -> None:
    """Print constants and what they would do."""
    rows = list(_rows())
    figures = np.array([[getattr(evidence, name) for name in FEATURES] for _, evidence, _ in rows])
    asked = np.array([utterance.kind == "question" for utterance, _, _ in rows])
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=1, class_weight="balanced"))
    chances = cross_val_predict(fitted, figures, asked, cv=HELD_OUT, method="predict_proba")[:, 1]
    for language in LANGUAGES:
        here = np.array([spoken == language for _, _, spoken in rows])
        for threshold in np.arange(0.2, 0.75, 0.05):
            taken = np.mean(chances[here & ~asked] >= threshold)
            kept = np.mean(chances[here & asked] >= threshold)
            print(f"{language}: from {threshold:.2f}: {kept:.3f} kept, {taken:.3f} of the others taken")
    fitted.fit(figures, asked)
    scaler, model = fitted[0], fitted[1]
    weights = model.coef_[0] / scaler.scale_
    print(f"BIAS: Final = {model.intercept_[0] - float(weights @ scaler.mean_):.2f}")
    print("WEIGHTS: Final = {")
    for name, weight, spread in zip(FEATURES, weights, model.coef_[0], strict=True):
        print(f'    "{name}": {weight:.2f},  # {spread:+.2f} a standard deviation')
    print("}")


def _rows() -> Iterator[tuple[Utterance, Evidence, str]]:
    for language in LANGUAGES:
        understanding = Understanding.train(script(language), language)
        for utterance in utterances(language, "tuning"):
            yield utterance, understanding.nearest(utterance.said)[0].evidence, language


if __name__ == "__main__":
    main()
