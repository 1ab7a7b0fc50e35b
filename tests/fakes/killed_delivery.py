"""A worker process that lays a delivered recording on the shelf and is killed with SIGKILL at a chosen point.

Run as `python -m tests.fakes.killed_delivery URL SHELF CALL SOUND PART AT POINT`.
"""

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path

from recordings import delivered
from recordings.store import DiskStore
from tests.fakes.killed_intake import die
from tickets.database import open_database

POINTS = ("while joining", "before the rename", "after put", "after commit", "after forgetting")


def arm(point: str) -> None:
    """Put the kill where it belongs."""
    put, delete = DiskStore.put, DiskStore.delete

    async def put_and_die(self: DiskStore, key: str, source: Path) -> None:
        await put(self, key, source)
        die()

    async def delete_and_die(self: DiskStore, key: str) -> None:
        await delete(self, key)
        die()

    match point:
        case "while joining":
            delivered.peaks = die
        case "before the rename":
            os.replace = die
        case "after put":
            DiskStore.put = put_and_die  # type: ignore[method-assign]
        case "after commit":
            DiskStore.delete = die  # type: ignore[method-assign]
        case "after forgetting":
            DiskStore.delete = delete_and_die  # type: ignore[method-assign]
        case _:
            sys.exit(f"known points are {POINTS}")


async def main(url: str, shelf: str, call_id: str, sound: str, part: str, at: str, point: str) -> None:
    arm(point)
    database = open_database(url)
    tapes = delivered.DeliveredTapes(
        database.sessions, DiskStore(Path(shelf)), lambda _: None, deadline_s=10.0
    )
    delivery = delivered.Delivery(part, datetime.fromisoformat(at), Path(sound), 0)
    await tapes.take_in(call_id, delivery)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
