"""The shipped scenario keeps the promise: the bot knows the lottery, and knows what it does not know."""

from pathlib import Path

import pytest

from ivr.scenario_file import load_scenario
from tests.fakes.scripts import trained
from voicebot.understanding import Kind, Understanding

pytestmark = pytest.mark.unit

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return trained(LOTTERY.bot)


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("When is the next draw?", "next_draw"),
        ("Hi, when is the next lottery draw please?", "next_draw"),
        ("What time is the draw on Saturday?", "next_draw"),
        ("How do I find out whether my ticket won?", "check_ticket"),
        ("What was drawn on Saturday?", "winning_numbers"),
        ("Where can I get my prize?", "collect_prize"),
        ("How long is the ticket valid?", "claim_deadline"),
        ("How much for a ticket?", "ticket_price"),
        ("The jackpot, please.", "jackpot"),
        ("Are you open on Sundays?", "opening_hours"),
    ],
)
def test_the_bot_answers(understanding: Understanding, words: str, question: str) -> None:
    assert understanding.classify(words).name == question


@pytest.mark.parametrize(
    "words",
    [
        "I want to change the name on my account.",
        "My online account is blocked.",
        "I forgot my password for the web site.",
        "My card was charged twice.",
        "I'd like to complain about a shop.",
        "Somebody stole my ticket.",
        "What's the weather tomorrow?",
    ],
)
def test_the_bot_does_not_pretend_to_know(understanding: Understanding, words: str) -> None:
    assert understanding.classify(words).kind is Kind.OUT_OF_SCOPE


def test_zero_is_promised_in_the_greeting() -> None:
    assert "press zero" in (LOTTERY.prompts.greeting.text or "")
