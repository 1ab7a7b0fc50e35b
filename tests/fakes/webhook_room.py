"""The real door for webhooks with a real database and ledger behind it, for tests: one node, without a PBX.

Run as `python -m tests.fakes.webhook_room URL FOLDER` it keeps one webhook, prints its port before, and is
killed with SIGKILL between keeping and telling.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from cti.intake import Intake
from cti.virtual_pbx.contract import Tape, VirtualPbx
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.door_plate import DoorPlate
from cti.virtual_pbx.intake import FactIntake, Keep
from cti.virtual_pbx.quiet_house import quiet_house
from cti.virtual_pbx.registry import vendor_type
from cti.virtual_pbx.simulators.port import SimulatedHook
from cti.virtual_pbx.teller import Teller
from cti.web.front_door import FrontDoor
from tests.fakes.virtual_pbx import SCENARIO, settings_of
from tickets.call import Call
from tickets.database import Database, open_database, utc_now
from tickets.events import CallEvent
from tickets.facts import Fact, FactBook
from tickets.ledger import CallBook, CallChange

KEY = "the-key-of-the-plate"


class WebhookRoom:
    """One node. Open it with `async with room.open()`."""

    def __init__(
        self, database: Database, folder: Path, *vendors: str, keep: Keep | None = None, patience_s: float = 8
    ) -> None:
        names = vendors or ("generic",)
        self.vendors: dict[str, VirtualPbx[Any]] = {
            name: vendor_type(name)(settings_of(name), quiet_house(SCENARIO)) for name in names
        }
        self.facts = FactBook(database.sessions, deadline_s=5)
        self.calls = CallBook(database.sessions, deadline_s=5)
        self.registry = CollectorRegistry()
        self.heard: list[CallEvent] = []  # by the listeners of this node
        self.changes: list[CallChange] = []
        self.ledger = Intake(self.calls.record, self.changes.extend, folder)
        self.teller = Teller(
            self.vendors, self.facts, self.calls.events_of, self._publish, self.ledger.settle,
            self._tapes, utc_now, sweep_s=0.1, retry_s=0.05,
        )  # fmt: skip
        self.intake = FactIntake(keep or self.facts.keep, self.teller.kept, folder, retry_s=0.05)
        plate = DoorPlate(KEY)
        app = make_door(self.vendors, self.intake, self.registry, lambda: plate, patience_s=patience_s)
        self.door = FrontDoor(app, "127.0.0.1", 0)

    def _publish(self, event: CallEvent) -> None:
        self.heard.append(event)
        self.ledger.publish(event)

    async def _tapes(self, tapes: Sequence[Tape]) -> None:
        pass

    @asynccontextmanager
    async def open(self, *, telling: bool = True) -> AsyncIterator[None]:
        """The door is open; `telling`: with the ledger behind it."""
        work = [self.intake.run(), self.ledger.run(), *([self.teller.run()] if telling else [])]
        tasks = [asyncio.create_task(one) for one in work]
        await self.door.start()
        try:
            yield
        finally:
            await self.door.close()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) or one is None for one in ended), ended

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    async def send(self, vendor: str, hook: SimulatedHook) -> int:
        """One webhook; the status of the answer."""
        return await send(f"{self.address}/{vendor}", hook)

    async def arrived(self, key: str = KEY) -> tuple[int, list[Mapping[str, Any]]]:
        """What the door tells of what came."""
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.address}/-/arrivals", headers=headers) as answer,
        ):
            return answer.status, (await answer.json())["arrivals"] if answer.status == 200 else []

    def counted(self, vendor: str, result: str) -> float:
        """As /metrics has it."""
        labels = {"vendor": vendor, "result": result}
        return self.registry.get_sample_value("presszero_webhooks_total", labels) or 0.0

    async def call(self, call_id: str) -> Call | None:
        """The call as the ledger has it, once all that was kept is told."""
        return (await self.calls.calls_among([call_id])).get(call_id)

    async def all_told(self) -> bool:
        """Whether nothing waits to be told."""
        return not await self.facts.untold(utc_now(), list(self.vendors))


async def send(address: str, hook: SimulatedHook) -> int:
    """One webhook; the status of the answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            hook.method, f"{address}{hook.path}", data=hook.body, headers=dict(hook.headers)
        ) as answer,
    ):
        await answer.read()
        return answer.status


async def _die_after_one(url: str, folder: Path) -> None:
    database = open_database(url)
    room = WebhookRoom(database, folder)

    def die(facts: Sequence[Fact]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    room.teller.kept = die  # type: ignore[method-assign]
    room.intake = FactIntake(room.facts.keep, die, folder)
    plate = DoorPlate(KEY)
    room.door = FrontDoor(
        make_door(room.vendors, room.intake, CollectorRegistry(), lambda: plate), "127.0.0.1", 0
    )
    async with room.open():
        print(room.door.port, flush=True)
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(_die_after_one(sys.argv[1], Path(sys.argv[2])))
