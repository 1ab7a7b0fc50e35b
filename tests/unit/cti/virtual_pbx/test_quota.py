"""A vendor's limit as we keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.virtual_pbx.quota import Quota

pytestmark = pytest.mark.unit


def test_of_one_nothing_is_saved_up() -> None:
    quota = Quota(1, 2.0)
    assert [quota.take(at) == 0 for at in (0.0, 0.5, 1.9, 2.0, 2.1, 10.0, 10.1)] == [
        True, False, False, True, False, True, False,
    ]  # fmt: skip


def test_it_says_how_long_to_wait_and_whoever_is_refused_uses_none() -> None:
    quota = Quota(2, 60.0)
    assert [quota.take(at) for at in (0.0, 10.0, 20.0, 30.0, 60.0, 61.0)] == [0, 0, 40, 30, 0, 9]
    assert quota.wait_s(70.0) == 0


@given(st.integers(1, 5), st.lists(st.floats(0, 100), max_size=60))
def test_no_stretch_of_that_length_has_more(most: int, times: list[float]) -> None:
    quota = Quota(most, 10.0)
    taken = [at for at in sorted(times) if not quota.take(at)]
    assert all(later - earlier >= 10.0 - 1e-9 for earlier, later in zip(taken, taken[most:], strict=False))
