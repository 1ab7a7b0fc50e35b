"""What the PBX is told for each command, and what is refused. Whether it is heard, `tests/house` listens."""

import asyncio
from datetime import UTC, datetime

import pytest

from cti.asterisk.events import HungUp, Originated, RecorderMuted, StageReached
from cti.operators import controls as controls_module
from cti.operators.click_to_call import ClickToCall, NotANumber
from cti.operators.controls import CallControls, NoSuchCall, PbxSaysNo
from cti.operators.legs import Asking, By
from tests.fakes.pbx_with_calls import CALLER, NOW, PHONE, PbxWithCalls, channel
from tickets.dialled import is_dialled
from tickets.numbers import normalise_number

pytestmark = pytest.mark.unit

OPERATORS = ("101", "102")
ALICE, BOB, CHIEF = By("101"), By("102"), By(None, anybodys=True)
CALL = CALLER.uniqueid
IN_ROOM = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,room", "room")
ASKING = channel("PJSIP/101-2", "pz-1.2", "presszero-desk,consult", "b2")
ASKED = channel("PJSIP/102-3", "pz-1.3", bridge="b2")


def with_pbx(*channels: object, **variables: str) -> tuple[CallControls, PbxWithCalls]:
    pbx = PbxWithCalls(list(channels or (CALLER, PHONE)), variables=variables)  # type: ignore[arg-type]
    commands = CallControls(pbx, "PJSIP/{}".format, lambda: OPERATORS, ["support"])
    pbx.hear.append(commands.hear)
    return commands, pbx


def consulting() -> tuple[CallControls, PbxWithCalls]:
    return with_pbx(IN_ROOM, ASKING, ASKED, **{"PJSIP/101-2:PZ_DESK": CALL, "PJSIP/101-2:PZ_TO": "102"})


async def test_hold_sends_both_at_once_to_their_places() -> None:
    commands, pbx = with_pbx()
    await commands.hold(CALL, ALICE, True)
    (sent,) = pbx.did("Redirect")
    assert (sent["Channel"], sent["Context"], sent["Exten"]) == (PHONE.channel, "presszero-desk", "wait")
    assert (sent["ExtraChannel"], sent["ExtraExten"]) == (CALLER.channel, "room")
    assert {fields["Variable"]: fields["Value"] for fields in pbx.did("Setvar")} == {
        "__PZ_DESK": CALL,
        "__PZ_WITH": CALLER.channel,
        "__PZ_ME": "101",
    }


async def test_a_command_that_the_pbx_does_not_confirm_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls_module, "DONE_S", 0.01)
    commands, pbx = with_pbx()
    pbx.hear.clear()
    with pytest.raises(PbxSaysNo, match="in time"):
        await commands.hold(CALL, ALICE, True)


async def test_an_operator_commands_no_call_of_another_and_a_supervisor_commands_all() -> None:
    commands, pbx = with_pbx()
    for command in (
        commands.hang_up(CALL, BOB),
        commands.hold(CALL, BOB, True),
        commands.transfer(CALL, BOB, "102"),
        commands.consult(CALL, BOB, "102"),
        commands.send_dtmf(CALL, BOB, "1"),
        commands.pause_recording(CALL, BOB, True),
        commands.hang_up("pz-9.9", CHIEF),
    ):
        with pytest.raises(NoSuchCall):
            await command
    assert pbx.actions == []
    await commands.transfer(CALL, CHIEF, "support")
    assert pbx.did("Redirect")[0]["Exten"] == "requeue"


async def test_it_sends_on_only_to_whom_there_is() -> None:
    commands, pbx = with_pbx()
    for to in ("199", "911", "102,30,S(1)", "PJSIP/102", "101", ""):
        with pytest.raises(PbxSaysNo):
            await commands.transfer(CALL, ALICE, to)
        with pytest.raises(PbxSaysNo):
            await commands.consult(CALL, ALICE, to)
    with pytest.raises(PbxSaysNo):
        await commands.consult(CALL, ALICE, "support")
    with pytest.raises(PbxSaysNo):
        await commands.conference(CALL, ALICE, "support")
    assert pbx.actions == []


async def test_who_is_sent_on_is_recorded_again_whatever_was_paused() -> None:
    commands, pbx = with_pbx()
    await commands.transfer(CALL, ALICE, "102")
    assert [name for name, _ in pbx.actions] == ["MixMonitorMute", "Setvar", "Setvar", "Redirect"]
    assert pbx.did("MixMonitorMute")[0]["State"] == "0"
    (sent,) = pbx.did("Redirect")
    assert (sent["Exten"], sent["ExtraExten"]) == ("send", "bye")


