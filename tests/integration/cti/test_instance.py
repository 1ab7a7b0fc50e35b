"""A real Asterisk process of ours: started, ended, and left behind by nobody."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from cti.asterisk.config import EmbeddedPlan
from cti.asterisk.embedded import Doors, build_embedded, keep_secrets, plan_pbx
from cti.asterisk.install import Program
from cti.ports import free_port, free_udp_port
from ivr.scenario_file import load_scenario

pytestmark = pytest.mark.integration

LOTTERY = Path(__file__).parents[3] / "scenarios" / "lottery.yaml"
RTP_START = 17500


async def test_it_leaves_nothing_running_when_its_start_is_cancelled(asterisk: Program) -> None:
    # A short path of our own: Asterisk's control socket does not fit into pytest's long ones.
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        folder = Path(name)
        scenario = load_scenario(LOTTERY)
        kept = keep_secrets(folder / "secrets.json", list(scenario.operators))
        plan = plan_pbx(scenario, kept, Doors(), prompts=folder / "prompts", spool=folder / "spool")
        embedded = EmbeddedPlan(asterisk.share / "moh", free_udp_port(), free_port())
        instance = build_embedded(asterisk, plan, folder / "pbx", embedded, RTP_START)
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
