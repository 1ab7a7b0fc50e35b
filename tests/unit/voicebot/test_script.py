import pytest
from pydantic import ValidationError

from voicebot.script import BotScript

pytestmark = pytest.mark.unit

QUESTION = {
    "name": "next_draw",
    "topic": "Next draw",
    "phrases": ["when is the draw", "next draw", "what day is it drawn"],
    "answer": "On Saturday.",
}


def test_it_takes_questions_alone_and_has_words_for_everything_else():
    script = BotScript.model_validate({"questions": [QUESTION]})
    assert all(text.strip() for text in script.texts())
    assert "On Saturday." in set(script.texts())


def test_it_names_every_text_that_the_bot_may_speak():
    script = BotScript.model_validate({"questions": [QUESTION]})
    prompts = {
        value
        for name, value in script
        if isinstance(value, str) and name not in ("operator_words", "goodbye_words")
    }
    assert prompts <= set(script.texts())


@pytest.mark.parametrize(
    "change",
    [
        {"answr": "x"},
        {"phrases": ["only", "two"]},
        {"phrases": ["one", 2, "three"]},
        {"name": "Next draw"},
        {"answer": "   "},
        {"answer": 7},
    ],
)
def test_it_refuses_a_question_that_makes_no_sense(change: dict[str, object]):
    with pytest.raises(ValidationError):
        BotScript.model_validate({"questions": [{**QUESTION, **change}]})


def test_it_refuses_two_questions_of_one_name():
    with pytest.raises(ValidationError, match="next_draw"):
        BotScript.model_validate({"questions": [QUESTION, QUESTION]})


def test_it_refuses_a_bot_that_knows_nothing():
    with pytest.raises(ValidationError):
        BotScript.model_validate({"questions": []})
