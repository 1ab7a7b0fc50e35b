"""Dozens of conversations with the bot, one after the other: whatever a conversation takes, it gives back.

`make test` holds thirty over AudioSocket and over WebSockets, `make chaos` fifty.
"""

import asyncio
import contextlib
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

import aiohttp
import pytest
import yaml

from cti.asterisk.events import StageReached
from cti.asterisk.install import Program
from cti.demo.exchange import own_settings
from cti.demo.network import CallerGaveUp, Leg
from ivr.scenario_file import load_scenario
from tests.conftest import THOROUGH
from tests.fakes.scenarios import write_scenario
from tests.fakes.until import eventually
from tests.house.centre import Centre, open_centre
from tests.house.voices import Voices
from tickets.database import migrate

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

CARRIERS = ("audiosocket", "websocket")
CONVERSATIONS = 50 if THOROUGH else 30
WARM = 10  # after so many conversations, everything that is kept for good is there
LOOKS = 5  # so many conversations' figures make one, at the beginning and at the end
AT_ONCE = 4
GROWTH_MIB = 0.25  # of anonymous memory, a conversation
POOL_THREADS = 6  # the event loop's executor starts them one by one, and keeps them
DATABASE_FILES = 6  # connections that the pool may still open between the two looks, two files each


# --- what callers do with the bot, from its first word on


async def presses_zero(caller: Leg, voices: Voices) -> None:
    await caller.press("0")
    await asyncio.sleep(0.5)


async def leaves_at_once(caller: Leg, voices: Voices) -> None:
    await asyncio.sleep(0.5)


async def leaves_in_the_answer(caller: Leg, voices: Voices) -> None:
    await caller.wait_for_quiet(700)
    await caller.say(voices["next_draw"])
    await asyncio.sleep(3)


async def interrupts_and_asks_for_a_person(caller: Leg, voices: Voices) -> None:
    await caller.say(voices["next_draw"])
    await asyncio.sleep(3)
    await caller.say(voices["operator"])
    await asyncio.sleep(2)


async def says_good_bye(caller: Leg, voices: Voices) -> None:
    await caller.wait_for_quiet(700)
    await caller.say(voices["next_draw"])
    await caller.wait_for_quiet()
    await caller.say(voices["no_thanks"])
    async with asyncio.timeout(20):
        await caller.hung_up.wait()


async def says_nothing(caller: Leg, voices: Voices) -> None:
    await asyncio.sleep(10)


WAYS: tuple[Callable[[Leg, Voices], Awaitable[None]], ...] = (
    presses_zero,
    leaves_in_the_answer,
    leaves_at_once,
    interrupts_and_asks_for_a_person,
    presses_zero,
    says_good_bye,
    leaves_at_once,
    presses_zero,
    says_nothing,
    leaves_at_once,
)


class Callers:
    """They ring one after the other, a few at a time, each with a way of their own."""

    def __init__(self, centre: Centre, voices: Voices) -> None:
        self._centre, self._voices = centre, voices
        self._numbers, self._ways = count(1), cycle(WAYS)
        self.memory: list[float] = []  # MiB that the service holds, after each conversation

    async def converse(self, times: int) -> None:
        """Hold so many conversations."""
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as callers:
            for _ in range(times):
                callers.create_task(self._one(places))

    async def _one(self, places: asyncio.Semaphore) -> None:
        async with places:
            caller = await self._with_the_bot()
            # On a busy machine the bot may be through with them before they are.
            with contextlib.suppress(CallerGaveUp, TimeoutError):
                await next(self._ways)(caller, self._voices)
            await caller.hang_up()
            self.memory.append(anonymous_mib(self._centre))

    async def _with_the_bot(self) -> Leg:
        """Ring until the bot has room."""
        while True:
            caller, call_id = await self._centre.call(f"+1202556{next(self._numbers):04}")
            await self._centre.stage(call_id, "menu")
            await asyncio.sleep(0.5)  # nobody presses before they have heard anything
            await caller.press("1")
            reached = await self._centre.listener.wait(
                lambda event, call_id=call_id: (
                    isinstance(event, StageReached)
                    and event.call_id == call_id
                    and event.stage in ("bot_leg", "queue")
                )
            )
            if isinstance(reached, StageReached) and reached.stage == "bot_leg":
                return caller
            await caller.hang_up()
            await asyncio.sleep(1)


