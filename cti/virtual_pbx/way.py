"""The way of a call's webhooks to us: faster than they happened, and with what can befall them.

Pure: the dice are handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from cti.virtual_pbx.simulators.port import SimulatedHook

REPEATED, DELAYED = 0.5, 0.3  # how likely each webhook is to be
LATE_S = (5.0, 30.0)  # by how much; however fast the rest goes
AGAIN_S = (0.0, 3.0)


@dataclass(frozen=True, slots=True)
class Way:
    """What can befall webhooks."""

    speed: float = 1.0  # so many times as fast as it happened
    shuffled: bool = False  # they overtake each other
    repeated: bool = False  # some come twice
    late: bool = False  # some come when the call is long over
    lost: float = 0.0  # 0 … 1: how likely each is never to come


@dataclass(frozen=True, slots=True)
class Sending:
    """One request, and when it is sent."""

    hook: SimulatedHook
    after_s: float  # from the first one's time on
    again: bool = False  # it was sent before
    lost: bool = False  # nobody sends it


def sendings(hooks: Sequence[SimulatedHook], way: Way, dice: Random) -> list[Sending]:
    """What is sent of a call, by time; what is lost is among it, marked so."""
    if not hooks:
        return []
    begun = min(hook.at for hook in hooks)
    times = [(hook.at - begun).total_seconds() / way.speed for hook in hooks]
    if way.shuffled:
        dice.shuffle(times)
    found = []
    for hook, after_s in zip(hooks, times, strict=True):
        if dice.random() < way.lost:
            found.append(Sending(hook, after_s, lost=True))
            continue
        if way.late and dice.random() < DELAYED:
            after_s += dice.uniform(*LATE_S)
        found.append(Sending(hook, after_s))
        if way.repeated and dice.random() < REPEATED:
            found.append(Sending(hook, after_s + dice.uniform(*AGAIN_S), again=True))
    return sorted(found, key=lambda sending: sending.after_s)


def seconds_long(hooks: Sequence[SimulatedHook]) -> float:
    """From the first to the last, as it happened."""
    times = [hook.at for hook in hooks]
    return (max(times) - min(times)).total_seconds() if times else 0.0
