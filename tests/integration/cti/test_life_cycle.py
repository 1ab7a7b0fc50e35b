"""How the service begins and ends: the real process, its real doors, callers and systemd by hand."""

import asyncio
import json
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.process.drain import HAND_OVER_S
from cti.process.guard import SILENCE_S
from tests.fakes.ami_server import fake_ami
from tests.fakes.audiosocket_client import AudioSocketCaller
from tests.fakes.service_process import Caller, ServiceProcess, service_process

pytestmark = pytest.mark.integration

LIMIT_S = 2
HURRIED_S = 20  # less than the limit that is hurried


class Systemd:
    """The socket that sd_notify speaks to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.told: list[str] = []

    async def hears(self, wanted: str, within_s: float = 90) -> None:
        """Wait for a line."""
        async with asyncio.timeout(within_s):
            while wanted not in self.told:
                message = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
                self.told += message.decode().split("\n")

    def close(self) -> None:
        """No more."""
        self._socket.close()


@pytest.fixture
async def ami_port() -> AsyncIterator[int]:
    """A PBX's manager interface: with it the service is ready."""
    async with fake_ami() as ami:
        yield ami.port


def settings(ami_port: int, stop_within_s: float = 60) -> dict[str, object]:
    return {
        "AMI_PORT": ami_port,
        "AMI_SECRET": "right",
        "STOP_WITHIN_S": stop_within_s,
        "LOG_FORMAT": "json",
    }


def hand_overs(service: ServiceProcess, call_id: str) -> list[str]:
    """Why this call was given to an operator, as the ledger has it."""
    with sqlite3.connect(service.database) as database:
        rows = database.execute(
            "SELECT data FROM call_events WHERE call_id = ? AND kind = 'handed_over'", [call_id]
        ).fetchall()
    return [json.loads(data)["reason"] for (data,) in rows]


async def test_it_is_not_ready_first_and_passes_new_callers_on_while_who_is_in_the_menu_goes_on(
    tmp_path: Path, ami_port: int
) -> None:
    async with service_process(tmp_path, settings(ami_port)) as service:
        await service.up()
        assert (await service.probe("readyz"))[0] == 200
        in_menu = Caller(variables={"PZ_CALL": "pz-menu"})
        menu = asyncio.create_task(in_menu.call(service.agi_port, deadline_s=30))
        await asyncio.wait_for(in_menu.hears.wait(), 5)
        service.tell_to_end()

        status, body = await not_ready(service)
        assert status == 503
        assert body["service"] == {"ok": False, "reason": "ending"}
        assert (await service.probe("healthz"))[0] == 200
        newcomer = await Caller(variables={"PZ_CALL": "pz-new"}).call(service.agi_port)
        assert newcomer.variables["PZ_NEXT"] == "operator"
        assert newcomer.variables["PZ_QUEUE"]
        assert not newcomer.hears.is_set()
        assert not menu.done()

        in_menu.hurried.set()  # they hear the menu out, and press nothing
        assert (await menu).variables["PZ_NEXT"] == "operator"
        assert await service.ended(15) == 0
        assert hand_overs(service, "pz-new") == ["surge"]
        assert hand_overs(service, "pz-menu") == ["no_input"]


async def not_ready(service: ServiceProcess) -> tuple[int, dict[str, object]]:
    """Ask until it is not ready any more: a signal arrives when it does."""
    async with asyncio.timeout(5):
        while True:
            status, body = await service.probe("readyz")
            if status != 200:
                return status, body["checks"]


async def test_who_talks_with_the_bot_may_finish(tmp_path: Path, ami_port: int) -> None:
    async with service_process(tmp_path, settings(ami_port)) as service:
        await service.up()
        uuid = await service.wants_the_bot()
        async with AudioSocketCaller(service.audio_port, uuid) as caller:
            await caller.quiet_for(1)
            service.tell_to_end()
            await not_ready(service)
            wanted = await Caller("1", variables={"PZ_CALL": "pz-2"}).call(service.agi_port)
            assert wanted.variables["PZ_NEXT"] == "operator"  # no new conversation
            assert not caller.closed.is_set()
            caller.press("0")
            await asyncio.wait_for(caller.closed.wait(), 15)
            assert caller.ended_properly
            assert await service.after_bot(uuid) == "operator"
        assert await service.ended(20) == 0
        assert hand_overs(service, "pz-1.1") == ["pressed_zero"]


