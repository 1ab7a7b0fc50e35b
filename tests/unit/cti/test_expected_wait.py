"""Expected waits: from measured talks, honest without them, said in steps, and right on simulated days."""

import heapq
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.waiting.expected_wait import ENOUGH, cycle_seconds, expected_seconds, minutes_to_say, steadied
from ivr.waiting_words import LONG, MINUTES, SOON
from tickets.talks import Talk

pytestmark = pytest.mark.unit
START = datetime(2026, 11, 21, 8, tzinfo=UTC)


def talk(answered_s: float, seconds: float, queued_s: float | None = None, operator: str = "101") -> Talk:
    queued = answered_s if queued_s is None else queued_s
    at = [START + timedelta(seconds=s) for s in (queued, answered_s)]
    return Talk("support", operator, at[0], at[1], seconds)


lengths = st.floats(min_value=1, max_value=3600)


@given(st.lists(lengths, max_size=ENOUGH - 1))
def test_it_says_nothing_where_too_little_was_measured(seconds: list[float]) -> None:
    assert cycle_seconds([talk(n * 4000, s) for n, s in enumerate(seconds)]) is None
    assert expected_seconds(3, 2, None) is None


def test_it_says_nothing_where_no_operator_is_there() -> None:
    assert expected_seconds(1, 0, 180.0) is None


@given(st.lists(lengths, min_size=ENOUGH, max_size=80))
def test_a_cycle_lies_between_the_shortest_and_the_longest_talk(seconds: list[float]) -> None:
    cycle = cycle_seconds([talk(n * 4000, s) for n, s in enumerate(seconds)])
    assert cycle is not None
    assert min(seconds) - 1e-6 <= cycle <= max(seconds) + 1e-6


def test_ringing_and_wrap_up_count_where_the_next_caller_was_waiting() -> None:
    # Each time twenty seconds lie between; the last caller came long after, which is nobody's wrap-up.
    busy = [talk(0, 100), talk(120, 100, queued_s=50), talk(240, 100, queued_s=60), talk(900, 100)]
    assert cycle_seconds(busy) == pytest.approx(120)


def test_one_talk_of_hours_does_not_make_an_hour_of_everybody() -> None:
    usual = [talk(n * 200, 100) for n in range(20)]
    cycle = cycle_seconds([*usual, talk(5000, 20_000)])
    assert cycle is not None
    assert cycle < 125


@given(st.integers(min_value=1, max_value=200), st.integers(min_value=1, max_value=50), st.floats(1, 3600))
def test_who_is_further_back_waits_longer_and_more_operators_help(
    place: int, there: int, cycle: float
) -> None:
    here = expected_seconds(place, there, cycle)
    behind, helped = expected_seconds(place + 1, there, cycle), expected_seconds(place, there + 1, cycle)
    assert here is not None
    assert behind is not None
    assert helped is not None
    assert helped < here < behind


@given(st.floats(0, 36_000), st.floats(0, 36_000), st.floats(0, 600))
def test_what_is_said_never_jumps(estimate: float, before: float, passed: float) -> None:
    left = max(0.0, before - passed)
    said = steadied(estimate, before, passed)
    assert 0.5 * left <= said <= 1.5 * left + 30
    if 0.5 * left <= estimate <= 1.5 * left + 30:
        assert said == estimate


@given(st.floats(0, 100_000))
def test_minutes_are_said_in_steps_near_the_truth(seconds: float) -> None:
    said = minutes_to_say(seconds)
    assert said in {SOON, *MINUTES, LONG}
    if said in MINUTES:
        assert abs(said - seconds / 60) <= max(0.5, 0.15 * said)
    assert minutes_to_say(seconds + 60) >= said


@dataclass
class Day:
    """What a simulated day gave: what was said to waiting callers, and how long it then took."""

    said: list[float]
    took: list[float]

    @property
    def bias(self) -> float:
        """Of the mean, as a part of it."""
        return mean(self.said) / mean(self.took) - 1

    @property
    def error(self) -> float:
        """Mean distance, as a part of the mean wait."""
        return mean(abs(a - b) for a, b in zip(self.said, self.took, strict=True)) / mean(self.took)


def day(seed: int, *, operators: int = 5, load: float = 0.97, talk_s: float = 180.0) -> Day:
    """An M/M/c queue, first come, first served: at each joining, estimate from the talks until then."""
    dice = random.Random(seed)
    free = [(0.0, str(101 + n)) for n in range(operators)]
    heapq.heapify(free)
    now, talks, result, ends = 0.0, [], Day([], []), []
    starts: list[float] = []  # of all calls so far
    while now < 12 * 3600:
        now += dice.expovariate(load * operators / talk_s)
        at, operator = heapq.heappop(free)
        begins, seconds = max(now, at), dice.expovariate(1 / talk_s)
        heapq.heappush(free, (begins + seconds, operator))
        place = 1 + sum(start > now for start in starts[-200:])
        starts.append(begins)
        if begins > now:
            over = [one for one, end in zip(talks[-250:], ends[-250:], strict=True) if end <= now]
            estimate = expected_seconds(place, operators, cycle_seconds(over))
            if estimate is not None:
                result.said.append(estimate)
                result.took.append(begins - now)
        talks.append(talk(begins, seconds, queued_s=now, operator=operator))
        ends.append(begins + seconds)
    return result


def test_on_simulated_days_it_is_right_on_average() -> None:
    days = [day(seed) for seed in range(4)]
    said, took = ([x for one in days for x in getattr(one, part)] for part in ("said", "took"))
    whole = Day(said, took)
    print(
        f"{len(took)} waits, mean {mean(took):.0f} s: bias {100 * whole.bias:+.0f} %, "
        f"mean error {100 * whole.error:.0f} % of the mean wait"
    )
    assert len(took) > 500
    assert abs(whole.bias) < 0.15
    assert whole.error < 0.5
