"""Waiting for what tells nobody that it has happened."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tickets.database import DatabaseTrouble

T = TypeVar("T")


async def until(holds: Callable[[], bool | Awaitable[bool]], within_s: float = 5.0) -> None:
    """Return when it holds. Raises TimeoutError when it does not within so many seconds."""
    async with asyncio.timeout(within_s):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.005)


async def eventually(look: Callable[[], Awaitable[T | None]], within_s: float = 30.0, what: str = "") -> T:
    """Look again and again until there is something to see; a database that is busy is asked again."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                with contextlib.suppress(DatabaseTrouble):
                    seen = await look()
                    if seen:
                        return seen
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:.0f} s: {what or look}") from None
