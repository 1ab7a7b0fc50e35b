"""WAV headers that may lie."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.wav import BadAudio, read_header
from tests.fakes.wav_files import tone, wav_bytes

pytestmark = pytest.mark.unit

SECOND = tone(1.0)


def test_it_reads_a_plain_header() -> None:
    file = wav_bytes(SECOND)
    header = read_header(file[:100])
    assert (header.encoding, header.channels, header.rate, header.bits, header.data_at) == (
        1,
        1,
        8000,
        16,
        44,
    )
    assert header.data_bytes(len(file)) == 16000
    assert header.is_finished(len(file))


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF, 16002, 0x7FFFFFFE])
def test_it_trusts_the_size_where_a_killed_writer_left_nonsense(claimed: int) -> None:
    file = wav_bytes(SECOND, claimed=claimed)
    header = read_header(file)
    assert header.data_bytes(len(file)) == 16000
    assert not header.is_finished(len(file))


def test_it_knows_a_header_alone_as_unfinished_and_empty() -> None:
    file = wav_bytes(np.zeros(0, dtype="<i2"))
    assert read_header(file).data_bytes(len(file)) == 0
    assert not read_header(file).is_finished(len(file))


def test_it_drops_half_a_sample_at_the_end() -> None:
    file = wav_bytes(SECOND, claimed=0)[:-1]
    assert read_header(file).data_bytes(len(file)) == 15998


def test_it_does_not_take_notes_behind_the_samples_for_sound() -> None:
    file = wav_bytes(SECOND) + b"LIST\x04\0\0\0abcd"
    assert read_header(file).data_bytes(len(file)) == 16000


def test_it_skips_notes_before_the_samples() -> None:
    file = wav_bytes(SECOND)
    noted = file[:36] + b"LIST\x03\0\0\0abc\0" + file[36:]
    assert read_header(noted).data_at == 56


def test_it_looks_into_an_extensible_format() -> None:
    form = struct.pack("<HHIIHHHHI16s", 0xFFFE, 2, 48000, 192000, 4, 16, 22, 16, 3, b"\x01\0" + b"\0" * 14)
    file = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form + b"data\0\0\0\0"
    assert read_header(file).encoding == 1


@pytest.mark.parametrize("length", range(44))
def test_it_refuses_a_file_cut_off_within_its_header(length: int) -> None:
    with pytest.raises(BadAudio):
        read_header(wav_bytes(SECOND)[:length])


def test_it_refuses_samples_without_a_format() -> None:
    with pytest.raises(BadAudio, match="before their format"):
        read_header(b"RIFF\0\0\0\0WAVEdata\0\0\0\0")


def test_it_refuses_an_impossible_format() -> None:
    with pytest.raises(BadAudio, match="impossible"):
        read_header(wav_bytes(SECOND, rate=0))
    with pytest.raises(BadAudio, match="impossible"):
        read_header(wav_bytes(SECOND, channels=0))


@given(st.binary(max_size=200), st.integers(0, 2**40))
def test_garbage_is_refused_or_gives_a_possible_length(garbage: bytes, size: int) -> None:
    for head in (garbage, wav_bytes(SECOND[:0])[:36] + garbage, b"RIFF\0\0\0\0WAVE" + garbage):
        try:
            header = read_header(head)
        except BadAudio:
            continue
        assert 0 <= header.data_bytes(size) <= size
