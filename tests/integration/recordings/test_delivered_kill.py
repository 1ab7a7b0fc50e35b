"""A worker killed with SIGKILL while it lays a second recording into a call's tape: the next ends well."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.fakes.killed_delivery import POINTS
from tests.fakes.tape_room import TapeRoom
from tests.integration.recordings.test_delivered import CALL, delivery, pitches, tapes, view

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_delivery_is_taken_up_again(room: TapeRoom, point: str) -> None:
    await room.call(CALL)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, 500))
    second = delivery(room, "two", 7, 600)
    url = room.database.engine.url.render_as_string(hide_password=False)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.killed_delivery", url, room.shelf, CALL, second.sound, "two",
        second.at.isoformat(), point,
        cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, stderr = await worker.communicate()
    assert worker.returncode == -signal.SIGKILL, stderr.decode()

    assert await pitches(room, 0) == ([500, 600] if point in ("after commit", "after forgetting") else [500])
    await tapes(room).take_in(CALL, second)

    assert await pitches(room, 0) == [500, 600]
    assert await room.rows() == 1
    assert len(await room.transcript_jobs()) == 1
    assert len({event.source_id for event in room.news}) == 2
    assert (await view(room)).missing_reason is None
    shelved = [name for name in room.shelved() if name.endswith(".mp3")]
    assert len(shelved) == 1
