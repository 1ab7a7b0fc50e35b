from datetime import UTC, datetime

import pytest

from tickets.vocabulary import HandOver
from voicebot.dialogue import Dialogue
from voicebot.moves import (
    AllSaid,
    Finish,
    GiveToOperator,
    Heard,
    Input,
    Key,
    Say,
    Silence,
    Step,
    Thumb,
    TimeIsUp,
)
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understood

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
QUESTION = {"name": "next_draw", "topic": "Next draw", "phrases": ["a", "b", "c"], "answer": "Saturday."}
ASK = "If that answered your question press one, if not press two."
SCRIPT = BotScript.model_validate({"questions": [QUESTION], "thumbs": {"ask": ASK}})


def heard(kind: Kind, text: str = "", *, clear: bool = True) -> Heard:
    name = "next_draw" if kind is Kind.QUESTION else None
    return Heard(Understood(kind, name, 0.9, clear), clear, text)


ANSWERED, DONE = heard(Kind.QUESTION), heard(Kind.GOODBYE)
ANOTHER = heard(Kind.YES, "I have another question")
SPOKEN_ONE = heard(Kind.OUT_OF_SCOPE, "one", clear=False)
SPOKEN_TWO = heard(Kind.OUT_OF_SCOPE, "two please", clear=False)


def play(*inputs: Input, script: BotScript = SCRIPT) -> Step:
    dialogue = Dialogue(script)
    step = dialogue.begin(NOW)
    for happened in inputs:
        step = dialogue.step(step.state, happened)
    return step


def prompts(step: Step) -> list[str]:
    return [action.prompt for action in step.actions if isinstance(action, Say)]


def thumb(step: Step) -> Thumb | None:
    return next((action for action in step.actions if isinstance(action, Thumb)), None)


def reason(step: Step) -> HandOver | None:
    return next((action.reason for action in step.actions if isinstance(action, GiveToOperator)), None)


def test_without_a_word_of_the_scenario_nobody_is_asked():
    script = BotScript.model_validate({"questions": [QUESTION]})
    assert prompts(play(ANSWERED, DONE, script=script)) == ["goodbye"]


def test_it_asks_before_goodbye_and_only_after_an_answer():
    step = play(ANSWERED, DONE)
    assert [(action.prompt, action.text) for action in step.actions if isinstance(action, Say)] == [
        ("thumbs", ASK)
    ]
    assert not step.state.closing
    assert step.state.answered == "Next draw"  # who hangs up now was answered
    assert prompts(play(DONE)) == ["not_understood"]


@pytest.mark.parametrize("yes", [Key("1"), heard(Kind.YES), SPOKEN_ONE])
def test_one_is_a_thumb_up_and_goodbye(yes: Input):
    step = play(ANSWERED, DONE, yes)
    assert thumb(step) == Thumb(up=True, question="next_draw")
    assert prompts(step) == ["goodbye"]
    assert play(ANSWERED, DONE, yes, AllSaid()).actions == (Finish(),)


@pytest.mark.parametrize("no", [Key("2"), heard(Kind.NO), SPOKEN_TWO])
def test_two_is_a_thumb_down_and_a_person_is_offered(no: Input):
    step = play(ANSWERED, DONE, no)
    assert thumb(step) == Thumb(up=False, question="next_draw")
    assert prompts(step) == ["thumbs_offer"]
    taken = play(ANSWERED, DONE, no, Key("1"))
    assert reason(taken) is HandOver.ASKED
    assert thumb(taken) is None
    for declined in (Key("2"), heard(Kind.NO), heard(Kind.GOODBYE), Silence()):
        assert prompts(play(ANSWERED, DONE, no, declined)) == ["goodbye"]


@pytest.mark.parametrize("nothing", [Silence(), Key("7"), heard(Kind.GOODBYE)])
def test_whoever_does_not_care_is_said_goodbye_to(nothing: Input):
    step = play(ANSWERED, DONE, nothing)
    assert thumb(step) is None
    assert prompts(step) == ["goodbye"]


def test_a_cough_is_no_answer():
    assert play(ANSWERED, DONE, heard(Kind.NOTHING)).actions == ()


def test_another_question_is_answered_and_it_is_asked_once_only():
    step = play(ANSWERED, DONE, heard(Kind.QUESTION))
    assert prompts(step) == ["answer:next_draw", "anything_else"]
    assert prompts(play(ANSWERED, DONE, heard(Kind.QUESTION), DONE)) == ["goodbye"]


@pytest.mark.parametrize("before", [(), (Key("2"),)])
def test_a_person_is_a_word_or_a_key_away(before: tuple[Input, ...]):
    assert reason(play(ANSWERED, DONE, *before, Key("0"))) is HandOver.PRESSED_ZERO
    assert reason(play(ANSWERED, DONE, *before, heard(Kind.OPERATOR))) is HandOver.ASKED
    assert reason(play(ANSWERED, DONE, *before, TimeIsUp())) is HandOver.DEADLINE


def test_what_it_does_not_know_goes_the_usual_way():
    assert reason(play(ANSWERED, DONE, heard(Kind.OUT_OF_SCOPE, "bees"))) is HandOver.OUT_OF_SCOPE


def test_its_words_are_rendered_ahead():
    assert SCRIPT.thumbs is not None
    assert {SCRIPT.thumbs.ask, SCRIPT.thumbs.offer} <= set(SCRIPT.texts())


def test_who_has_another_question_is_not_taken_for_content():
    step = play(ANSWERED, DONE, ANOTHER)
    assert thumb(step) is None
    assert prompts(step) == ["go_on"]
