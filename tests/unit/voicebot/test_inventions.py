import pytest

from recordings.transcript import Recognised
from voicebot.inventions import is_invented

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "spoken_s", "confidence", "no_speech"),
    [
        ("Thanks for watching!", 3.0, 0.9, 0.1),
        ("Субтитры сделал DimaTorzok", 3.0, 0.9, 0.1),
        ("[Music]", 3.0, 0.9, 0.1),
        ("♪ la la ♪", 3.0, 0.9, 0.1),
        ("...", 3.0, 0.9, 0.1),
        ("you", 0.4, 0.9, 0.6),
        ("Thank you.", 0.6, 0.3, 0.1),
        ("I would like to know everything about your many games.", 0.3, 0.9, 0.1),
    ],
)
def test_it_keeps_back_what_nobody_said(text, spoken_s, confidence, no_speech):
    assert is_invented(Recognised(text, (), confidence, no_speech), spoken_s)


@pytest.mark.parametrize(
    ("text", "spoken_s"),
    [
        ("How much is a ticket?", 0.55),
        ("Thank you.", 0.6),
        ("Yes.", 0.12),
        ("да", 0.2),
        ("1 2 5", 0.8),
    ],
)
def test_it_lets_through_what_callers_say(text, spoken_s):
    assert not is_invented(Recognised(text, (), 0.8, 0.05), spoken_s)


def test_it_believes_an_engine_that_tells_no_confidence():
    assert not is_invented(Recognised("thank you", (), None, 0.0), 0.5)
