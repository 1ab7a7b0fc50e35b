"""The words of Twilio's media streams."""

import base64
import json

import pytest

from voicebot import mulaw
from voicebot.chan_websocket import BadText, Played, Pressed, Stopped
from voicebot.media import Audio
from voicebot.twilio_stream import TwilioStream, begun

pytestmark = pytest.mark.unit

WIRE = TwilioStream("MZ1")
FORM = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


def told(event: str, **more: object) -> str:
    return json.dumps({"event": event, "sequenceNumber": "3", "streamSid": "MZ1", **more})


def started(**changes: object) -> str:
    about = {"streamSid": "MZ1", "mediaFormat": FORM, "tracks": ["inbound"], **changes}
    return told("start", start=about)


def test_a_stream_begins_after_the_greeting() -> None:
    assert begun(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})) is None
    assert begun(started()) == "MZ1"


@pytest.mark.parametrize(
    "message",
    [
        b"\0\0",
        "",
        "{",
        "[]",
        "{}",
        '{"event": 5}',
        told("media", media={"payload": "AAAA"}),
        told("start"),
        started(streamSid=""),
        started(mediaFormat={**FORM, "encoding": "audio/opus"}),
        started(mediaFormat={**FORM, "sampleRate": 16000}),
        started(mediaFormat="mulaw"),
        "[" * 100_000,
    ],
)
def test_what_begins_otherwise_is_no_stream(message: str | bytes) -> None:
    with pytest.raises(BadText):
        begun(message)


def test_the_callers_audio_is_expanded() -> None:
    coded = bytes(range(160))
    payload = base64.b64encode(coded).decode()
    assert WIRE.read(told("media", media={"track": "inbound", "payload": payload})) == Audio(
        mulaw.expand(coded)
    )


def test_what_the_caller_hears_is_not_taken_for_their_voice() -> None:
    assert WIRE.read(told("media", media={"track": "outbound", "payload": "//8="})) is None


def test_keys_marks_and_the_end_are_understood() -> None:
    assert WIRE.read(told("dtmf", dtmf={"track": "inbound_track", "digit": "#"})) == Pressed("#")
    assert WIRE.read(told("mark", mark={"name": "7"})) == Played("7")
    assert WIRE.read(told("stop", stop={"callSid": "CA1"})) == Stopped()
    assert WIRE.read(told("something new")) is None


@pytest.mark.parametrize(
    "message",
    [
        b"\0",
        "nonsense",
        told("media"),
        told("media", media={"payload": "no base64!"}),
        told("media", media={"payload": 5}),
        told("dtmf", dtmf={"digit": "12"}),
        told("dtmf"),
        told("mark", mark={}),
    ],
)
def test_nonsense_closes_the_stream(message: str | bytes) -> None:
    with pytest.raises(BadText):
        WIRE.read(message)


def test_what_we_say_names_the_stream() -> None:
    sound = json.loads(WIRE.sound(bytes(320)))
    assert sound["event"] == "media"
    assert base64.b64decode(sound["media"]["payload"]) == bytes([0xFF]) * 160
    assert json.loads(WIRE.flush()) == {"event": "clear", "streamSid": "MZ1"}
    assert json.loads(WIRE.mark(3)) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "3"}}
    assert sound["streamSid"] == "MZ1"
