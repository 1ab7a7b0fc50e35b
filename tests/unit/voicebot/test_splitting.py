"""Recordings split at silences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.recognizers.splitting import Stretch, split_at_silences

pytestmark = pytest.mark.unit

FRAME_S = 0.02


def flags(*stretches: tuple[bool, float]) -> list[bool]:
    return [voiced for voiced, seconds in stretches for _ in range(round(seconds / FRAME_S))]


def test_it_finds_what_was_said_with_a_margin_around_it():
    voiced = flags((False, 2.0), (True, 1.0), (False, 3.0), (True, 2.0), (False, 1.0))

    assert split_at_silences(voiced, FRAME_S, margin_s=0.2) == [
        Stretch(pytest.approx(1.8), pytest.approx(3.2)),
        Stretch(pytest.approx(5.8), pytest.approx(8.2)),
    ]


def test_it_keeps_together_what_a_short_pause_parts():
    voiced = flags((True, 1.0), (False, 0.4), (True, 1.0))

    assert split_at_silences(voiced, FRAME_S) == [Stretch(0.0, pytest.approx(2.4))]


def test_it_leaves_clicks_and_silence_out():
    assert split_at_silences(flags((False, 9.0), (True, 0.06), (False, 9.0)), FRAME_S) == []
    assert split_at_silences([], FRAME_S) == []


def test_it_splits_a_long_stretch_at_its_widest_pause():
    voiced = flags((True, 6.0), (False, 0.2), (True, 3.0), (False, 0.5), (True, 6.0))

    parts = split_at_silences(voiced, FRAME_S, longest_s=14.0)

    assert parts == [Stretch(0.0, pytest.approx(9.44)), Stretch(pytest.approx(9.46), pytest.approx(15.7))]


def test_it_splits_what_has_no_pause_at_all():
    parts = split_at_silences([True] * 3000, FRAME_S, longest_s=14.0)

    assert len(parts) == 8
    assert parts[0].start_s == 0.0
    assert parts[-1].end_s == pytest.approx(60.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 200)), max_size=30))
def test_its_parts_never_overlap_and_never_leave_the_recording(stretches):
    voiced = [flag for flag, frames in stretches for _ in range(frames)]

    parts = split_at_silences(voiced, FRAME_S, longest_s=4.0)

    edges = [edge for part in parts for edge in part]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= len(voiced) * FRAME_S + 1e-9 for edge in edges)
    assert all(part.end_s - part.start_s <= 4.0 + 0.48 + 1e-9 for part in parts)