# --- what the service holds


@dataclass(frozen=True)
class Held:
    """Of the service's process."""

    tasks: int
    files: Counter[str]  # open files and sockets, by kind
    database_files: int
    threads: int


async def figures(centre: Centre) -> dict[str, float]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
        client.get(f"{centre.address}/metrics") as answer,
    ):
        lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def look(centre: Centre) -> Held | None:
    """What is held; None while anybody is on the line."""
    now = await figures(centre)
    live = sum(value for name, value in now.items() if name.startswith("presszero_live_calls"))
    if live or now["presszero_bot_conversations"]:
        return None
    files: Counter[str] = Counter()
    for entry in (process(centre) / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of this look
            files[_kind(str(entry.readlink()))] += 1
    database = [kind for kind in files if kind.startswith("presszero.sqlite3")]
    in_database = sum(files.pop(kind) for kind in database)
    threads = len(list((process(centre) / "task").iterdir()))
    return Held(int(now["presszero_tasks"]), files, in_database, threads)


def process(centre: Centre) -> Path:
    assert centre.service is not None
    return Path(f"/proc/{centre.service.pid}")


def anonymous_mib(centre: Centre) -> float:
    """Memory that is the process's own, not that of files."""
    rollup = (process(centre) / "smaps_rollup").read_text()
    (line,) = [line for line in rollup.splitlines() if line.startswith("Anonymous:")]
    return int(line.split()[1]) / 1024


def _kind(target: str) -> str:
    return target.partition(":[")[0] if ":[" in target else Path(target).name


async def at_rest(centre: Centre) -> Held:
    """What is held once nobody is on the line and what calls leave to do is done: the least of some looks."""
    looks: list[Held] = []

    async def settled() -> Held | None:
        seen = await look(centre)
        if seen is None:
            looks.clear()
            return None
        looks.append(seen)
        await asyncio.sleep(0.3)
        return min(looks, key=lambda one: (one.tasks, one.files.total())) if len(looks) >= 10 else None

    return await eventually(settled, 40, "nobody is on the line")


# --- the house


@pytest.fixture(scope="module")
def busy_scenario(house_scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house's, in a surge from the second call on: transcripts wait, and leave the bot the processor."""
    content = yaml.safe_load(house_scenario.read_text())
    content["surge"] |= {
        "begins_at": {"waiting": 100, "calls_per_minute": 2},
        "ends_below": {"waiting": 99, "calls_per_minute": 1},
        "calm_s": 600,
    }
    return write_scenario(content, tmp_path_factory.mktemp("busy") / "busy.yaml")


@asynccontextmanager
async def house(program: Program, scenario_file: Path, voices: Voices, carrier: str) -> AsyncIterator[Centre]:
    """A centre of its own, because its service's whole life is looked at."""
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        settings = own_settings(Path(folder), prompts=voices.folder, bot_audio=carrier)
        await asyncio.to_thread(migrate, settings.database_url)
        async with open_centre(program, load_scenario(scenario_file), scenario_file, settings) as centre:
            await centre.start_service()
            try:
                yield centre
            finally:
                await centre.exchange.network.hang_up_all()


def grown_mib(memory: list[float]) -> float:
    """By how much a conversation has made it grow, once all was warm: the first looks beside the last."""
    first, last = memory[WARM : WARM + LOOKS], memory[-LOOKS:]
    between = len(memory) - WARM - LOOKS
    assert between >= LOOKS, "the first and the last looks are the same"
    return (statistics.median(last) - statistics.median(first)) / between


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_conversations_leave_no_task_file_socket_thread_or_memory_behind(
    asterisk: Program, busy_scenario: Path, voices: Voices, carrier: str
) -> None:
    async with house(asterisk, busy_scenario, voices, carrier) as centre:
        callers = Callers(centre, voices)
        await callers.converse(WARM)
        warm = await at_rest(centre)
        await callers.converse(CONVERSATIONS - WARM)
        after = await at_rest(centre)
        grown = grown_mib(callers.memory)
        print(f"{carrier}: after {WARM} {warm}; after {CONVERSATIONS} {after}; {grown:+.3f} MiB each")
    assert after.tasks <= warm.tasks
    assert not after.files - warm.files
    assert after.database_files <= warm.database_files + DATABASE_FILES
    assert after.threads <= warm.threads + POOL_THREADS
    assert grown < GROWTH_MIB