@pytest.mark.parametrize("stage", ["queue", "attended", "taken"])
async def test_whoever_has_the_caller_next_is_recorded_again(stage: str) -> None:
    commands, pbx = with_pbx()
    muted = RecorderMuted(NOW, "1", CALL, CALL, "", "", "", CALLER.channel, muted=True)
    commands.hear([muted])
    pbx.say("held")
    await asyncio.sleep(0.01)
    assert pbx.did("MixMonitorMute") == []
    pbx.say(stage)
    pbx.say(stage)
    await asyncio.sleep(0.01)
    assert pbx.did("MixMonitorMute") == [{"Channel": CALL, "Direction": "both", "State": "0"}]


async def test_while_a_colleague_is_asked_only_what_fits_is_done() -> None:
    commands, pbx = consulting()
    for command in (
        commands.hold(CALL, ALICE, True),
        commands.transfer(CALL, ALICE, "support"),
        commands.consult(CALL, ALICE, "102"),
        commands.conference(CALL, ALICE, "102"),
        commands.take_over(CALL, "102"),
    ):
        with pytest.raises(PbxSaysNo):
            await command
    assert pbx.actions == []
    await commands.return_to_caller(CALL, ALICE)
    (sent,) = pbx.did("Redirect")
    assert (sent["Exten"], sent["ExtraChannel"], sent["ExtraExten"]) == ("talk", ASKED.channel, "leave")


async def test_a_transfer_is_completed_by_putting_the_phone_down() -> None:
    commands, pbx = consulting()
    completing = asyncio.create_task(commands.complete(CALL, ALICE))
    await asyncio.sleep(0.01)  # the PBX has been told by then; it has two seconds to say that it is so
    pbx.say("attended", operator="101", to="102")
    await completing
    assert pbx.did("Hangup") == [{"Channel": ASKING.channel}]


async def test_a_transfer_that_is_completed_too_early_rings_on_for_the_caller() -> None:
    ringing = channel("PJSIP/102-3", "pz-1.3", rings=True)
    asking = channel("PJSIP/101-2", "pz-1.2", "presszero-desk,consult")
    commands, pbx = with_pbx(
        IN_ROOM, asking, ringing, **{"PJSIP/101-2:PZ_DESK": CALL, "PJSIP/101-2:PZ_TO": "102"}
    )
    await commands.complete(CALL, ALICE)
    assert pbx.did("Redirect")[0]["Exten"] == "send"
    assert {"Channel": IN_ROOM.channel, "Variable": "PZ_TO", "Value": "102"} in pbx.did("Setvar")


async def test_the_caller_may_reach_the_room_after_the_colleague_is_rung() -> None:
    commands, pbx = with_pbx()
    pbx.say("consult", operator="101", to="102")
    pbx.say("room")
    assert commands.consulting(CALL) == Asking("102")
    pbx.say("asked", operator="101", to="102")
    assert commands.consulting(CALL) == Asking("102", answered=True)
    pbx.say("talk", operator="101")
    assert commands.consulting(CALL) is None


async def test_after_a_restart_it_knows_who_is_being_asked() -> None:
    commands, _ = consulting()
    commands.wake()
    await asyncio.sleep(0.01)
    assert commands.consulting(CALL) == Asking("102", answered=True)
    commands.hear([HungUp(NOW, "1", CALL, "x", "", "", "", "normal")])
    assert commands.consulting(CALL) is None


async def test_nothing_is_completed_or_left_when_nobody_is_asked() -> None:
    commands, pbx = with_pbx()
    for command in (commands.complete(CALL, ALICE), commands.return_to_caller(CALL, ALICE)):
        with pytest.raises(PbxSaysNo):
            await command
    assert pbx.actions == []


@pytest.mark.parametrize("digits", ["", "12x", "1,2", "5" * 25, "1\r\nAction: Logoff"])
async def test_it_presses_only_keys_that_there_are(digits: str) -> None:
    commands, pbx = with_pbx()
    with pytest.raises(PbxSaysNo):
        await commands.send_dtmf(CALL, ALICE, digits)
    assert pbx.actions == []


