"""The task that brings tickets back goes on when the database is away."""

import asyncio
from typing import cast

import pytest

from cti.assembly.reminders import bring_back
from tickets.database import DatabaseAway
from tickets.reminders import Reminder, ReminderBook

pytestmark = pytest.mark.unit


class FlakyBook:
    """Fails at first."""

    def __init__(self) -> None:
        self.asked = 0
        self.enough = asyncio.Event()

    async def bring_back(self) -> list[Reminder]:
        """As the real one."""
        self.asked += 1
        if self.asked == 3:
            self.enough.set()
        if self.asked < 3:
            raise DatabaseAway("The database failed.")
        return []


async def test_it_asks_again_after_trouble() -> None:
    book = FlakyBook()
    task = asyncio.create_task(bring_back(cast(ReminderBook, book), every_s=0.0))
    async with asyncio.timeout(20):
        await book.enough.wait()
    assert not task.done()
    task.cancel()
