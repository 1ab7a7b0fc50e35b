"""A virtual PBX that does what it is told, or says why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from cti.virtual_pbx.contract import (
    CallBack,
    CallCommand,
    Hook,
    Offer,
    Taken,
    VirtualPbx,
)
from cti.virtual_pbx.settings import ConnectionSettings
from tests.fakes.virtual_pbx import house, settings_of
from tickets.events import CallEvent
from tickets.facts import Fact


@dataclass
class Asked:
    """What a vendor was asked for, and what it says to that."""

    commands: list[CallCommand | CallBack] = field(default_factory=list)
    refusal: Exception | None = None


class Obliging(VirtualPbx[ConnectionSettings]):
    """See `VirtualPbx`. Offers everything; its calls are named `mango-…`."""

    vendor: ClassVar[str] = "mango"
    title: ClassVar[str] = "The test's PBX"
    settings_type = ConnectionSettings
    offers: ClassVar[frozenset[Offer]] = frozenset(Offer)

    def __init__(self, **settings: Any) -> None:
        super().__init__(settings_of("generic", **settings), house())
        self.asked = Asked()

    def take(self, hook: Hook, now: datetime) -> Taken:
        """Nothing comes."""
        return Taken()

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """Nothing is told."""
        return []

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> None:
        """See `VirtualPbx`."""
        await self._take(command)

    async def call_back(self, command: CallBack) -> None:
        """See `VirtualPbx`."""
        await self._take(command)

    async def _take(self, command: CallCommand | CallBack) -> None:
        self.asked.commands.append(command)
        if self.asked.refusal is not None:
            raise self.asked.refusal


class Deaf(Obliging):
    """Takes no command at all."""

    offers: ClassVar[frozenset[Offer]] = frozenset()
