"""The seam between a conversation and whatever carries its audio.

AudioSocket (`voicebot.server`) is the first carrier; Asterisk's WebSockets and Twilio's streams are others.
Interfaces and values only: this module knows no socket, no engine and no dialogue.

Audio is signed 16-bit little-endian mono at 8 kHz everywhere on this seam.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

SAMPLE_RATE = 8000  # Hz
BYTES_PER_SECOND = SAMPLE_RATE * 2
FRAME_SECONDS = 0.02
FRAME_BYTES = 320  # 20 ms


@dataclass(frozen=True, slots=True)
class Audio:
    """What the caller's telephone picked up; any number of whole samples, 20 ms as a rule."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """A key that the caller pressed: one of 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller's side is gone. Always the last event."""


MediaEvent = Audio | Digit | HungUp


class MediaPort(Protocol):
    """One call's audio, both ways. Used from one task of the event loop; nothing here blocks it."""

    def __aiter__(self) -> AsyncIterator[MediaEvent]:
        """What comes from the caller. Ends after `HungUp`, or after our own `close()`.

        A reader that lags loses the oldest audio, never a digit or the hang-up.
        """
        ...

    def play(self, pcm: bytes) -> None:
        """Append to what the caller hears. Returns at once; the carrier paces it. No-op once hung up."""
        ...

    def stop_playing(self) -> float:
        """Drop what has not been sent yet (barge-in).

        Returns:
            Seconds that were sent since playing last began; 0.0 where nothing was playing.
        """
        ...

    @property
    def playing(self) -> bool:
        """Whether something handed to `play` is still to be sent."""
        ...

    @property
    def unheard_s(self) -> float:
        """Seconds since anything last came from the other side; inf once it is gone."""
        ...

    async def drained(self) -> None:
        """Return when nothing is left to play: all sent, stopped, hung up or closed."""
        ...

    async def close(self) -> None:
        """End our side in an orderly way: the PBX goes on with its next step. Harmless when repeated."""
        ...


class Attendant(Protocol):
    """Whoever talks with one caller: `voicebot.conversation.Conversation`."""

    async def run(self, media: MediaPort) -> object:
        """Hold the conversation to its end. The carrier closes `media` afterwards, whatever happened."""
        ...


Attend = Callable[[UUID], Awaitable[Attendant | None]]
"""Who takes the call announced under this id; None where nobody expects it (the carrier then closes)."""
