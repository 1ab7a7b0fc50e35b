"""Who has a caller: told by bridges and by our dialplan, whatever brought them together."""

from datetime import UTC, datetime, timedelta

import pytest

from cti.asterisk.events import AmiEvent, ListedChannel, read
from cti.asterisk.translate import Translator
from tests.fakes.pbx_with_calls import channel as listed
from tickets.call import replay
from tickets.dialled import dialled_id
from tickets.events import CallEvent
from tickets.promise import is_attempt
from tickets.vocabulary import CallState, Direction, EventKind

pytestmark = pytest.mark.unit

START = 1795293940
CALL = f"pz-{START}.1"
CALLER, ALICE, BOB = "PJSIP/trunk-00000001", "PJSIP/101-00000002", "PJSIP/102-web-00000003"
IDS = {CALLER: CALL, ALICE: f"pz-{START}.2", BOB: f"pz-{START}.3"}


class Told:
    """One call, told event by event; a second apart."""

    def __init__(self) -> None:
        self.translator = Translator(lambda number: number)
        self.events: list[CallEvent] = []
        self._second = 0

    def tell(self, name: str, channel: str = CALLER, **headers: str) -> "Told":
        self._second += 1
        about = {
            "Event": name,
            "Timestamp": f"{START + self._second}.5",
            "Channel": channel,
            "Uniqueid": IDS.get(channel, channel),
            "Linkedid": CALL,
            "Context": "presszero-call",
            "Exten": "operator",
        }
        event: AmiEvent | None = read(about | headers, datetime.now(UTC), 1)
        if event is not None:
            self.events += self.translator.translate(event)
        return self

    def stage(self, stage: str, channel: str = ALICE, **fields: str) -> "Told":
        return self.tell("UserEvent", channel, UserEvent="PressZero", Call=CALL, Stage=stage, **fields)

    def meet(self, bridge: str, *channels: str) -> "Told":
        for channel in channels:
            self.tell("BridgeEnter", channel, BridgeUniqueid=bridge)
        return self

    def leave(self, bridge: str, *channels: str) -> "Told":
        for channel in channels:
            self.tell("BridgeLeave", channel, BridgeUniqueid=bridge)
        return self

    def since(self) -> list[tuple[str, ...]]:
        """What is new, in a few words."""
        new, self.events = self.events, []
        names = ("operator", "to", "how")
        return [(one.kind.value, *(str(one.data[n]) for n in names if n in one.data)) for one in new]


@pytest.fixture
def told() -> Told:
    """A caller whom the queue has connected with 101."""
    call = Told().tell("Newchannel", Context="presszero-inbound", ChannelStateDesc="Ring")
    call.tell("QueueCallerJoin", Queue="support")
    member = {"Queue": "support", "Interface": "PJSIP/101", "HoldTime": "1", "RingTime": "1"}
    call.tell("AgentConnect", **member).meet("b1", CALLER, ALICE)
    assert call.since()[-1] == ("operator.answered", "101")
    return call


def test_the_desk_holds_and_takes_back(told: Told) -> None:
    told.leave("b1", ALICE, CALLER).meet("room", CALLER).stage("held", Operator="101")
    assert told.since() == [("hold.started", "101")]
    assert told.stage("talk", Operator="101").meet("room", ALICE).since() == [("hold.ended", "101")]


def test_the_hold_key_of_a_phone_is_the_same_and_the_callers_own_is_none(told: Told) -> None:
    assert told.tell("Hold", ALICE).tell("Hold", ALICE).since() == [("hold.started", "101")]
    assert told.tell("Unhold", ALICE).since() == [("hold.ended", "101")]
    assert told.tell("Hold", CALLER).tell("Unhold", CALLER).since() == []


def test_who_is_sent_on_is_with_the_colleague_and_the_queues_late_word_changes_nothing(told: Told) -> None:
    told.leave("b1", CALLER).stage("sent", CALLER, Operator="101", To="102")
    assert told.since() == [("call.transferred", "101", "102", "blind"), ("operator.left", "101")]
    told.meet("b2", BOB, CALLER)
    assert told.since() == [("operator.answered", "102")]
    member = {"Queue": "support", "Interface": "PJSIP/101", "TalkTime": "9"}
    assert told.tell("AgentComplete", **member).since() == []
    assert told.tell("Hangup").since() == [("operator.left", "102"), ("call.ended",)]


def test_a_colleague_who_was_asked_takes_the_caller(told: Told) -> None:
    told.leave("b1", ALICE, CALLER).meet("room", CALLER).stage("consult", Operator="101", To="102")
    told.meet("b2", ALICE, BOB)  # they talk about the caller, not with them
    assert told.since() == [("hold.started", "101")]
    told.stage("attended", BOB, Operator="101", To="102").meet("room", BOB)
    assert told.since() == [
        ("call.transferred", "101", "102", "attended"),
        ("hold.ended", "101"),
        ("operator.left", "101"),
        ("operator.answered", "102"),
    ]


def test_a_supervisor_takes_over_while_the_operator_is_still_in_the_room(told: Told) -> None:
    told.leave("b1", ALICE, CALLER).meet("room", CALLER, ALICE)
    assert told.since() == []
    told.stage("taken", BOB, Operator="101", To="102").meet("room", BOB).leave("room", ALICE)
    assert told.since() == [
        ("call.transferred", "101", "102", "taken"),
        ("operator.left", "101"),
        ("operator.answered", "102"),
    ]


