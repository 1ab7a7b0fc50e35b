from pathlib import Path

import pytest
from typer.testing import CliRunner

from cti.bot_cli import NoSuchLanguage, bot

pytestmark = pytest.mark.unit

LOTTERY = str(Path(__file__).parents[3] / "scenarios" / "lottery.yaml")


def typed(*lines: str, language: str = "en") -> str:
    arguments = ["try", LOTTERY, "--language", language]
    result = CliRunner().invoke(bot, arguments, input="".join(f"{line}\n" for line in lines))
    assert result.exception is None, result.output
    return " ".join(result.output.split())


def test_it_shows_why_a_question_was_chosen_and_what_the_bot_says():
    shown = typed("when is the next draw")
    assert "next_draw a question of the scenario's" in shown
    assert "The next draw is on Saturday" in shown
    assert "The caller hangs up." in shown


def test_it_shows_the_wish_for_a_person_and_the_hand_over():
    shown = typed("let me talk to somebody")
    assert "operator a wish for a person" in shown
    assert "→ to an operator asked" in shown


def test_it_presses_keys_and_fills_slots():
    shown = typed("I want to check my ticket", "one two three four five six seven eight", "#0")
    assert "values: digits 12345678" in shown
    assert "→ to an operator pressed_zero" in shown


def test_it_speaks_the_scenario_s_other_languages():
    assert "→ to an operator asked" in typed("позовите живого человека", language="ru")


def test_it_names_the_languages_that_there_are():
    result = CliRunner().invoke(bot, ["try", LOTTERY, "--language", "ko"])
    assert isinstance(result.exception, NoSuchLanguage)
    assert "choose one of en, ru" in str(result.exception)
