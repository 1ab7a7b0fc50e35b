import csv
from pathlib import Path

import pytest

from ivr.scenario_file import load_scenario
from tests.fakes.caller_phrases import (
    FOR_A_PERSON,
    NOT_FOR_A_PERSON,
    OUT_OF_SCOPE,
    QUESTIONS,
)
from tests.fakes.scripts import trained
from voicebot.script import BotScript
from voicebot.understanding import LONGEST, Kind

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
UNDERSTANDING = trained(load_scenario(ROOT / "scenarios" / "lottery.yaml").bot)
HEARD = ROOT / "tests" / "fakes" / "heard_by_whisper.tsv"


def test_it_keeps_what_is_in_scope_and_gets_it_right_on_phrases_held_apart():
    asked = [(name, said) for name, all_said in QUESTIONS.items() for said in all_said]
    answered = [(name, said, UNDERSTANDING.classify(said)) for name, said in asked]
    missed = [(said, got.intent) for name, said, got in answered if got.name != name]
    wrong = [(said, got.name) for name, said, got in answered if got.name not in (name, None)]
    assert len(missed) / len(asked) <= 0.10, missed
    assert len(wrong) / len(asked) <= 0.03, wrong


def test_it_rejects_what_is_out_of_scope():
    taken = [said for said in OUT_OF_SCOPE if UNDERSTANDING.classify(said).kind is Kind.QUESTION]
    assert len(taken) / len(OUT_OF_SCOPE) <= 0.10, taken


def test_it_is_certain_of_most_rejections():
    clear = [said for said in OUT_OF_SCOPE if UNDERSTANDING.classify(said).clear]
    assert len(clear) / len(OUT_OF_SCOPE) >= 0.8


def test_it_puts_the_wish_for_a_person_above_everything():
    kinds = [UNDERSTANDING.classify(said).kind for said in FOR_A_PERSON]
    assert kinds.count(Kind.OPERATOR) / len(kinds) >= 0.98
    assert not any(UNDERSTANDING.classify(said).kind is Kind.OPERATOR for said in NOT_FOR_A_PERSON)


def test_it_copes_with_what_whisper_really_wrote_of_noisy_telephone_speech():
    with HEARD.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    answered = wrong = asked = taken = strange = persons = met = 0
    for row in rows:
        got = UNDERSTANDING.classify(row["heard"])
        if row["group"] in QUESTIONS:
            asked += 1
            answered += got.name == row["group"]
            wrong += got.kind is Kind.QUESTION and got.name != row["group"]
        elif row["group"] == "operator":
            persons += 1
            met += got.kind is Kind.OPERATOR
        else:
            strange += 1
            taken += got.kind is (Kind.OPERATOR if row["group"] == "not_operator" else Kind.QUESTION)
    figures = (answered, wrong, asked, met, persons, taken, strange)
    assert answered / asked >= 0.85, figures
    assert wrong / asked <= 0.06, figures  # "catch my ticket" for "cash my ticket" and the like
    assert met / persons >= 0.85, figures
    assert taken / strange <= 0.1, figures


@pytest.mark.parametrize("said", ["", "  ", "um", "uh well", "...", "please"])
def test_it_hears_nothing_in_nothing(said: str):
    assert UNDERSTANDING.classify(said).kind is Kind.NOTHING


@pytest.mark.parametrize("said", ["i would like to", "can you tell me", "pizza"])
def test_it_does_not_judge_a_scrap(said: str):
    understood = UNDERSTANDING.classify(said)
    assert understood.kind is Kind.OUT_OF_SCOPE
    assert not understood.clear


def test_it_finds_the_question_behind_small_talk():
    said = "hello i was on holiday in the mountains and when is the next draw"
    assert UNDERSTANDING.classify(said).name == "next_draw"


def test_it_does_not_choose_between_equals():
    script = BotScript.model_validate(
        {
            "questions": [
                {
                    "name": name,
                    "topic": name,
                    "phrases": ["x y z", "blue parrots", "red parrots"],
                    "answer": name,
                }
                for name in ("one", "two")
            ]
        }
    )
    understood = trained(script).classify("blue parrots")
    assert understood.kind is Kind.OUT_OF_SCOPE
    assert not understood.clear


def test_it_knows_a_script_of_one_question_and_another_alphabet():
    script = BotScript.model_validate(
        {
            "questions": [
                {
                    "name": "hours",
                    "topic": "Часы",
                    "phrases": ["когда вы открыты", "часы работы", "до скольки вы работаете"],
                    "answer": "До десяти.",
                }
            ]
        }
    )
    understanding = trained(script)
    assert understanding.classify("Часы работы?").name == "hours"
    assert understanding.classify("где мой кот").kind is Kind.OUT_OF_SCOPE


def test_it_reads_only_the_beginning_of_an_endless_text():
    assert UNDERSTANDING.classify("when is the next draw " * 10_000).kind in (
        Kind.QUESTION,
        Kind.OUT_OF_SCOPE,
    )
    assert UNDERSTANDING.classify("operator " * (LONGEST + 1)).kind is Kind.OPERATOR


def test_a_question_that_follows_another_counts_only_right_after_it():
    script = BotScript.model_validate(
        {
            "questions": [
                {
                    "name": "hours",
                    "topic": "Hours",
                    "phrases": ["when are you open", "what are your opening hours", "when do you close"],
                    "answer": "Every day.",
                },
                {
                    "name": "hours_sunday",
                    "topic": "Hours",
                    "phrases": ["and on Sunday", "what about Sundays", "on Sundays too"],
                    "answer": "From ten.",
                    "follows": "hours",
                },
            ]
        }
    )
    understanding = trained(script)
    assert understanding.classify("And on Sunday?", after="hours").name == "hours_sunday"
    assert understanding.classify("when do you close", after="hours").name == "hours"
    for after in (None, "hours_sunday"):
        assert understanding.classify("And on Sunday?", after=after).kind is Kind.OUT_OF_SCOPE
