import pytest

from cti.customers.breaker import Breaker

pytestmark = pytest.mark.unit


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(failures=3, pause_s=10.0)


def opened(breaker: Breaker, now: float) -> Breaker:
    for _ in range(3):
        breaker.failed(now)
    return breaker


def test_it_lets_everybody_through_until_too_many_have_failed_in_a_row(breaker: Breaker):
    breaker.failed(0.0)
    breaker.failed(1.0)
    assert breaker.lets_through(1.0)
    breaker.succeeded()
    breaker.failed(2.0)
    breaker.failed(3.0)
    assert breaker.lets_through(3.0)
    breaker.failed(4.0)
    assert not breaker.lets_through(4.0)


def test_it_lets_one_through_after_each_pause(breaker: Breaker):
    opened(breaker, 100.0)
    assert not breaker.lets_through(109.9)
    assert [breaker.lets_through(110.0) for _ in range(3)] == [True, False, False]
    breaker.failed(110.3)
    assert not breaker.lets_through(120.2)
    assert breaker.lets_through(120.3)


def test_it_lets_everybody_through_again_once_one_has_succeeded(breaker: Breaker):
    opened(breaker, 100.0)
    assert breaker.lets_through(110.0)
    breaker.succeeded()
    assert not breaker.resting
    assert all(breaker.lets_through(110.0) for _ in range(3))


def test_it_sends_another_one_when_the_first_never_comes_back(breaker: Breaker):
    opened(breaker, 0.0)
    assert breaker.lets_through(10.0)
    assert breaker.lets_through(20.0)
