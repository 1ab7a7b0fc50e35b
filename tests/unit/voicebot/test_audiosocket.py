"""The AudioSocket wire."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.audiosocket import END, LONGEST_PAYLOAD, SILENCE, BadMessage, Decoder, Kind, Message, encode

pytestmark = pytest.mark.unit

CALL = UUID("12345678-9abc-4def-8123-456789abcdef")


def test_it_reads_what_asterisk_sends():
    wire = (
        b"\x01\x00\x10"
        + CALL.bytes
        + b"\x10\x01\x40"
        + b"\x05\x00" * 160
        + b"\x03\x00\x015"
        + b"\x00\x00\x00"
    )

    messages = Decoder().feed(wire)

    assert [message.kind for message in messages] == [Kind.UUID, Kind.AUDIO, Kind.DIGIT, Kind.END]
    assert messages[0].call == CALL
    assert messages[1].payload == b"\x05\x00" * 160
    assert messages[2].digit == "5"


def test_it_writes_what_asterisk_reads():
    assert END == b"\x00\x00\x00"
    assert b"\x10\x01\x40" + bytes(320) == SILENCE
    assert encode(Kind.AUDIO, b"\x01\x02") == b"\x10\x00\x02\x01\x02"


MESSAGES = st.one_of(
    st.builds(Message, st.just(Kind.AUDIO), st.integers(0, 400).map(lambda n: b"\x01\x02" * n)),
    st.builds(Message, st.just(Kind.DIGIT), st.sampled_from([b"0", b"9", b"*", b"#", b"A"])),
    st.builds(Message, st.just(Kind.UUID), st.binary(min_size=16, max_size=16)),
    st.just(Message(Kind.END)),
)


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(1, 50), min_size=1))
def test_it_reads_the_same_however_the_network_cuts_it(messages, cuts):
    wire = b"".join(encode(message.kind, message.payload) for message in messages)
    decoder, got, at, turn = Decoder(), [], 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        got += decoder.feed(wire[at : at + size])
        at, turn = at + size, turn + 1

    assert got == messages


@pytest.mark.parametrize(
    "wire",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",  # a TLS hello
        b"\x99",  # one byte is enough
        b"\x10\xff\xff",  # 64 KiB of audio
        encode(Kind.AUDIO, bytes(LONGEST_PAYLOAD + 2)),
        b"\x10\x00\x03abc",  # half a sample
        b"\x01\x00\x04abcd",  # no UUID
        b"\x03\x00\x02" + b"12",
        b"\x03\x00\x01x",
        b"\x03\x00\x01\xff",
        b"\x00\x00\x01a",
        b"\xff\xff\xff",
    ],
)
def test_it_refuses_what_is_not_audiosocket(wire):
    with pytest.raises(BadMessage):
        Decoder().feed(wire)


@given(st.binary(max_size=600))
def test_it_never_fails_otherwise_and_never_keeps_much(wire):
    decoder = Decoder()
    try:
        for at in range(0, len(wire), 7):
            decoder.feed(wire[at : at + 7])
    except BadMessage:
        return
    assert len(decoder._rest) < LONGEST_PAYLOAD + 3
