from pathlib import Path

import pytest

from ivr.scenario_file import load_scenario
from tests.fakes.scripts import trained
from voicebot.teaching import MOST, Objection, Phrase, doubt, taught
from voicebot.understanding import Kind

pytestmark = pytest.mark.unit

SCRIPT = load_scenario(Path(__file__).parents[3] / "scenarios" / "lottery.yaml").bot
UNDERSTANDING = trained(SCRIPT)


def objection(words: str, question: str = "check_ticket") -> Objection | None:
    found = doubt(UNDERSTANDING, question, words)
    return found.objection if found else None


def test_what_was_taught_is_answered_and_nothing_else_is_forgotten():
    words = "my slip got wet can your people still read the bar code"
    assert UNDERSTANDING.classify(words).kind is Kind.OUT_OF_SCOPE
    knows = trained(taught(SCRIPT, [Phrase("check_ticket", words)]))
    assert knows.classify(words).name == "check_ticket"
    assert knows.classify("my slip is wet can you still read the bar code").name == "check_ticket"
    assert knows.classify("when is the next draw").name == "next_draw"
    assert knows.classify("I want an operator").kind is Kind.OPERATOR


def test_a_phrase_of_a_question_that_left_the_scenario_is_left_out():
    assert taught(SCRIPT, [Phrase("sold_out", "is it sold out")]) == SCRIPT


def test_a_phrase_that_is_there_already_is_there_once():
    known = SCRIPT.questions[0].phrases[0]
    assert taught(SCRIPT, [Phrase(SCRIPT.questions[0].name, known)]) == SCRIPT


def test_the_phrases_of_a_question_are_bounded():
    many = [Phrase("next_draw", f"draw number {number}") for number in range(MOST * 2)]
    assert len(taught(SCRIPT, many).questions[0].phrases) == MOST


@pytest.mark.parametrize("words", ["can I talk to somebody", "operator", "I want a human please"])
def test_a_request_for_a_person_is_never_taught_as_something_else(words: str):
    found = doubt(UNDERSTANDING, "check_ticket", words)
    assert found is not None
    assert (found.objection, found.final) == (Objection.FOR_A_PERSON, True)


def test_even_a_phrase_that_was_let_in_by_force_stays_a_request_for_a_person():
    knows = trained(taught(SCRIPT, [Phrase("check_ticket", "I want an operator")]))
    assert knows.classify("I want an operator").kind is Kind.OPERATOR


def test_a_phrase_that_is_nearer_to_another_question_is_told_of_and_may_be_taught():
    found = doubt(UNDERSTANDING, "check_ticket", "when is the next draw")
    assert found is not None
    assert (found.objection, found.question, found.final) == (Objection.NEARER_TO_ANOTHER, "next_draw", False)
    assert found.score > 0.5


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("no thanks", Objection.COURTESY),
        ("um", Objection.NO_WORDS),
        ("my ticket is 4711 0815 23", Objection.NUMBER),
        ("call me on 202-555-0143", Objection.NUMBER),
        ("is 2026 a good year for my slip", None),
        ("how do I check my ticket", None),
        ("my neighbour keeps bees", None),
    ],
)
def test_it_says_what_speaks_against_a_phrase(words: str, expected: Objection | None):
    assert objection(words) is expected