async def test_a_ringing_phone_is_refused_and_the_caller_is_let_be() -> None:
    queued = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,operator")
    commands, pbx = with_pbx(queued, channel("PJSIP/101-2", "pz-1.2", rings=True))
    with pytest.raises(PbxSaysNo):
        await commands.hold(CALL, ALICE, True)
    await commands.hang_up(CALL, ALICE)
    assert pbx.did("Hangup") == [{"Channel": "PJSIP/101-2"}]


async def test_listening_rings_the_supervisors_phone_with_the_operators_channel() -> None:
    commands, pbx = with_pbx()
    await commands.listen(CALL, "102", "whisper")
    (rung,) = pbx.did("Originate")
    assert (rung["Channel"], rung["Context"], rung["Exten"]) == ("PJSIP/102", "presszero-desk", "listen")
    assert {"PZ_PHONE=PJSIP/101-2", "PZ_SPY=w"} <= set(rung["Variable"])
    with pytest.raises(PbxSaysNo):
        await commands.listen(CALL, "101", "listen")  # their own call


async def test_it_says_when_the_pbx_refuses() -> None:
    commands, pbx = with_pbx()
    pbx.refuses.add("Redirect")
    with pytest.raises(PbxSaysNo, match="No such channel"):
        await commands.hold(CALL, ALICE, True)


def dialler(pbx: PbxWithCalls) -> ClickToCall:
    return ClickToCall(
        pbx,
        "PJSIP/{}-web".format,
        lambda raw: normalise_number(raw, "US"),
        "+18005550100",
        lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    )


def dialled(call_id: str) -> StageReached:
    return StageReached(NOW, "1", f"desk-{call_id}", "x", "", "", "", call_id, "dial", "", 0, "")


async def test_a_click_rings_the_chosen_phone_and_then_the_other_side() -> None:
    pbx = PbxWithCalls([], variables={":PZ_TRUNK": "trunk"})
    click = dialler(pbx)
    call_id = await click.call_out("101", "+12025550168")
    assert is_dialled(call_id)
    assert pbx.did("Originate")[0]["Channel"] == "PJSIP/101-web"
    click.hear([dialled(call_id), dialled("pz-1.5")])
    await asyncio.sleep(0.01)
    far = pbx.did("Originate")[1:]
    assert [(one["Channel"], one["ChannelId"]) for one in far] == [("PJSIP/+12025550168@trunk", call_id)]
    click.hear([HungUp(NOW, "1", call_id, "x", "", "", "", "busy")])
    await asyncio.sleep(0.01)
    assert pbx.did("Redirect")[0]["Exten"] == "unreached"


async def test_who_puts_the_phone_down_rings_nobody_any_more() -> None:
    pbx = PbxWithCalls([], variables={":PZ_TRUNK": "trunk"})
    click = dialler(pbx)
    call_id = await click.call_out("101", "+12025550168")
    click.hear([dialled(call_id)])
    await asyncio.sleep(0.01)
    click.hear([HungUp(NOW, "1", f"desk-{call_id}", "x", "", "", "", "normal")])
    await asyncio.sleep(0.01)
    assert pbx.did("Hangup") == [{"Channel": call_id}]


async def test_a_trunk_that_makes_no_channel_is_told_to_the_operator_and_nothing_is_kept() -> None:
    pbx = PbxWithCalls([], variables={":PZ_TRUNK": "trunk"})
    click = dialler(pbx)
    call_id = await click.call_out("101", "+12025550168")
    click.hear([dialled(call_id)])
    await asyncio.sleep(0.01)
    click.hear([Originated(NOW, "1", call_id, False, 0)])
    await asyncio.sleep(0.01)
    assert pbx.did("Redirect")[0]["Exten"] == "unreached"
    not_signed_in = await click.call_out("101", "+12025550168")
    click.hear([Originated(NOW, "1", f"desk-{not_signed_in}", False, 0)])
    assert click._dialling == {}


@pytest.mark.parametrize(
    "number", ["911", "112", "+112", "+1911", "12025550168", "+1 202 555 0168", "+0123456789"]
)
async def test_no_short_and_no_half_number_is_ever_dialled(number: str) -> None:
    pbx = PbxWithCalls([])
    with pytest.raises(NotANumber):
        await dialler(pbx).call_out("101", number)
    assert pbx.actions == []


async def test_nobody_calls_with_a_phone_in_use() -> None:
    pbx = PbxWithCalls([CALLER, PHONE])
    with pytest.raises(PbxSaysNo, match="in use"):
        await dialler(pbx).call_out("101", "+12025550168")
    assert pbx.actions == []
