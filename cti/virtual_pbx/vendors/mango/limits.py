"""Mango's lock-out, kept on our side. Pure."""

LOCKED_S = 120.0  # two minutes from the first wrong request


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
