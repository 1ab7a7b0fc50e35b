"""No key of a caller is lost between two commands, and none counts twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.keys import Keys

pytestmark = pytest.mark.unit

CALL = "pz-1795304988.228"


@pytest.fixture
def keys() -> Keys:
    keys = Keys()
    keys.enter(CALL)
    return keys


def test_it_gives_a_key_that_no_command_was_answered_with(keys: Keys) -> None:
    keys.pressed(CALL, "0")
    assert keys.lost(CALL, "012") == "0"
    assert keys.lost(CALL, "012") is None


@pytest.mark.parametrize("told_first", [True, False])
def test_a_key_that_was_taken_is_not_lost_whoever_tells_it_first(keys: Keys, told_first: bool) -> None:
    for told in (told_first, not told_first):
        keys.pressed(CALL, "1") if told else keys.took(CALL, "1")
    assert keys.lost(CALL, "1") is None
    keys.pressed(CALL, "1")  # the second time it is pressed
    assert keys.lost(CALL, "1") == "1"


def test_a_key_that_does_not_count_now_does_not_count_later(keys: Keys) -> None:
    keys.pressed(CALL, "9")
    assert keys.lost(CALL, "012") is None
    assert keys.lost(CALL, "0123456789") is None


def test_it_keeps_nothing_of_callers_who_are_not_at_reception(keys: Keys) -> None:
    keys.leave(CALL)
    keys.pressed(CALL, "0")
    keys.pressed("an operator's phone", "7")
    keys.enter(CALL)
    assert keys.lost(CALL, "0") is None


@given(st.lists(st.tuples(st.sampled_from("012"), st.booleans())), st.randoms())
def test_every_key_counts_exactly_once(story, random) -> None:
    """Each key is told by the PBX; some are answers to commands too, before or after that."""
    keys = Keys()
    keys.enter(CALL)
    counted = []
    for key, answered in story:
        steps = [keys.pressed, keys.took] if answered else [keys.pressed]
        random.shuffle(steps)
        for step in steps:
            step(CALL, key)
        lost = keys.lost(CALL, "012")
        assert (lost is not None) is (not answered)
        counted.append(lost or key)
    assert counted == [key for key, _ in story]
