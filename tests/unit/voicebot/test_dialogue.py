from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import FIRST_PROMISE
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
    State,
    Step,
    TimeIsUp,
)
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understood

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)

DIALOGUE = Dialogue(
    BotScript.model_validate(
        {
            "questions": [
                {"name": "next_draw", "topic": "Next draw", "phrases": ["a", "b", "c"], "answer": "Saturday."}
            ]
        }
    )
)


def heard(kind: Kind, *, clear: bool = True) -> Heard:
    name = "next_draw" if kind is Kind.QUESTION else None
    return Heard(Understood(kind, name, 0.9, clear), clear)


def play(*inputs: Input) -> Step:
    step = DIALOGUE.begin(NOW)
    for happened in inputs:
        step = DIALOGUE.step(step.state, happened)
    return step


def prompts(step: Step) -> list[str]:
    return [action.prompt for action in step.actions if isinstance(action, Say)]


def reason(step: Step) -> HandOver | None:
    return next((action.reason for action in step.actions if isinstance(action, GiveToOperator)), None)


def test_it_greets_first():
    assert prompts(DIALOGUE.begin(NOW)) == ["greeting"]


def test_it_answers_a_question_and_asks_for_more():
    step = play(heard(Kind.QUESTION))
    assert prompts(step) == ["answer:next_draw", "anything_else"]
    assert step.state.answered == "Next draw"


@pytest.mark.parametrize("last", [Kind.GOODBYE, Kind.NO])
def test_it_says_goodbye_after_an_answer_and_finishes_once_that_was_heard(last: Kind):
    step = play(heard(Kind.QUESTION), heard(last))
    assert prompts(step) == ["goodbye"]
    assert Finish() not in step.actions
    assert DIALOGUE.step(step.state, AllSaid()).actions == (Finish(),)


def test_it_stays_when_the_caller_speaks_up_during_the_goodbye():
    step = play(heard(Kind.QUESTION), heard(Kind.NO), heard(Kind.QUESTION), AllSaid())
    assert not step.state.over


def test_it_lets_a_caller_reach_a_person_during_the_goodbye():
    assert reason(play(heard(Kind.QUESTION), heard(Kind.NO), Key("0"))) is HandOver.PRESSED_ZERO


def test_it_never_ends_a_call_on_a_goodbye_before_anything_was_answered():
    step = play(heard(Kind.GOODBYE))
    assert prompts(step) == ["not_understood"]
    assert not step.state.closing


def test_it_doubts_a_goodbye_that_the_recogniser_was_not_sure_of():
    step = play(heard(Kind.QUESTION), heard(Kind.GOODBYE, clear=False))
    assert not step.state.closing


def test_it_hands_over_at_once_what_is_clearly_out_of_scope():
    step = play(heard(Kind.OUT_OF_SCOPE))
    assert prompts(step) == ["handing_over"]
    assert reason(step) is HandOver.OUT_OF_SCOPE


def test_it_asks_again_once_when_the_words_were_in_doubt():
    assert prompts(play(heard(Kind.OUT_OF_SCOPE, clear=False))) == ["not_understood"]
    twice = play(heard(Kind.OUT_OF_SCOPE, clear=False), heard(Kind.OUT_OF_SCOPE, clear=False))
    assert reason(twice) is HandOver.NOT_UNDERSTOOD


def test_it_hands_over_whoever_says_something_without_words_after_it_did_not_understand():
    step = play(heard(Kind.OUT_OF_SCOPE, clear=False), heard(Kind.NOTHING, clear=False))
    assert reason(step) is HandOver.NOT_UNDERSTOOD


def test_it_asks_again_once_on_silence_and_then_hands_over():
    assert prompts(play(Silence())) == ["say_again"]
    assert reason(play(Silence(), Silence())) is HandOver.SILENCE


def test_it_forgives_earlier_misses_after_an_answer():
    unsure = heard(Kind.OUT_OF_SCOPE, clear=False)
    assert prompts(play(unsure, heard(Kind.QUESTION), unsure)) == ["not_understood"]
    assert prompts(play(Silence(), heard(Kind.QUESTION), Silence())) == ["say_again"]


def test_it_invites_a_caller_who_says_yes_to_go_on():
    assert prompts(play(heard(Kind.QUESTION), heard(Kind.YES))) == ["go_on"]


def test_it_takes_another_key_for_something_it_did_not_understand():
    assert prompts(play(Key("5"))) == ["not_understood"]
    assert reason(play(Key("5"), Key("#"))) is HandOver.NOT_UNDERSTOOD


def test_it_hands_over_when_time_is_up():
    step = play(TimeIsUp())
    assert reason(step) is HandOver.DEADLINE
    assert prompts(step) == []  # at once: no words


def test_it_does_nothing_after_the_end():
    assert play(Key("0"), heard(Kind.QUESTION)).actions == ()


happenings = st.one_of(
    st.builds(heard, st.sampled_from(Kind), clear=st.booleans()),
    st.sampled_from([Key("0"), Key("1"), Key("*"), Silence(), AllSaid(), TimeIsUp()]),
)


def state_after(inputs: list[Input]) -> State:
    return play(*inputs).state


@FIRST_PROMISE
@given(st.lists(happenings, max_size=12))
def test_it_gives_a_person_to_whoever_asks_in_every_state(inputs: list[Input]):
    state = state_after(inputs)
    if not state.over:
        assert reason(DIALOGUE.step(state, heard(Kind.OPERATOR, clear=False))) is HandOver.ASKED
        assert reason(DIALOGUE.step(state, Key("0"))) is HandOver.PRESSED_ZERO


fruitless = st.sampled_from(
    [
        Key("1"),
        Silence(),
        heard(Kind.YES),
        heard(Kind.OUT_OF_SCOPE),
        heard(Kind.OUT_OF_SCOPE, clear=False),
        heard(Kind.GOODBYE, clear=False),
    ]
)


@FIRST_PROMISE
@given(st.lists(happenings, max_size=12), st.lists(fruitless, min_size=3, max_size=3))
def test_it_never_keeps_a_caller_in_circles(inputs: list[Input], turns: list[Input]):
    state = state_after(inputs)
    for happened in turns:
        state = DIALOGUE.step(state, happened).state
    assert state.over


@FIRST_PROMISE
@given(st.lists(happenings, max_size=20))
def test_it_always_says_or_decides_something_or_keeps_still_on_purpose(inputs: list[Input]):
    step = DIALOGUE.begin(NOW)
    for happened in inputs:
        before, step = step.state, DIALOGUE.step(step.state, happened)
        if not step.actions:
            cough = isinstance(happened, Heard) and happened.understood.kind is Kind.NOTHING
            assert before.over or isinstance(happened, AllSaid) or (cough and before.closing)
        decided = any(isinstance(action, Finish | GiveToOperator) for action in step.actions)
        assert decided == (step.state.over and not before.over)
