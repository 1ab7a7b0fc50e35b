"""A service to which only a simulated Mango is connected, over real HTTP, and who plays it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp

from cti.app import Service, running
from cti.asterisk.install import cache_folder
from cti.demo.exchange import own_settings
from cti.ports import free_port
from cti.virtual_pbx.playing import Player, local_api, vendors_side
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.simulators.mango import MangoSimulator
from cti.virtual_pbx.simulators.port import beep
from cti.virtual_pbx.way import Way
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import lottery, write_scenario
from tickets.database import migrate

RECORDED_AFTER_S = 1.0  # a recording is asked for: long before a real one would be ready


@asynccontextmanager
async def mango_house(folder: Path, way: Way) -> AsyncIterator[tuple[Service, Player]]:
    """The service in this process, with no Asterisk."""
    simulator, hooks_port = MangoSimulator(), free_port()
    simulator.sound = beep
    settings = own_settings(
        folder, asterisk=False, hooks_port=hooks_port, prompts=cache_folder() / "test-prompts"
    )
    await asyncio.to_thread(migrate, settings.database_url)
    door = f"http://127.0.0.1:{hooks_port}"
    connection = simulator.invent(door, f"http://127.0.0.1:{free_port()}")
    write_connection(settings.connections_folder / "mango.json", connection)
    scenario = load_scenario(write_scenario(lottery(), folder / "lottery.yaml"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(vendors_side(simulator, connection, local_api(simulator, connection)))
        made = await stack.enter_async_context(running(settings, scenario))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield made, Player(simulator, connection, door, session, way=way, dice=Random(7))
