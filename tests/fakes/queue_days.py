"""Days of a contact centre that never were: Poisson arrivals, many operators, a share of VIPs, one queue.

A simulation without a clock: app_queue's order, the operators, and the ageing applied as the service applies
it (after each change, and every few seconds). Chance comes from a seed, so that a day can be had again.
"""

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cti.waiting.ageing import Waiter, changes, in_turn, passes
from ivr.vip_rules import Vip
from tests.fakes.app_queue import AppQueue

LONGEST_TALK_S = 900.0
ROUND_S = 5.0  # of the service, when nothing happens


@dataclass(frozen=True)
class Day:
    """What comes upon the house. A load of 1 is just what the operators can do."""

    seed: int
    operators: int
    vip_shares: Mapping[int, float]  # level → share of the callers
    loads: tuple[float, ...]  # one after the other
    stretch_s: float = 1800.0  # each load
    talk_s: float = 180.0  # mean


@dataclass
class Caller:
    """One caller, and what they met with."""

    call_id: str
    came: float
    vip_level: int
    talk_s: float
    ahead: int = 0  # others in the queue at joining
    passed: int = 0  # how often somebody who came later was answered before them
    answered: float = 0.0

    @property
    def waited(self) -> float:
        return self.answered - self.came


@dataclass
class House:
    """The house on that day; afterwards all callers are in `done`, in the order of the answers."""

    rules: Vip
    free: int
    queue: AppQueue = field(default_factory=AppQueue)
    waiting: dict[str, Caller] = field(default_factory=dict)
    answers: list[bool] = field(default_factory=list)
    done: list[Caller] = field(default_factory=list)
    told: int = 0  # priorities set

    def join(self, caller: Caller) -> None:
        caller.ahead = len(self.waiting)
        self.waiting[caller.call_id] = caller
        self.queue.join(caller.call_id, self.rules.joining_priority(caller.vip_level))

    def keep(self, now: float) -> None:
        """One round of the service."""
        waiters = [_waiter(caller) for caller in self.waiting.values()]
        order = [waiter.call_id for waiter in in_turn(waiters, self.answers, self.rules, now)]
        for entry, priority in changes(self.queue.placed(), order):
            self.queue.change(entry.call_id, priority)
            self.told += 1

    def answer(self, now: float) -> Caller:
        caller = self.waiting.pop(self.queue.order[0])
        self.queue.leave(caller.call_id)
        self.free -= 1
        caller.answered = now
        self.done.append(caller)
        self.answers = [
            *self.answers[-20:],
            passes(_waiter(caller), [_waiter(other) for other in self.waiting.values()]),
        ]
        for other in self.waiting.values():
            other.passed += other.came < caller.came
        return caller


def live_through(day: Day, rules: Vip) -> House:
    """From the first caller to the end of the last talk."""
    house = House(rules, free=day.operators)
    coming = list(arrivals(day))[::-1]
    ends: list[float] = []  # of talks
    now = 0.0
    while coming or ends:
        due = min(coming[-1].came if coming else float("inf"), ends[0] if ends else float("inf"))
        if house.waiting and due - now > ROUND_S:
            now += ROUND_S
        elif coming and due == coming[-1].came:
            now = due
            house.join(coming.pop())
        else:
            now = heapq.heappop(ends)
            house.free += 1
        if house.waiting:
            house.keep(now)
        while house.waiting and house.free:
            caller = house.answer(now)
            heapq.heappush(ends, now + caller.talk_s)
            house.keep(now)
    return house


def arrivals(day: Day) -> Iterator[Caller]:
    """The callers in the order in which they come."""
    chance = random.Random(day.seed)
    now, number = 0.0, 0
    for n, load in enumerate(day.loads):
        rate = load * day.operators / day.talk_s
        now = n * day.stretch_s
        while (now := now + chance.expovariate(rate)) < (n + 1) * day.stretch_s:
            talk_s = min(LONGEST_TALK_S, 15 + chance.expovariate(1 / (day.talk_s - 15)))
            yield Caller(f"c{number:05}", now, _level(day, chance), talk_s)
            number += 1


def _level(day: Day, chance: random.Random) -> int:
    at = chance.random()
    for level, share in day.vip_shares.items():
        at -= share
        if at < 0:
            return level
    return 0


def _waiter(caller: Caller) -> Waiter:
    return Waiter(caller.call_id, caller.came, caller.vip_level)
