"""A connection to Mango with a door of its own, and the simulated Mango at the other end, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import aiohttp
from aiohttp.test_utils import TestServer, unused_port
from prometheus_client import CollectorRegistry

from cti.virtual_pbx.contract import CallCommand
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.door_plate import DoorPlate
from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.simulators.mango import MangoSimulator
from cti.virtual_pbx.simulators.mango.service import MangoService
from cti.virtual_pbx.stories import story
from cti.virtual_pbx.vendors.mango import Mango, MangoSettings
from tests.fakes.virtual_pbx import START, arrive, house, settings_of
from tickets.facts import Fact

IN_MENU, IN_QUEUE, TALKING, OVER = 3, 8, 30, 86_400  # seconds after a queued call's beginning


@dataclass
class Centre:
    """A connection with a door of its own, and Mango at the other end."""

    adapter: Mango
    simulator: MangoSimulator
    service: MangoService
    kept: list[Fact] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)  # a webhook
    seconds: float = 0.0  # since START

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def told(self, name: str, until: int = OVER) -> list[Fact]:
        """The facts of a story so far; Mango knows the call, too."""
        hooks = self.simulator.hooks(story(name), self.adapter.settings, START, f"call-{name}")
        self.seconds = until
        came = [one for one in hooks if one.at <= self.now()]
        return [fact for one in came for fact in self.adapter.take(arrive(one, "mango"), one.at).facts]

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> dict[str, object]:
        """Give it; what Mango was asked."""
        await self.adapter.command(command, facts)
        return dict(self.service.requests[-1][1])


@asynccontextmanager
async def centre(tmp_path: Path, *, salt_at_mango: str | None = None) -> AsyncIterator[Centre]:
    door_port, mango_port = unused_port(), unused_port()
    settings = cast(MangoSettings, settings_of(
        "mango", public_url=f"http://127.0.0.1:{door_port}/hooks",
        base_url=f"http://127.0.0.1:{mango_port}/vpbx"))  # fmt: skip
    theirs = settings.with_new_secret(salt_at_mango, START) if salt_at_mango else settings
    theirs = theirs.model_copy(update={"public_url": f"http://127.0.0.1:{door_port}"})
    async with aiohttp.ClientSession() as session:
        here: Centre
        simulator = MangoSimulator(lambda: here.now())
        service = MangoService(simulator, theirs, lambda: here.now())
        adapter = Mango(settings, replace(house(session=session), clock=lambda: here.now()))
        adapter.commands.poll_s, adapter.commands.command_s = 0.05, 4.0
        here = Centre(adapter, simulator, service)

        async def keep(facts: Sequence[Fact]) -> list[Fact]:
            known = {fact.fact_id for fact in here.kept}
            new = [fact for fact in facts if fact.fact_id not in known]
            here.kept.extend(new)
            here.came.set()
            return new

        intake = FactIntake(keep, lambda facts: None, tmp_path)
        door = make_door({"mango": adapter}, intake, CollectorRegistry(), lambda: DoorPlate("key"))
        running = asyncio.create_task(intake.run())
        async with TestServer(service.application(), port=mango_port), TestServer(door, port=door_port):
            yield here
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
