"""Mango's lock-out, at a clock that the test moves."""

import pytest

from cti.virtual_pbx.vendors.mango.limits import LOCKED_S, LockOut

pytestmark = pytest.mark.unit


def test_one_wrong_request_is_forgiven() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    assert lock_out.seconds(101.0) == 0.0


def test_the_two_minutes_count_from_the_first_wrong_request() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    lock_out.wrong(150.0)
    lock_out.shut(151.0)
    assert lock_out.seconds(151.0) == LOCKED_S - 51.0
    assert lock_out.seconds(220.0) == 0.0


def test_who_is_shut_out_for_no_reason_of_ours_waits_the_whole_time() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0)
    lock_out.shut(1000.0)  # another node's requests were wrong
    assert lock_out.seconds(1000.0) == LOCKED_S


def test_a_wrong_number_is_refused_until_its_time_is_over() -> None:
    lock_out = LockOut()
    lock_out.wrong(100.0, "99")
    assert lock_out.refuses("99", 219.0)
    assert not lock_out.refuses("101", 110.0)
    assert not lock_out.refuses("99", 220.0)
