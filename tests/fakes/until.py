"""Waiting for what tells nobody that it has happened."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool | Awaitable[bool]], within_s: float = 5.0) -> None:
    """Return when it holds. Raises TimeoutError when it does not within so many seconds."""
    async with asyncio.timeout(within_s):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.005)
