"""What a simulator of a vendor can do. Pure, but for the application that answers commands."""

import io
import math
import struct
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from aiohttp import web

from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.stories import Step, Story, What
from tickets.facts import Fact


@dataclass(frozen=True, slots=True)
class SimulatedHook:
    """One request that the vendor sends."""

    at: datetime  # when
    path: str  # below the connection's address, query included
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


Sound = Callable[[str, Step], bytes]
"""What there is to hear: of the vendor's id of the call and its step `RECORDED`, a whole sound file."""


def beep(native: str, step: Step) -> bytes:
    """A recording in which nobody says anything: a WAV of the recording's length, one channel."""
    rate, seconds = 8000, max(1, step.at - step.since)
    second = b"".join(
        struct.pack("<h", int(6000 * math.sin(2 * math.pi * 440 * at / rate))) for at in range(rate)
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(second * seconds)
    return file.getvalue()


S = TypeVar("S", bound=ConnectionSettings)


class Simulator(Protocol, Generic[S]):
    """One vendor, simulated. It knows the calls of which it was asked for `hooks`."""

    vendor: ClassVar[str]
    mute: ClassVar[frozenset[What]]  # what this vendor has no word for
    sound: Sound  # may be put in: `beep` until then; of the file's form its `vendor_side` looks after

    def invent(self, public_url: str, api: str) -> S:
        """Settings of a connection that there is nowhere else: secrets made up, the vendor's API at `api`."""

    def api(self, settings: S) -> str:
        """Where such a connection looks for the vendor's API; empty: the vendor has none."""

    def hooks(self, story: Story, settings: S, start: datetime, native: str) -> list[SimulatedHook]:
        """The story's webhooks, signed, as they happen. `native`: the vendor's id of the call."""

    def records(self, story: Story, settings: S, start: datetime, native: str) -> list[Fact]:
        """What the vendor's own records have of a story that is long over, as `VirtualPbx.past` gives it.

        Empty: it keeps none.
        """

    def vendor_side(self, settings: S) -> web.Application | None:
        """The vendor's own API, for commands, records and recordings; None: it has none."""
