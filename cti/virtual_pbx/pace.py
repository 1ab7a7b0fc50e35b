"""A vendor's limit, kept on our side: so many requests in such a time. Knows no vendor.

Pure but for the waiting. One of each for a connection; several nodes of the service share a limit at the
vendor and not here, so the vendor may still find it too much: `rest` makes everybody wait then. Times are
seconds of a clock that nobody sets.
"""

import asyncio
from collections import deque


class Pace:
    """So many in such a time, first come first served."""

    def __init__(self, count: int, per_s: float) -> None:
        self._per_s = per_s
        self._slots: deque[float] = deque(maxlen=count)  # those to come included
        self._not_before = 0.0

    async def turn(self, deadline: float) -> None:
        """Wait for one's turn. `deadline`: of the loop's clock.

        Raises:
            TimeoutError: it would come later than that; nobody else waits longer for it.
        """
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self.book(now, deadline) - now)

    def book(self, now: float, deadline: float) -> float:
        """Take the next turn; when it comes, which is never before now.

        Raises:
            TimeoutError: it would come after the deadline; it stays free.
        """
        slot = self._next(now)
        if slot > deadline:
            raise TimeoutError
        self._slots.append(slot)
        return slot

    def wait_s(self, now: float) -> float:
        """How long until the next turn; 0: it is now."""
        return self._next(now) - now

    def take(self, now: float) -> float:
        """0: go on, the turn is taken. Else so many seconds until the next, and none is."""
        wait_s = self.wait_s(now)
        return wait_s or self.book(now, now) - now

    def _next(self, now: float) -> float:
        full = len(self._slots) == self._slots.maxlen
        return max(now, self._not_before, self._slots[0] + self._per_s if full else now)

    def rest(self, now: float, seconds: float) -> None:
        """Nobody's turn comes for a while: the vendor found it too much."""
        self._not_before = max(self._not_before, now + seconds)
