"""How guessing passwords is made slow."""

from datetime import timedelta

import pytest

from tests.fakes.stories import START
from tickets.accounts import Throttle

pytestmark = pytest.mark.unit


def test_a_few_wrong_passwords_cost_nothing() -> None:
    throttle = Throttle()
    for _ in range(Throttle.FREE):
        assert throttle.wait("anna", START) == 0
        throttle.failed("anna", START)
    assert throttle.wait("anna", START) > 0
    assert throttle.wait("bob", START) == 0


def test_the_wait_grows_and_has_an_end() -> None:
    throttle, waits = Throttle(), []
    for _ in range(30):
        throttle.failed("anna", START)
        waits.append(throttle.wait("anna", START))
    assert waits == sorted(waits)
    assert waits[-1] == Throttle.LONGEST_S
    assert throttle.wait("anna", START + timedelta(seconds=Throttle.LONGEST_S)) == 0


def test_the_right_password_and_a_quiet_time_forget_the_wrong_ones() -> None:
    throttle = Throttle()
    for _ in range(20):
        throttle.failed("anna", START)
        throttle.failed("bob", START)
    throttle.succeeded("anna")
    assert throttle.wait("anna", START) == 0
    later = START + Throttle.FORGET + timedelta(seconds=1)
    throttle.failed("bob", later)
    assert throttle.wait("bob", later) == 0


def test_made_up_logins_do_not_eat_the_memory() -> None:
    throttle = Throttle()
    for number in range(Throttle.LOGINS + 50):
        throttle.failed(str(number), START)
    assert len(throttle._wrong) == Throttle.LOGINS
