"""The house in which everything is broken: a real PBX, the service under a supervisor, doors to spoil.

Between the PBX and the service's doors stand proxies: the PBX's configuration names the proxies' ports, the
service listens behind them. Knows neither faults nor moments.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
import yaml
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from cti.asterisk.ami import AmiCut, AmiLate, AmiLink
from cti.asterisk.install import Program, cache_folder
from cti.demo.exchange import exchange, own_settings
from cti.ports import free_port
from cti.settings import Settings
from cti.speech import choose_voice
from ivr.prompts import PromptBook
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import at_any_hour
from tests.fakes.until import eventually
from tests.house.centre import Centre, Listener, environment
from tests.house.faults.crm import FakeCrm
from tests.house.faults.levers import LEVERS, Levers
from tests.house.faults.proxies import Address, Proxy
from tests.house.faults.supervisor import Supervisor
from tests.house.voices import LINES, Voices
from tickets.database import Database, migrate, open_database

REPOSITORY = Path(__file__).parents[3]
OWN_LINES = {"winning": "What are the winning numbers?"}
DUTY = "+12025550199"
RING_S = 100  # an operator's phone rings as long as a run lasts
DISK_MIB = 400


@dataclass
class House:
    """Everything that a fault can reach."""

    centre: Centre
    voices: Voices
    supervisor: Supervisor
    levers: Levers
    agi: Proxy
    audio: Proxy
    ami: Proxy
    database_door: Proxy | None  # PostgreSQL's; None: SQLite
    crm: FakeCrm
    own_disk: bool  # the data folder is a small file system of its own, which can be filled

    @property
    def settings(self) -> Settings:
        return self.centre.settings

    @property
    def database(self) -> Database:
        """The harness's own way to the database, past every fault."""
        return self.centre.database

    async def at_work(self, within_s: float = 90.0) -> None:
        """The service serves, both phones are registered, and nobody is on the line."""
        try:
            async with asyncio.timeout(within_s):
                await self.supervisor.serving.wait()
        except TimeoutError:
            raise AssertionError(f"the service does not come up: {self.supervisor.last_words()}") from None
        await eventually(self._quiet, within_s, "no channel is left and both phones are there")

    async def _quiet(self) -> bool:
        with contextlib.suppress(AmiCut, AmiLate):
            return (
                not await self.centre.pbx.list_action("CoreShowChannels")
                and await self.centre.phones_are_there()
            )
        return False


def chaos_scenario(folder: Path, **changes: object) -> Path:
    """The shipped lottery with all its long prompts, at any hour, with phones that ring for long."""
    content = at_any_hour()
    content["duty_phone"] = DUTY
    content["queues"]["support"]["ring_s"] = RING_S
    # Eleven callers at once are no surge here.
    content["surge"]["begins_at"] = {"waiting": 1000, "calls_per_minute": 1000}
    content.update(changes)
    path = folder / "chaos.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


async def make_voices(program: Program, scenario_file: Path) -> Voices:
    """Prompts and callers' lines as sound; rendered once per machine."""
    folder = cache_folder() / "test-prompts"
    scenario = load_scenario(scenario_file)
    voice = choose_voice(scenario, folder, program.espeak)
    await PromptBook.prepare(scenario, voice, folder)
    lines = {**LINES, **OWN_LINES}
    paths = await voice.render_all(list(lines.values()))
    return Voices(folder, dict(zip(lines, paths, strict=True)))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own at `folder` while the block lasts; False where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)],
            capture_output=True,
            timeout=10,
            check=False,
        ).returncode
        == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, timeout=10, check=False)


@asynccontextmanager
async def open_house(
    program: Program,
    folder: Path,
    *,
    scenario_file: Path | None = None,
    postgres: tuple[str, Path] | None = None,
    own_disk: bool = False,
) -> AsyncIterator[House]:
    """Everything at work. `postgres`: URL of an empty database and the folder of its server's socket."""
    scenario_file = scenario_file or chaos_scenario(folder)
    voices = await make_voices(program, scenario_file)
    # The PBX knocks at the proxies, the service is behind them; the AMI is the other way round.
    outside = own_settings(folder / "data", prompts=voices.folder)
    async with AsyncExitStack() as stack:
        inside = outside.model_copy(
            update={name: free_port() for name in ("agi_port", "audiosocket_port", "ami_port")}
        )
        agi = await stack.enter_async_context(_door(outside.agi_port, inside.agi_port))
        audio = await stack.enter_async_context(_door(outside.audiosocket_port, inside.audiosocket_port))
        ami = await stack.enter_async_context(_door(inside.ami_port, outside.ami_port))
        database_door = None
        url = outside.database_url
        if postgres is not None:
            url, sockets = postgres
            own = folder / "pg"
            own.mkdir()
            name = ".s.PGSQL.5432"
            database_door = await stack.enter_async_context(
                Proxy(Address(socket=own / name), Address(socket=sockets / name))
            )
            inside = inside.model_copy(update={"database": SecretStr(url.replace(str(sockets), str(own)))})
        crm = await stack.enter_async_context(FakeCrm())
        await asyncio.to_thread(migrate, url)
        scenario = load_scenario(scenario_file)
        both = await stack.enter_async_context(exchange(program, scenario, outside))
        listener = Listener()
        link = AmiLink("127.0.0.1", outside.ami_port, "presszero", both.kept.ami, listener.heard)
        await link.connect()
        stack.push_async_callback(_ended, asyncio.create_task(link.run()))
        database = open_database(url)
        stack.push_async_callback(database.close)
        centre = Centre(inside, scenario_file, both, link, listener, database)
        levers = Levers(folder / "levers.json")  # not on the disk that a fault fills
        supervisor = Supervisor(
            [sys.executable, "-m", "tests.house.faults.service"],
            {
                **environment(inside, scenario_file),
                LEVERS: str(levers.file),
                "PYTHONPATH": str(REPOSITORY),
                "PRESSZERO_CRM_URL": crm.url,
            },
            folder / "service.log",
            lambda: _answers(inside.http_port),
            lambda up: _doors(up, agi, audio),
        )
        house = House(centre, voices, supervisor, levers, agi, audio, ami, database_door, crm, own_disk)
        await _doors(False, agi, audio)
        stack.push_async_callback(_ended, asyncio.create_task(supervisor.run()))
        await house.at_work()
        yield house


def _door(here: int, there: int) -> Proxy:
    return Proxy(Address(here), Address(there))


async def _doors(up: bool, *doors: Proxy) -> None:
    for door in doors:
        await (door.open() if up else door.shut())


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


async def _answers(port: int) -> bool:
    """Whether the service has opened its last door, the pages."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client,
            client.get(f"http://127.0.0.1:{port}/healthz") as answer,
        ):
            return answer.status == 200
    return False


def create_database(server: str) -> tuple[str, Path]:
    """An empty database on a server (URL with `{name}`): its URL, and the folder of the server's socket."""
    name = "chaos"

    async def create() -> None:
        connection = await asyncpg.connect(server.replace("+asyncpg", "").format(name="postgres"), timeout=5)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close(timeout=5)

    asyncio.run(create())
    return server.format(name=name), Path(str(make_url(server).query["host"]))
