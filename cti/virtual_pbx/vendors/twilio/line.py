"""Who waits for an operator at this moment, and whose phones ring for them. In memory, without I/O or clock.

Twilio has a queue, but no operators in it and no priorities. So callers who wait ask us again every few
seconds (a `<Redirect>`), and each time it is said whether it is their turn: by the rule of the Asterisk
queues, VIPs first and nobody starving (`cti.waiting.ageing`). What is lost with a restart comes back with the
next question of each; with several nodes each keeps the line of those who ask it.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cti.waiting.ageing import Waiter, in_turn, passes
from ivr.vip_rules import WINDOW, Vip

FORGOTTEN_S = 45.0  # whoever has not asked for so long does not wait any more
RING_MORE_S = 5.0  # beyond the time of ringing a phone counts as rung: then nobody told of its end


@dataclass(frozen=True, slots=True)
class _Seen:
    waiter: Waiter
    at: float


class Line:
    """Times are of any one clock, in seconds."""

    def __init__(self, rules: Vip) -> None:
        self._rules = rules
        self._seen: dict[str, dict[str, _Seen]] = {}  # by queue and call
        self._answers: dict[str, deque[bool]] = {}  # by queue: whether each passed somebody
        self._ringing: dict[str, tuple[str, float]] = {}  # extension: for which call, until when

    def before(self, queue: str, waiter: Waiter, now: float) -> int:
        """How many are before this one, who waits here from now on."""
        seen = self._seen.setdefault(queue, {})
        seen[waiter.call_id] = _Seen(waiter, now)
        for gone in [call_id for call_id, one in seen.items() if now - one.at > FORGOTTEN_S]:
            del seen[gone]
        answers = list(self._answers.get(queue, ()))
        order = in_turn([one.waiter for one in seen.values()], answers, self._rules, now)
        return [one.call_id for one in order].index(waiter.call_id)

    def rings(self, queue: str, waiter: Waiter, operators: Sequence[str], until: float) -> None:
        """These phones ring for the caller, who does not stand in the line meanwhile."""
        others = [one.waiter for one in self._seen.get(queue, {}).values()]
        answers = self._answers.setdefault(queue, deque(maxlen=WINDOW - 1))
        answers.append(passes(waiter, others))
        self.gone(waiter.call_id)
        for operator in operators:
            self._ringing[operator] = (waiter.call_id, until + RING_MORE_S)

    def rung(self, call_id: str, quiet_until: float | None = None) -> None:
        """No phone rings for this call any more; a busy one is left alone for a while."""
        for operator in [one for one, (call, _) in self._ringing.items() if call == call_id]:
            if quiet_until is None:
                del self._ringing[operator]
            else:
                self._ringing[operator] = ("", quiet_until)

    def gone(self, call_id: str) -> None:
        """The caller does not wait any more."""
        for seen in self._seen.values():
            seen.pop(call_id, None)

    def ringing(self, now: float) -> set[str]:
        """Whose phones ring."""
        return {operator for operator, (_, until) in self._ringing.items() if now < until}


def whom_to_ring(
    operators: Sequence[str], busy: Collection[str], before: int, turn: int, everybody: bool
) -> tuple[str, ...]:
    """The phones to ring for one caller; none: others are before them, or nobody is free.

    Args:
        operators: of the queue, those who are there.
        busy: who talks, or whose phone rings.
        before: callers whose turn comes first; each gets one of the free.
        turn: how often this caller has asked: not always the same operator is the first to be rung.
        everybody: all who are free, so that the fastest has them; else one after the other.
    """
    start = turn % len(operators) if operators else 0
    free = [one for one in (*operators[start:], *operators[:start]) if one not in busy]
    if len(free) <= before:
        return ()
    return tuple(free[: len(free) - before]) if everybody else (free[0],)
