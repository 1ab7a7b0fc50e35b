"""Desk commands for calls of virtual PBXs: to whom they go, who may, and what is said."""

import asyncio
from datetime import timedelta

import pytest

from cti.live import LiveCalls
from cti.operators.click_to_call import NotANumber
from cti.operators.commands import EitherPbx
from cti.operators.controls import NoSuchCall, PbxSaysNo
from cti.operators.legs import By
from cti.virtual_pbx.contract import (
    CallBack,
    CommandLate,
    CommandRefused,
    HangUp,
    Method,
    NotOffered,
    StartRecording,
    Transfer,
    neutral_id,
)
from cti.virtual_pbx.controls import VirtualControls
from tests.fakes.virtual_pbx import START
from tests.fakes.virtual_pbx.vendor import Deaf, Obliging
from tickets.call import replay
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.numbers import normalise_number
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

CALL = neutral_id("mango", "one")
ANNA, BEN, SOFIA = By("101"), By("102"), By("103", anybodys=True)


def live(*kinds: tuple[EventKind, str]) -> LiveCalls:
    events = [CallEvent("mango", "0", CALL, START, EventKind.RECEIVED, {"caller_raw": "+12025550143"})]
    for number, (kind, operator) in enumerate(kinds, 1):
        at = START + timedelta(seconds=number)
        events.append(CallEvent("mango", str(number), CALL, at, kind, {"operator": operator}))
    calls = LiveCalls()
    calls.begin_with([replay(events)])
    return calls


def talking() -> LiveCalls:
    return live((EventKind.OPERATOR_RINGING, "101"), (EventKind.OPERATOR_ANSWERED, "101"))


def controls(vendor: Obliging, calls: LiveCalls | None = None) -> VirtualControls:
    made = VirtualControls(
        talking() if calls is None else calls,
        lambda: {"101", "102", "support"},
        lambda number: normalise_number(number, "US"),
        settle_s=0.01,
    )
    made.connect({"mango": vendor})
    return made


async def test_commands_go_to_the_vendor_as_neutral_ones() -> None:
    vendor = Obliging()
    ours = controls(vendor)
    await ours.transfer(CALL, ANNA, "support")
    await ours.consult(CALL, ANNA, "102")
    await ours.start_recording(CALL, ANNA)
    await ours.hang_up(CALL, SOFIA)
    assert vendor.asked.commands == [
        Transfer("support", "101", Method.BLIND),
        Transfer("102", "101", Method.ATTENDED),
        StartRecording("101"),
        HangUp(),
    ]


async def test_nobody_commands_a_colleagues_call() -> None:
    vendor = Obliging()
    with pytest.raises(NoSuchCall):
        await controls(vendor).hang_up(CALL, BEN)
    with pytest.raises(NoSuchCall):
        await controls(vendor).hang_up(neutral_id("mango", "another"), SOFIA)
    assert vendor.asked.commands == []


async def test_a_phone_that_only_rings_is_not_hung_up_from_here() -> None:
    """The vendor's command would end the call: declining on the phone lets its scheme go on."""
    vendor = Obliging()
    ringing = live((EventKind.OPERATOR_RINGING, "101"))
    with pytest.raises(PbxSaysNo, match="No operator"):
        await controls(vendor, ringing).hang_up(CALL, SOFIA)
    assert vendor.asked.commands == []


@pytest.mark.parametrize("to", ["101", "999", ""])
async def test_a_caller_is_sent_only_where_there_is_somebody_else(to: str) -> None:
    vendor = Obliging()
    with pytest.raises(PbxSaysNo):
        await controls(vendor).transfer(CALL, ANNA, to)
    assert vendor.asked.commands == []


async def test_the_vendors_own_words_are_for_whoever_pressed_the_button() -> None:
    vendor = Obliging()
    vendor.asked.refusal = CommandRefused("Not now.", "Wrong number 103")
    with pytest.raises(PbxSaysNo, match=r'^Not now\. .*PBX says: "Wrong number 103"$'):
        await controls(vendor).hang_up(CALL, ANNA)


@pytest.mark.parametrize(
    "refusal", [NotOffered("Not here."), CommandRefused("Not now."), CommandLate("Too late.")]
)
async def test_what_the_vendor_says_is_said_to_the_operator(refusal: Exception) -> None:
    vendor = Obliging()
    vendor.asked.refusal = refusal
    with pytest.raises(PbxSaysNo, match=str(refusal)):
        await controls(vendor).hang_up(CALL, ANNA)


async def test_what_no_vendor_offers_is_said_with_its_name() -> None:
    ours = controls(Obliging())
    for command in (
        ours.hold(CALL, ANNA, True),
        ours.complete(CALL, ANNA),
        ours.return_to_caller(CALL, ANNA),
        ours.conference(CALL, ANNA, "102"),
        ours.send_dtmf(CALL, ANNA, "1"),
        ours.pause_recording(CALL, ANNA, True),
        ours.listen(CALL, "103", "listen"),
        ours.take_over(CALL, "103"),
    ):
        with pytest.raises(PbxSaysNo, match="The test's PBX"):
            await command


def test_a_call_shows_the_tools_that_its_pbx_has() -> None:
    assert controls(Obliging()).tools(CALL) == ("hang_up", "transfer", "consult", "record")
    assert controls(Deaf()).tools(CALL) == ()
    assert controls(Obliging()).tools(neutral_id("twilio", "of a removed connection")) == ()
    assert controls(Obliging()).tools("pz-1721740800.12") is None


async def test_a_click_rings_through_a_vendor_that_makes_calls() -> None:
    vendor = Obliging()
    assert await controls(vendor).call_out("102", "+12025550168") == ""
    assert vendor.asked.commands == [CallBack("102", "+12025550168")]
    with pytest.raises(PbxSaysNo, match="in use"):
        await controls(vendor).call_out("101", "+12025550168")
    with pytest.raises(PbxSaysNo, match="dial on your phone"):
        await controls(Deaf()).call_out("102", "+12025550168")


@pytest.mark.parametrize("number", ["911", "112", "+1", "12025550168", "+12025550168;x", ""])
async def test_no_short_number_is_ever_rung(number: str) -> None:
    vendor = Obliging()
    with pytest.raises(NotANumber):
        await controls(vendor).call_out("102", number)
    assert vendor.asked.commands == []


async def test_each_call_is_commanded_at_its_own_pbx() -> None:
    vendor, asterisk = Obliging(), controls(Deaf())
    either = EitherPbx(asterisk, controls(vendor))
    await either.hang_up(CALL, ANNA)
    assert vendor.asked.commands == [HangUp()]
    with pytest.raises(NoSuchCall):
        await either.hang_up("pz-1721740800.12", ANNA)


async def test_a_button_pressed_at_once_waits_for_the_ledger() -> None:
    """The desk shows an answer before it is committed."""
    vendor, calls = Obliging(), live((EventKind.OPERATOR_RINGING, "101"))
    ours = VirtualControls(calls, lambda: {"102"}, lambda number: number, settle_s=10)
    ours.connect({"mango": vendor})
    pressed = asyncio.create_task(ours.hang_up(CALL, ANNA))
    await asyncio.sleep(0)
    answered = CallEvent("mango", "9", CALL, START, EventKind.OPERATOR_ANSWERED, {"operator": "101"})
    calls.changed([CallChange(answered, replay([answered]), 1, False)])
    await asyncio.wait_for(pressed, 5)
    assert vendor.asked.commands == [HangUp()]
