"""A worker killed with SIGKILL at every step of the intake: the next one ends with one recording."""

import asyncio
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.killed_intake import POINTS
from tests.fakes.tape_room import TapeRoom

pytestmark = pytest.mark.integration

CALL = "pz-1763750000.1"
KEY = f"2025/11/21/{CALL}.mp3"
REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_intake_is_taken_up_again(room: TapeRoom, point: str) -> None:
    await room.recorded_call(CALL)
    url = room.database.engine.url.render_as_string(hide_password=False)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.killed_intake", url, room.spool, room.shelf, CALL, point,
        cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, stderr = await worker.communicate()
    assert worker.returncode == -signal.SIGKILL, stderr.decode()

    committed = point in ("after commit", "while clearing")
    assert await room.rows() == committed
    age(room.spool, 7 * 3600)
    assert await room.intake().take_in_left_overs() == 1

    assert await room.rows() == 1
    assert len(await room.transcript_jobs()) == 1
    assert room.told() == {(f"{CALL}:recorded", "recording.stored")}
    assert room.spooled() == []
    recording = await room.intake().take_in(CALL)
    stored = (room.shelf / KEY).read_bytes()
    assert (recording.seconds, recording.sha256) == (1.0, hashlib.sha256(stored).hexdigest())


def age(folder: Path, seconds: float) -> None:
    """As if the time had gone by since the kill."""
    then = time.time() - seconds
    for path in folder.iterdir():
        os.utime(path, (then, then))
