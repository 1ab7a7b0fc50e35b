"""The switch of surge mode: from counts and time to on or off, with hysteresis.

Pure: no clock, no calls, no log; `surge_watch` feeds it. It goes on at the first look at which the load
reaches either threshold, and off only when the load has stayed below both lower ones for `calm_s`. So it
stays on at least that long, and a load between the thresholds changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from ivr.surge_rules import Surge


@dataclass(frozen=True, slots=True)
class Load:
    """How much is going on at one moment."""

    waiting: int  # callers in queues
    calls_per_minute: int  # calls that came in the last minute


@dataclass(frozen=True, slots=True)
class SurgeState:
    """What the rest of the house reads. `since` and `why` are there exactly while it is on."""

    on: bool = False
    since: datetime | None = None
    why: str = ""  # for people: what reached its threshold


class SurgeSwitch:
    """Look at the load now and then, with monotonic time."""

    def __init__(self, rules: Surge) -> None:
        self._rules = rules
        self._on = False
        self._calm_since: float | None = None

    def look(self, load: Load, now_s: float) -> bool:
        """Whether surge mode is on, from this look on."""
        begins, ends = self._rules.begins_at, self._rules.ends_below
        if not self._on:
            self._on = load.waiting >= begins.waiting or load.calls_per_minute >= begins.calls_per_minute
            self._calm_since = None
            return self._on
        if load.waiting >= ends.waiting or load.calls_per_minute >= ends.calls_per_minute:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now_s
        elif now_s - self._calm_since >= self._rules.calm_s:
            self._on = False
        return self._on

    def why(self, load: Load) -> str:
        """The threshold that this load reaches, in words."""
        if load.waiting >= self._rules.begins_at.waiting:
            return f"{load.waiting} callers waiting"
        return f"{load.calls_per_minute} calls in a minute"
