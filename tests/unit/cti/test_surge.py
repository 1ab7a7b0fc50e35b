"""Surge mode goes on at once, off only after a calm stretch, and does not flap."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cti.live import LiveCalls
from cti.waiting.surge import Load, SurgeState, SurgeSwitch
from cti.waiting.surge_watch import SurgeWatch
from ivr.surge_rules import Level, Surge
from tickets.call import Call
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.vocabulary import CallState, EventKind

pytestmark = pytest.mark.unit

RULES = Surge(
    begins_at=Level(waiting=10, calls_per_minute=30),
    ends_below=Level(waiting=4, calls_per_minute=12),
    calm_s=60,
)
CALM, BETWEEN = Load(0, 0), Load(7, 20)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

loads = st.builds(Load, st.integers(0, 15), st.integers(0, 45))
looks = st.lists(st.tuples(loads, st.floats(0.1, 30)), max_size=200)


def is_high(load: Load) -> bool:
    return load.waiting >= 10 or load.calls_per_minute >= 30


def is_low(load: Load) -> bool:
    return load.waiting < 4 and load.calls_per_minute < 12


@pytest.mark.parametrize(
    ("load", "why"),
    [(Load(10, 0), "10 callers waiting"), (Load(0, 30), "30 calls in a minute")],
)
def test_it_goes_on_at_once_when_either_threshold_is_reached(load: Load, why: str) -> None:
    switch = SurgeSwitch(RULES)
    assert not switch.look(Load(9, 29), 0.0)
    assert switch.look(load, 1.0)
    assert switch.why(load) == why


def test_it_goes_off_only_after_a_calm_stretch_without_a_break() -> None:
    switch = SurgeSwitch(RULES)
    switch.look(Load(10, 0), 0.0)
    assert switch.look(CALM, 1.0)
    assert switch.look(CALM, 60.0)
    assert switch.look(BETWEEN, 60.5)  # the calm was broken: it is counted anew
    assert switch.look(CALM, 70.0)
    assert switch.look(CALM, 129.9)
    assert not switch.look(CALM, 130.0)


@given(looks)
def test_it_changes_only_for_a_reason_and_never_flaps(story: list[tuple[Load, float]]) -> None:
    switch, now, on, low_since = SurgeSwitch(RULES), 0.0, False, None
    for load, passed in story:
        now += passed
        before, on = on, switch.look(load, now)
        low_since = (low_since if low_since is not None else now) if is_low(load) else None
        if on and not before:
            assert is_high(load)
        if before and not on:
            assert low_since is not None
            assert now - low_since >= 60
        if is_high(load):
            assert on


@given(looks)
def test_a_load_between_the_thresholds_changes_nothing(story: list[tuple[Load, float]]) -> None:
    switch, now, on = SurgeSwitch(RULES), 0.0, False
    for load, passed in story:
        now += passed
        on = switch.look(load, now)
    for _ in range(5):
        now += 100
        assert switch.look(BETWEEN, now) is on


@pytest.mark.parametrize("same", [{"waiting": 10}, {"calls_per_minute": 30}])
def test_it_refuses_thresholds_that_would_flap(same: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="must be lower"):
        Surge(begins_at=RULES.begins_at, ends_below=RULES.ends_below.model_copy(update=same))


class Desk:
    """A watch with a clock of its own and calls to feed it."""

    def __init__(self, rules: Surge | None = RULES) -> None:
        self.now_s = 0.0
        self.live = LiveCalls()
        self.watch = SurgeWatch(rules, self.live, self.clock, lambda: self.now_s)

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.now_s)

    def calls(self, count: int, make: Callable[[str], Call]) -> None:
        changes = [self.change(make(f"pz-{self.now_s}-{n}")) for n in range(count)]
        self.live.changed(changes)
        self.watch.changed(changes)
        self.watch.look()

    def change(self, call: Call) -> CallChange:
        event = CallEvent("ami", call.call_id, call.call_id, call.received_at, EventKind.RECEIVED, {})
        return CallChange(event, call, 1, first=True)

    def fresh(self, call_id: str) -> Call:
        return Call(call_id=call_id, received_at=self.clock())


def test_it_counts_the_calls_of_the_last_minute() -> None:
    desk = Desk()
    desk.calls(29, desk.fresh)
    desk.now_s = 59.0
    desk.calls(0, desk.fresh)
    assert desk.watch.state == SurgeState()
    desk.calls(1, desk.fresh)
    assert desk.watch.state == SurgeState(True, desk.clock(), "30 calls in a minute")
    began = desk.clock()
    desk.now_s = 119.5
    desk.watch.look()
    desk.now_s = 179.0
    desk.watch.look()
    assert desk.watch.state.since == began
    desk.now_s = 179.5
    desk.watch.look()
    assert not desk.watch.state.on


async def test_work_that_has_time_waits_for_the_end_of_a_surge() -> None:
    desk = Desk()
    await desk.watch.calm()
    desk.calls(30, desk.fresh)
    waiting = asyncio.ensure_future(desk.watch.calm())
    await asyncio.sleep(0)
    assert not waiting.done()
    for desk.now_s in (60.0, 120.0):
        desk.watch.look()
    await asyncio.wait_for(waiting, 1)


def test_it_counts_who_waits_in_a_queue() -> None:
    desk = Desk()
    desk.live.begin_with(
        Call(call_id=f"pz-{n}", received_at=NOON, state=CallState.QUEUED if n < 10 else CallState.TALKING)
        for n in range(20)
    )
    desk.watch.look()
    assert desk.watch.state.why == "10 callers waiting"


def test_calls_told_late_are_no_rush() -> None:
    desk = Desk()
    desk.calls(50, lambda name: Call(call_id=name, received_at=NOON - timedelta(minutes=5)))
    desk.calls(50, lambda name: Call(call_id=name, received_at=NOON, found_later=True))
    assert not desk.watch.state.on


def test_without_rules_there_is_no_surge() -> None:
    desk = Desk(rules=None)
    desk.calls(500, desk.fresh)
    assert not desk.watch.state.on
