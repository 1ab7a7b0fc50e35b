"""A vendor's limit as we keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.virtual_pbx.pace import Pace

pytestmark = pytest.mark.unit


def test_of_one_nothing_is_saved_up() -> None:
    pace = Pace(1, 2.0)
    assert [pace.take(at) == 0 for at in (0.0, 0.5, 1.9, 2.0, 2.1, 10.0, 10.1)] == [
        True, False, False, True, False, True, False,
    ]  # fmt: skip


def test_it_says_how_long_to_wait_and_whoever_is_refused_uses_none() -> None:
    pace = Pace(2, 60.0)
    assert [pace.take(at) for at in (0.0, 10.0, 20.0, 30.0, 60.0, 61.0)] == [0, 0, 40, 30, 0, 9]
    assert pace.wait_s(70.0) == 0


@given(st.integers(1, 5), st.lists(st.floats(0, 100), max_size=60))
def test_no_stretch_of_that_length_has_more(most: int, times: list[float]) -> None:
    pace = Pace(most, 10.0)
    taken = [at for at in sorted(times) if not pace.take(at)]
    assert all(later - earlier >= 10.0 - 1e-9 for earlier, later in zip(taken, taken[most:], strict=False))


def test_whose_turn_would_come_too_late_takes_it_from_nobody() -> None:
    pace = Pace(1, 2.0)
    assert [pace.book(100.0, 104.0) for _ in range(3)] == [100.0, 102.0, 104.0]
    with pytest.raises(TimeoutError):
        pace.book(100.0, 104.0)
    assert pace.book(100.5, 110.0) == 106.0


def test_a_limit_that_was_not_used_makes_nobody_wait() -> None:
    pace = Pace(1, 2.0)
    pace.book(100.0, 101.0)
    assert pace.book(102.5, 103.0) == 102.5


def test_after_too_much_everybody_waits() -> None:
    pace = Pace(4, 1.0)
    pace.rest(100.0, 2.0)
    assert pace.book(100.5, 110.0) == 102.0
    pace.rest(100.6, 0.5)  # a shorter rest does not end it
    assert pace.book(100.6, 110.0) == 102.0
