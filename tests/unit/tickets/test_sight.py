"""Whose call it is, and so who sees it."""

from datetime import UTC, datetime

import pytest

from tickets.call import Call
from tickets.sight import EVERYTHING, Sight, sees
from tickets.vocabulary import CallState

pytestmark = pytest.mark.unit

GRACE = Sight(
    everything=False, login="grace", extension="101", queues=frozenset({"support"}), groups=frozenset({7})
)


def call(queue: str | None = None, operator: str | None = None) -> Call:
    return Call(
        call_id="1",
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
        state=CallState.ENDED,
        queue=queue,
        operator=operator,
    )


@pytest.mark.parametrize(
    ("one", "assignee", "group", "seen"),
    [
        (call("support"), None, None, True),
        (call("claims"), None, None, False),
        (call("claims", operator="101"), None, None, True),
        (call("claims", operator="102"), None, None, False),
        (call("claims"), "grace", None, True),
        (call("claims"), "tomas", None, False),
        (call("claims"), None, 7, True),
        (call("claims"), None, 8, False),
        (call(), None, None, True),  # the bot answered: nobody's
        (call(operator="102"), None, None, False),  # somebody rang out
        (call(), "tomas", None, False),
        (call(), None, 8, False),
    ],
)
def test_an_operator_sees_own_queues_own_calls_and_what_is_assigned(
    one: Call, assignee: str | None, group: int | None, seen: bool
) -> None:
    assert sees(GRACE, one, assignee=assignee, assigned_group=group) is seen
    assert sees(EVERYTHING, one, assignee=assignee, assigned_group=group)


def test_who_is_reminded_of_a_ticket_sees_it() -> None:
    assert sees(GRACE, call("claims"), assignee="tomas", remind_whom="grace")
    assert not sees(GRACE, call("claims"), remind_whom="tomas")
    assert sees(GRACE, call(), remind_whom="tomas")  # it is nobody's as before


def test_who_has_no_phone_does_not_see_the_calls_that_nobody_answered() -> None:
    clerk = Sight(everything=False, login="clerk")
    assert not sees(clerk, call("support"))
    assert not sees(clerk, call(operator="102"))
