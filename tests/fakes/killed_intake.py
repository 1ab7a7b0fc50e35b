"""A worker process that takes a call in and is killed with SIGKILL at a chosen point.

Run as `python -m tests.fakes.killed_intake URL SPOOL SHELF CALL POINT`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from recordings import intake as taking
from recordings.spool import Spool
from recordings.store import DiskStore
from tickets.database import open_database

POINTS = (
    "while holding",
    "while merging",
    "before the rename",
    "after put",
    "after commit",
    "while clearing",
)


def die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def arm(point: str) -> None:
    """Put the kill where it belongs."""
    put = DiskStore.put

    async def put_and_die(self: DiskStore, key: str, source: Path) -> None:
        await put(self, key, source)
        die()

    def clear_one_and_die(self: Spool, *_: Any) -> None:
        next(self.folder.glob("*-caller.wav")).unlink()
        die()

    match point:
        case "while holding":
            taking.usable_seconds = die
        case "while merging":
            taking.peaks = die
        case "before the rename":
            os.replace = die
        case "after put":
            DiskStore.put = put_and_die  # type: ignore[method-assign]
        case "after commit":
            Spool.clear = die  # type: ignore[method-assign]
        case "while clearing":
            Spool.clear = clear_one_and_die  # type: ignore[method-assign]
        case _:
            sys.exit(f"known points are {POINTS}")


async def main(url: str, spool: str, shelf: str, call_id: str, point: str) -> None:
    arm(point)
    database = open_database(url)
    intake = taking.Intake(
        database.sessions, DiskStore(Path(shelf)), Path(spool), lambda _: None, appear_s=0.0, deadline_s=10.0
    )
    await intake.take_in(call_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
