"""When a silent call is asked about, and when it is given up."""

from datetime import timedelta
from itertools import pairwise

import pytest

from cti.virtual_pbx.silence import GIVEN_UP_AFTER, Silences, Word
from tests.fakes.virtual_pbx import START

pytestmark = pytest.mark.unit

SILENCE, LONGEST = timedelta(seconds=90), timedelta(minutes=20)
WORD = Word(START, START, 1)
LONG_AFTER = START + GIVEN_UP_AFTER


def silences() -> Silences:
    return Silences(SILENCE, LONGEST)


def test_a_call_is_asked_about_ever_less_often_as_long_as_it_is_silent() -> None:
    some, asked = silences(), []
    for seconds in range(0, 4 * 3600, 15):
        now = START + timedelta(seconds=seconds)
        if some.due({"a": WORD}, now):
            some.asked({"a": WORD}, ["a"], now)
            asked.append(seconds)
    pauses = [after - before for before, after in pairwise(asked)]
    assert asked[0] == 90
    assert pauses[:5] == [90, 180, 360, 720, 1200]
    assert set(pauses[5:]) == {1200}


def test_a_question_that_was_not_answered_is_asked_again() -> None:
    some, now = silences(), START + SILENCE
    assert some.due({"a": WORD}, now) == {"a"}
    assert some.due({"a": WORD}, now) == {"a"}


def test_a_call_is_given_up_only_after_a_question_in_vain_long_after_its_last_word() -> None:
    some = silences()
    some.asked({"a": WORD}, ["a"], LONG_AFTER - timedelta(seconds=1))
    assert some.lost({"a": WORD}) == set()
    some.asked({"a": WORD}, ["a"], LONG_AFTER)
    assert some.lost({"a": WORD}) == {"a"}
    assert some.lost({"a": WORD}) == set()  # and asked about again before it is told again


def test_a_call_of_which_the_vendor_knew_more_is_not_given_up() -> None:
    some = silences()
    some.asked({"a": WORD}, ["a"], LONG_AFTER)
    more = {"a": Word(START, START, 2)}
    assert some.lost(more) == set()
    assert some.due(more, LONG_AFTER + SILENCE) == {"a"}
    some.asked(more, ["a"], LONG_AFTER + SILENCE)
    assert some.lost(more) == {"a"}


def test_a_call_that_speaks_again_is_not_asked_about() -> None:
    some = silences()
    some.asked({"a": WORD}, ["a"], START + SILENCE)
    spoken = {"a": Word(START, START + SILENCE * 3, 2)}
    assert some.due(spoken, START + SILENCE * 3) == set()
    assert some.due(spoken, START + SILENCE * 4) == {"a"}


def test_a_call_that_is_over_is_forgotten() -> None:
    some = silences()
    some.asked({"a": WORD}, ["a"], LONG_AFTER)
    assert some.due({}, LONG_AFTER) == set()
    assert some.lost({"a": WORD}) == set()
