"""What a real Asterisk 22.10.1 said about four calls, read as call events; and what is none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from panoramisk.message import Message

from cti.asterisk import events as ami
from cti.asterisk.ami_protocol import headers_of
from cti.asterisk.translate import Translator, began
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.promise import attempt_id
from tickets.vocabulary import CallOutcome, CallState, Direction, EventKind

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
BEGAN = datetime.fromtimestamp(1795293936, UTC)
CAPTURE = Path(__file__).parents[2] / "fakes" / "asterisk22.ami"
ANSWERED, ABANDONED, TIMED_OUT, DUTY = (
    "pz-1795293936.1",
    "pz-1795293941.8",
    "pz-1795293945.14",
    "pz-1795293954.24",
)


def captured() -> list[ami.AmiEvent]:
    blocks = CAPTURE.read_bytes().decode().split("\r\n\r\n")
    messages = (Message.from_line(block) for block in blocks)
    read = (ami.read(message, NOW, 0) for message in messages if message is not None)
    return [event for event in read if event is not None]


def translated(events: list[ami.AmiEvent], translator: Translator | None = None) -> list[CallEvent]:
    translator = translator or Translator(lambda number: number)
    return [told for event in events for told in translator.translate(event)]


def of_call(call_id: str) -> list[CallEvent]:
    return [event for event in translated(captured()) if event.call_id == call_id]


def call(call_id: str) -> Call:
    return replay(of_call(call_id))


def kinds(events: list[CallEvent]) -> list[str]:
    return [event.kind.value for event in events]


def channel(uniqueid: str = "1795293936.1", **others: str) -> dict[str, str]:
    return {
        "Timestamp": "1795293940.5",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "Context": "presszero-call",
        "Exten": "operator",
        "CallerIDNum": "+18005551111",
        **others,
    }


def typed(**headers: str | list[str]) -> ami.AmiEvent:
    event = ami.read(headers, NOW, 1)
    assert event is not None
    return event


def test_a_feature_code_says_who_wants_what_on_which_phone() -> None:
    for phone, interface in (("101", "PJSIP/101"), ("101-web", "PJSIP/101-web")):
        event = typed(
            Event="UserEvent", UserEvent="PressZeroPresence", Phone=phone, Presence="ready", **channel()
        )
        assert isinstance(event, ami.PresenceDialled)
        assert (event.operator, event.interface, event.presence) == ("101", interface, "ready")


def test_it_does_not_believe_an_event_that_names_two_calls() -> None:
    # As a caller ID with a line end in it makes them: Asterisk does not escape it.
    headers = headers_of("Event: Hangup\r\nUniqueid: pz-1.1\r\nUniqueid: pz-2.2\r\nLinkedid: pz-2.2")
    with pytest.raises(ami.UnreadableAmiEvent, match="more than one Uniqueid"):
        ami.read({**channel(), **headers}, NOW, 1)


def test_it_reads_the_keys_that_the_far_end_presses_and_not_those_that_we_send() -> None:
    key = {"Event": "DTMFEnd", "Digit": "0", "DurationMs": "120", **channel()}
    pressed = typed(**key, Direction="Received")
    assert isinstance(pressed, ami.KeyPressed)
    assert (pressed.uniqueid, pressed.key) == (channel()["Uniqueid"], "0")
    assert ami.read({**key, "Direction": "Sent"}, NOW, 1) is None
    assert translated([pressed]) == []


def test_it_finds_our_callers_and_nobody_else_in_what_a_pbx_says() -> None:
    # The capture also holds the far ends of the calls, operators' phones and lists that somebody asked for.
    assert {event.call_id for event in translated(captured())} == {ANSWERED, ABANDONED, TIMED_OUT, DUTY}


def test_it_tells_an_answered_call() -> None:
    events = of_call(ANSWERED)
    assert kinds(events) == [
        "call.received", "queue.joined", "operator.ringing", "queue.left", "operator.answered",
        "operator.left", "call.ended",
    ]  # fmt: skip
    assert events[0].data == {
        "caller_raw": "+18005551111",
        "caller": "+18005551111",
        "line": "18005550100",
        "direction": "inbound",
    }
    assert events[1].data == {"queue": "support", "priority": 5}
    assert events[3].data == {"queue": "support", "reason": "answered"}
    assert events[4].data == {"operator": "101", "hold_seconds": 1, "ring_seconds": 0}
    assert call(ANSWERED).outcome is CallOutcome.ANSWERED_BY_OPERATOR


def test_it_counts_an_abandoned_call_once() -> None:
    left = [event for event in of_call(ABANDONED) if event.kind is EventKind.QUEUE_LEFT]
    assert [event.data["reason"] for event in left] == ["abandoned"]
    assert call(ABANDONED).outcome is CallOutcome.ABANDONED


def test_it_does_not_take_the_queues_time_out_for_an_abandoned_call() -> None:
    # Asterisk says QueueCallerAbandon of both.
    left = [event for event in of_call(TIMED_OUT) if event.kind is EventKind.QUEUE_LEFT]
    assert [event.data["reason"] for event in left] == ["timeout"]
    assert kinds(of_call(TIMED_OUT)).count("operator.missed") == 2
    assert call(TIMED_OUT).outcome is CallOutcome.VOICEMAIL


def test_it_tells_of_the_duty_phone_as_of_an_operator() -> None:
    told = call(DUTY)
    assert (told.operator, told.outcome) == ("duty", CallOutcome.ANSWERED_BY_OPERATOR)
    assert told.talk_seconds == pytest.approx(2.5, abs=0.1)


def test_it_gives_the_same_ids_to_the_same_events() -> None:
    first, second = translated(captured()), translated(captured())
    assert first == second
    assert len({(event.source, event.source_id) for event in first}) == len(first)


def test_it_ends_a_call_that_a_transfer_gave_an_older_linkedid() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    end = typed(Event="Hangup", **channel(Linkedid="1795290000.1", Context="elsewhere"))
    assert kinds(translator.translate(end)) == ["call.ended"]


@pytest.mark.parametrize(
    "headers",
    [
        {"ChannelStateDesc": "Down", "Exten": "s"},  # the PBX rings somebody over the same trunk
        {"ChannelStateDesc": "Ring", "Context": "presszero-phones"},  # an operator dials
        {"ChannelStateDesc": "Ring", "Linkedid": "1795290000.1"},  # a further leg
    ],
)
def test_it_takes_no_other_channel_for_a_call(headers: dict[str, str]) -> None:
    translator = Translator(lambda number: number)
    new = typed(Event="Newchannel", **{**channel(Context="presszero-inbound"), **headers})
    assert translator.translate(new) == []
    end = typed(Event="Hangup", **{**channel(Context="presszero-inbound"), **headers})
    assert translator.translate(end) == []


def test_it_takes_up_a_call_whose_beginning_was_missed() -> None:
    member = {"Queue": "support", "Interface": "PJSIP/101", "MemberName": "Anna"}
    events = translated([typed(Event="AgentConnect", HoldTime="7", RingTime="3", **member, **channel())])
    assert kinds(events) == ["call.received", "operator.answered"]
    assert events[0].at == began("1795293936.1")


def test_it_takes_up_a_call_that_another_context_sent_to_our_dialplan() -> None:
    menu = typed(
        Event="UserEvent", UserEvent="PressZero", Call="1795293936.1", Stage="menu", Line="100", **channel()
    )
    (event,) = translated([menu])
    assert (event.kind, event.data["line"]) == (EventKind.RECEIVED, "100")


def test_a_person_whom_we_called_back_is_a_call_of_ours_in_the_other_direction() -> None:
    call_id = attempt_id("", BEGAN, 7, 1)
    made = typed(Event="Newchannel", ChannelStateDesc="Down", **channel(call_id, Context="presszero-inbound"))
    rings = typed(Event="Hangup", **channel(attempt_id("", BEGAN, 8, 1), Context="presszero-inbound"))
    answered = typed(
        Event="UserEvent",
        UserEvent="PressZero",
        Call=call_id,
        Stage="call_back",
        Line="100",
        **channel(call_id),
    )
    # While it rings it is an attempt; nobody has talked, and one that nobody answers is no call.
    (event,) = translated([made, rings, answered])
    assert (event.kind, event.call_id, event.at) == (EventKind.RECEIVED, call_id, BEGAN)
    call = replay([event])
    assert (call.direction, call.caller_raw, call.line) == (Direction.OUTBOUND, "+18005551111", "100")


def test_it_does_not_take_the_duty_phones_number_for_that_of_an_unknown_caller() -> None:
    told_by_duty_phone = channel("1795293941.2", Linkedid="1795293936.1", CallerIDNum="+12025550199")
    stage = {"UserEvent": "PressZero", "Call": "1795293936.1", "Stage": "duty_answered"}
    assert translated([typed(Event="UserEvent", **told_by_duty_phone, **stage)]) == []


def test_it_reads_the_callers_priority_and_not_the_dialplans_step() -> None:
    # Both headers are called Priority; Asterisk's own stands first.
    translator = Translator(lambda number: number)
    told = {"UserEvent": "PressZero", "Call": "1795293936.1", "Stage": "queue", "Queue": "support"}
    stage = typed(Event="UserEvent", Priority=["4", "9"], **told, **channel())
    joined = typed(Event="QueueCallerJoin", Queue="support", Priority="10", **channel())
    events = translated([stage, joined], translator)
    assert events[-1].data == {"queue": "support", "priority": 9}


def test_it_settles_a_leave_without_a_connect_as_something_else() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    leave = typed(Event="QueueCallerLeave", Queue="support", **channel())
    end = typed(Event="Hangup", **channel())
    events = translated([leave, end], translator)
    assert [event.data.get("reason") for event in events] == ["other", None]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("TIMEOUT", "timeout"), ("LEAVEEMPTY", "empty"), ("WITHDRAW", "other"), ("", "timeout")],
)
def test_it_tells_a_queue_without_operators_from_a_wait_that_was_too_long(status: str, reason: str) -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    stage = {"UserEvent": "PressZero", "Call": "1795293936.1", "Stage": "left_queue", "Status": status}
    events = [
        typed(Event="QueueCallerAbandon", Queue="support", **channel()),
        typed(Event="QueueCallerLeave", Queue="support", **channel()),
        typed(Event="UserEvent", **stage, **channel()),
    ]
    (left,) = translated(events, translator)
    assert (left.kind, left.data["reason"]) == (EventKind.QUEUE_LEFT, reason)


def test_it_tells_of_a_caller_whom_an_empty_queue_did_not_let_in() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    stage = {"UserEvent": "PressZero", "Call": "1795293936.1", "Stage": "left_queue", "Queue": "support"}
    (left,) = translated([typed(Event="UserEvent", **stage, Status="JOINEMPTY", **channel())], translator)
    assert (left.kind, left.data) == (EventKind.QUEUE_LEFT, {"queue": "support", "reason": "empty"})


def test_a_clock_that_is_set_back_in_the_middle_of_a_call_does_not_turn_its_order() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    member = {
        "Queue": "support",
        "Interface": "PJSIP/101",
        "MemberName": "",
        "HoldTime": "7",
        "RingTime": "3",
    }
    events = translated(
        [
            typed(Event="QueueCallerJoin", Queue="support", **channel()),
            typed(Event="AgentConnect", **member, **channel(Timestamp="1795290340.5")),
            typed(Event="Hangup", **channel(Timestamp="1795290350.5")),
        ],
        translator,
    )
    assert replay(events[:-1]).state is CallState.TALKING
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_it_tells_two_phones_that_ring_at_the_same_instant_apart() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    rings = [
        typed(Event="AgentCalled", Queue="support", Interface=f"PJSIP/{who}", MemberName="", **channel())
        for who in ("101", "102")
    ]
    assert len({event.source_id for event in translated(rings, translator)}) == 2


def test_it_forgets_calls_that_are_over() -> None:
    translator = Translator(lambda number: number)
    translator.adopt({"1795293936.1": BEGAN})
    translator.forget(["1795293936.1"])
    assert translator.translate(typed(Event="Hangup", **channel(Context="elsewhere"))) == []


def test_it_leaves_an_unknown_caller_without_a_number() -> None:
    new = typed(
        Event="Newchannel",
        ChannelStateDesc="Ring",
        **channel(Context="presszero-inbound", CallerIDNum="<unknown>"),
    )
    (event,) = translated([new], Translator(lambda number: pytest.fail("nothing to normalise")))
    assert (event.data["caller_raw"], event.data["caller"]) == ("", None)


def test_it_uses_the_time_of_receipt_where_the_pbx_tells_none() -> None:
    headers = channel()
    del headers["Timestamp"]
    first, second = (ami.read({"Event": "Hangup", **headers}, NOW, number) for number in (1, 2))
    assert first is not None
    assert second is not None
    assert first.at == NOW
    assert first.stamp != second.stamp


@pytest.mark.parametrize("missing", ["Uniqueid", "Queue", "HoldTime", "Interface"])
def test_it_says_which_header_is_missing(missing: str) -> None:
    headers = {"Event": "AgentConnect", "Queue": "support", "Interface": "PJSIP/101", "MemberName": "Anna",
               "HoldTime": "7", "RingTime": "3", **channel()}  # fmt: skip
    del headers[missing]
    with pytest.raises(ami.UnreadableAmiEvent, match=missing):
        ami.read(headers, NOW, 1)


@pytest.mark.parametrize(
    ("interface", "operator"),
    [
        ("PJSIP/101", "101"),
        ("PJSIP/101-web", "101"),
        ("Local/101@phones/n", "101"),
        ("SIP/anna", "anna"),
        ("Agent", "Anna"),
    ],
)
def test_it_knows_an_operator_by_the_extension(interface: str, operator: str) -> None:
    assert ami.operator_of(interface, "Anna") == operator


def test_it_reads_when_a_call_began_from_its_id() -> None:
    assert began("1795293936.1") == began("my-pbx-1795293936.1") == datetime.fromtimestamp(1795293936, UTC)
    assert began("vp-7f3a") is None
