"""A vendor's limit, kept on our side by who does not wait: so many in such a time. Pure; knows no vendor."""

from collections import deque


class Quota:
    """At most so many in any stretch of that length. Times are seconds of a clock that nobody sets."""

    def __init__(self, most: int, per_s: float) -> None:
        self._per_s = per_s
        self._used: deque[float] = deque(maxlen=most)

    def wait_s(self, now_s: float) -> float:
        """How long until one is free; 0: one is."""
        full = len(self._used) == self._used.maxlen
        return max(0.0, self._used[0] + self._per_s - now_s) if full else 0.0

    def take(self, now_s: float) -> float:
        """0: go on, one is used. Else so many seconds until the next, and none is."""
        wait_s = self.wait_s(now_s)
        if not wait_s:
            self._used.append(now_s)
        return wait_s
