"""How long a caller will still wait, from measured times; and how to say it, in steps that people use.

The estimate: with all operators busy, one of `there` finishes every `cycle / there` seconds on average, and
the caller at place k leaves at the k-th of those moments: k · cycle / there (the mean of an Erlang
distribution, see any text on M/M/c queues). A cycle is a talk plus what lies between it and the next one:
ringing and wrap-up.

Pure: no clock, no rows. Where nothing was measured it says so (None), and only the place is told.
"""

from collections.abc import Sequence
from statistics import median

from ivr.waiting_words import LONG, MINUTES, SOON
from tickets.talks import Talk

ENOUGH = 3  # talks; below that nothing is called measured
LATEST = 50  # talks that count
OUTLIER = 5.0  # a talk longer than so many medians counts as that many
GAP_MOST_S = 120.0  # a longer pause between two talks is a break, not wrap-up
LONG_FROM_MIN = 65.0


def cycle_seconds(talks: Sequence[Talk]) -> float | None:
    """How long an operator is taken by one caller while others wait; None: too little was measured.

    `talks`: of one queue, in any order; the latest count.
    """
    latest = sorted(talks, key=lambda talk: talk.over_at)[-LATEST:]
    if len(latest) < ENOUGH:
        return None
    most = OUTLIER * median(talk.seconds for talk in latest)
    talking = sum(min(talk.seconds, most) for talk in latest) / len(latest)
    gaps = _gaps(latest)
    return talking + (sum(gaps) / len(gaps) if gaps else 0.0)


def _gaps(talks: Sequence[Talk]) -> list[float]:
    """The pauses of each operator between two talks, where the second caller was waiting already."""
    last: dict[str, Talk] = {}
    gaps = []
    for talk in sorted(talks, key=lambda talk: talk.answered_at):
        before = last.get(talk.operator)
        last[talk.operator] = talk
        if before is not None and talk.queued_at.timestamp() <= before.over_at:
            gap = talk.answered_at.timestamp() - before.over_at
            if 0 <= gap <= GAP_MOST_S:
                gaps.append(gap)
    return gaps


def expected_seconds(place: int, there: int, cycle: float | None) -> float | None:
    """What a caller at `place` (1: the next) has still to wait; None: it is not known.

    `there`: operators who could answer, now or when they have finished.
    """
    return None if cycle is None or there < 1 else place * cycle / there


def steadied(estimate: float, before: float | None, passed: float) -> float:
    """The new estimate, held near what the one of `passed` seconds ago leads to: said numbers must not jump.

    Each time it may become half as much again (and half a minute), or fall by half.
    """
    if before is None:
        return estimate
    left = max(0.0, before - passed)
    return min(max(estimate, 0.5 * left), 1.5 * left + 30.0)


def minutes_to_say(seconds: float) -> int:
    """In the steps of `ivr.waiting_words`: the nearest."""
    minutes = seconds / 60
    return LONG if minutes > LONG_FROM_MIN else min((SOON, *MINUTES), key=lambda step: abs(step - minutes))
