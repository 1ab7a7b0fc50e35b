"""What may follow what in an operator's presence, and what the PBX is told of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cti.operators import presence as rules
from tickets.presence import OperatorState
from tickets.vocabulary import PhoneChoice, Presence

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=30)
READY = OperatorState("101", Presence.READY, NOON, PhoneChoice.OWN)


def test_a_pause_has_a_reason_and_nothing_else_has() -> None:
    paused = rules.asked(READY, Presence.PAUSED, "lunch", LATER, 60)
    assert (paused.presence, paused.reason, paused.since) == (Presence.PAUSED, "lunch", LATER)
    assert rules.asked(paused, Presence.AWAY, "lunch", LATER, 60).reason is None


def test_who_says_the_same_again_has_been_so_since_the_first_time() -> None:
    assert rules.asked(READY, Presence.READY, None, LATER, 60) == READY


def test_after_a_call_comes_the_wrap_up_and_ends_by_itself() -> None:
    wrapping = rules.call_ended(READY, LATER, 15)
    assert (wrapping.presence, wrapping.until) == (Presence.WRAP_UP, LATER + timedelta(seconds=15))
    assert rules.time_passed(wrapping, LATER + timedelta(seconds=14.9)) == wrapping
    ready = rules.time_passed(wrapping, LATER + timedelta(seconds=15))
    assert (ready.presence, ready.until) == (Presence.READY, None)
    set_back = rules.time_passed(wrapping, LATER - timedelta(hours=1))
    assert set_back.presence is Presence.READY
    assert rules.time_passed(wrapping, LATER - timedelta(seconds=1)) == wrapping  # another node's clock


def test_a_queue_without_wrap_up_gives_none() -> None:
    assert rules.call_ended(READY, LATER, 0) == READY


@pytest.mark.parametrize("wanted", [Presence.PAUSED, Presence.AWAY])
def test_a_pause_asked_for_during_a_call_stands_after_it(wanted: Presence) -> None:
    asked = rules.asked(READY, wanted, None, NOON, 60)
    assert rules.call_ended(asked, LATER, 15) == asked


def test_a_wrap_up_ends_early_for_who_is_ready() -> None:
    wrapping = rules.call_ended(READY, NOON, 15)
    ready = rules.asked(wrapping, Presence.READY, None, LATER, 60)
    assert (ready.presence, ready.until, ready.since) == (Presence.READY, None, LATER)


def test_without_its_page_the_phone_in_it_makes_nobody_ready() -> None:
    at_page = replace(READY, phone=PhoneChoice.PAGE)
    assert rules.page_gone(at_page, LATER).presence is Presence.AWAY
    assert rules.page_gone(READY, LATER) == READY
    lunch = rules.asked(at_page, Presence.PAUSED, "lunch", NOON, 60)
    assert rules.page_gone(lunch, LATER) == lunch


@pytest.mark.parametrize(
    ("presence", "phone", "own", "page"),
    [
        (Presence.READY, PhoneChoice.OWN, None, "other phone"),
        (Presence.READY, PhoneChoice.PAGE, "other phone", None),
        (Presence.WRAP_UP, PhoneChoice.OWN, None, "other phone"),
        (Presence.AWAY, PhoneChoice.OWN, "away", "away"),
        (Presence.PAUSED, PhoneChoice.PAGE, "lunch", "lunch"),
    ],
)
def test_of_two_phones_exactly_the_chosen_one_of_who_is_ready_rings(
    presence: Presence, phone: PhoneChoice, own: str | None, page: str | None
) -> None:
    state = OperatorState("101", presence, NOON, phone, reason="lunch")
    assert rules.pause_of(state, "PJSIP/101") == own
    assert rules.pause_of(state, "PJSIP/101-web") == page


def test_only_a_wrap_up_makes_an_operator_busy_without_a_call() -> None:
    assert [one for one in Presence if rules.is_busy(replace(READY, presence=one))] == [Presence.WRAP_UP]
