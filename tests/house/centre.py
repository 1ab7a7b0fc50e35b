"""A whole contact centre for tests: real PBX and telephone network, the service as a process of its own."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from cti.asterisk.ami import AmiLink
from cti.asterisk.events import AmiEvent, CallerJoined, NewChannel, StageReached
from cti.asterisk.install import Program
from cti.demo.exchange import Exchange, exchange
from cti.demo.network import Leg
from cti.settings import Settings
from ivr.scenario import Scenario
from tests.fakes.until import eventually
from tickets.database import Database, open_database

END_S = 30.0
REACH_S = 5.0  # the promise: whatever breaks, the caller is in the operators' queue within this time


@dataclass
class Listener:
    """Everything that the PBX tells, to be waited for."""

    events: list[AmiEvent] = field(default_factory=list)
    also: list[Callable[[list[AmiEvent]], None]] = field(default_factory=list)  # who hears them too
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, events: list[AmiEvent]) -> None:
        self.events.extend(events)
        for hear in self.also:
            hear(events)
        self._news.set()

    async def wait(
        self, test: Callable[[AmiEvent], bool], within_s: float = 30.0, since: int = 0
    ) -> AmiEvent:
        """The first event after number `since` that fits."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    self._news.clear()
                    for event in self.events[since:]:
                        if test(event):
                            return event
                    since = len(self.events)
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the PBX did not tell it within {within_s:.0f} s") from None


@dataclass
class Centre:
    """PBX, network, and the service when it runs."""

    settings: Settings
    scenario_file: Path
    exchange: Exchange
    pbx: AmiLink
    listener: Listener
    database: Database
    service: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Of the pages, without the slash."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    async def start_service(self) -> None:
        """Start it as a process and wait until it is ready."""
        log = (self.settings.data / "service.log").open("ab")
        self.service = subprocess.Popen(  # noqa: ASYNC220 -- waited for with a deadline, killed by tests
            [str(Path(sys.executable).parent / "presszero"), "serve"],
            env={**os.environ, **environment(self.settings, self.scenario_file)},
            stdout=log,
            stderr=log,
        )
        await eventually(self._ready, 150, "the service is ready")

    async def _ready(self) -> bool:
        assert self.service is not None
        assert self.service.poll() is None, (self.settings.data / "service.log").read_text()[-2000:]
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client,
                client.get(f"http://127.0.0.1:{self.settings.http_port}/readyz") as answer,
            ):
                return answer.status == 200
        return False

    async def phones_are_there(self) -> bool:
        """Whether the PBX can ring both operators."""
        states = [
            (await self.pbx.action("Getvar", Variable=f"DEVICE_STATE(PJSIP/{extension})")).fields["value"]
            for extension in ("101", "102")
        ]
        return states == ["NOT_INUSE", "NOT_INUSE"]

    async def clear_lines(self) -> None:
        """Hang everybody up, wait until the PBX holds no channel, and end all pauses."""
        await self.exchange.network.hang_up_all()

        async def quiet() -> bool:
            return not await self.pbx.list_action("CoreShowChannels")

        await eventually(quiet, 20, "no channel is left")
        for extension in ("101", "102"):
            await self.pbx.action("QueuePause", Interface=f"PJSIP/{extension}", Paused="false")

    def signal_service(self, sign: signal.Signals) -> None:
        """Kill, stop or continue the service."""
        assert self.service is not None
        self.service.send_signal(sign)
        if sign is signal.SIGKILL:
            self.service.wait(10)
            self.service = None

    def service_family(self) -> list[int]:
        """The service's process and its children: its guard."""
        assert self.service is not None
        pid = self.service.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(int(child) for child in children)]

    async def service_died(self, within_s: float = 30.0) -> int:
        """Wait for the service to end without our doing; its exit code."""
        assert self.service is not None
        code = await asyncio.to_thread(self.service.wait, within_s)
        self.service = None
        return code

    async def end_service(self) -> None:
        """End it as an administrator would; one that does not end is killed, and that is a failure."""
        if (service := self.service) is None:
            return
        self.service = None
        service.terminate()
        try:
            await asyncio.to_thread(service.wait, END_S)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait(10)
            raise AssertionError(f"the service did not end within {END_S:.0f} s") from None

    async def call(
        self, number: str, *, tape: Path | None = None, line: str = "+18005550100"
    ) -> tuple[Leg, str]:
        """Ring the lottery; the caller's leg and the call's id. `tape`: WAV of what they hear."""
        since = len(self.listener.events)
        leg = await self.exchange.network.call(number, line, tape=tape)
        event = await self.listener.wait(
            lambda e: isinstance(e, NewChannel) and e.context == "presszero-inbound" and e.number == number,
            since=since,
        )
        assert isinstance(event, NewChannel)
        return leg, event.uniqueid

    async def stage(self, call_id: str, stage: str, within_s: float = 30.0) -> StageReached:
        """Wait until the dialplan has brought this call to a stage."""
        event = await self.listener.wait(
            lambda e: isinstance(e, StageReached) and e.call_id == call_id and e.stage == stage, within_s
        )
        assert isinstance(event, StageReached)
        return event

    async def queued(self, call_id: str, within_s: float = 30.0) -> CallerJoined:
        """Wait until this caller is in the operators' queue."""
        event = await self.listener.wait(
            lambda e: isinstance(e, CallerJoined) and e.uniqueid == call_id, within_s
        )
        assert isinstance(event, CallerJoined)
        return event


def environment(settings: Settings, scenario_file: Path) -> dict[str, str]:
    """The settings as the variables that a service of its own reads."""
    values = {
        "DATA": settings.data,
        "SCENARIO": scenario_file,
        "DATABASE": settings.database.get_secret_value(),
        "PROMPTS": settings.prompts_folder,
        "HTTP_PORT": settings.http_port,
        "AGI_PORT": settings.agi_port,
        "AMI_PORT": settings.ami_port,
        "AUDIOSOCKET_PORT": settings.audiosocket_port,
        "BOT_AUDIO": settings.bot_audio,
        "PHONE_PORT": settings.phone_port,
        "RING_PAGE": settings.ring_page,
        "LOOKUPS_URL": settings.lookups_url,
    }
    return {f"PRESSZERO_{name}": str(value) for name, value in values.items()}


@asynccontextmanager
async def open_centre(
    program: Program, scenario: Scenario, scenario_file: Path, settings: Settings
) -> AsyncIterator[Centre]:
    """PBX and network at work, the service not yet started."""
    async with exchange(program, scenario, settings) as both:
        listener = Listener()
        link = AmiLink("127.0.0.1", settings.ami_port, "presszero", both.kept.ami, listener.heard)
        await link.connect()
        database = open_database(settings.database_url)
        centre = Centre(settings, scenario_file, both, link, listener, database)
        watch = asyncio.create_task(link.run())
        try:
            await eventually(centre.phones_are_there, 30, "the operators' phones are registered")
            yield centre
        finally:
            try:
                await centre.end_service()
            finally:
                watch.cancel()
                await asyncio.wait([watch])
                await database.close()


async def any_phone(centre: Centre) -> Leg:
    """The operator's phone that rings first."""
    tasks = [asyncio.create_task(centre.exchange.network.phone_rings(number)) for number in ("101", "102")]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return done.pop().result()
