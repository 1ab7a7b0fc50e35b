"""Asking back where the bot is not sure what was meant."""

from datetime import UTC, datetime

import pytest

from tests.fakes.scripts import trained
from tickets.vocabulary import HandOver
from voicebot.consent import says_yes
from voicebot.dialogue import Dialogue
from voicebot.moves import AllSaid, GiveToOperator, Heard, Input, Key, KeysPaused, Say, Silence, Step
from voicebot.script import BotScript
from voicebot.turn_end import OPEN, YES_NO
from voicebot.understanding import Kind, Understood

pytestmark = pytest.mark.unit

SCRIPT = BotScript.model_validate(
    {
        "questions": [
            {
                "name": "jackpot",
                "topic": "Jackpot",
                "phrases": ["a", "b", "c"],
                "confirm": "Would you like to know the jackpot?",
                "answer": "Twelve million.",
            },
            {"name": "hours", "topic": "Hours", "phrases": ["d", "e", "f"], "answer": "Till ten."},
            {
                "name": "ticket",
                "topic": "Ticket",
                "phrases": ["g", "h", "i"],
                "confirm": "Shall I check your ticket?",
                "slots": [
                    {
                        "name": "ticket",
                        "kind": "digits",
                        "length": 3,
                        "ask": "Number?",
                        "confirm": "{ticket}?",
                    }
                ],
                "answer": "Ticket {ticket}.",
            },
        ]
    }
)
DIALOGUE = Dialogue(SCRIPT)


def maybe(question: str, text: str = "hm") -> Heard:
    return Heard(Understood(Kind.OUT_OF_SCOPE, score=0.2, clear=False, maybe=question), text=text)


def says(kind: Kind, text: str = "", name: str | None = None) -> Heard:
    return Heard(Understood(kind, name, clear=False), text=text)


UNCLEAR = says(Kind.OUT_OF_SCOPE, "blah blah and so on and so forth")


def play(*inputs: Input) -> Step:
    step = DIALOGUE.begin(datetime(2026, 11, 28, 12, tzinfo=UTC))
    for happened in inputs:
        step = DIALOGUE.step(step.state, happened)
    return step


def prompts(step: Step) -> list[str]:
    return [action.prompt for action in step.actions if isinstance(action, Say)]


def reason(step: Step) -> HandOver | None:
    return next((action.reason for action in step.actions if isinstance(action, GiveToOperator)), None)


def test_it_asks_back_and_waits_for_a_yes_or_a_no():
    step = play(maybe("jackpot"))
    assert prompts(step) == ["confirm:jackpot"]
    assert DIALOGUE.expects(step.state) == YES_NO
    assert "Would you like to know the jackpot?" in SCRIPT.fixed_texts()


@pytest.mark.parametrize(
    "yes", [says(Kind.YES), Key("1"), Key("#"), says(Kind.OUT_OF_SCOPE, "yes the jackpot")]
)
def test_a_yes_is_answered(yes: Input):
    step = play(maybe("jackpot"), yes)
    assert prompts(step) == ["answer:jackpot", "anything_else"]
    assert DIALOGUE.expects(step.state) == OPEN


@pytest.mark.parametrize("no", [says(Kind.NO), Key("2"), says(Kind.OUT_OF_SCOPE, "no not that")])
def test_a_no_is_asked_for_other_words_once_and_then_a_person_takes_over(no: Input):
    assert prompts(play(maybe("jackpot"), no)) == ["not_understood"]
    for still in (UNCLEAR, maybe("ticket")):
        assert reason(play(maybe("jackpot"), no, still)) is HandOver.NOT_UNDERSTOOD


def test_what_was_said_with_the_question_is_not_asked_for_again():
    assert prompts(play(maybe("ticket", "this one here 1 2 3"), says(Kind.YES))) == ["confirm:ticket"]


def test_another_question_is_answered_instead():
    assert prompts(play(maybe("jackpot"), says(Kind.QUESTION, name="hours"))) == [
        "answer:hours",
        "anything_else",
    ]


