import pytest

from voicebot.recognizers.health import Health

pytestmark = pytest.mark.unit


def failing(times: int) -> Health:
    health = Health(in_a_row=3, rest_s=20.0)
    for second in range(times):
        health.failed(float(second))
    return health


def test_it_takes_some_failures_in_a_row_for_a_broken_engine():
    assert failing(2).trouble(2.0) is None
    assert "3 times in a row" in (failing(3).trouble(3.0) or "")


def test_it_says_once_that_the_engine_has_broken():
    health = Health(in_a_row=3)
    assert [health.failed(0.0) for _ in range(5)] == [False, False, True, False, False]


def test_it_forgets_failures_once_something_was_recognised():
    health = failing(2)
    health.succeeded()
    health.failed(2.0)
    assert health.trouble(2.0) is None


def test_it_lets_the_engine_be_tried_again_after_a_rest():
    health = failing(3)
    assert health.trouble(21.9) is not None
    assert health.trouble(22.0) is None
    health.failed(22.5)
    assert health.trouble(22.5) is not None
    assert health.trouble(42.5) is None
    health.succeeded()
    health.failed(43.0)
    assert health.trouble(43.0) is None
