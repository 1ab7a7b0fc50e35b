"""How well callers are understood: what is in scope, and what is not.

The utterances of the measuring half and of strangers (tests/fakes/utterances.py), as text; what is spoken
measures `bench_operator`.
"""

from typing import Any

from tests.fakes.operator_wish import Bot
from tests.fakes.utterances import Utterance, strangers, utterances
from voicebot.packaged_meaning import packaged_meaning
from voicebot.understanding import Kind

Row = dict[str, Any]

NAMES = {"en": "English", "ru": "Russian"}


def run() -> list[Row]:
    """Rows of the bench table."""
    rows = []
    for language, name in NAMES.items():
        bot = Bot(language, packaged_meaning(language))
        rows += _scope_rows(Bot(language), utterances(language, "measuring"), f"{name} by words alone")
        rows += _scope_rows(bot, utterances(language, "measuring"), name)
        rows += _scope_rows(bot, strangers(language), f"{name} of strangers")
    return rows


def _scope_rows(bot: Bot, everyone: list[Utterance], name: str) -> list[Row]:
    chosen = [(one, bot.understanding.classify(one.said)) for one in everyone]
    asked = [(one, got) for one, got in chosen if one.kind == "question"]
    others = [got for one, got in chosen if one.kind != "question"]
    kept = sum(got.kind is Kind.QUESTION for _, got in asked) / len(asked)
    right = sum(got.name == one.question for one, got in asked) / len(asked)
    after_a_yes = sum(got.maybe == one.question for one, got in asked) / len(asked)
    asked_back = sum(got.maybe is not None for got in others) / len(others)
    wishes = sum(got.kind is Kind.OPERATOR for _, got in chosen) / len(chosen)
    rejected = sum(got.kind is not Kind.QUESTION for got in others) / len(others)
    return [
        _row(f"Understanding, {name}: kept of {len(asked)} in scope", 100 * kept),
        _row(f"Understanding, {name}: the right question", 100 * right),
        _row(f"Understanding, {name}: right, those asked back included", 100 * (right + after_a_yes)),
        _row(f"Understanding, {name}: rejected of {len(others)} out of scope", 100 * rejected),
        _row(f"Understanding, {name}: asked back of these", 100 * asked_back),
        _row(f"Understanding, {name}: taken for a wish for a person", 100 * wishes),
    ]


def _row(name: str, figure: float) -> Row:
    return {"name": name, "figure": figure, "unit": "%", "baseline": None, "ratio": None}
