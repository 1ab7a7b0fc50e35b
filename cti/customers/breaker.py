"""When to leave an outside service alone: after some failures in a row, for a while. Pure: time is passed in.

asking ──(failures in a row)──→ resting ──(the pause is over)──→ one is let through ──→ asking or resting
"""


class Breaker:
    """Lets calls through, or not. All times are monotonic seconds."""

    def __init__(self, *, failures: int, pause_s: float) -> None:
        """`failures` in a row open it; then one call in `pause_s` is let through, to see."""
        self._most = failures
        self._pause_s = pause_s
        self._failed = 0
        self._next_at = 0.0

    @property
    def resting(self) -> bool:
        """Whether the service counts as broken."""
        return self._failed >= self._most

    def lets_through(self, now: float) -> bool:
        """Whether to ask now. While resting, who hears yes is the only one until the pause is over again."""
        if not self.resting:
            return True
        if now < self._next_at:
            return False
        self._next_at = now + self._pause_s
        return True

    def succeeded(self) -> None:
        """The service answered as it should."""
        self._failed = 0

    def failed(self, now: float) -> None:
        """It did not."""
        self._failed += 1
        self._next_at = now + self._pause_s
