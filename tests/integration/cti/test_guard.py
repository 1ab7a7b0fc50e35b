"""The guard and the service that it watches, as two real processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

MEMORY_KB = 12_000
HEALTHY = """
import time
from cti import logs
from cti.process.guard import Guard
logs.configure("console")
with Guard(silence_s={silence_s}) as guard:
    while True:
        guard.beat()
        print(guard.pid, flush=True)
        time.sleep(0.1)
"""
SELF_BLOCKED = """
import time
from cti import logs
from cti.process.guard import Guard
logs.configure("console")
with Guard(silence_s=0.5) as guard:
    guard.beat()
    print(guard.pid, flush=True)
    time.sleep(60)
"""


@asynccontextmanager
async def process(program: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service of a few lines, killed at the end."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def beat(service: asyncio.subprocess.Process) -> int:
    """Wait for one beat; the guard's process."""
    assert service.stdout is not None
    async with asyncio.timeout(10):
        return int(await service.stdout.readline())


async def said(service: asyncio.subprocess.Process) -> str:
    assert service.stderr is not None
    async with asyncio.timeout(10):
        return (await service.stderr.read()).decode()


def status(pid: int, name: str) -> str | None:
    """A line of what the kernel tells of a process; None where there is none."""
    try:
        return Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter between opening and reading
        return None


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while status(pid, "Pid"):  # noqa: ASYNC110 - a process of another parent tells nobody
            await asyncio.sleep(0.01)


async def test_a_frozen_service_is_killed_in_time_and_the_guard_says_so_and_goes() -> None:
    async with process(HEALTHY.format(silence_s=1.5)) as service:
        guard = await beat(service)
        service.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(5):
            assert await service.wait() == -signal.SIGKILL
        assert (await said(service)).count("killed, so that its callers go on to the operators") == 1
        await gone(guard)


async def test_a_service_whose_loop_is_blocked_is_killed() -> None:
    async with process(SELF_BLOCKED) as service:
        await beat(service)
        async with asyncio.timeout(3):
            assert await service.wait() == -signal.SIGKILL


async def test_a_healthy_service_lives_and_its_guard_is_small() -> None:
    async with process(HEALTHY.format(silence_s=0.5)) as service:
        for _ in range(15):  # three times the silence
            guard = await beat(service)
        assert service.returncode is None
        assert int(status(guard, "VmRSS") or 0) < MEMORY_KB
        service.kill()
        await gone(guard)


async def test_another_guard_takes_over_when_one_has_died() -> None:
    async with process(HEALTHY.format(silence_s=0.5)) as service:
        first = await beat(service)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(5):
            while (second := await beat(service)) == first:
                pass
        service.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(3):
            assert await service.wait() == -signal.SIGKILL
        await gone(second)


async def test_a_machine_that_was_paused_does_not_kill_a_healthy_service() -> None:
    async with process(HEALTHY.format(silence_s=1)) as service:
        guard = await beat(service)
        # Both stand still for longer than the silence, the guard wakes first.
        service.send_signal(signal.SIGSTOP)
        os.kill(guard, signal.SIGSTOP)
        await asyncio.sleep(2)
        os.kill(guard, signal.SIGCONT)
        await asyncio.sleep(0.3)
        service.send_signal(signal.SIGCONT)
        for _ in range(30):
            await beat(service)
        assert service.returncode is None


async def test_a_signal_to_the_group_ends_the_service_and_not_its_guard_before_it() -> None:
    async with process(HEALTHY.format(silence_s=0.5)) as service:
        guard = await beat(service)
        while not int(status(guard, "SigIgn") or "0", 16) & 1 << signal.SIGTERM - 1:  # it has begun
            await beat(service)
        os.kill(guard, signal.SIGTERM)
        for _ in range(3):
            assert await beat(service) == guard
        service.terminate()
        assert await service.wait() == -signal.SIGTERM
        await gone(guard)
