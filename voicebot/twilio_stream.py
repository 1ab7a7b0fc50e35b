"""The wire of Twilio's media streams (`<Connect><Stream>`): texts into events, and back. Pure; no socket.

Everything is JSON text: `connected`, `start` (once), then `media` each 20 ms (base64 of mu-law, 8 kHz),
`dtmf`, `mark` (played, or taken back by a `clear`) and `stop`. We send `media`, `mark` and `clear`, each
under the stream's id. Source: Twilio's documentation of media streams; read, not run against Twilio.
"""

import base64
import binascii
import json
from typing import Final

from voicebot import mulaw
from voicebot.audiosocket import DIGITS
from voicebot.chan_websocket import BadText, Played, Pressed, Stopped, Told
from voicebot.media import Audio

LONGEST_MESSAGE: Final = 16_384  # bytes; one of 20 ms has some 300
_ENCODING: Final = "audio/x-mulaw"


class TwilioStream:
    """The wire as `websocket_media` uses it, once the stream has begun."""

    sounds_while_quiet: Final = False  # Twilio fills its own pauses

    def __init__(self, stream_sid: str) -> None:
        self._sid = stream_sid

    def read(self, message: str | bytes) -> Told | Audio | None:
        """What came; None: nothing that matters here.

        Raises:
            BadText: not what Twilio says.
        """
        told = _told(message)
        match told["event"]:
            case "media":
                return _audio(told)
            case "dtmf":
                return _pressed(told)
            case "mark":
                return Played(_text(told, "mark", "name"))
            case "stop":
                return Stopped()
        return None

    def sound(self, pcm: bytes) -> str:
        """Samples as a message."""
        return self._message("media", media={"payload": base64.b64encode(mulaw.compress(pcm)).decode()})

    def flush(self) -> str:
        """Twilio forgets what it has not played, and tells of each mark in it."""
        return self._message("clear")

    def mark(self, number: int) -> str:
        """Have us told when all before has been played."""
        return self._message("mark", mark={"name": str(number)})

    def _message(self, event: str, **more: object) -> str:
        return json.dumps({"event": event, "streamSid": self._sid, **more})


def begun(message: str | bytes) -> str | None:
    """The id of the stream that a message begins; None: it is the `connected` before that.

    Raises:
        BadText: not what Twilio begins with, or audio in a form that we did not ask for.
    """
    told = _told(message)
    if told["event"] == "connected":
        return None
    if told["event"] != "start":
        raise BadText("began with something else")
    form = _within(_within(told, "start"), "mediaFormat")
    if (form.get("encoding"), form.get("sampleRate"), form.get("channels")) != (_ENCODING, 8000, 1):
        raise BadText("the stream is no telephone audio")
    return _text(told, "start", "streamSid")


def _told(message: str | bytes) -> dict[str, object]:
    if isinstance(message, bytes):
        raise BadText("no text")
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        raise BadText("no JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("event"), str):
        raise BadText("no event")
    return told


def _audio(told: dict[str, object]) -> Audio | None:
    try:
        coded = base64.b64decode(_text(told, "media", "payload"), validate=True)
    except (binascii.Error, ValueError):
        raise BadText("media without audio") from None
    if _within(told, "media").get("track", "inbound") != "inbound" or not coded:
        return None
    return Audio(mulaw.expand(coded))


def _pressed(told: dict[str, object]) -> Pressed:
    digit = _text(told, "dtmf", "digit")
    if digit not in DIGITS:
        raise BadText("dtmf without a digit")
    return Pressed(digit)


def _within(told: dict[str, object], name: str) -> dict[str, object]:
    found = told.get(name)
    if not isinstance(found, dict):
        raise BadText(f"{told.get('event', name)} without {name}")
    return found


def _text(told: dict[str, object], *names: str) -> str:
    *path, last = names
    for name in path:
        told = _within(told, name)
    found = told.get(last)
    if not isinstance(found, str) or not found:
        raise BadText(f"no {last}")
    return found
