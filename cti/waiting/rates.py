"""How often somebody may ask: an allowance that refills with time. Pure: time is passed in."""

from collections import OrderedDict
from collections.abc import Hashable


class Allowance:
    """A bucket of tokens for each key (a token bucket as in RFC 2697). Times are monotonic seconds."""

    def __init__(self, *, per_s: float, burst: float, keys: int) -> None:
        """Set the bounds.

        Args:
            per_s: tokens that come back each second.
            burst: tokens of a key that has asked nothing for a while.
            keys: remembered; beyond that, who asked longest ago is forgotten, and begins with a full bucket.
        """
        self._per_s, self._burst, self._keys = per_s, burst, keys
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # key: tokens, as of when

    def take(self, key: Hashable, cost: float, now: float) -> float:
        """Take `cost` tokens: 0.0; if there are not enough, none is taken: the seconds until there are."""
        tokens, since = self._left.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._per_s)
        enough = tokens >= cost
        self._left[key] = (tokens - cost if enough else tokens, now)
        if len(self._left) > self._keys:
            self._left.popitem(last=False)
        return 0.0 if enough else (cost - tokens) / self._per_s
