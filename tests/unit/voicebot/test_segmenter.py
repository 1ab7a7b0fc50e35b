"""Where utterances begin, pause and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.segmenter import Pause, Resumed, Segment, Segmenter, Silence, SpeechEnded, SpeechStarted, Timing

pytestmark = pytest.mark.unit

FRAME_S = 0.02


def heard(segmenter: Segmenter, *stretches: tuple[bool, float]) -> list[Segment]:
    """Feed stretches of (voiced, seconds) in 20 ms frames."""
    return [
        segment
        for voiced, seconds in stretches
        for _ in range(round(seconds / FRAME_S))
        for segment in segmenter.hear(voiced, FRAME_S)
    ]


def kinds(segments: list[Segment]) -> list[type]:
    return [type(segment) for segment in segments]


def test_it_tells_start_pause_and_end_of_an_utterance():
    segments = heard(Segmenter(), (False, 1.0), (True, 0.8), (False, 1.0))

    assert kinds(segments) == [SpeechStarted, Pause, SpeechEnded]
    started, pause, ended = segments
    assert started == SpeechStarted(pytest.approx(1.0))
    assert pause == Pause(pytest.approx(1.8))
    assert ended == SpeechEnded(pytest.approx(2.3), pytest.approx(1.0), pytest.approx(1.8))


def test_it_takes_a_thinking_pause_for_no_end():
    segments = heard(Segmenter(), (True, 0.6), (False, 0.4), (True, 0.6), (False, 0.6))

    assert kinds(segments) == [SpeechStarted, Pause, Resumed, Pause, SpeechEnded]
    assert segments[2] == Resumed(pytest.approx(1.0))
    assert segments[-1].spoken_until_s == pytest.approx(1.6)


@pytest.mark.parametrize("click_s", [0.02, 0.06, 0.1])
def test_it_takes_a_click_for_no_speech(click_s):
    assert heard(Segmenter(), (False, 1.0), (True, click_s), (False, 2.0)) == []


def test_it_is_not_held_open_by_clicks_in_the_silence_behind_speech():
    clicks = [(False, 0.08), (True, 0.04)] * 4

    segments = heard(Segmenter(), (True, 0.6), *clicks, (False, 0.5))

    assert kinds(segments) == [SpeechStarted, Pause, SpeechEnded]
    assert segments[-1].spoken_until_s == pytest.approx(0.6)


def test_it_hears_speech_in_flags_with_holes():
    segments = heard(Segmenter(), *[(True, 0.04), (False, 0.02)] * 10)

    assert kinds(segments) == [SpeechStarted]


def test_it_tells_silence_once():
    segments = heard(Segmenter(Timing(silence=2.0)), (False, 9.0))

    assert segments == [Silence(pytest.approx(2.0))]


def test_it_counts_silence_anew_after_an_utterance_and_after_a_restart():
    segmenter = Segmenter(Timing(silence=2.0))

    assert kinds(heard(segmenter, (True, 0.5), (False, 2.4))) == [SpeechStarted, Pause, SpeechEnded]
    assert kinds(heard(segmenter, (False, 0.2))) == [Silence]
    segmenter.restart()
    assert heard(segmenter, (False, 1.9)) == []
    assert kinds(heard(segmenter, (False, 0.2))) == [Silence]


def test_it_counts_the_silence_on_behind_a_false_alarm_and_anew_where_it_had_told_of_it():
    segmenter = Segmenter(Timing(silence=2.0))
    heard(segmenter, (False, 1.0), (True, 0.5), (False, 0.1))
    segmenter.dismiss()
    assert kinds(heard(segmenter, (False, 0.5))) == [Silence]  # 1.0 + 0.6 + 0.5

    heard(segmenter, (True, 0.5), (False, 0.1))
    segmenter.dismiss()
    assert heard(segmenter, (False, 1.9)) == []
    assert kinds(heard(segmenter, (False, 0.2))) == [Silence]


def test_a_blip_after_a_false_alarm_leaves_no_caller_in_silence_for_good():
    segmenter = Segmenter(Timing(silence=2.0))
    heard(segmenter, (False, 3.0), (True, 0.5), (False, 0.2))  # told while the bot spoke: nobody heeds it
    segmenter.dismiss()
    heard(segmenter, (True, 0.5), (False, 0.2))  # just before the bot's end: nobody calls restart()
    segmenter.dismiss()
    assert kinds(heard(segmenter, (False, 2.5))) == [Silence]


def test_it_cuts_an_utterance_that_never_ends():
    segments = heard(Segmenter(Timing(longest=3.0)), (True, 3.5))

    assert kinds(segments) == [SpeechStarted, SpeechEnded, SpeechStarted]
    assert segments[1].cut


def test_it_forgets_an_utterance_at_a_restart():
    segmenter = Segmenter()
    heard(segmenter, (True, 0.5))
    assert segmenter.speaking
    assert segmenter.spoken_s == pytest.approx(0.5)

    segmenter.restart()

    assert not segmenter.speaking
    assert segmenter.spoken_s == 0.0
    assert heard(segmenter, (False, 1.0)) == []


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.01, 0.02, 0.03])), max_size=800))
def test_it_keeps_the_order_of_an_utterance_whatever_it_hears(frames):
    segmenter = Segmenter(Timing(longest=4.0, silence=1.0))
    segments = [s for voiced, seconds in frames for s in segmenter.hear(voiced, seconds)]

    follows = {
        None: {SpeechStarted, Silence},
        SpeechStarted: {Pause, SpeechEnded},
        Pause: {Resumed, SpeechEnded},
        Resumed: {Pause, SpeechEnded},
        SpeechEnded: {SpeechStarted, Silence},
        Silence: {SpeechStarted},
    }
    before = None
    for segment in segments:
        assert type(segment) in follows[before]
        before = type(segment)
    assert segmenter.speaking == (before in {SpeechStarted, Pause, Resumed})
