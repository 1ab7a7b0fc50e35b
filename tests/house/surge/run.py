"""One load run from the first caller to the last recording, and what came of it."""

import asyncio
import os
import tempfile
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select

from cti.asterisk.install import Program
from cti.bot.processor import Processor
from recordings.tables import Recording
from tests.house.surge.callers import Told, Town
from tests.house.surge.house import VIPS, House, open_house
from tests.house.surge.plan import KINDS, Plan
from tests.house.surge.stories import Story, read_stories
from tests.house.surge.watch import Figures, Moment, Watch, ask
from tickets.database import Database, open_database

FIRST_RECORDING_S = 60.0  # after the last call, until the first of what is left must be taken in
ONE_RECORDING_S = 2.0  # each further one


T = TypeVar("T")


class ServiceEnded(Exception):
    """The service ended under the load; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One phase, as the clock of the watch has it."""

    name: str
    begin_s: float
    end_s: float
    busy: float  # share of all cores' time, low-priority work left out


@dataclass(frozen=True, slots=True)
class Result:
    """All that a run has shown."""

    plan: Plan
    told: Sequence[Told]
    stories: Sequence[Story]
    moments: Sequence[Moment]
    stretches: Sequence[Stretch]
    figures: Figures
    recordings_s: float  # from the last hang-up to the last recording
    missed_looks: int

    @property
    def peak(self) -> Moment:
        """The moment with most calls."""
        return max(self.moments, key=lambda moment: moment.calls)

    def of(self, stretch: Stretch) -> list[Moment]:
        """What was seen in a phase."""
        return [moment for moment in self.moments if stretch.begin_s <= moment.at_s <= stretch.end_s]


async def run(program: Program, plan: Plan, folder: Path | None = None) -> Result:
    """Open a house, let the callers ring, close it."""
    if folder is None:
        # A short path: Asterisk's control socket does not fit into long ones.
        with tempfile.TemporaryDirectory(prefix="pz-") as name:
            return await run(program, plan, Path(name))
    async with open_house(program, folder, plan.operators, plan.talk_s) as house:
        return await _measured(house, plan)


async def _measured(house: House, plan: Plan) -> Result:
    address = f"http://127.0.0.1:{house.settings.http_port}/metrics"
    watch = Watch(address, house.pids())
    watching = asyncio.create_task(watch.run())
    database = open_database(house.settings.database_url)
    try:
        began = time.monotonic()
        told, stretches = await _while_it_lives(house, _phases(house, plan, began))
        hung_up = time.monotonic()
        await _while_it_lives(house, _recordings(database, plan.callers))
        recordings_s = time.monotonic() - hung_up
        figures = await ask(address)
        return Result(
            plan, told, await read_stories(database), watch.moments, stretches, figures, recordings_s,
            watch.missed,
        )  # fmt: skip
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await database.close()


async def _while_it_lives(house: House, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, but not longer than the service lives: nobody restarts it here.

    Raises:
        ServiceEnded: with its last words.
    """
    doing = asyncio.create_task(work)
    try:
        while not doing.done():
            await asyncio.wait([doing], timeout=1.0)
            if house.service.poll() is not None and not doing.done():
                log = house.settings.data / "service.log"
                raise ServiceEnded((await asyncio.to_thread(log.read_text))[-500:])
        return doing.result()
    finally:
        doing.cancel()
        await asyncio.wait([doing])


async def _phases(house: House, plan: Plan, began: float) -> tuple[list[Told], list[Stretch]]:
    town = Town(house.folder / "callers", house.sip_address, house.sounds, VIPS)
    crowds, stretches = [], []
    for phase in plan.phases:
        processor, begin_s = Processor(), time.monotonic() - began
        for kind in KINDS:
            crowd = await town.ring(kind, phase)
            if crowd is not None:
                crowds.append(asyncio.create_task(crowd.gone()))
        await asyncio.sleep(phase.seconds)  # the length of the phase, not a wait for something
        stretches.append(Stretch(phase.name, begin_s, time.monotonic() - began, processor.busy()))
    return list(await asyncio.gather(*crowds)), stretches


async def _recordings(database: Database, wanted: int) -> None:
    """Wait until every call's recording is taken in; at the deadline those missing are counted."""
    deadline = time.monotonic() + FIRST_RECORDING_S + wanted * ONE_RECORDING_S
    while time.monotonic() < deadline:
        async with database.sessions() as session:
            if (await session.scalar(select(func.count()).select_from(Recording)) or 0) >= wanted:
                return
        await asyncio.sleep(0.5)


def cores() -> int:
    """Of this machine, for the table's title."""
    return len(os.sched_getaffinity(0))


def mean(moments: Sequence[Moment], figure: str) -> Mapping[str, float]:
    """Average of `cpu` or `memory_mb` by process."""
    names = moments[0].cpu if moments else {}
    return {name: sum(getattr(m, figure)[name] for m in moments) / len(moments) for name in names}
