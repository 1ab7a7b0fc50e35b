"""What callers may say in each state, for recognisers that take a grammar."""

from pathlib import Path

import pytest

from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from tests.fakes.scripts import trained
from voicebot.grammar import Grammars, person_hints
from voicebot.script import BotScript
from voicebot.teaching import Phrase, taught
from voicebot.turn_end import OPEN, YES_NO, expect_digits
from voicebot.understanding import Kind
from voicebot.values import digits

pytestmark = pytest.mark.unit

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))
SCRIPTS = {language: in_language(LOTTERY, language).bot for language in ("en", "ru")}
STATES = (OPEN, YES_NO, expect_digits(8))


@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_person_can_be_asked_for_in_every_state(language: str, state: object) -> None:
    script = SCRIPTS[language]
    phrases = Grammars(script, language).of(state)  # type: ignore[arg-type]
    understanding = trained(script, language)
    asking = [phrase for phrase in phrases if understanding.classify(phrase).kind is Kind.OPERATOR]
    assert len(asking) >= 5


@pytest.mark.parametrize("language", SCRIPTS)
def test_each_answer_of_a_grammar_is_what_the_understanding_takes_it_for(language: str) -> None:
    understanding = trained(SCRIPTS[language], language)
    kinds = {
        understanding.classify(phrase).kind for phrase in Grammars(SCRIPTS[language], language).of(YES_NO)
    }
    assert kinds <= {Kind.YES, Kind.NO, Kind.GOODBYE, Kind.OPERATOR}


@pytest.mark.parametrize("language", SCRIPTS)
def test_every_wording_of_the_script_can_be_heard(language: str) -> None:
    phrases = set(Grammars(SCRIPTS[language], language).of(OPEN))
    assert {
        " ".join(wording.lower().replace("?", "").split()) for wording in SCRIPTS[language].wordings()
    } <= phrases


def test_what_a_supervisor_taught_can_be_heard_without_its_commas() -> None:
    script = taught(SCRIPTS["en"], [Phrase("check_ticket", "Well, my slip got wet: is it good?")])
    assert "well my slip got wet is it good" in Grammars(script, "en").of(OPEN)


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_recogniser_without_a_grammar_is_told_how_a_person_is_asked_for(language: str) -> None:
    understanding = trained(SCRIPTS[language], language)
    hints = person_hints(language)
    assert hints
    assert {understanding.classify(hint).kind for hint in hints} == {Kind.OPERATOR}
    assert person_hints("es") == ()


@pytest.mark.parametrize(
    ("language", "spoken", "value"),
    [
        ("en", "four two zero nine", "4209"),
        ("en", "double five one", "551"),
        ("ru", "двести пять ноль", "2050"),
    ],
)
def test_a_number_is_made_of_words_of_the_grammar(language: str, spoken: str, value: str) -> None:
    words = {
        word
        for phrase in Grammars(SCRIPTS[language], language).of(expect_digits(4))
        for word in phrase.split()
    }
    assert set(spoken.split()) <= words
    assert digits(spoken, language) == value


def test_a_language_without_answers_of_its_own_has_the_scripts_wordings_in_every_state() -> None:
    script = BotScript.model_validate(
        {
            "questions": [
                {
                    "name": "hours",
                    "topic": "Hours",
                    "phrases": ["horario", "a qué hora", "cuándo"],
                    "answer": "Siempre.",
                }
            ],
            "operator_words": ["operador"],
        }
    )
    grammars = Grammars(script, "es")
    assert (
        set(grammars.of(YES_NO)) == set(grammars.of(OPEN)) == {"horario", "a qué hora", "cuándo", "operador"}
    )
