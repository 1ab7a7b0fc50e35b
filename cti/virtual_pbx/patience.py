"""How long jobs have waited, and for what: counted from when this service first had to wait.

While the service was away, or waited for something else, nobody was asked: that is no reason to give up. Pure
but for the clock it is given.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

REMEMBERED = 10_000  # jobs


class Patience:
    """Of one service's life."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._since: OrderedDict[int, dict[str, datetime]] = OrderedDict()

    def waited(self, job_id: int, what: str) -> timedelta:
        """So long the job has waited for that; nothing, the first time this is asked."""
        now = self._clock()
        since = self._since.setdefault(job_id, {})
        self._since.move_to_end(job_id)
        if len(self._since) > REMEMBERED:
            self._since.popitem(last=False)
        return now - since.setdefault(what, now)

    def first(self, job_id: int, what: str) -> bool:
        """Whether this is asked for the first time."""
        known = what in self._since.get(job_id, {})
        self.waited(job_id, what)
        return not known

    def forget(self, job_id: int) -> None:
        """The job is done."""
        self._since.pop(job_id, None)
