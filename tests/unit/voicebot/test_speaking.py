"""What the mouth keeps of a sentence that was cut off."""

import numpy as np
import pytest

from voicebot.speaking import last_breath

pytestmark = pytest.mark.unit

RATE = 8000


def words(*stretches: tuple[bool, float]) -> bytes:
    """Sound and silence, in seconds, as 16-bit samples at 8 kHz."""
    parts = [np.full(round(seconds * RATE), 3000 if loud else 2, "<i2") for loud, seconds in stretches]
    return np.concatenate(parts).tobytes()


def at(byte: int) -> float:
    return byte / 2 / RATE


def test_it_goes_on_from_the_last_breath_that_lies_some_words_before_the_cut():
    sentence = words((True, 1.0), (False, 0.1), (True, 1.0), (False, 0.1), (True, 1.0))
    assert 1.0 <= at(last_breath(sentence, 1.9)) <= 1.1
    assert 2.1 <= at(last_breath(sentence, 2.9)) <= 2.2
    assert 1.0 <= at(last_breath(sentence, 2.3)) <= 1.1  # only a tenth of a second of the last part was heard


def test_it_goes_back_two_seconds_where_nobody_draws_breath():
    assert at(last_breath(words((True, 9.0)), 5.0)) == pytest.approx(3.0)


def test_it_begins_anew_where_hardly_anything_was_said():
    assert last_breath(words((True, 3.0)), 0.1) == 0
    assert last_breath(b"", 0.5) == 0
