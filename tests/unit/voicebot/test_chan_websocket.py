"""The wire of Asterisk's WebSocket channel, as chan_websocket.c writes it."""

import json

import pytest

from voicebot import chan_websocket as wire

pytestmark = pytest.mark.unit

START = {
    "event": "MEDIA_START",
    "connection_id": "presszero",
    "channel": "WebSocket/presszero/0x5140001a0040",
    "channel_id": "1761245643.1",
    "format": "slin",
    "optimal_frame_size": 320,
    "ptime": 20,
    "channel_variables": {"MEDIA_WEBSOCKET_CONNECTION_ID": "presszero"},
}


def told(**fields: object) -> wire.Told | None:
    return wire.read(json.dumps({"channel_id": "1761245643.1", **fields}))


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        (START, wire.Started()),
        ({"event": "DTMF_END", "digit": "0"}, wire.Pressed("0")),
        ({"event": "DTMF_END", "digit": "#"}, wire.Pressed("#")),
        ({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "7"}, wire.Played("7")),
        ({"event": "MEDIA_XOFF"}, wire.Full(True)),
        ({"event": "MEDIA_XON"}, wire.Full(False)),
        ({"event": "QUEUE_DRAINED"}, None),
        ({"event": "STATUS", "queue_length": 3}, None),
        ({"event": "ERROR", "error_text": "Unable to parse JSON command"}, None),
        ({"event": "WHAT_COMES_NEXT_YEAR"}, None),
    ],
)
def test_it_reads_what_the_channel_tells(fields: dict[str, object], event: wire.Told | None) -> None:
    assert told(**fields) == event


@pytest.mark.parametrize("field", ["format", "optimal_frame_size"])
def test_it_says_how_to_dial_a_channel_that_speaks_something_else(field: str) -> None:
    with pytest.raises(wire.BadText, match=r"dial it with c\(slin\)"):
        told(**{**START, field: "ulaw"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MEDIA_START connection_id:presszero format:slin",  # f(json) forgotten
        "null",
        "[]",
        "{}",
        '{"event": 1}',
        '{"event": "DTMF_END"}',
        '{"event": "DTMF_END", "digit": ""}',
        '{"event": "DTMF_END", "digit": "12"}',
        '{"event": "DTMF_END", "digit": "x"}',
        '{"event": "MEDIA_START"}',
        "[" * 8000,
    ],
)
def test_it_refuses_what_the_channel_would_never_say(text: str) -> None:
    with pytest.raises(wire.BadText):
        wire.read(text)


def test_commands_are_as_the_channel_wants_them() -> None:
    assert json.loads(wire.FLUSH) == {"command": "FLUSH_MEDIA"}
    assert json.loads(wire.mark(7)) == {"command": "MARK_MEDIA", "correlation_id": "7"}
    assert len(wire.mark(10**9)) <= 128  # longer ones it passes over
