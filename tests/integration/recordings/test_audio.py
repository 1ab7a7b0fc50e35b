"""Merging and converting with the real ffmpeg."""

import wave
from pathlib import Path

import numpy as np
import pytest

from recordings import audio
from recordings.audio import BadAudio
from tests.fakes.wav_files import RATE, tone, wav_bytes, write_wav

pytestmark = pytest.mark.integration

SILENCE = np.zeros(0, dtype="<i2")


def rms(samples: audio.Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(float))))) if len(samples) else 0.0


def pitch(samples: audio.Samples, rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()])


def test_the_caller_is_left_and_no_voice_leaks_to_the_other_side(tmp_path: Path) -> None:
    caller = write_wav(tmp_path / "c.wav", tone(2.0, 440))
    heard = write_wav(tmp_path / "h.wav", tone(2.0, 1000))
    seconds = audio.merge_stereo(caller, heard, tmp_path / "call.mp3")
    assert seconds == 2.0
    left, right = (audio.read_channel(tmp_path / "call.mp3", n) for n in (0, 1))
    assert pitch(left) == pytest.approx(440, abs=1)
    assert pitch(right) == pytest.approx(1000, abs=1)

    audio.merge_stereo(caller, None, tmp_path / "alone.mp3")
    assert rms(audio.read_channel(tmp_path / "alone.mp3", 0)) > 10_000
    assert rms(audio.read_channel(tmp_path / "alone.mp3", 1)) == 0


def test_the_shorter_side_is_filled_up_with_silence(tmp_path: Path) -> None:
    caller = write_wav(tmp_path / "c.wav", tone(1.0))
    heard = write_wav(tmp_path / "h.wav", tone(3.0))
    assert audio.merge_stereo(caller, heard, tmp_path / "call.mp3") == 3.0
    left = audio.read_channel(tmp_path / "call.mp3", 0)
    assert len(left) == 3 * RATE
    assert rms(left[: RATE - 400]) > 10_000
    assert rms(left[RATE + 800 :]) < 10


def test_sound_lies_in_the_mp3_where_it_lay_in_the_call(tmp_path: Path) -> None:
    # An encoder's own delay would be 138 ms at 8 kHz: the transcript would lie beside what is heard.
    noise = np.random.default_rng(1).normal(0, 3000, 3 * RATE).astype("<i2")
    audio.merge_stereo(write_wav(tmp_path / "c.wav", noise), None, tmp_path / "call.mp3")
    back = audio.read_channel(tmp_path / "call.mp3", 0)
    assert len(back) == len(noise)
    middle = noise[RATE : 2 * RATE].astype(float)
    likeness = [back[RATE + shift : 2 * RATE + shift].astype(float) @ middle for shift in range(-1500, 1500)]
    assert abs(int(np.argmax(likeness)) - 1500) <= 1


def test_an_hour_is_14_megabytes(tmp_path: Path) -> None:
    audio.merge_stereo(write_wav(tmp_path / "c.wav", tone(60)), None, tmp_path / "call.mp3")
    assert (tmp_path / "call.mp3").stat().st_size * 60 == pytest.approx(14.4e6, rel=0.02)


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_truncated_file_is_used_by_its_real_length(tmp_path: Path, claimed: int) -> None:
    caller = write_wav(tmp_path / "c.wav", tone(1.5), claimed=claimed)
    assert audio.usable_seconds(caller) == 1.5
    assert audio.merge_stereo(caller, None, tmp_path / "call.mp3") == 1.5
    assert len(audio.read_channel(tmp_path / "call.mp3", 0)) == 12000


def test_it_takes_sides_of_other_formats_too(tmp_path: Path) -> None:
    caller = write_wav(tmp_path / "c.wav", tone(1.0, 440, rate=16000), rate=16000)
    assert audio.merge_stereo(caller, None, tmp_path / "call.mp3") == pytest.approx(1.0, abs=0.01)
    assert pitch(audio.read_channel(tmp_path / "call.mp3", 0)) == pytest.approx(440, abs=2)


def test_two_empty_sides_are_no_recording_and_leave_no_file(tmp_path: Path) -> None:
    empty = tmp_path / "c.wav"
    empty.write_bytes(b"")
    header_only = write_wav(tmp_path / "h.wav", SILENCE)
    assert audio.usable_seconds(empty) == audio.usable_seconds(header_only) == 0.0
    with pytest.raises(BadAudio, match="empty"):
        audio.merge_stereo(empty, header_only, tmp_path / "call.mp3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.wav", "h.wav"]


