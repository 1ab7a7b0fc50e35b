"""Whose turn it is to be called back, and what has become of an attempt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.events import Originated, QueueSeat
from cti.waiting.ageing import Waiter
from cti.waiting.call_back_turns import MISSING_S, retry_in_s, told, verdict, whom_to_call
from ivr.call_back_rules import CallBackRules
from ivr.vip_rules import Vip, VipLevel
from tickets.call_backs import UnderWay
from tickets.promise import Attempt, Promise
from tickets.vocabulary import AttemptResult, CallState, PromiseSource, PromiseState

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW = NOON.timestamp()
RULES = CallBackRules(attempts=3, retry_after_s=600)


def promise(number: int, waited_s: float, *, queue: str = "support", vip_level: int = 0) -> Promise:
    since = NOON - timedelta(seconds=waited_s)
    return Promise(
        id=number, call_id=f"pz-{number}.1", number="+12025550111", line="", queue=queue, vip_level=vip_level,
        place_since=since, source=PromiseSource.QUEUE, promised_at=since, state=PromiseState.OPEN,
        joined_to=None, due_at=since, attempts=0, ended_at=None, ended_by=None, reason=None, ended_in=None,
    )  # fmt: skip


def waits(call_id: str, waited_s: float, vip_level: int = 0) -> Waiter:
    return Waiter(call_id, NOW - waited_s, vip_level)


def seat(operator: str, *, free: bool = True, queue: str = "support") -> QueueSeat:
    return QueueSeat(NOON, "1", queue, operator, there=True, talking=not free, free=free)


def under_way(number: int, state: CallState | None, *, talked: bool = False) -> UnderWay:
    return UnderWay(Attempt(number, 1, f"pz-1.{number}", NOON), promise(number, 60), state, talked)


def turn(
    due: list[Promise],
    waiting: list[Waiter] = [],  # noqa: B006 -- never changed
    seats: list[QueueSeat] = [],  # noqa: B006
    calling: list[UnderWay] = [],  # noqa: B006
    rules: Vip | None = None,
) -> list[int]:
    chosen = whom_to_call(due, {"support": waiting}, seats, calling, rules or Vip(), NOW)
    return [one.id for one in chosen]


def test_nobody_is_called_while_no_operator_is_free() -> None:
    assert turn([promise(1, 600)], seats=[seat("101", free=False)]) == []
    assert turn([promise(1, 600)]) == []


def test_who_has_waited_longest_is_called_first() -> None:
    due = [promise(1, 60), promise(2, 600), promise(3, 300)]
    assert turn(due, seats=[seat("101")]) == [2]
    assert turn(due, seats=[seat("101"), seat("102")]) == [2, 3]


def test_who_waits_on_the_phone_and_came_earlier_goes_first() -> None:
    assert turn([promise(1, 60)], [waits("a", 90)], [seat("101")]) == []
    assert turn([promise(1, 60)], [waits("a", 90)], [seat("101"), seat("102")]) == [1]
    assert turn([promise(1, 60)], [waits("a", 30)], [seat("101")]) == [1]


def test_a_vip_passes_as_they_would_on_the_phone() -> None:
    rules = Vip(levels={1: VipLevel(head_start_s=60, speed=5)})
    assert turn([promise(1, 60, vip_level=1)], [waits("a", 90)], [seat("101")], rules=rules) == [1]
    assert turn([promise(1, 90)], [waits("a", 60, vip_level=1)], [seat("101")], rules=rules) == []


@pytest.mark.parametrize("state", [None, CallState.RINGING, CallState.MENU])
def test_an_operator_is_kept_for_whoever_is_being_called(state: CallState | None) -> None:
    assert turn([promise(1, 600)], seats=[seat("101")], calling=[under_way(9, state)]) == []
    both = [seat("101"), seat("102")]
    assert turn([promise(1, 600)], seats=both, calling=[under_way(9, state)]) == [1]


@pytest.mark.parametrize("state", [CallState.QUEUED, CallState.TALKING, CallState.ENDED])
def test_who_waits_or_talks_after_a_call_back_is_counted_there(state: CallState) -> None:
    assert turn([promise(1, 600)], seats=[seat("101")], calling=[under_way(9, state)]) == [1]


def test_an_operator_who_talks_on_one_phone_is_not_free_on_the_other() -> None:
    assert turn([promise(1, 600)], seats=[seat("101", free=False), seat("101")]) == []
    assert turn([promise(1, 600), promise(2, 600)], seats=[seat("101"), seat("101")]) == [1]


def test_an_operator_of_two_queues_is_one_operator() -> None:
    due = [promise(1, 600), promise(2, 300, queue="claims")]
    both = [seat("101"), seat("101", queue="claims")]
    assert turn(due, seats=both) == [1]
    assert turn(due, seats=[*both, seat("102", queue="claims")]) == [1, 2]


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        (0, AttemptResult.FAILED),
        (1, AttemptResult.NO_ANSWER),
        (3, AttemptResult.NO_ANSWER),
        (5, AttemptResult.BUSY),
        (8, AttemptResult.FAILED),
    ],
)
def test_it_reads_why_nobody_was_reached(reason: int, result: AttemptResult) -> None:
    assert told(Originated(NOON, "1", "pz-1.1", answered=False, reason=reason)) is result


def test_an_answer_is_no_failure() -> None:
    assert told(Originated(NOON, "1", "pz-1.1", answered=True, reason=4)) is None


def of(
    one: UnderWay, *, line: bool = False, said: AttemptResult | None = None, missing_s: float = 0
) -> object:
    return verdict(one, on_the_line=line, said=said, missing_s=missing_s)


def test_while_the_pbx_has_the_channel_nothing_is_decided() -> None:
    for state in (None, *CallState):
        assert of(under_way(1, state), line=True, missing_s=999) is None


def test_what_the_pbx_says_is_taken_at_once() -> None:
    assert of(under_way(1, None), said=AttemptResult.BUSY) is AttemptResult.BUSY


def test_only_what_nobody_has_known_for_a_while_was_not_made() -> None:
    assert of(under_way(1, None), missing_s=MISSING_S - 0.1) is None
    assert of(under_way(1, None), missing_s=MISSING_S) is AttemptResult.UNKNOWN


def test_a_call_that_the_ledger_has_was_made() -> None:
    for state in (CallState.RINGING, CallState.QUEUED, CallState.TALKING, CallState.VOICEMAIL):
        assert of(under_way(1, state), missing_s=999) is None
    assert of(under_way(1, CallState.ENDED)) is AttemptResult.HUNG_UP


def test_a_talk_is_never_a_failure() -> None:
    assert of(under_way(1, CallState.ENDED, talked=True), said=AttemptResult.BUSY, missing_s=999) is None


def test_it_tries_as_often_as_the_scenario_says_and_then_a_person_has_to() -> None:
    assert [retry_in_s(AttemptResult.BUSY, attempts, RULES) for attempts in (1, 2, 3, 4)] == [
        600,
        600,
        None,
        None,
    ]
    assert retry_in_s(AttemptResult.UNKNOWN, 1, RULES) == 0
    assert retry_in_s(AttemptResult.UNKNOWN, 3, RULES) is None


def test_a_promise_of_an_unknown_queue_disturbs_nobody() -> None:
    assert turn([replace(promise(1, 60), queue="gone")], seats=[seat("101")]) == []
