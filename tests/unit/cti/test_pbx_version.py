"""Which Asterisk will do: one that tells the voicebot of the keys that its caller presses."""

import pytest

from cti.asterisk.install import is_fit

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("version", ["20.14.0", "20.20.1", "21.9.0", "22.4.0", "22.10.1", "23.0.0", "24"])
def test_it_is_new_enough(version: str) -> None:
    assert is_fit(version)


@pytest.mark.parametrize("version", ["18.26.4", "19.8.1", "20.6.0", "20.13.0", "21.8.0", "22.3.0", "22"])
def test_it_would_not_let_a_caller_press_zero_with_the_bot(version: str) -> None:
    assert not is_fit(version)
