"""Texts with fields, and values as they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.slots import masked, say
from voicebot.telephone_wav import silence, without_edges
from voicebot.texts import MissingField, Part, compose, fields_of, fixed_parts

pytestmark = pytest.mark.unit


def test_it_speaks_a_text_without_fields_as_a_whole():
    assert compose("Hello. How are you?", {}, {}).parts == (Part("Hello. How are you?"),)
    assert list(fixed_parts("Hello. How are you?")) == ["Hello. How are you?"]


def test_it_speaks_for_one_call_only_the_sentences_with_fields():
    composed = compose("It is over. You won {prize}. Well done!", {"prize": "5 dollars"}, {})
    assert [(part.text, part.kept) for part in composed.parts] == [
        ("It is over.", True),
        ("You won 5 dollars.", False),
        ("Well done!", True),
    ]
    assert composed.told == "It is over. You won 5 dollars. Well done!"
    assert list(fixed_parts("It is over. You won {prize}. Well done!")) == ["It is over.", "Well done!"]


def test_it_puts_a_sentence_of_digits_together_from_pieces():
    composed = compose("{code}, right?", {"code": "1 2"}, {}, {"code"})
    assert [part.text for part in composed.parts] == ["1", "2", "right?"]
    assert [part.text for part in compose("It is {code}.", {"code": "1 2"}, {}, {"code"}).parts] == [
        "It is",
        "1",
        "2",
    ]


def test_it_tells_the_ledger_other_words_than_the_caller():
    assert compose("Code {code}.", {"code": "1 2"}, {"code": "••"}, {"code"}).told == "Code ••."


def test_it_leaves_out_what_it_can_say_only_to_a_known_customer_and_nothing_else():
    assert compose("Hello {customer}. Who are you?", {}, {}).told == "Who are you?"
    with pytest.raises(MissingField, match="prize"):
        compose("Hello {customer}, you won {prize}.", {}, {})


@pytest.mark.parametrize("text", ["{", "}", "{Prize}", "{ prize }", "{}", "{{prize}}"])
def test_it_refuses_braces_that_are_no_field(text: str):
    with pytest.raises(ValueError, match="field"):
        fields_of(text)


@given(st.text(max_size=60), st.text(max_size=10))
def test_a_value_that_looks_like_a_field_is_only_a_value(before: str, value: str):
    before = before.replace("{", "").replace("}", "")
    composed = compose(before + "{x}", {"x": value + "{y}"}, {})
    assert "{y}" in composed.told


@pytest.mark.parametrize(
    ("value", "said"),
    [("1", "1"), ("125", "1 2 5"), ("12345678", "1 2 3 4, 5 6 7 8"), ("12345", "1 2 3 4 5"), ("", "")],
)
def test_it_says_digits_one_by_one_in_groups(value: str, said: str):
    assert say("digits", value, "en") == said


def test_it_says_dates_in_the_words_of_the_language():
    assert say("date", "1980-05-04", "en-US") == "May 4, 1980"
    assert say("date", "1980-05-04", "ru") == "4 мая 1980 г."


@given(st.text(max_size=20))
def test_it_shows_at_most_two_signs_of_a_private_value(value: str):
    shown = masked(value)
    assert shown.startswith("••")
    assert len(shown) <= 4
    assert len(value) - (len(shown) - 2) >= min(len(value), 2)  # of a short one nothing is left to guess


def test_it_cuts_the_silence_around_a_sound():
    sound = b"\x00\x10" * 800
    cut = without_edges(silence(0.5) + sound + silence(0.5))
    assert sound in cut
    assert len(cut) == len(sound) + len(silence(0.06))
    assert without_edges(silence(0.1)) == silence(0.1)