def test_garbage_is_told_by_name_and_leaves_no_file(tmp_path: Path) -> None:
    garbage = tmp_path / "c.wav"
    garbage.write_bytes(b"#EXTM3U\nhttp://192.0.2.1/x\n" * 50)
    for use in (
        lambda: audio.usable_seconds(garbage),
        lambda: audio.merge_stereo(garbage, None, tmp_path / "call.mp3"),
        lambda: audio.read_channel(garbage, 0),
        lambda: audio.peaks(garbage),
        lambda: audio.to_telephone_wav(garbage, tmp_path / "prompt.wav"),
    ):
        with pytest.raises(BadAudio, match=r"c\.wav"):
            use()
    assert [path.name for path in tmp_path.iterdir()] == ["c.wav"]


def test_a_failing_encoder_leaves_no_voice_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(audio, "BITRATE", "nonsense")
    caller = write_wav(tmp_path / "c.wav", tone(0.5))
    with pytest.raises(BadAudio, match="cannot encode"):
        audio.merge_stereo(caller, None, tmp_path / "call.mp3")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c.wav", "tmp"]


def test_peaks_draw_the_two_channels(tmp_path: Path) -> None:
    loud = np.concatenate([np.zeros(4 * RATE, "<i2"), tone(4.0, level=0.5)])
    quiet = tone(8.0, level=0.25)
    audio.merge_stereo(
        write_wav(tmp_path / "c.wav", loud), write_wav(tmp_path / "h.wav", quiet), tmp_path / "call.mp3"
    )
    caller, heard = audio.peaks(tmp_path / "call.mp3", 600)
    assert len(caller) == len(heard) == 600
    assert max(caller[:295]) <= 1
    assert all(46 <= value <= 56 for value in caller[305:590])
    assert all(22 <= value <= 30 for value in heard[5:590])


def test_peaks_of_a_blink_are_fewer_but_there(tmp_path: Path) -> None:
    audio.merge_stereo(write_wav(tmp_path / "c.wav", tone(0.02)), None, tmp_path / "call.mp3")
    caller, heard = audio.peaks(tmp_path / "call.mp3")
    assert 1 <= len(caller) == len(heard) <= 4


def test_a_prompt_becomes_what_a_telephone_plays(tmp_path: Path) -> None:
    source = write_wav(tmp_path / "voice.wav", tone(1.0, 1000, rate=22050), rate=22050)
    audio.to_telephone_wav(source, tmp_path / "prompt.wav")
    with wave.open(str(tmp_path / "prompt.wav")) as prompt:
        assert (prompt.getnchannels(), prompt.getsampwidth(), prompt.getframerate()) == (1, 2, RATE)
        samples = np.frombuffer(prompt.readframes(RATE), dtype="<i2")
    assert pitch(samples) == pytest.approx(1000, abs=2)
    assert (tmp_path / "prompt.wav").stat().st_size == 44 + len(samples) * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prompt.wav", "voice.wav"]


@pytest.mark.parametrize(("hertz", "kept"), [(3400, True), (4400, False), (5000, False), (7000, False)])
def test_nothing_above_the_telephone_band_folds_back_into_speech(
    tmp_path: Path, hertz: float, kept: bool
) -> None:
    source = write_wav(tmp_path / "voice.wav", tone(1.0, hertz, rate=22050), rate=22050)
    audio.to_telephone_wav(source, tmp_path / "prompt.wav")
    through = rms(audio.read_channel(tmp_path / "prompt.wav", 0)[800:-800])
    assert (through > 9000) if kept else (through < 30)


def test_a_stereo_prompt_is_mixed_down(tmp_path: Path) -> None:
    both = np.stack([tone(0.5), tone(0.5)], axis=1).reshape(-1)
    (tmp_path / "voice.wav").write_bytes(wav_bytes(both, channels=2))
    audio.to_telephone_wav(tmp_path / "voice.wav", tmp_path / "prompt.wav")
    assert audio.usable_seconds(tmp_path / "prompt.wav") == 0.5


def test_a_prompt_without_sound_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "prompt.wav").write_bytes(b"old")
    with pytest.raises(BadAudio, match="holds no sound"):
        audio.to_telephone_wav(write_wav(tmp_path / "voice.wav", SILENCE), tmp_path / "prompt.wav")
    assert (tmp_path / "prompt.wav").read_bytes() == b"old"


def test_names_are_never_options_or_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(Path("-i concat:x.wav"), tone(0.5))
    audio.to_telephone_wav(Path("-i concat:x.wav"), Path("-y.wav"))
    assert audio.usable_seconds(Path("-y.wav")) == 0.5


def test_it_reads_a_channel_at_the_rate_asked_for(tmp_path: Path) -> None:
    audio.merge_stereo(write_wav(tmp_path / "c.wav", tone(1.0, 440)), None, tmp_path / "call.mp3")
    samples = audio.read_channel(tmp_path / "call.mp3", 0, rate=16000)
    assert len(samples) == 16000
    assert samples.dtype == np.int16
    assert pitch(samples, 16000) == pytest.approx(440, abs=2)
