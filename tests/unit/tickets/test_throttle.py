"""Guessing passwords gets slower and slower."""

from datetime import UTC, datetime, timedelta

import pytest

from tickets.throttle import FORGET, FREE, LONGEST_S, counted, wait_s

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def test_a_few_wrong_passwords_cost_nothing() -> None:
    assert [wait_s(wrong, START, START) for wrong in range(FREE)] == [0.0] * FREE
    assert wait_s(FREE, START, START) > 0


def test_the_wait_grows_up_to_a_limit_and_ends() -> None:
    waits = [wait_s(wrong, START, START) for wrong in (*range(FREE, FREE + 20), 10**6)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_S
    assert wait_s(10**6, START, START + timedelta(seconds=LONGEST_S)) == 0.0


def test_a_quiet_time_forgets_the_wrong_ones() -> None:
    later = START + FORGET + timedelta(seconds=1)
    assert wait_s(20, START, later) == 0.0
    assert counted(20, START, later) == 1
    assert counted(20, START, START) == 21


def test_a_clock_that_was_set_back_holds_nobody_longer_than_the_longest_wait_and_the_step() -> None:
    assert wait_s(FREE, START, START - timedelta(seconds=5)) == 2.0 + 5.0
