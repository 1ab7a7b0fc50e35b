"""A real Asterisk process of ours: started, ended, and left behind by nobody."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cti.asterisk import instance as module
from cti.asterisk.config import Doors, EmbeddedPlan
from cti.asterisk.embedded import build_embedded, keep_secrets, plan_pbx
from cti.asterisk.install import Program
from cti.asterisk.instance import OPEN_FILES, Instance, PbxDidNotEnd
from cti.ports import free_port, free_udp_port
from ivr.scenario_file import load_scenario

pytestmark = pytest.mark.integration

LOTTERY = Path(__file__).parents[3] / "scenarios" / "lottery.yaml"
RTP_START = 17500


def _pbx(asterisk: Program, folder: Path) -> Instance:
    scenario = load_scenario(LOTTERY)
    kept = keep_secrets(folder / "secrets.json", list(scenario.operators))
    plan = plan_pbx(scenario, kept, Doors(), prompts=folder / "prompts", spool=folder / "spool")
    embedded = EmbeddedPlan(asterisk.share / "moh", free_udp_port(), free_port(), free_port())
    return build_embedded(asterisk, plan, folder / "pbx", embedded, RTP_START)


async def test_the_pbx_may_open_files_for_more_than_a_hundred_calls(asterisk: Program) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        instance = _pbx(asterisk, Path(name))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
        try:
            pid = await instance.start_async()
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] == min(OPEN_FILES, hard)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            instance.stop()


async def test_it_leaves_nothing_running_when_its_start_is_cancelled(asterisk: Program) -> None:
    # A short path of our own: Asterisk's control socket does not fit into pytest's long ones.
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        instance = _pbx(asterisk, Path(name))
        try:
            starting = asyncio.create_task(instance.start_async())
            async with asyncio.timeout(10):
                while instance.pid() is None:  # noqa: ASYNC110 - a process tells no event
                    await asyncio.sleep(0.005)
            starting.cancel()
            await asyncio.wait([starting])
            assert starting.cancelled()
            assert instance.pid() is None
        finally:
            instance.stop()


STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("begun", flush=True)
time.sleep(60)
"""


@pytest.fixture
def stubborn(asterisk: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """A process in Asterisk's place that does not end when told to."""
    monkeypatch.setattr(module, "STOP_DEADLINE_S", 0.2)
    instance = Instance(asterisk, tmp_path, free_port())
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, str(tmp_path / "etc" / "asterisk.conf")], stdout=subprocess.PIPE
    )
    (tmp_path / "pid").write_text(str(process.pid))
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield instance
        process.kill()


def test_what_does_not_end_when_told_to_is_killed(stubborn: Instance) -> None:
    assert stubborn.stop()
    assert stubborn.pid() is None
    assert not stubborn.stop()


def test_it_does_not_say_that_it_has_ended_what_runs_on(
    stubborn: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KILL_DEADLINE_S", 0.2)
    with monkeypatch.context() as deaf:
        deaf.setattr(os, "kill", lambda pid, sign: None)
        with pytest.raises(PbxDidNotEnd, match="did not end"):
            stubborn.stop()
    assert stubborn.pid() is not None


def test_it_says_whose_process_it_cannot_end(stubborn: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, sign: signal.Signals) -> None:
        raise PermissionError

    with monkeypatch.context() as forbidden:
        forbidden.setattr(os, "kill", refuse)
        with pytest.raises(PbxDidNotEnd, match="another user"):
            stubborn.stop()
