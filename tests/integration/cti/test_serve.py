"""Starting and ending the service by signals; what it is made of is stood in for."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from cti.process import lifecycle
from cti.process.drain import Drain
from cti.settings import Settings
from ivr.scenario_file import load_scenario
from tests.fakes.care import Care

pytestmark = pytest.mark.integration

LOTTERY = Path(__file__).parents[3] / "scenarios" / "lottery.yaml"


class Parts:
    """A service that begins when `ready` is set."""

    def __init__(self) -> None:
        self.care = Care()
        self.begun, self.ready, self.at_work, self.ended = (asyncio.Event() for _ in range(4))
        self.broken = asyncio.Event()

    @asynccontextmanager
    async def running(self, *_: object) -> AsyncIterator[SimpleNamespace]:
        try:
            self.begun.set()
            await self.ready.wait()
            self.at_work.set()
            yield SimpleNamespace(
                http_port=0, drain=Drain(self.care, self.care, self.care), broken=self.broken
            )
        finally:
            self.ended.set()


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    parts = Parts()
    monkeypatch.setattr(lifecycle, "running", parts.running)
    return parts


async def serve(tmp_path: Path) -> bool:
    return await lifecycle.serve(Settings.read(data=tmp_path), load_scenario(LOTTERY))


@pytest.mark.parametrize("ready", [False, True], ids=["while it starts", "at work"])
async def test_it_ends_at_once_when_told_to(tmp_path: Path, parts: Parts, ready: bool) -> None:
    task = asyncio.create_task(serve(tmp_path))
    async with asyncio.timeout(5):
        await parts.begun.wait()
        if ready:
            parts.ready.set()
            await parts.at_work.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await task
    assert parts.ended.is_set()
    assert parts.care.told == (["pass_on", "begin_no_more"] if ready else [])


async def test_it_ends_in_good_order_and_says_so_when_a_part_has_died(tmp_path: Path, parts: Parts) -> None:
    parts.ready.set()
    task = asyncio.create_task(serve(tmp_path))
    async with asyncio.timeout(5):
        await parts.at_work.wait()
        parts.broken.set()
        assert await task is False
        assert parts.ended.is_set()
