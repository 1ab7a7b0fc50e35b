"""Prompts in pieces: nothing is lost, no piece is too long, and the cuts lie where it is quiet."""

import errno
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ivr.pieces import PIECE_S, RATE, SHORTEST_S, cuts, lay_out, quiet

pytestmark = pytest.mark.unit


@given(arrays(np.int16, st.integers(0, 6 * RATE)))
def test_no_piece_is_longer_than_a_second_or_shorter_than_half_of_one(samples: np.ndarray) -> None:
    pieces = np.split(samples, cuts(samples))
    assert all(len(piece) <= PIECE_S * RATE for piece in pieces)
    assert all(len(piece) >= SHORTEST_S * RATE for piece in pieces[:-1])
    assert np.array_equal(np.concatenate(pieces), samples)


def test_a_cut_lies_in_the_pause_between_two_words() -> None:
    word = np.full(round(0.7 * RATE), 9000, dtype=np.int16)
    pause = np.zeros(round(0.1 * RATE), dtype=np.int16)
    (cut,) = cuts(np.concatenate([word, pause, word]))
    assert len(word) <= cut <= len(word) + len(pause)


def test_the_files_together_are_the_prompt(tmp_path: Path) -> None:
    spoken = np.random.default_rng(1).integers(-3000, 3000, 3 * RATE).astype("<i2")
    sound = tmp_path / "prompt.wav"
    with wave.open(str(sound), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(spoken.tobytes())
    pieces = lay_out(sound, tmp_path)
    heard = b"".join(_pcm(Path(f"{piece.path}.wav")) for piece in pieces)
    assert heard == spoken.tobytes()
    assert sum(piece.seconds for piece in pieces) == pytest.approx(3)
    assert len(pieces) >= 3
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert lay_out(sound, tmp_path) == pieces
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_silence_is_the_same_second_again(tmp_path: Path) -> None:
    seconds = quiet(tmp_path, 3)
    assert [piece.seconds for piece in seconds] == [1.0] * 3
    assert _pcm(Path(f"{seconds[0].path}.wav")) == bytes(2 * RATE)


def test_a_disk_that_is_full_is_not_filled_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*paths: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ivr.pieces.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        quiet(tmp_path, 3)
    assert list(tmp_path.iterdir()) == []


def _pcm(file: Path) -> bytes:
    with wave.open(str(file)) as wav:
        return wav.readframes(wav.getnframes())
