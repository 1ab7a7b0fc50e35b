"""The AudioSocket wire: bytes into messages and back. Pure; knows no socket and no call.

Asterisk's own protocol (app_audiosocket, res_audiosocket.h): one byte kind, two bytes big-endian length,
payload. The connection opens with the call's UUID; then audio runs both ways, digits only from Asterisk.
"""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from voicebot.media import FRAME_BYTES

HEADER_BYTES = 3
LONGEST_PAYLOAD = 3200
"""200 ms of audio. Asterisk sends 20 ms; the length field could claim 64 KiB of anything."""


class Kind(IntEnum):
    """First byte of a message."""

    END = 0x00
    UUID = 0x01
    DIGIT = 0x03
    AUDIO = 0x10  # signed 16-bit little-endian, 8 kHz, mono
    ERROR = 0xFF


DIGITS = frozenset("0123456789*#ABCD")


class BadMessage(Exception):
    """Not AudioSocket, or a message that makes no sense: close the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `payload` has been checked against its kind."""

    kind: Kind
    payload: bytes = b""

    @property
    def call(self) -> UUID:
        """The id that the dialplan gave; of a UUID message only."""
        return UUID(bytes=self.payload)

    @property
    def digit(self) -> str:
        """The key; of a DIGIT message only."""
        return self.payload.decode("ascii")


def encode(kind: Kind, payload: bytes = b"") -> bytes:
    """A message as it goes over the wire."""
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


SILENCE = encode(Kind.AUDIO, bytes(FRAME_BYTES))
END = encode(Kind.END)


class Decoder:
    """Bytes in, as they arrive; whole messages out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take what arrived.

        Raises:
            BadMessage: unknown kind, too long, or a payload that does not fit the kind. Told as soon as the
                header shows it: nobody can make us wait for, or keep, 64 KiB of nonsense.
        """
        data = self._rest + data
        messages: list[Message] = []
        at = 0
        while len(data) - at >= HEADER_BYTES:
            kind = _kind(data[at])
            length = int.from_bytes(data[at + 1 : at + HEADER_BYTES], "big")
            _check_length(kind, length)
            end = at + HEADER_BYTES + length
            if len(data) < end:
                break
            messages.append(_checked(Message(kind, data[at + HEADER_BYTES : end])))
            at = end
        if at == len(data) - 1 or at == len(data) - 2:
            _kind(data[at])  # half a header is enough to know a stranger
        self._rest = data[at:]
        return messages


def _kind(byte: int) -> Kind:
    try:
        return Kind(byte)
    except ValueError:
        raise BadMessage(f"unknown kind 0x{byte:02x}") from None


def _check_length(kind: Kind, length: int) -> None:
    fits = {
        Kind.END: length == 0,
        Kind.UUID: length == 16,
        Kind.DIGIT: length == 1,
        Kind.AUDIO: length <= LONGEST_PAYLOAD and length % 2 == 0,
        Kind.ERROR: length <= LONGEST_PAYLOAD,
    }[kind]
    if not fits:
        raise BadMessage(f"{kind.name} message of {length} bytes")


def _checked(message: Message) -> Message:
    if message.kind is Kind.DIGIT and message.payload.decode("latin-1") not in DIGITS:
        raise BadMessage("DIGIT message without a digit")
    return message
