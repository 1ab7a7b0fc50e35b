"""What the ledger thinks of live calls beside what the PBX has on the line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.comparison import Comparison, compare
from cti.asterisk.events import ListedChannel, WaitingCaller
from tickets.call import Call, replay
from tickets.vocabulary import CallState, EventKind

pytestmark = pytest.mark.unit

BEGAN = datetime.fromtimestamp(1795293936, UTC)
NOW = BEGAN + timedelta(seconds=60)
CALL_ID = "pz-1795293936.1"


def caller(**others: str) -> ListedChannel:
    about = {
        "uniqueid": CALL_ID, "linkedid": CALL_ID, "context": "presszero-call", "exten": "operator",
        "number": "+18005551111", "channel": "PJSIP/trunk-00000001", "application": "Queue", "bridge": "",
    }  # fmt: skip
    return ListedChannel(at=NOW, stamp="", **{**about, **others})


def operator(bridge: str) -> ListedChannel:
    return caller(uniqueid="pz-1795293950.2", channel="PJSIP/101-00000002", bridge=bridge, context="")


def entry(waited: int = 20) -> WaitingCaller:
    return WaitingCaller(NOW, "", queue="support", uniqueid=CALL_ID, priority=7, waited_seconds=waited)


def known(state: CallState) -> Call:
    return Call(call_id=CALL_ID, received_at=BEGAN, state=state)


def compared(
    calls: list[Call], channels: list[ListedChannel], waiting: list[WaitingCaller] | None = None
) -> Comparison:
    return compare(calls, channels, waiting or [], {CALL_ID: "100"}, "pz", NOW, lambda number: number)


def test_it_finds_nothing_where_both_agree() -> None:
    result = compared([known(CallState.QUEUED)], [caller()], [entry()])
    assert (result.events, list(result.live), result.gone) == ([], [CALL_ID], [])


def test_it_takes_up_a_caller_who_came_while_we_were_down_and_waits() -> None:
    result = compared([], [caller()], [entry(waited=20)])
    assert [event.kind for event in result.events] == [
        EventKind.RECEIVED,
        EventKind.FOUND,
        EventKind.QUEUE_JOINED,
    ]
    call = replay(result.events)
    assert (call.state, call.received_at, call.priority, call.line) == (CallState.QUEUED, BEGAN, 7, "100")
    assert call.queued_at == NOW - timedelta(seconds=20)


def test_it_sees_that_a_waiting_caller_is_with_an_operator_now() -> None:
    result = compared([known(CallState.QUEUED)], [caller(bridge="b1"), operator("b1")])
    (event,) = result.events
    assert (event.kind, event.data) == (EventKind.OPERATOR_ANSWERED, {"operator": "101"})


def test_it_names_the_duty_phone_and_not_the_trunk_that_leads_to_it() -> None:
    trunk = caller(
        uniqueid="pz-1795293950.2", channel="PJSIP/presszero-trunk-00000002", bridge="b1", context=""
    )
    (event,) = compared([known(CallState.QUEUED)], [caller(bridge="b1", exten="duty"), trunk]).events
    assert (event.kind, event.data) == (EventKind.OPERATOR_ANSWERED, {"operator": "duty"})


@pytest.mark.parametrize("exten", ["bot", "operator", "elsewhere"])
def test_it_takes_the_voicebots_leg_for_nobody(exten: str) -> None:
    leg = operator("b1")
    bot = replace(leg, channel="AudioSocket/127.0.0.1:9092-0d5ec0de-0000-4000-8000-000000000000")
    assert compared([known(CallState.BOT)], [caller(bridge="b1", exten=exten), bot]).events == []


def test_it_takes_no_other_caller_for_an_operator() -> None:
    other = caller(uniqueid="pz-1795293950.2", linkedid="pz-1795293950.2", bridge="b1")
    calls = [known(CallState.QUEUED), replace(known(CallState.QUEUED), call_id=other.uniqueid)]
    assert compared(calls, [caller(bridge="b1"), other]).events == []


def test_it_sees_that_a_waiting_caller_speaks_to_the_voicemail_now() -> None:
    (event,) = compared([known(CallState.QUEUED)], [caller(exten="voicemail")]).events
    assert event.kind is EventKind.VOICEMAIL_STARTED


@pytest.mark.parametrize("state", [CallState.MENU, CallState.BOT])
def test_it_leaves_a_caller_in_menu_or_bot_to_those_who_serve_him(state: CallState) -> None:
    assert compared([known(state)], [caller(exten="bot", application="TryExec")]).events == []


def test_it_names_calls_that_are_gone() -> None:
    result = compared([known(CallState.TALKING)], [])
    assert [call.call_id for call in result.gone] == [CALL_ID]


def test_it_leaves_another_pbxs_calls_alone() -> None:
    foreign = replace(known(CallState.TALKING), call_id="vp-7f3a")
    assert compared([foreign], []).gone == []


def test_it_leaves_channels_alone_that_are_not_our_callers() -> None:
    result = compared(
        [], [caller(context="presszero-phones"), caller(uniqueid="pz-1795293936.2"), operator("")]
    )
    assert (result.events, result.live) == ([], {})


def test_it_tells_the_same_when_asked_twice() -> None:
    first, second = (compared([], [caller()], [entry()]).events for _ in range(2))
    assert first == second
