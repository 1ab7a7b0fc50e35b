"""Mango's limits, kept on our side: whoever would pass them waits a while, and is told when that is too long.

Pure but for the waiting. One of each for a connection; several nodes of the service share a limit at Mango
and not here, so Mango may still answer 429: `rest` makes everybody wait then.
"""

import asyncio
from collections import deque

LOCKED_S = 120.0  # two minutes from the first wrong request


class Pace:
    """So many in such a time, first come first served."""

    def __init__(self, count: int, per_s: float) -> None:
        self._per_s = per_s
        self._slots: deque[float] = deque(maxlen=count)  # of the loop's clock; those to come included
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
        full = len(self._slots) == self._slots.maxlen
        slot = max(now, self._not_before, self._slots[0] + self._per_s if full else now)
        if slot > deadline:
            raise TimeoutError
        self._slots.append(slot)
        return slot

    def rest(self, now: float, seconds: float) -> None:
        """Nobody's turn comes for a while: Mango found it too much."""
        self._not_before = max(self._not_before, now + seconds)


class LockOut:
    """Mango forgives one wrong request in two minutes, and answers nothing after a second."""

    def __init__(self) -> None:
        self._first_wrong = float("-inf")
        self._until = float("-inf")
        self._targets: dict[str, float] = {}  # that were wrong: until when they are not tried again

    def wrong(self, now: float, target: str = "") -> None:
        """Mango found a request wrong; `target`: the number in it."""
        if now - self._first_wrong >= LOCKED_S:
            self._first_wrong = now
        if target:
            self._targets = {one: until for one, until in self._targets.items() if until > now}
            self._targets[target] = now + LOCKED_S

    def shut(self, now: float) -> None:
        """Mango answered 401: it listens again two minutes after the first wrong request."""
        first = self._first_wrong if now - self._first_wrong < LOCKED_S else now
        self._until = max(self._until, first + LOCKED_S)

    def seconds(self, now: float) -> float:
        """How long Mango will not listen; zero: it does."""
        return max(0.0, self._until - now)

    def refuses(self, target: str, now: float) -> bool:
        """Whether that number was found wrong within the last two minutes."""
        return self._targets.get(target, now) > now
