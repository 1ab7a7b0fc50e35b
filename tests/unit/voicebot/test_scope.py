"""What the bot answers and what it rejects, on the half of callers' utterances that nothing was tuned on."""

import pytest

from tests.fakes.scripts import script, trained
from tests.fakes.utterances import strangers, utterances
from voicebot.understanding import Kind

pytestmark = pytest.mark.unit

UNDERSTANDING = {language: trained(script(language), language) for language in ("en", "ru")}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_it_keeps_nine_tenths_of_what_is_in_scope(language: str):
    asked = [one for one in utterances(language, "measuring") if one.kind == "question"]
    answered = [UNDERSTANDING[language].classify(one.said).name for one in asked]
    kept = sum(name is not None for name in answered) / len(asked)
    right = sum(name == one.question for name, one in zip(answered, asked, strict=True)) / len(asked)
    assert kept >= 0.9, kept
    assert right >= 0.8, right


@pytest.mark.parametrize("language", ["en", "ru"])
def test_it_rejects_nine_tenths_of_what_is_out_of_scope(language: str):
    everyone = utterances(language, "measuring") + strangers(language)
    others = [one for one in everyone if one.kind != "question"]
    near = [one for one in others if one.kind == "near"]
    taken = [one for one in others if UNDERSTANDING[language].classify(one.said).kind is Kind.QUESTION]
    assert len(taken) / len(others) <= 0.1, len(taken)
    assert sum(one.kind == "near" for one in taken) / len(near) <= 0.3


@pytest.mark.parametrize("language", ["en", "ru"])
def test_nobody_with_another_request_is_given_to_a_person_as_if_they_had_asked(language: str):
    everyone = utterances(language, "measuring")
    kinds = [UNDERSTANDING[language].classify(one.said).kind for one in everyone]
    assert kinds.count(Kind.OPERATOR) / len(kinds) <= 0.02
    assert kinds.count(Kind.GOODBYE) == kinds.count(Kind.NO) == 0


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_score_is_a_chance(language: str):
    """Of what scores high nearly all is right, of what scores low hardly anything."""
    scored = [
        (UNDERSTANDING[language].nearest(one.said)[0], one.question)
        for one in utterances(language, "measuring")
    ]
    sure = [nearest.evidence.name == question for nearest, question in scored if nearest.score >= 0.9]
    unsure = [nearest.evidence.name == question for nearest, question in scored if nearest.score <= 0.1]
    assert sum(sure) / len(sure) >= 0.8
    assert sum(unsure) / len(unsure) <= 0.1