@pytest.mark.parametrize("lost", [UNCLEAR, Key("7"), maybe("jackpot"), maybe("ticket")])
def test_whatever_else_leads_nowhere_leads_to_a_person(lost: Input):
    assert reason(play(maybe("jackpot"), lost)) is HandOver.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I did not ask for that"),
        ("en", "I have another question"),
        ("en", "no I have a question"),
        ("en", "not the jackpot"),
        ("ru", "я не это спросил"),
        ("ru", "у меня ещё один вопрос"),
        ("ru", "нет, другое"),
        ("ru", "да нет"),
    ],
)
def test_what_may_stand_in_a_yes_but_is_none_by_itself_is_no_yes(language: str, said: str):
    step = heard_in(language, said)
    assert prompts(step) == ["not_understood"]
    assert step.state.misses == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I want something different"),
        ("en", "that's the one that you are"),
        ("ru", "хочу другое"),
        ("ru", "это про другое"),
    ],
)
def test_what_is_neither_a_yes_nor_a_no_leads_to_a_person(language: str, said: str):
    assert reason(heard_in(language, said)) is HandOver.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("language", "said"),
    [
        *(
            ("en", said)
            for said in (
                "yes",
                "yeah the jackpot",
                "that is right",
                "that's the one I mean",
                "I do",
                "um okay",
                "I would",
            )
        ),
        *(
            ("ru", said)
            for said in ("да", "так", "да, джекпот", "хочу", "ну конечно", "можно", "все верно", "я согласен")
        ),
    ],
)
def test_what_is_a_yes_by_itself_is_one(language: str, said: str):
    assert prompts(heard_in(language, said)) == ["answer:jackpot", "anything_else"]


def heard_in(language: str, said: str) -> Step:
    """The answer to "would you like to know the jackpot?"."""
    understanding = trained(SCRIPT, language)
    dialogue = Dialogue(SCRIPT, language)
    state = dialogue.step(dialogue.begin(datetime(2026, 11, 28, tzinfo=UTC)).state, maybe("jackpot")).state
    return dialogue.step(state, Heard(understanding.classify(said), text=said))


@pytest.mark.parametrize("said", ["are you open now", "yes and are you open", "no are you open"])
def test_another_question_is_answered_whatever_its_words_may_stand_in(said: str):
    asked = Heard(Understood(Kind.QUESTION, "hours", 0.9), text=said)
    assert prompts(play(maybe("jackpot"), asked)) == ["answer:hours", "anything_else"]


def test_the_same_question_after_a_no_is_not_answered():
    same = Heard(Understood(Kind.QUESTION, "jackpot", 0.9), text="no not the jackpot")
    assert prompts(play(maybe("jackpot"), same)) == ["not_understood"]


def test_now_is_no_no():
    assert says_yes(says(Kind.NO, "now"), "en") is None


def test_silence_is_asked_about_once():
    step = play(maybe("jackpot"), Silence())
    assert prompts(step) == ["say_again"]
    assert reason(DIALOGUE.step(step.state, Silence())) is HandOver.SILENCE


def test_it_goes_on_waiting_while_nothing_is_said():
    step = play(maybe("jackpot"), AllSaid(), KeysPaused(), says(Kind.YES))
    assert prompts(step) == ["answer:jackpot", "anything_else"]


@pytest.mark.parametrize(
    ("wish", "why"), [(says(Kind.OPERATOR), HandOver.ASKED), (Key("0"), HandOver.PRESSED_ZERO)]
)
def test_whoever_asks_for_a_person_gets_one(wish: Input, why: HandOver):
    assert reason(play(maybe("jackpot"), wish)) is why


@pytest.mark.parametrize(("score", "said"), [(0.5, "confirm:jackpot"), (0.9, "answer:jackpot")])
def test_a_question_that_was_badly_heard_is_asked_back_unless_it_is_very_likely(score: float, said: str):
    heard = Heard(Understood(Kind.QUESTION, "jackpot", score), clear=False)
    assert prompts(play(heard))[0] == said


def test_a_question_that_was_badly_heard_does_not_lead_away_from_a_number():
    asked = says(Kind.QUESTION, name="ticket")
    badly = Heard(Understood(Kind.QUESTION, "jackpot", 0.5), clear=False)
    assert prompts(play(asked, badly)) == ["again:ticket"]
    well = Heard(Understood(Kind.QUESTION, "jackpot", 0.5), clear=True)
    assert prompts(play(asked, well))[0] == "answer:jackpot"


def test_a_question_without_words_for_it_is_not_asked_back():
    assert prompts(play(maybe("hours"))) == ["not_understood"]
