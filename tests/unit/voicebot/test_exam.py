import pytest

from voicebot.exam import examine
from voicebot.script import BotScript

pytestmark = pytest.mark.unit

HOURS = (
    *("when are you open", "what are your opening hours", "when do you close", "until when are you open"),
    *("when does your office open", "what are your office hours", "are you open on Sunday"),
    "are you open today",
)
PRICE = (
    *(
        "how much is a ticket",
        "what does a ticket cost",
        "what is the price of a ticket",
        "ticket price please",
    ),
    *("how much does a ticket cost", "what do tickets cost"),
)


def script(*astray: str) -> BotScript:
    questions = [("hours", HOURS), ("price", (*PRICE, *astray))]
    return BotScript.model_validate(
        {
            "questions": [
                {"name": name, "topic": name, "phrases": phrases, "answer": "So it is."}
                for name, phrases in questions
            ]
        }
    )


def test_it_asks_every_phrase_and_every_sentence_beside_them_once():
    plain = script()
    exam = examine(plain.model_copy(update={"left_to_people": ("I lost my ticket", "I want a refund")}))
    assert exam.beside == examine(plain).beside + 2
    assert sorted(one.phrase for one in exam.answers) == sorted((*HOURS, *PRICE))
    assert exam.accuracy >= 0.8
    assert exam.rejection >= 0.9
    assert exam.few == (("price", len(PRICE)),)


def test_it_names_a_phrase_that_stands_under_the_wrong_question():
    exam = examine(script("when is your office open today"))
    assert "when is your office open today" in [one.phrase for one in exam.to_mend()]
    assert ("price", "hours", 1) in exam.confusions()
