"""The wire of Asterisk's WebSocket channel: texts into events, commands into texts. Pure; knows no socket.

Asterisk's own protocol (chan_websocket.c of Asterisk 22.8 and newer, control messages in JSON): audio goes as
binary messages both ways, everything else as text. What we send is queued there and played at its own pace.
"""

import json
from dataclasses import dataclass
from typing import Final

from voicebot.audiosocket import DIGITS
from voicebot.media import FRAME_BYTES, Audio

LONGEST_MESSAGE: Final = (
    8192  # bytes; Asterisk's audio comes in 320, and its longest text has some variables in it
)
PROTOCOL: Final = "media"  # as Asterisk calls what is spoken over the WebSocket
FORMAT: Final = "slin"  # signed 16-bit little-endian, 8 kHz, mono


class BadText(Exception):
    """Not what the WebSocket channel says, or in a format that we did not ask for: close the connection."""


@dataclass(frozen=True, slots=True)
class Started:
    """The channel is there, and speaks our format."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The caller has pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """The queue has been played up to this mark."""

    mark: str


@dataclass(frozen=True, slots=True)
class Full:
    """The queue is nearly full (`MEDIA_XOFF`), or has room again (`MEDIA_XON`)."""

    full: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The caller is gone, or taken elsewhere: nothing comes any more."""


Told = Started | Pressed | Played | Full | Stopped


def read(text: str) -> Told | None:
    """What Asterisk tells; None: nothing that matters here.

    Raises:
        BadText: see there.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise BadText("no JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("event"), str):
        raise BadText("no event")
    match told["event"]:
        case "MEDIA_START":
            return _started(told)
        case "DTMF_END":
            return _pressed(told)
        case "MEDIA_MARK_PROCESSED":
            return Played(str(told.get("correlation_id")))
        case "MEDIA_XOFF":
            return Full(True)
        case "MEDIA_XON":
            return Full(False)
    return None  # STATUS, ERROR, and whatever comes with newer ones


def command(name: str, mark: int | None = None) -> str:
    """A command as it goes over the wire; Asterisk takes no text of more than 128 bytes."""
    fields = {"command": name} if mark is None else {"command": name, "correlation_id": str(mark)}
    return json.dumps(fields)


FLUSH: Final = command("FLUSH_MEDIA")


def mark(number: int) -> str:
    """Have us told when all that was sent before has been played; a flush takes the mark away too."""
    return command("MARK_MEDIA", number)


class ChanWebSocket:
    """The wire as `websocket_media` uses it."""

    sounds_while_quiet: Final = True  # a line without packets is cut by some telephone networks

    def read(self, message: str | bytes) -> Told | Audio | None:
        """What came. Raises BadText."""
        if isinstance(message, str):
            return read(message)
        if len(message) % 2:
            raise BadText("half a sample")
        return Audio(message) if message else None

    def sound(self, pcm: bytes) -> str | bytes:
        """Whole frames, to be played."""
        return pcm

    def flush(self) -> str:
        """Take back what has not been played."""
        return FLUSH

    def mark(self, number: int) -> str:
        """See `mark`."""
        return mark(number)


def _started(told: dict[str, object]) -> Started:
    if told.get("format") != FORMAT or told.get("optimal_frame_size") != FRAME_BYTES:
        raise BadText(f"the channel does not speak {FORMAT}: dial it with c({FORMAT})")
    return Started()


def _pressed(told: dict[str, object]) -> Pressed:
    digit = told.get("digit")
    if not isinstance(digit, str) or digit not in DIGITS:
        raise BadText("DTMF_END without a digit")
    return Pressed(digit)
