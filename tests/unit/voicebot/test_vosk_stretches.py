"""How much quiet brings out the last words of a Vosk model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from voicebot.media import SAMPLE_RATE
from voicebot.recognizers.vosk_stretches import Stretches, read

FRAME = SAMPLE_RATE // 100
MOST_HEARD = 300 * SAMPLE_RATE


def acoustic_model(ahead: int) -> bytes:
    """The end of such a file."""
    contexts = b"</Nnet3> <LeftContext> \x04\x1d\0\0\0<RightContext> \x04%b<Priors> FV \x04\0\0\0\0"
    return b"\0B<Nnet3> weights" + contexts % ahead.to_bytes(4, "little")


def model(folder: Path, settings: str, *, ahead: int = 34) -> Path:
    for part in ("am", "conf"):
        (folder / part).mkdir()
    (folder / "am" / "final.mdl").write_bytes(acoustic_model(ahead))
    (folder / "conf" / "model.conf").write_text(settings)
    return folder


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ("--beam=10.0\n--frame-subsampling-factor=3\n", 21),
        ("--frames-per-chunk=50\n--frame-subsampling-factor=3", 51),
        ("--frames-per-chunk=50\n", 50),
        ("", 20),
    ],
)
def test_a_model_says_in_what_stretches_it_computes(tmp_path, settings, length):
    assert read(model(tmp_path, settings, ahead=42)) == Stretches(length, 42)


def test_a_model_of_the_old_layout_has_no_settings(tmp_path):
    (tmp_path / "final.mdl").write_bytes(acoustic_model(21))

    assert read(tmp_path) == Stretches(21, 21)


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_a_model_of_another_make_says_nothing(tmp_path, content):
    (model(tmp_path, "") / "am" / "final.mdl").write_bytes(content)

    assert read(tmp_path) is None


@pytest.mark.parametrize("settings", ["--frames-per-chunk=0", "--frame-subsampling-factor=0"])
def test_a_model_that_cannot_be_so_says_nothing(tmp_path, settings):
    assert read(model(tmp_path, settings)) is None


def test_a_folder_without_a_model_says_nothing(tmp_path):
    assert read(tmp_path) is None


@given(some.integers(1, 150), some.integers(0, 60), some.integers(0, MOST_HEARD))
def test_all_that_was_heard_is_computed_and_hardly_more(length, ahead, heard):
    quiet = Stretches(length, ahead).quiet_after(heard)

    # What Kaldi has ready: whole stretches of the frames behind which so many more have come in. A frame is
    # 25 ms long, and the filter that doubles the rate holds a moment back.
    frames = (heard + quiet - round(0.028 * SAMPLE_RATE)) // FRAME + 1
    computed = (frames - ahead) // length * length * FRAME
    assert heard <= computed < heard + (length + 1) * FRAME
    assert quiet <= (length + ahead) * FRAME + round(0.040 * SAMPLE_RATE)


def test_after_ten_minutes_there_is_quiet_enough_for_any_phase():
    stretches = Stretches(21, 34)
    late = 590 * SAMPLE_RATE

    assert {stretches.quiet_after(heard) for heard in range(late, late + 21 * FRAME, FRAME)} == {
        stretches.quiet_after(late)
    }
    assert stretches.quiet_after(late) >= max(stretches.quiet_after(heard) for heard in range(21 * FRAME))
