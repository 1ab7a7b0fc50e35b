import pytest

from tests.fakes.caller_phrases import (
    FOR_A_PERSON,
    NOT_FOR_A_PERSON,
    NOTHING_MORE,
    OUT_OF_SCOPE,
    QUESTIONS,
)
from voicebot.wishes import Wishes, clauses, words

pytestmark = pytest.mark.unit

WISHES = Wishes()


@pytest.mark.parametrize("said", ["operator", "a human please", "let me talk to somebody", "agent"])
def test_it_hears_the_plain_wish_for_a_person(said: str):
    assert WISHES.is_for_a_person(words(said))


def test_it_hears_the_wish_for_a_person_in_wordings_held_apart():
    missed = [said for said in FOR_A_PERSON if not WISHES.is_for_a_person(words(said))]
    assert len(missed) / len(FOR_A_PERSON) <= 0.02, missed


def test_it_does_not_take_questions_about_people_for_it():
    wrong = [said for said in NOT_FOR_A_PERSON if WISHES.is_for_a_person(words(said))]
    assert len(wrong) / len(NOT_FOR_A_PERSON) <= 0.02, wrong


def test_it_takes_no_other_request_for_it():
    others = [*OUT_OF_SCOPE, *NOTHING_MORE, *(said for asked in QUESTIONS.values() for said in asked)]
    wrong = [said for said in others if WISHES.is_for_a_person(words(said))]
    assert len(wrong) / len(others) <= 0.02, wrong


@pytest.mark.parametrize(
    "heard",
    [
        "Operator.",
        "Operate her.",
        "Representive, please.",
        "I need a life agent.",
        "I'd rather speak for a person.",
        "Connecting with customer support.",
        "talk human",
        "I don't want to talk to a robot",
        "Let me talk to her, buddy.",
    ],
)
def test_it_hears_it_in_what_recognisers_make_of_it(heard: str):
    assert WISHES.is_for_a_person(words(heard))


@pytest.mark.parametrize("said", ["zero", "press zero", "um zero please"])
def test_it_takes_the_word_zero_for_the_key(said: str):
    assert WISHES.is_for_a_person(words(said))


def test_it_cuts_clauses_at_punctuation_but_not_within_a_number_nor_before_what_belongs_to_the_last():
    assert clauses("Operator. I won 1,000.50 dollars - today!") == [
        ["operator"],
        ["i", "won", "1", "000", "50", "dollars"],
        ["today"],
    ]
    assert len(clauses("Is there somebody, who won?")) == 1
    assert len(clauses("Operator! Who won?")) == 2
    assert len(clauses("オペレーターお願いします。当たりました。")) == 2
    assert clauses("") == []


def test_it_learns_more_words_from_the_script():
    wishes = Wishes(operator_words=["상담원 연결", "оператор"], goodbye_words=["спасибо"])
    assert wishes.is_for_a_person(words("상담원 연결 해 주세요"))
    assert wishes.is_for_a_person(words("Оператор, пожалуйста"))
    # One word alone may well be part of a question.
    assert not wishes.is_for_a_person(words("кто такой оператор и что он делает здесь"))
    assert wishes.is_goodbye(words("спасибо"))


def test_it_hears_that_the_caller_wants_nothing_more():
    missed = [
        said for said in NOTHING_MORE if not (WISHES.is_goodbye(words(said)) or WISHES.is_no(words(said)))
    ]
    assert missed == []


@pytest.mark.parametrize(
    "said",
    [
        "thank you and when is the next draw",
        "no where do i collect it",
        "that is not what i asked",
        "okay",
        "yes",
        "",
    ],
)
def test_it_does_not_let_a_caller_go_who_wants_more(said: str):
    assert not WISHES.is_goodbye(words(said))


@pytest.mark.parametrize("said", ["yes", "Yes, please.", "okay", "yeah I have one more question"])
def test_it_hears_a_bare_yes(said: str):
    assert WISHES.is_yes(words(said))
    assert not WISHES.is_no(words(said))


@pytest.mark.parametrize(
    "flood",
    [
        "i need to " * 1000,
        "operator please " * 1000,
        "good bye " * 1000,
        "a human being " * 1000,
        "not " * 4000,
        "i want a real " * 1000,
    ],
)
def test_it_does_not_get_lost_in_a_flood_of_words(flood: str):
    spoken = words(flood + "x")[:80]
    for wish in (WISHES.is_for_a_person, WISHES.is_goodbye, WISHES.is_yes, WISHES.is_no):
        wish(spoken)  # an exponential pattern would never come back