def test_of_three_the_operator_stays_the_operator_until_they_leave(told: Told) -> None:
    told.leave("b1", ALICE, CALLER).meet("room", CALLER, ALICE, BOB)
    assert told.since() == []
    assert told.leave("room", ALICE).since() == [("operator.left", "101"), ("operator.answered", "102")]


def test_a_phones_own_transfer_key_is_a_transfer_too(told: Told) -> None:
    about = {"Result": "Success", "TransfererChannel": ALICE, "TransfereeUniqueid": CALL, "Extension": "102"}
    told.tell("BlindTransfer", **about).leave("b1", CALLER, ALICE)
    assert told.since() == [("call.transferred", "101", "102", "blind"), ("operator.left", "101")]
    about = {
        "Result": "Success",
        "OrigTransfererChannel": BOB,
        "TransfereeUniqueid": CALL,
        "TransferTargetChannel": "PJSIP/103-00000009",
    }
    told.meet("b2", CALLER, BOB).tell("AttendedTransfer", **about)
    assert told.since() == [
        ("operator.answered", "102"),
        ("call.transferred", "102", "103", "attended"),
        ("operator.left", "102"),
    ]
    assert told.tell("AttendedTransfer", **about | {"Result": "Fail"}).since() == []


def test_a_pause_of_the_recording_is_told_once(told: Told) -> None:
    told.tell("MixMonitorMute", State="1").tell("MixMonitorMute", State="1").tell("MixMonitorMute", State="0")
    assert told.since() == [("recording.paused", "101"), ("recording.resumed", "101")]


def test_a_caller_forsaken_on_hold_waits_for_another(told: Told) -> None:
    told.leave("b1", ALICE, CALLER).meet("room", CALLER).stage("held", Operator="101").leave("room", CALLER)
    told.stage("queue", CALLER, Queue="support").tell("QueueCallerJoin", Queue="support")
    assert told.since() == [
        ("hold.started", "101"),
        ("hold.ended", "101"),
        ("operator.left", "101"),
        ("queue.joined",),
    ]


def test_the_duty_phones_line_is_nobodys_extension() -> None:
    told = Told().tell("Newchannel", Context="presszero-inbound", ChannelStateDesc="Ring")
    told.stage("duty", CALLER).stage("duty_answered", "PJSIP/presszero-trunk-00000009")
    told.meet("b1", CALLER, "PJSIP/presszero-trunk-00000009")
    assert [one for one in told.since() if one[0].startswith("operator")] == [
        ("operator.ringing", "duty"),
        ("operator.answered", "duty"),
    ]


def test_machines_and_colleagues_among_themselves_are_no_operators_of_a_caller(told: Told) -> None:
    told.leave("b1", ALICE).meet("b1", "AudioSocket/127.0.0.1-1").meet("b9", ALICE, BOB)
    assert told.since() == []


def test_what_a_list_shows_stands_in_for_what_was_not_heard() -> None:
    told = Told()
    told.translator.adopt({CALL: datetime.fromtimestamp(START, UTC)})
    channels: list[ListedChannel] = [
        listed(CALLER, CALL, bridge="b1"),
        listed(ALICE, IDS[ALICE], bridge="b1"),
    ]
    told.translator.see(channels)
    assert told.tell("Hold", ALICE).since() == [("hold.started", "101")]


def test_a_call_at_a_click_is_a_call_of_ours_in_the_other_direction() -> None:
    at = datetime.fromtimestamp(START, UTC)
    made = dialled_id("pz", at, 77)
    assert not is_attempt(made)
    told = Told()
    told.tell(
        "UserEvent", made, UserEvent="PressZero", Call=made, Stage="called", Line="+1800", CallerIDNum="+1202"
    )
    told.meet("room", made, ALICE)
    call = replay(told.events)
    assert (call.direction, call.caller, call.received_at) == (Direction.OUTBOUND, "+1202", at)
    assert (call.state, call.operator) == (CallState.TALKING, "101")
    assert call.answered_at is not None
    assert call.answered_at - at < timedelta(seconds=10)


def test_after_a_cut_link_nobody_is_with_the_caller_who_was_before(told: Told) -> None:
    # Unheard: 101 has sent the caller on to 102.
    told.translator.deaf()
    told.translator.see(
        [listed(CALLER, CALL, "presszero-call,send", "b2"), listed(BOB, IDS[BOB], "presszero-phones,", "b2")]
    )
    found = CallEvent("ami", "met", CALL, datetime.now(UTC), EventKind.OPERATOR_ANSWERED, {"operator": "102"})
    told.translator.adopt({CALL: datetime.fromtimestamp(START, UTC)}, [found])
    told.leave("b2", CALLER).tell("Hangup")
    assert told.since() == [("operator.left", "102"), ("call.ended",)]


def test_after_a_cut_link_nobody_leaves_a_caller_who_waits_again(told: Told) -> None:
    told.translator.deaf()
    joined = CallEvent("ami", "met", CALL, datetime.now(UTC), EventKind.QUEUE_JOINED, {"queue": "support"})
    told.translator.adopt({CALL: datetime.fromtimestamp(START, UTC)}, [joined])
    assert told.tell("Hangup").since() == [("call.ended",)]
