"""What the ageing promises, over simulated days: VIPs are quick, nobody starves, and no VIPs: no change."""

from pathlib import Path
from statistics import median

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cti.waiting.ageing import longest_wait_s, passed_at_most
from ivr.scenario_file import load_scenario
from ivr.vip_rules import Vip, VipLevel
from tests.fakes.queue_days import LONGEST_TALK_S, Day, live_through

pytestmark = pytest.mark.unit

SHIPPED = load_scenario(Path("scenarios/lottery.yaml")).vip
SEEDS = st.integers(0, 2**32 - 1)
HEAVY = st.floats(1.2, 1.6)

busy_days = st.builds(
    lambda seed, operators, share, load: Day(
        seed, operators, {1: share / 2, 2: share / 4, 3: share / 4}, (load, 1.0), stretch_s=1200
    ),
    SEEDS, st.integers(10, 14), st.floats(0.08, 0.2), HEAVY,
)  # fmt: skip

any_days = st.builds(
    lambda seed, operators, shares, loads: Day(seed, operators, shares, tuple(loads), stretch_s=600),
    SEEDS,
    st.integers(1, 6),
    st.fixed_dictionaries({1: st.floats(0, 0.4), 2: st.floats(0, 0.3), 5: st.floats(0, 0.3)}),
    st.lists(st.floats(0.3, 2.5), min_size=2, max_size=3),
)


@st.composite
def any_rules(draw: st.DrawFn) -> Vip:
    starts = sorted(draw(st.lists(st.integers(0, 600), min_size=2, max_size=2)))
    speeds = sorted(draw(st.lists(st.floats(1, 50), min_size=2, max_size=2)))
    levels = {1: VipLevel(head_start_s=starts[0], speed=speeds[0])}
    levels[2] = VipLevel(head_start_s=starts[1], speed=speeds[1])
    return Vip(levels=levels, most_in_ten=draw(st.integers(1, 9)))


@settings(max_examples=4, deadline=None)
@given(busy_days)
def test_in_load_a_vips_median_wait_is_under_a_quarter_of_the_others(day: Day) -> None:
    had_to_wait = [caller for caller in live_through(day, SHIPPED).done if caller.waited > 0]
    vips = [caller.waited for caller in had_to_wait if caller.vip_level]
    others = [caller.waited for caller in had_to_wait if not caller.vip_level]
    # Load: the others wait for at least the length of a talk. And of very few VIPs a median says nothing.
    assume(len(vips) >= 15 and median(others) >= day.talk_s)
    assert median(vips) < median(others) / 4


@settings(max_examples=10, deadline=None)
@given(any_days, any_rules())
def test_nobody_waits_longer_or_is_passed_more_often_than_the_scenario_allows(day: Day, rules: Vip) -> None:
    for caller in live_through(day, rules).done:
        assert caller.passed <= passed_at_most(caller.ahead, rules)
        assert caller.waited <= longest_wait_s(caller.ahead, rules, day.operators, LONGEST_TALK_S)


@settings(max_examples=6, deadline=None)
@given(any_days, any_rules())
def test_without_vips_it_is_first_come_first_served_and_the_pbx_is_told_nothing(day: Day, rules: Vip) -> None:
    plain = Day(day.seed, day.operators, {}, day.loads, day.stretch_s)
    house = live_through(plain, rules)
    assert [caller.call_id for caller in house.done] == sorted(caller.call_id for caller in house.done)
    assert house.told == 0
