"""The door for webhooks while no service runs: open as long as `presszero connect` waits for the first one.

What comes is kept as ever, in the database or beside it; the service tells it on when it starts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from cti.ports import PortTaken
from cti.settings import Settings
from cti.virtual_pbx.contract import VirtualPbx
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.door_plate import DoorKeeper
from cti.virtual_pbx.intake import FactIntake, Keep
from cti.virtual_pbx.quiet_house import quiet_house
from cti.virtual_pbx.settings import ConnectionSettings
from cti.web.front_door import FrontDoor
from ivr.scenario import Scenario
from tickets.database import (
    DatabaseAway,
    DatabaseTrouble,
    NoDatabase,
    OldSchema,
    check_schema,
    open_database,
)
from tickets.facts import Fact, FactBook

VENDOR_S = 10.0


@asynccontextmanager
async def waiting_door(
    settings: Settings,
    scenario: Scenario,
    vendor: type[VirtualPbx[Any]],
    connection: ConnectionSettings,
    keeper: DoorKeeper,
) -> AsyncIterator[None]:
    """Open until the block ends; `keeper`'s plate says where.

    Raises:
        PortTaken: somebody else has the door's port.
        SpillUnusable: facts of an earlier start cannot be read.
    """
    async with AsyncExitStack() as stack:
        keep = await _keep(settings, stack)
        timeout = aiohttp.ClientTimeout(total=VENDOR_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        adapter = vendor(connection, quiet_house(scenario, session))
        intake = FactIntake(keep, lambda new: None, settings.data / "intake")
        task = asyncio.create_task(intake.run())
        stack.push_async_callback(_end, task)
        app = make_door({vendor.vendor: adapter}, intake, CollectorRegistry(), lambda: keeper.plate)
        door = FrontDoor(app, settings.hooks_host, settings.hooks_port)
        try:
            await door.start()
        except OSError as error:
            where = (settings.hooks_host, settings.hooks_port)
            raise PortTaken("The door for webhooks", *where, "PRESSZERO_HOOKS_PORT", error) from error
        stack.push_async_callback(door.close)
        keeper.open(settings.hooks_host, door.port)
        yield


async def _keep(settings: Settings, stack: AsyncExitStack) -> Keep:
    database = open_database(settings.database_url)
    stack.push_async_callback(database.close)
    try:
        await check_schema(database)
    except (NoDatabase, OldSchema, DatabaseTrouble):
        return _into_the_file
    return FactBook(database.sessions).keep


async def _into_the_file(facts: Sequence[Fact]) -> list[Fact]:
    raise DatabaseAway("There is none yet: `presszero migrate` makes it.")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
