"""Telephone audio in eight bits."""

import numpy as np
import pytest

from voicebot import mulaw

pytestmark = pytest.mark.unit

SAMPLES = np.arange(-32768, 32768).astype("<i2")

# G.711, table 2a: the value of some codes, in 16 bits.
KNOWN = {0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0x90: 15996, 0xCE: 988, 0xFE: 8, 0x7E: -8}


@pytest.mark.parametrize(("code", "sample"), KNOWN.items())
def test_a_code_stands_for_the_sample_of_the_standard(code: int, sample: int) -> None:
    assert np.frombuffer(mulaw.expand(bytes([code])), "<i2").tolist() == [sample]


def test_every_code_comes_back_as_itself() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # minus zero is zero
    assert mulaw.compress(mulaw.expand(codes)) == codes


def test_a_sample_is_kept_to_half_a_step() -> None:
    back = np.frombuffer(mulaw.expand(mulaw.compress(SAMPLES.tobytes())), "<i2").astype(np.int32)
    given = SAMPLES.astype(np.int32)
    assert (np.abs(back - given) <= (np.abs(given) + 132) / 32).all()  # a step is a 16th of its segment


def test_silence_is_silent() -> None:
    assert mulaw.compress(bytes(320)) == bytes([mulaw.SILENCE]) * 160
