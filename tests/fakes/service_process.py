"""The real service as a process of its own, for tests of how it begins and ends: no PBX, callers by hand."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from cti.asterisk.install import cache_folder
from cti.ports import free_port
from tests.fakes.agi_client import AgiClient
from tests.fakes.scenarios import at_any_hour, write_scenario
from tickets.database import migrate

COMMAND = str(Path(sys.executable).parent / "presszero")
START_S = 90.0
PIECE_S = 2.0  # prompts are played in pieces of about a second; so slow a PBX is still waited for


class Caller(AgiClient):
    """Presses one key as soon as it may, or none; then each piece takes its time until `hurried` is set."""

    def __init__(self, key: str = "", **channel: Any) -> None:
        super().__init__(**channel)
        self._key = key
        self.hurried = asyncio.Event()
        self.hears = asyncio.Event()  # the first sound has begun

    async def wait(self, command: str) -> None:
        """See AgiClient."""
        if command.startswith("STREAM FILE"):
            self.hears.set()
            if not self._key:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.hurried.wait(), PIECE_S)

    def _press(self, sound: str, allowed: str) -> int:
        return ord(self._key) if self._key and self._key in allowed else 0


@dataclass
class ServiceProcess:
    """`presszero serve`, and how to reach it."""

    process: asyncio.subprocess.Process
    database: Path
    log: Path
    http_port: int
    agi_port: int
    audio_port: int

    async def probe(self, name: str) -> tuple[int, dict[str, Any]]:
        """Ask /healthz or /readyz."""
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(f"http://127.0.0.1:{self.http_port}/{name}") as answer,
        ):
            return answer.status, await answer.json()

    async def up(self) -> None:
        """Wait until it serves."""
        async with asyncio.timeout(START_S):
            while True:
                assert self.process.returncode is None, self.said()
                try:
                    await self.probe("healthz")
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.1)
                else:
                    return

    async def wants_the_bot(self, call_id: str = "pz-1.1") -> UUID:
        """A caller who pressed the key for the bot; the id under which their audio is expected."""
        caller = await Caller("1", variables={"PZ_CALL": call_id}).call(self.agi_port)
        assert caller.variables["PZ_NEXT"] == "bot", caller.variables
        return UUID(caller.variables["PZ_BOT_UUID"])

    async def after_bot(self, uuid: UUID, call_id: str = "pz-1.1") -> str:
        """Where the caller goes from the bot."""
        told = {"PZ_CALL": call_id, "PZ_BOT_UUID": str(uuid), "PZ_NEXT": "operator"}
        caller = await AgiClient(script="after-bot", variables=told).call(self.agi_port)
        return caller.variables["PZ_NEXT"]

    def tell_to_end(self) -> None:
        """As systemd, docker and administrators do."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, within_s: float) -> int:
        """Its exit code."""
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text()


@asynccontextmanager
async def service_process(folder: Path, settings: Mapping[str, object]) -> AsyncIterator[ServiceProcess]:
    """Started, not waited for; killed at the end if it still runs. `settings` without PRESSZERO_."""
    database, log = folder / "presszero.sqlite3", folder / "service.log"
    await asyncio.to_thread(migrate, f"sqlite:///{database}")
    ports = {"HTTP_PORT": free_port(), "AGI_PORT": free_port(), "AUDIOSOCKET_PORT": free_port()}
    own = {
        "DATA": folder,
        "SCENARIO": write_scenario(at_any_hour(), folder / "any-hour.yaml"),
        "PROMPTS": cache_folder() / "test-prompts",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PRESSZERO_")}
    given = {f"PRESSZERO_{name}": str(value) for name, value in {**own, **ports, **settings}.items()}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "serve", env={**clean, **given}, stdout=out, stderr=out
        )
    try:
        yield ServiceProcess(process, database, log, *ports.values())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
