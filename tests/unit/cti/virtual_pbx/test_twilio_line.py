"""Who is next, and whose phone rings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.virtual_pbx.vendors.twilio.line import FORGOTTEN_S, Line, whom_to_ring
from cti.waiting.ageing import Waiter
from ivr.vip_rules import Vip, VipLevel

pytestmark = pytest.mark.unit

RULES = Vip(levels={1: VipLevel(head_start_s=60, speed=10)})
THREE = ("101", "102", "103")


def waiter(name: str, since: float, vip: int = 0) -> Waiter:
    return Waiter(name, since, vip)


def test_not_always_the_same_operator_is_rung_first() -> None:
    assert [whom_to_ring(THREE, (), 0, turn, False) for turn in range(4)] == [
        ("101",), ("102",), ("103",), ("101",),
    ]  # fmt: skip


def test_a_busy_phone_is_passed_over() -> None:
    assert whom_to_ring(THREE, {"101", "102"}, 0, 0, False) == ("103",)
    assert whom_to_ring(THREE, THREE, 0, 0, True) == ()
    assert whom_to_ring((), (), 0, 5, True) == ()


def test_who_is_not_next_leaves_the_free_to_those_before() -> None:
    assert whom_to_ring(THREE, {"101"}, 2, 0, False) == ()
    assert whom_to_ring(THREE, {"101"}, 1, 0, True) == ("102",)


@given(
    busy=st.sets(st.sampled_from(THREE)),
    before=st.integers(0, 5),
    turn=st.integers(0, 50),
    everybody=st.booleans(),
)
def test_never_more_phones_ring_than_are_left_for_the_caller(
    busy: set[str], before: int, turn: int, everybody: bool
) -> None:
    rung = whom_to_ring(THREE, busy, before, turn, everybody)
    assert len(set(rung)) == len(rung) <= max(0, len(THREE) - len(busy) - before)
    assert not busy & set(rung)


def test_first_come_first_served() -> None:
    line = Line(RULES)
    assert line.before("support", waiter("a", 0), 10) == 0
    assert line.before("support", waiter("b", 5), 10) == 1
    assert line.before("sales", waiter("c", 6), 10) == 0
    line.gone("a")
    assert line.before("support", waiter("b", 5), 12) == 0


def test_a_vip_is_before_who_has_waited_longer() -> None:
    line = Line(RULES)
    line.before("support", waiter("a", 0), 10)
    assert line.before("support", waiter("vip", 9, vip=1), 10) == 0
    assert line.before("support", waiter("a", 0), 10) == 1


def test_whoever_asks_no_more_does_not_wait_any_more() -> None:
    line = Line(RULES)
    line.before("support", waiter("gone", 0), 0)
    assert line.before("support", waiter("b", 5), FORGOTTEN_S) == 1
    assert line.before("support", waiter("b", 5), FORGOTTEN_S + 1) == 0


def test_a_phone_rings_until_it_is_told_or_its_time_is_over() -> None:
    line = Line(RULES)
    line.rings("support", waiter("a", 0), ("101", "102"), until=20)
    assert line.ringing(10) == {"101", "102"}
    line.rung("a")
    assert line.ringing(10) == set()
    line.rings("support", waiter("b", 0), ("101",), until=20)
    assert line.ringing(24) == {"101"}
    assert line.ringing(26) == set()


def test_a_phone_that_was_busy_is_left_alone_for_a_while() -> None:
    line = Line(RULES)
    line.rings("support", waiter("a", 0), ("101",), until=20)
    line.rung("a", quiet_until=12)
    assert line.ringing(11) == {"101"}
    assert line.ringing(12) == set()


def test_vips_do_not_let_the_one_wait_for_ever_who_was_first() -> None:
    line, now = Line(RULES), 10.0
    for number in range(20):
        line.before("support", waiter("first", 0), now)
        vip = waiter(f"vip-{number}", now - 1, vip=1)
        if line.before("support", vip, now) > 0:
            break
        line.rings("support", vip, ("101",), until=now)
    assert number == RULES.most_in_ten
