"""Who is next in a queue: priorities that rise with the time waited: VIPs go first, and nobody starves.

Pure: no clock, no PBX. Seconds are of any one clock. `queue_keeper.py` asks and applies.

The rule. A wait counts for head start + speed x seconds waited (time-dependent priority: L. Kleinrock, "A
delay dependent queue discipline", 1964), and whoever has the most is next; with one speed for all this is
first come, first served. Whoever is answered before somebody who has waited longer *passes* them. Of ten
answers in a row at most `most_in_ten` pass: when they are used up, the one who has waited longest is next,
VIP or not. So a caller with n others before them is passed at most `passed_at_most(n)` times, whatever comes.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from cti.waiting.queues import Waiting
from ivr.vip_rules import WINDOW, Vip


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in a queue, as far as their turn depends on it."""

    call_id: str
    since: float  # seconds; the first joining: whoever comes back keeps their place
    vip_level: int

    @property
    def place(self) -> tuple[float, str]:
        """Sorts by first come, first served."""
        return self.since, self.call_id


def passes(answered: Waiter, waiting: Iterable[Waiter]) -> bool:
    """Whether this answer passes over somebody who has waited longer."""
    return any(other.place < answered.place for other in waiting)


def in_turn(waiting: Iterable[Waiter], answers: Sequence[bool], rules: Vip, now: float) -> list[Waiter]:
    """The callers of one queue in the order in which they are to be answered.

    Args:
        waiting: them all, in any order.
        answers: whether each of the last answers passed somebody, oldest first; the last nine count.
        rules: the scenario's.
        now: seconds.
    """
    by_place = sorted(waiting, key=lambda one: one.place)
    levels = {level: rules.of(level) for level in {one.vip_level for one in by_place}}
    by_count = deque(sorted(by_place, key=lambda one: -levels[one.vip_level].counts(now - one.since)))
    if list(by_count) == by_place:
        return by_place
    window = list(answers)
    order: list[Waiter] = []
    taken: set[str] = set()
    for longest in by_place:
        # VIPs pass the one who has waited longest until the ten answers allow no more, or nobody counts more.
        while longest.call_id not in taken:
            may_pass = sum(window[-(WINDOW - 1) :]) < rules.most_in_ten
            while by_count[0].call_id in taken:
                by_count.popleft()
            chosen = by_count[0] if may_pass else longest
            order.append(chosen)
            taken.add(chosen.call_id)
            window.append(chosen is not longest)
    return order


def changes(placed: Sequence[Waiting], order: Sequence[str]) -> list[tuple[Waiting, int]]:
    """The fewest new priorities that bring one queue's callers into an order, to be set one after the other.

    What app_queue does with a priority (Asterisk 22, `join_queue` and `change_priority_caller_on_queue` with
    Immediate): the caller goes behind all whose priority is at least as high. So who keeps their priority
    stays ahead of whoever is put behind them with the same, and those who are set to the same stand in the
    order in which they were set. No priority becomes lower than that of somebody who is to stand behind: who
    joins with 0 joins at the end.

    Args:
        placed: the callers of one queue as the PBX has them, the next one first.
        order: their call ids, the next one first. Callers who are not named stay where they are.
    """
    by_id = {caller.call_id: (at, caller) for at, caller in enumerate(placed)}
    wanted = [by_id[call_id] for call_id in order if call_id in by_id]
    if wanted == sorted(wanted, key=lambda each: each[0]):
        return []
    priorities = [caller.priority for _, caller in wanted]
    kept = _kept([at for at, _ in wanted], priorities)
    at_the_end = wanted[max(kept)][1].priority if kept else max(priorities)
    told: list[tuple[Waiting, int]] = []
    behind: int | None = None  # the priority of the next one behind who keeps theirs
    for n in range(len(wanted) - 1, -1, -1):
        caller = wanted[n][1]
        if n in kept:
            behind = caller.priority
        else:
            told.append((caller, at_the_end if behind is None else behind + 1))
    return told[::-1]


def _kept(places: Sequence[int], priorities: Sequence[int]) -> set[int]:
    """The most callers who can keep their priority: the longest chain in which each has a higher one than the
    next, so that there is room for others, or stands just before them as it should be.

    In n log n steps (the longest decreasing subsequence by patience sorting): hundreds may wait. Nobody keeps
    theirs if the queue is not sorted: then somebody else has set priorities without moving the callers.
    """
    now = [priority for _, priority in sorted(zip(places, priorities, strict=True))]
    if any(one < other for one, other in pairwise(now)):
        return set()
    length, before = [0] * len(places), [-1] * len(places)
    ends: list[int] = []  # of the chains of 1, 2, … the highest last priority, negative: a sorted list
    enders: list[int] = []  # whose it is
    for n, priority in enumerate(priorities):
        fits = bisect_left(ends, -priority)
        length[n], before[n] = fits + 1, enders[fits - 1] if fits else -1
        if n and places[n - 1] < places[n] and length[n - 1] >= fits:
            length[n], before[n] = length[n - 1] + 1, n - 1
        at = length[n] - 1
        if at == len(ends):
            ends.append(-priority)
            enders.append(n)
        elif -priority <= ends[at]:
            ends[at], enders[at] = -priority, n
    chain: set[int] = set()
    # Of equals the one whose last is last: rather than behind strangers, callers are moved ahead of them.
    last = max(reversed(range(len(places))), key=length.__getitem__)
    while last >= 0:
        chain.add(last)
        last = before[last]
    return chain


def passed_at_most(ahead: int, rules: Vip) -> int:
    """How often a caller can be passed who found so many others in the queue (or with an older place)."""
    return rules.most_in_ten * (ahead // (WINDOW - rules.most_in_ten) + 1)


def longest_wait_s(ahead: int, rules: Vip, operators: int, longest_talk_s: float) -> float:
    """Nobody waits longer, whatever VIPs come, if each talk is over after `longest_talk_s`."""
    answers = ahead + passed_at_most(ahead, rules) + 1
    return ceil(answers / operators) * longest_talk_s