async def test_at_the_limit_the_rest_goes_to_the_operators(tmp_path: Path, ami_port: int) -> None:
    async with service_process(tmp_path, settings(ami_port, LIMIT_S)) as service:
        await service.up()
        in_menu = Caller(variables={"PZ_CALL": "pz-menu"})
        menu = asyncio.create_task(in_menu.call(service.agi_port, deadline_s=30))
        await asyncio.wait_for(in_menu.hears.wait(), 5)
        uuid = await service.wants_the_bot()
        async with AudioSocketCaller(service.audio_port, uuid) as caller:
            await caller.quiet_for(1)
            told_at = asyncio.get_running_loop().time()
            service.tell_to_end()
            await asyncio.wait_for(caller.closed.wait(), LIMIT_S + HAND_OVER_S)
            assert asyncio.get_running_loop().time() - told_at > LIMIT_S
            assert caller.ended_properly
            assert await service.after_bot(uuid) == "operator"
        assert await service.ended(15) == 0
        assert "PZ_NEXT" not in (await menu).variables  # cut off: the dialplan's default, the operators
        assert hand_overs(service, "pz-1.1") == ["deadline"]
        assert hand_overs(service, "pz-menu") == ["deadline"]


async def test_a_second_signal_hurries(tmp_path: Path, ami_port: int) -> None:
    async with service_process(tmp_path, settings(ami_port)) as service:
        await service.up()
        uuid = await service.wants_the_bot()
        async with AudioSocketCaller(service.audio_port, uuid) as caller:
            await caller.quiet_for(1)
            service.tell_to_end()
            await not_ready(service)
            service.process.send_signal(signal.SIGINT)
            assert await service.ended(HURRIED_S) == 0
            assert caller.ended_properly
        assert hand_overs(service, "pz-1.1") == ["deadline"]


async def test_it_tells_systemd_in_order(tmp_path: Path, ami_port: int) -> None:
    systemd = Systemd(tmp_path / "notify")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NOTIFY_SOCKET", str(systemd.path))
        async with service_process(tmp_path, settings(ami_port)) as service:
            await systemd.hears("READY=1")
            assert (await service.probe("readyz"))[0] == 200  # ready means ready
            await systemd.hears("WATCHDOG=1")
            service.tell_to_end()
            await systemd.hears("STOPPING=1", 10)
            assert await service.ended(15) == 0
    systemd.close()
    firsts = [systemd.told.index(line) for line in ("READY=1", "WATCHDOG=1", "STOPPING=1")]
    assert firsts == sorted(firsts)
    assert next(line for line in systemd.told if line.startswith("STATUS=")) == "STATUS=Starting."


async def test_it_tells_systemd_over_an_abstract_socket_too() -> None:
    from cti.process.notify import Notifier

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("")  # the kernel chooses an abstract name
        listener.settimeout(2)
        Notifier("@" + listener.getsockname()[1:].decode()).tell("READY=1", "STATUS=At work.")
        assert listener.recv(100) == b"READY=1\nSTATUS=At work."
    Notifier("/nowhere/notify").tell("READY=1")  # nobody there is no trouble of ours


async def test_frozen_it_is_killed_and_lets_go_of_its_callers(tmp_path: Path, ami_port: int) -> None:
    async with service_process(tmp_path, settings(ami_port)) as service:
        await service.up()
        in_menu = Caller()
        menu = asyncio.create_task(in_menu.call(service.agi_port, deadline_s=30))
        await asyncio.wait_for(in_menu.hears.wait(), 5)
        uuid = await service.wants_the_bot("pz-2")
        async with AudioSocketCaller(service.audio_port, uuid) as caller:
            await caller.quiet_for(1)
            service.process.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(SILENCE_S + 1):
                assert await service.process.wait() == -signal.SIGKILL
                await caller.closed.wait()
        assert "PZ_NEXT" not in (await menu).variables
        assert service.said().count("action=service_killed") == 1
