"""Who is next in a queue, and how few priorities it takes to say so."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.waiting.ageing import Waiter, changes, in_turn, longest_wait_s, passed_at_most, passes
from ivr.vip_rules import Vip, VipLevel
from tests.fakes.app_queue import AppQueue

pytestmark = pytest.mark.unit

RULES = Vip(levels={1: VipLevel(head_start_s=30, speed=4), 2: VipLevel(head_start_s=60, speed=8)})
WAITERS = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 3)), max_size=25
).map(lambda pairs: [Waiter(f"c{n:02}", since, level) for n, (since, level) in enumerate(pairs)])  # fmt: skip


def names(order: list[Waiter]) -> str:
    return " ".join(waiter.call_id for waiter in order)


def test_a_vip_has_a_head_start_and_gains_on_the_others_while_waiting() -> None:
    plain, vip = Waiter("plain", 0, 0), Waiter("vip", 100, 1)
    assert names(in_turn([plain, vip], [], RULES, now=100)) == "plain vip"  # 100 s against 30
    assert names(in_turn([plain, vip], [], RULES, now=123)) == "plain vip"  # 123 against 122
    assert names(in_turn([plain, vip], [], RULES, now=124)) == "vip plain"  # 124 against 126


def test_a_level_that_the_file_does_not_name_has_the_rules_of_the_one_below() -> None:
    assert RULES.of(9) == RULES.levels[2]
    assert Vip().of(9) == VipLevel()


def test_who_came_back_counts_from_their_first_joining() -> None:
    callers = [Waiter("first", 10, 0), Waiter("back", 5, 0), Waiter("last", 20, 0)]
    assert names(in_turn(callers, [], Vip(), now=30)) == "back first last"


def test_when_five_of_the_last_nine_answers_passed_somebody_the_longest_waiting_is_next() -> None:
    callers = [Waiter("plain", 0, 0), *(Waiter(f"vip{n}", n, 2) for n in range(1, 8))]
    fresh = names(in_turn(callers, [], RULES, now=60))
    assert fresh == "vip1 vip2 vip3 vip4 vip5 plain vip6 vip7"
    assert names(in_turn(callers, [True] * 5 + [False] * 4, RULES, now=60)).startswith("plain vip1")
    # The oldest of the ten is forgotten.
    assert names(in_turn(callers, [True] * 5 + [False] * 5, RULES, now=60)).startswith("vip1 ")


def test_an_answer_passes_only_those_who_have_waited_longer() -> None:
    early, late = Waiter("early", 0, 0), Waiter("late", 9, 2)
    assert passes(late, [early])
    assert not passes(early, [late])
    assert not passes(late, [])


def test_it_says_how_long_anybody_can_wait_at_most() -> None:
    assert [passed_at_most(ahead, RULES) for ahead in (0, 4, 5, 10)] == [5, 5, 10, 15]
    # With 4 ahead: answered as the tenth; five operators need two talks each for that.
    assert longest_wait_s(4, RULES, operators=5, longest_talk_s=600) == 1200


@given(WAITERS)
def test_without_vips_it_is_first_come_first_served(waiters: list[Waiter]) -> None:
    plain = [Waiter(one.call_id, one.since, 0) for one in waiters]
    order = in_turn(plain, [True] * 9, RULES, now=600)
    assert order == sorted(plain, key=lambda one: (one.since, one.call_id))
    assert in_turn(waiters, [], Vip(), now=600) == sorted(waiters, key=lambda one: one.place)


@given(WAITERS, st.lists(st.booleans(), max_size=12))
def test_it_plans_as_if_each_answer_came_and_the_next_were_asked_for(
    waiters: list[Waiter], answers: list[bool]
) -> None:
    planned = in_turn(waiters, answers, RULES, now=600)
    one_by_one, left = [], list(waiters)
    while left:
        chosen = in_turn(left, answers, RULES, now=600)[0]
        left.remove(chosen)
        answers = [*answers, passes(chosen, left)]
        one_by_one.append(chosen)
    assert planned == one_by_one


@given(st.lists(st.integers(0, 4), max_size=12), st.randoms(use_true_random=False))
def test_app_queue_stands_in_the_order_after_the_changes(
    priorities: list[int], chance: random.Random
) -> None:
    queue = AppQueue()
    for n, priority in enumerate(priorities):
        queue.join(f"c{n:02}", priority)
    order = list(queue.order)
    chance.shuffle(order)
    for caller, priority in changes(queue.placed(), order):
        queue.change(caller.call_id, priority)
    assert queue.order == order
    assert changes(queue.placed(), order) == []
    assert all(priority >= 0 for _, priority in queue.entries)  # who joins with 0 joins at the end


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_queue_that_somebody_else_has_left_unsorted_comes_right_too(
    priorities: list[int], chance: random.Random
) -> None:
    queue = AppQueue([(f"c{n:02}", priority) for n, priority in enumerate(priorities)])
    order = list(queue.order)
    chance.shuffle(order)
    for caller, priority in changes(queue.placed(), order):
        queue.change(caller.call_id, priority)
    assert queue.order == order


def lined_up(*entries: tuple[str, int]) -> AppQueue:
    return AppQueue(list(entries))


@pytest.mark.parametrize(
    ("entries", "order", "told"),
    [
        # A VIP who joined before all is brought behind those who have waited long: one is raised.
        ([("vip", 20), ("a", 0), ("b", 0)], "a vip b", [("a", 21)]),
        # … or falls behind all.
        ([("vip", 20), ("a", 0), ("b", 0)], "a b vip", [("vip", 0)]),
        # Between two with the same priority there is no room: one of them moves.
        ([("a", 0), ("b", 0), ("back", 0)], "a back b", [("b", 0)]),
        ([("a", 5), ("b", 3), ("c", 1), ("back", 0)], "a back b c", [("back", 4)]),
        ([("a", 5), ("b", 4), ("c", 1), ("back", 0)], "a back b c", [("back", 5)]),
        # Somebody whom the ledger does not know stays.
        ([("vip", 20), ("stranger", 10), ("a", 0)], "a vip", [("a", 21)]),
    ],
)
def test_it_tells_only_what_has_to_change(
    entries: list[tuple[str, int]], order: str, told: list[tuple[str, int]]
) -> None:
    found = changes(lined_up(*entries).placed(), order.split())
    assert [(caller.call_id, priority) for caller, priority in found] == told
