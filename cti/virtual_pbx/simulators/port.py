"""What a simulator of a vendor can do. Pure, but for the application that answers commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from aiohttp import web

from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.stories import Story, What
from tickets.facts import Fact


@dataclass(frozen=True, slots=True)
class SimulatedHook:
    """One request that the vendor sends."""

    at: datetime  # when
    path: str  # below the connection's address, query included
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


S_contra = TypeVar("S_contra", bound=ConnectionSettings, contravariant=True)


class Simulator(Protocol, Generic[S_contra]):
    """One vendor, simulated."""

    vendor: ClassVar[str]
    mute: ClassVar[frozenset[What]]  # what this vendor has no word for

    def hooks(self, story: Story, settings: S_contra, start: datetime, native: str) -> list[SimulatedHook]:
        """The story's webhooks, signed, as they happen. `native`: the vendor's id of the call."""

    def records(self, story: Story, settings: S_contra, start: datetime, native: str) -> list[Fact]:
        """What the vendor's own records have of a story that is long over, as `VirtualPbx.past` gives it.

        Empty: it keeps none.
        """

    def vendor_side(self, settings: S_contra) -> web.Application | None:
        """The vendor's own API, for commands, records and recordings; None: it has none."""
