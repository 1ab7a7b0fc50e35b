"""The ceiling of bot calls follows what the machine shows: down at once, up slowly, and never to nothing."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from cti.bot import conversations
from cti.bot.capacity import DOWN_EVERY_S, MOST, UP_EVERY_S, BotCapacity
from cti.bot.conversations import COMING_S, Conversations
from cti.bot.load import BotLoad
from cti.bot.processor import Processor, busy_and_all, cores

pytestmark = pytest.mark.unit

DEADLINE_S = 3.0
QUICK, LATE = 0.4, 1.6


def test_it_begins_with_a_few_for_each_core() -> None:
    assert BotCapacity(2, 0.0).ceiling == 8
    assert BotCapacity(0.1, 0.0).ceiling == 1
    assert BotCapacity(1000, 0.0).ceiling == MOST


def test_it_goes_down_at_once_when_a_caller_waits_for_the_recogniser() -> None:
    capacity = BotCapacity(2, 0.0)
    capacity.heard(QUICK, DEADLINE_S, 8, 1.0)
    assert capacity.ceiling == 8
    capacity.heard(LATE, DEADLINE_S, 8, 1.0)
    assert capacity.ceiling == 6
    # The other callers of the same moment say the same thing once more, not a new one.
    capacity.heard(LATE, DEADLINE_S, 8, 1.0 + DOWN_EVERY_S / 2)
    assert capacity.ceiling == 6
    capacity.heard(LATE, DEADLINE_S, 6, 1.0 + DOWN_EVERY_S)
    assert capacity.ceiling == 4


def test_it_gives_way_while_the_cores_are_full_but_not_altogether() -> None:
    capacity = BotCapacity(2, 0.0)
    for second, ceiling in enumerate([6, 5, 4, 4, 4]):
        talking = min(7, capacity.ceiling)
        capacity.look(0.95, talking, float(second))
        assert capacity.ceiling == ceiling
    capacity.heard(LATE, DEADLINE_S, 2, 9.0)
    capacity.look(0.95, 1, 10.0)
    assert capacity.ceiling == 1


def test_it_goes_up_one_by_one_while_callers_are_turned_away_and_there_is_room() -> None:
    capacity, now = BotCapacity(2, 0.0), 0.0
    for _ in range(30):
        now += 1.0
        capacity.has_room(capacity.ceiling)
        capacity.look(0.3, capacity.ceiling, now)
    assert capacity.ceiling == 8 + 30 // UP_EVERY_S


def test_it_does_not_rise_for_nobody_nor_on_a_busy_machine() -> None:
    idle, busy = BotCapacity(2, 0.0), BotCapacity(2, 0.0)
    for second in range(100):
        idle.look(0.0, 2, float(second))
        busy.has_room(8)
        busy.look(0.8, 8, float(second))
    assert (idle.ceiling, busy.ceiling) == (8, 8)


def test_it_comes_back_to_where_it_began_when_all_is_quiet() -> None:
    capacity = BotCapacity(2, 0.0)
    capacity.heard(DEADLINE_S, DEADLINE_S, 1, 0.0)
    assert capacity.ceiling == 1
    for second in range(200):
        capacity.look(0.0, 0, float(second))
    assert capacity.ceiling == 8


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("heard"), st.floats(0, 4), st.integers(0, 600)),
            st.tuples(st.just("look"), st.floats(0, 1), st.integers(0, 600)),
            st.tuples(st.just("ask"), st.just(0.0), st.integers(0, 600)),
        ),
        max_size=200,
    )
)
def test_whatever_happens_somebody_may_talk_and_the_bounds_hold(
    story: list[tuple[str, float, int]],
) -> None:
    capacity = BotCapacity(2, 0.0)
    for second, (what, figure, talking) in enumerate(story):
        before = capacity.ceiling
        if what == "heard":
            capacity.heard(figure, DEADLINE_S, talking, float(second))
            assert capacity.ceiling <= before
        elif what == "look":
            capacity.look(figure, talking, float(second))
            assert capacity.ceiling <= before + 1
        else:
            assert capacity.has_room(talking) is (talking < before)
        assert 1 <= capacity.ceiling <= MOST


@pytest.mark.parametrize("quota", ["", "max 100000", "rubbish"])
def test_without_a_containers_quota_it_may_use_the_cores_of_its_affinity(quota: str) -> None:
    assert cores(quota) == len(os.sched_getaffinity(0))


def test_it_knows_a_containers_share_of_a_core() -> None:
    assert cores("50000 100000\n") == 0.5


def test_it_counts_work_on_its_own_cores_and_none_at_low_priority() -> None:
    stat = """cpu  900 900 900 900 900 900 900 900 0 0
cpu0 10 50 20 100 5 1 2 3 7 0
cpu1 30 0 0 70 0 0 0 0 0 0
cpu2 999 0 0 0 0 0 0 0 0 0
intr 12345 0 9
"""
    assert busy_and_all(stat, {0, 1}) == (10 + 20 + 1 + 2 + 3 + 30, 191 + 100)


def test_it_sees_this_process_at_work() -> None:
    processor = Processor()
    total = 0
    while (busy := processor.busy()) == 0.0:  # until a tick has passed
        total += sum(range(100_000))
    assert 0.0 < busy <= 1.0


def test_it_shows_its_ceiling_and_who_was_sent_to_people() -> None:
    registry = CollectorRegistry()
    load = BotLoad(lambda: 2, DEADLINE_S, registry)
    assert load.has_room(0)
    assert not load.has_room(MOST)
    load.waited(DEADLINE_S)
    shown = {
        name: registry.get_sample_value(f"presszero_{name}")
        for name in ("bot_ceiling", "bot_conversations", "bot_refused_total", "recogniser_wait_seconds_sum")
    }
    assert shown == {
        "bot_ceiling": 1,
        "bot_conversations": 2,
        "bot_refused_total": 1,
        "recogniser_wait_seconds_sum": DEADLINE_S,
    }


def test_callers_on_their_way_to_the_bot_take_up_room_until_they_would_have_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(conversations.time, "monotonic", lambda: now)
    room = Conversations(lambda call_id, language: pytest.fail("nobody connects"), lambda held: held < 2)
    assert room.announce("a") is not None
    assert room.announce("b") is not None
    assert (room.count, room.announce("c")) == (2, None)
    now += COMING_S
    assert room.count == 0
    assert room.announce("d") is not None
