"""Finds the weights of `voicebot.judging`: `python -m bench.tune_understanding`.

A logistic regression over the evidence for the likeliest question of each utterance in the tuning halves of
tests/fakes/utterances_*.tsv, and of what is told with detours: is it that question, or none? Both languages
together, half of the weight on what is out of scope. Each utterance is asked of the whole scenario and of one
as a beginner writes it – every other phrase, and nothing left to people – so that the weights do for both.
The scenario's own phrases and the everyday sentences count, too, each asked of a bot that has not seen it.
Once for words alone, and once with the model of meaning. Prints the constants, and what thresholds would do
with the whole scenario, by cross-validation.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.fakes.scripts import script
from tests.fakes.utterances import told, utterances
from voicebot.evidence import Evidence
from voicebot.exam import held_apart
from voicebot.judging import BY_MEANING, BY_WORDS
from voicebot.packaged_meaning import packaged_meaning
from voicebot.script import BotScript
from voicebot.understanding import Understanding

LANGUAGES = ("en", "ru")
FOLDS = GroupKFold(10)
WHOLE = 3
"""What these rows weigh beside the others."""


class Row(NamedTuple):
    """One utterance, asked of one scenario."""

    said: str
    asks: bool
    """Whether it asks a question of the scenario's."""
    language: str
    whole: bool
    """Whether the scenario was the whole one, and somebody else's the utterance."""
    evidence: Evidence


def main() -> None:
    """Print constants and what they would do."""
    for name, scale in (("BY_WORDS", BY_WORDS), ("BY_MEANING", BY_MEANING)):
        features = [feature for feature in scale.weights if feature]
        _tune(name, features, list(_rows(meaning=scale is BY_MEANING)))


def _tune(name: str, features: list[str], rows: list[Row]) -> None:
    figures = np.array([[getattr(row.evidence, feature) for feature in features] for row in rows])
    asked = np.array([row.asks for row in rows])
    said = np.array([row.said for row in rows])
    worth = {"logisticregression__sample_weight": np.array([WHOLE if row.whole else 1 for row in rows])}
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, class_weight="balanced"))
    chances = cross_val_predict(
        fitted, figures, asked, cv=FOLDS, groups=said, method="predict_proba", params=worth
    )[:, 1]
    for language in LANGUAGES:
        here = np.array([row.whole and row.language == language for row in rows])
        for threshold in np.arange(0.2, 0.75, 0.05):
            taken = np.mean(chances[here & ~asked] >= threshold)
            kept = np.mean(chances[here & asked] >= threshold)
            print(f"{language}: from {threshold:.2f}: {kept:.3f} kept, {taken:.3f} of the others taken")
    fitted.fit(figures, asked, **worth)
    scaler, model = fitted[0], fitted[1]
    weights = model.coef_[0] / scaler.scale_
    print(f"{name}: Final = Scale({{")
    print(f'    "": {model.intercept_[0] - float(weights @ scaler.mean_):.2f},')
    for feature, weight, spread in zip(features, weights, model.coef_[0], strict=True):
        print(f'    "{feature}": {weight:.2f},  # {spread:+.2f} a standard deviation')
    print("})")


def _rows(*, meaning: bool) -> Iterator[Row]:
    for language in LANGUAGES:
        model = packaged_meaning(language) if meaning else None
        whole = script(language)
        for chosen in (whole, _as_a_beginner(whole)):
            understanding = Understanding.train(chosen, language, model)
            for one in (*utterances(language, "tuning"), *told(language)):
                evidence = understanding.nearest(one.said)[0].evidence
                yield Row(one.said, one.kind == "question", language, chosen is whole, evidence)
        for asked in held_apart(whole, language, model):
            if asked.after is None:
                evidence = asked.bot.nearest(asked.sentence)[0].evidence
                yield Row(asked.sentence, asked.question is not None, language, False, evidence)


def _as_a_beginner(whole: BotScript) -> BotScript:
    questions = tuple(one.model_copy(update={"phrases": one.phrases[::2]}) for one in whole.questions)
    return whole.model_copy(update={"questions": questions, "left_to_people": ()})


if __name__ == "__main__":
    main()
