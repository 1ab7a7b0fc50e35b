"""What passes for somebody speaking to us. Real voices are in tests/integration/voicebot/test_room.py."""

import numpy as np
import pytest
from numpy.typing import NDArray

from voicebot.gate import SpeechGate

pytestmark = pytest.mark.unit

RATE, FRAME = 8000, 160
Sound = NDArray[np.float64]


def tone(pitch: Sound, level: float = 3000) -> Sound:
    """A buzz, as a throat makes it, whose pitch in Hz is given for each sample."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return level * np.sum([np.sin(n * phase) / n for n in range(1, 6)], axis=0)


def steady(seconds: float, hertz: float) -> Sound:
    return np.full(round(seconds * RATE), hertz)


def gliding(seconds: float) -> Sound:
    """A voice's melody: up and down by a third of an octave, three times a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    return 130 * 2 ** (0.17 * np.sin(2 * np.pi * 3 * time))


def passed(gate: SpeechGate, sound: Sound, voiced: bool = True) -> list[bool]:
    data = np.clip(sound, -32767, 32767).astype("<i2").tobytes()
    return [
        gate.hear(data[i : i + 2 * FRAME], voiced) for i in range(0, len(data) - 2 * FRAME + 1, 2 * FRAME)
    ]


def test_a_voice_that_moves_passes_within_a_tenth_of_a_second():
    gate = SpeechGate()
    flags = passed(gate, tone(gliding(1.0)))
    assert True in flags[:6]
    assert sum(flags) > 40
    assert gate.likely


def test_a_tune_is_known_after_two_seconds_and_does_not_pass_any_more():
    gate = SpeechGate()
    tune = tone(np.concatenate([steady(0.4, f) for f in (196, 220, 247, 262, 294)]))
    passed(gate, tune)
    assert not any(passed(gate, tune))
    assert not gate.likely


def test_on_a_quiet_line_digits_on_one_note_pass():
    gate = SpeechGate()
    pause = np.zeros(round(0.25 * RATE))
    for _ in range(8):
        assert sum(passed(gate, tone(steady(0.3, 120)))) >= 10
        assert not any(passed(gate, pause, voiced=False))
    assert gate.spoken


def test_noise_has_no_pitch_and_does_not_pass():
    gate = SpeechGate()
    assert not any(passed(gate, np.random.default_rng(1).standard_normal(2 * RATE) * 3000))


def test_steady_noise_is_known_after_three_seconds_and_does_not_keep_an_utterance_open():
    gate = SpeechGate()
    noise = np.random.default_rng(1).standard_normal(5 * RATE) * 2000
    passed(gate, noise[: 4 * RATE])
    assert gate.noisy
    gate.begin()
    assert sum(passed(gate, noise[4 * RATE :])) <= 2


def test_who_speaks_over_steady_noise_is_heard_though_the_noise_hides_the_pitch():
    gate = SpeechGate()
    noise = np.random.default_rng(1).standard_normal(5 * RATE) * 2000
    passed(gate, noise[: 4 * RATE])
    hiss = np.random.default_rng(2).standard_normal(RATE) * 3500  # no pitch at all
    flags = passed(gate, noise[4 * RATE :] + hiss)
    assert sum(flags) >= 40


def test_a_line_without_noise_is_not_noisy_whoever_speaks_on_it():
    gate = SpeechGate()
    for _ in range(6):
        passed(gate, tone(gliding(0.6)))
        passed(gate, np.zeros(RATE // 4), voiced=False)
    assert not gate.noisy


def test_what_the_voice_detector_takes_for_none_does_not_pass():
    assert not any(passed(SpeechGate(), tone(gliding(1.0)), voiced=False))


def test_a_faint_voice_is_the_television_s():
    assert not any(passed(SpeechGate(), tone(gliding(1.0), level=60)))


def test_a_voice_far_below_the_callers_own_does_not_pass_once_the_caller_is_known():
    gate = SpeechGate()
    assert any(passed(gate, tone(gliding(1.0), level=400)))
    gate.had_none()

    gate = SpeechGate()
    passed(gate, tone(gliding(1.0), level=6000))
    gate.had_words()
    passed(gate, np.zeros(RATE), voiced=False)
    assert not any(passed(gate, tone(gliding(1.0), level=400)))
    assert any(passed(gate, tone(gliding(1.0), level=4000)))


def test_what_held_no_words_is_background_for_a_while_and_a_caller_who_speaks_up_is_heard_over_it():
    gate = SpeechGate()
    passed(gate, tone(gliding(1.0), level=800))
    gate.had_none()
    passed(gate, np.zeros(RATE // 2), voiced=False)
    assert any(passed(gate, tone(gliding(1.0), level=800)))  # a caller who was not understood says it again
    gate.had_none()
    passed(gate, np.zeros(RATE // 2), voiced=False)
    assert not any(passed(gate, tone(gliding(1.0), level=800)))
    assert any(passed(gate, tone(gliding(1.0), level=6000)))
    passed(gate, np.zeros(20 * RATE), voiced=False)
    assert any(passed(gate, tone(gliding(1.0), level=800)))


def test_an_utterance_that_is_a_tune_all_in_all_is_not_spoken():
    tune, speech = SpeechGate(), SpeechGate()
    for gate in (tune, speech):
        passed(gate, tone(steady(2.0, 196), level=300))  # music is known to be there
        passed(gate, np.zeros(FRAME), voiced=False)
    tune.begin()
    passed(tune, tone(np.concatenate([gliding(0.2), steady(0.8, 220)])))
    speech.begin()
    passed(speech, tone(np.concatenate([gliding(0.8), steady(0.2, 130)])))
    assert (tune.spoken, speech.spoken) == (False, True)
