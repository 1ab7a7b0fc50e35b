"""What operators and supervisors do with calls, in a real Asterisk: heard at every end and in the ledger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from cti.asterisk.events import CallerJoined, StageReached
from cti.demo.network import Leg
from cti.operators.click_to_call import ClickToCall, NotANumber
from cti.operators.controls import CallControls, NoSuchCall, PbxSaysNo
from cti.operators.legs import Asking, By
from recordings.audio import read_channel
from recordings.shelf import RecordingShelf
from recordings.store import DiskStore
from tests.fakes.until import eventually
from tests.house.centre import Centre
from tests.house.desk_view import Outcome, outcome_of
from tests.house.hearing import Sound, heard, is_heard, loudness, read
from tests.house.voices import Voices
from tickets.database import utc_now
from tickets.numbers import normalise_number
from tickets.vocabulary import CallOutcome, Direction, EventKind

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

ALICE, BOB = By("101"), By("102")
SUPERVISOR = "102"  # whose phone it is in these tests
QUIET, MUSIC = 30.0, 300.0  # loudness
_TALK = frozenset(
    {
        EventKind.OPERATOR_ANSWERED,
        EventKind.OPERATOR_LEFT,
        EventKind.HOLD_STARTED,
        EventKind.HOLD_ENDED,
        EventKind.TRANSFERRED,
        EventKind.RECORDING_PAUSED,
        EventKind.RECORDING_RESUMED,
    }
)


@pytest_asyncio.fixture(loop_scope="session")
async def controls(served: Centre) -> AsyncIterator[CallControls]:
    """The commands, over the test's own link."""
    made = CallControls(served.pbx, "PJSIP/{}".format, lambda: ("101", "102"), ["support"])
    served.listener.also.append(made.hear)
    yield made
    served.listener.also.remove(made.hear)


@pytest_asyncio.fixture(loop_scope="session")
async def click(served: Centre) -> AsyncIterator[ClickToCall]:
    """Calls at a click."""
    made = ClickToCall(
        served.pbx, "PJSIP/{}".format, lambda raw: normalise_number(raw, "US"), "+18005550100", utc_now
    )
    served.listener.also.append(made.hear)
    yield made
    served.listener.also.remove(made.hear)


@dataclass
class Talk:
    """A caller with operator 101, and what both hear."""

    caller: Leg
    phone: Leg
    call_id: str
    caller_tape: Path
    phone_tape: Path


async def talk(centre: Centre, number: str, folder: Path) -> Talk:
    """A caller who has got through to 101; the queue does not ring 102."""
    await centre.pbx.action("QueuePause", Interface="PJSIP/102", Paused="true")
    tapes = folder / "caller.wav", folder / "phone.wav"
    caller, call_id = await centre.call(number, tape=tapes[0])
    await centre.stage(call_id, "menu")
    await caller.press("0")
    await centre.queued(call_id)
    phone = await rings(centre, "101")
    await phone.answer(tape=tapes[1])
    return Talk(caller, phone, call_id, *tapes)


async def rings(centre: Centre, number: str) -> Leg:
    return await centre.exchange.network.phone_rings(number, 20)


async def down(leg: Leg) -> None:
    """The PBX has ended this leg."""
    await asyncio.wait_for(leg.hung_up.wait(), 10)


def story(outcome: Outcome) -> list[tuple[str, ...]]:
    """Who had the caller, in the order of the ledger."""
    names = ("operator", "to", "how")
    return [
        (str(event.kind), *(str(event.data[name]) for name in names if name in event.data))
        for event in outcome.events
        if event.kind in _TALK
    ]


async def sides(centre: Centre, outcome: Outcome) -> list[Sound]:
    """The recording: the caller, and what the caller heard."""
    shelf = RecordingShelf(centre.database.sessions, DiskStore(centre.settings.recordings_folder))
    audio = await shelf.open_audio(outcome.recording.id)
    tracks = [await asyncio.to_thread(read_channel, audio.path, channel) for channel in (0, 1)]
    return [track.astype(np.float64) for track in tracks]


async def test_a_caller_on_hold_hears_music_and_then_the_operator_again(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550161", tmp_path)
    await controls.hold(one.call_id, ALICE, True)
    await one.phone.say(voices["hello"])
    await one.caller.say(voices["message"])
    await controls.hold(one.call_id, ALICE, False)
    await one.phone.say(voices["wish"])
    await one.caller.say(voices["no_thanks"])
    await one.caller.hang_up()
    await down(one.phone)
    outcome = await outcome_of(served, one.call_id)
    assert story(outcome) == [
        ("operator.answered", "101"),
        ("hold.started", "101"),
        ("hold.ended", "101"),
        ("operator.left", "101"),
    ]
    held = next(event for event in outcome.events if event.kind is EventKind.HOLD_STARTED)
    since_s = (held.at - outcome.call.received_at).total_seconds()
    tape, other = await heard(one.caller_tape, 8), await heard(one.phone_tape, 3)
    assert loudness(tape, since_s + 1.5, since_s + 4) > MUSIC
    assert not is_heard(tape, read(voices["hello"]))
    assert is_heard(tape, read(voices["wish"]))
    assert not is_heard(other, read(voices["message"]))
    assert is_heard(other, read(voices["no_thanks"]))


async def test_a_caller_who_is_sent_on_talks_to_the_colleague_in_the_same_call(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550162", tmp_path)
    with pytest.raises(NoSuchCall):
        await controls.transfer(one.call_id, BOB, "102")
    with pytest.raises(PbxSaysNo):
        await controls.transfer(one.call_id, ALICE, "199")
    await controls.transfer(one.call_id, ALICE, "102")
    other = await rings(served, "102")
    await down(one.phone)
    await other.answer()
    await other.say(voices["hello"])
    await controls.hold(one.call_id, BOB, True)
    await controls.hold(one.call_id, BOB, False)
    await other.say(voices["wish"])
    await other.hang_up()
    await down(one.caller)
    outcome = await outcome_of(served, one.call_id)
    told = story(outcome)
    told[1:3] = sorted(told[1:3])  # the PBX tells of both legs as they come
    assert told == [
        ("operator.answered", "101"),
        ("call.transferred", "101", "102", "blind"),
        ("operator.left", "101"),
        ("operator.answered", "102"),
        ("hold.started", "102"),
        ("hold.ended", "102"),
        ("operator.left", "102"),
    ]
    assert (outcome.call.operator, outcome.call.outcome) == ("102", CallOutcome.ANSWERED_BY_OPERATOR)
    tape = await heard(one.caller_tape, 4)
    assert is_heard(tape, read(voices["hello"]))
    assert is_heard(tape, read(voices["wish"]))
    assert outcome.recording.seconds > 5


async def test_whom_the_colleague_does_not_take_waits_for_the_next_operator(
    controls: CallControls, served: Centre, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550163", tmp_path)
    await controls.transfer(one.call_id, ALICE, "102")
    await (await rings(served, "102")).hang_up()
    again = await rings(served, "101")
    await again.answer()
    await controls.transfer(one.call_id, ALICE, "support")
    await down(again)
    last = await rings(served, "101")
    await last.answer()
    await controls.hang_up(one.call_id, ALICE)
    await down(one.caller)
    await down(last)
    outcome = await outcome_of(served, one.call_id)
    assert [line for line in story(outcome) if line[0] == "call.transferred"] == [
        ("call.transferred", "101", "102", "blind"),
        ("call.transferred", "101", "support", "blind"),
    ]
    assert outcome.kinds().count(EventKind.QUEUE_JOINED) == 3


async def test_a_colleague_is_asked_while_the_caller_hears_music_and_then_has_the_caller(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550164", tmp_path)
    await controls.consult(one.call_id, ALICE, "102")
    colleague = await rings(served, "102")
    assert controls.consulting(one.call_id) == Asking("102")
    await colleague.answer(tape=tmp_path / "colleague.wav")

    async def has_answered() -> bool:
        return controls.consulting(one.call_id) == Asking("102", answered=True)

    await eventually(has_answered, what="the PBX tells that the colleague has answered")
    await one.phone.say(voices["message"])
    await controls.return_to_caller(one.call_id, ALICE)
    await down(colleague)
    assert controls.consulting(one.call_id) is None
    await one.phone.say(voices["hello"])
    await controls.consult(one.call_id, ALICE, "102")
    colleague = await rings(served, "102")
    await colleague.answer()
    with pytest.raises(NoSuchCall):  # who is asked has not got the call
        await controls.hang_up(one.call_id, BOB)
    await controls.complete(one.call_id, ALICE)
    await down(one.phone)
    await colleague.say(voices["wish"])
    await one.caller.hang_up()
    await down(colleague)
    outcome = await outcome_of(served, one.call_id)
    assert sorted(story(outcome)) == sorted(
        [
            ("operator.answered", "101"),
            *[("hold.started", "101"), ("hold.ended", "101")] * 2,
            ("call.transferred", "101", "102", "attended"),
            ("operator.left", "101"),
            ("operator.answered", "102"),
            ("operator.left", "102"),
        ]
    )
    assert outcome.call.operator == "102"
    tape = await heard(one.caller_tape, 6)
    assert not is_heard(tape, read(voices["message"]))  # what colleagues say to each other
    assert is_heard(tape, read(voices["hello"]))
    assert is_heard(tape, read(voices["wish"]))
    assert is_heard(await heard(tmp_path / "colleague.wav", 1), read(voices["message"]))


async def test_a_caller_on_hold_whose_operators_phone_is_gone_is_back_in_the_queue(
    controls: CallControls, served: Centre, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550165", tmp_path)
    await controls.hold(one.call_id, ALICE, True)
    since = len(served.listener.events)
    await one.phone.hang_up()
    await served.listener.wait(
        lambda event: isinstance(event, CallerJoined) and event.uniqueid == one.call_id, 5, since
    )
    again = await rings(served, "101")
    await again.answer()
    await controls.consult(one.call_id, ALICE, "102")
    since = len(served.listener.events)
    await (await rings(served, "102")).hang_up()  # refuses: operator and caller are together again
    await served.listener.wait(
        lambda e: isinstance(e, StageReached) and (e.call_id, e.stage) == (one.call_id, "talk"), 5, since
    )
    await controls.hang_up(one.call_id, ALICE)
    await down(one.caller)
    await down(again)
    assert (await outcome_of(served, one.call_id)).call.operator == "101"


async def test_what_is_said_while_the_recording_is_paused_is_not_kept(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550166", tmp_path)
    await one.phone.say(voices["hello"])
    await controls.pause_recording(one.call_id, ALICE, True)
    await one.phone.say(voices["wish"])
    await one.caller.say(voices["message"])
    await controls.pause_recording(one.call_id, ALICE, False)
    await one.caller.say(voices["no_thanks"])
    await one.caller.hang_up()
    await down(one.phone)
    outcome = await outcome_of(served, one.call_id)
    assert [line[0] for line in story(outcome)][1:3] == ["recording.paused", "recording.resumed"]
    caller, kept = await sides(served, outcome)
    assert is_heard(kept, read(voices["hello"]))
    assert not is_heard(kept, read(voices["wish"]))
    assert not is_heard(caller, read(voices["message"]))
    assert is_heard(caller, read(voices["no_thanks"]))
    paused = [
        e.at for e in outcome.events if e.kind in (EventKind.RECORDING_PAUSED, EventKind.RECORDING_RESUMED)
    ]
    begin_s, end_s = ((at - outcome.call.received_at).total_seconds() for at in paused)
    assert max(loudness(side, begin_s + 1, end_s - 1) for side in (caller, kept)) < QUIET
    assert abs(len(kept) / 8000 - (await heard(one.caller_tape, 4)).size / 8000) < 2  # the time goes on
    assert is_heard(await heard(one.caller_tape, 4), read(voices["wish"]))  # they have talked all the while


async def test_a_pause_of_the_recording_does_not_follow_the_caller_to_the_next_operator(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550169", tmp_path)
    await controls.pause_recording(one.call_id, ALICE, True)
    await controls.hold(one.call_id, ALICE, True)
    await one.phone.hang_up()
    phone = await rings(served, "101")
    await phone.answer()
    await phone.say(voices["hello"])
    await one.caller.hang_up()
    await down(phone)
    outcome = await outcome_of(served, one.call_id)
    assert [line[0] for line in story(outcome)].count("recording.resumed") == 1
    _, kept = await sides(served, outcome)
    assert is_heard(kept, read(voices["hello"]))


async def test_a_supervisor_listens_whispers_joins_and_takes_over(
    controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550167", tmp_path)
    await controls.listen(one.call_id, SUPERVISOR, "whisper")
    spy = await rings(served, "102")
    await spy.answer(tape=tmp_path / "spy.wav")
    await one.caller.say(voices["wish"])
    await spy.say(voices["message"])
    await spy.hang_up()
    await controls.listen(one.call_id, SUPERVISOR, "barge")
    third = await rings(served, "102")
    await third.answer()
    await third.say(voices["no_thanks"])
    await third.hang_up()
    await one.phone.say(voices["hello"])  # they go on without the supervisor
    await controls.take_over(one.call_id, SUPERVISOR)
    await (await rings(served, "102")).hang_up()  # changes their mind: nothing has happened
    await controls.take_over(one.call_id, SUPERVISOR)
    boss = await rings(served, "102")
    assert not one.phone.hung_up.is_set()
    await boss.answer()
    await down(one.phone)
    await boss.say(voices["operator"])
    await boss.hang_up()
    await down(one.caller)
    outcome = await outcome_of(served, one.call_id)
    assert story(outcome) == [
        ("operator.answered", "101"),
        ("call.transferred", "101", "102", "taken"),
        ("operator.left", "101"),
        ("operator.answered", "102"),
        ("operator.left", "102"),
    ]
    tape, operators = await heard(one.caller_tape, 6), await heard(one.phone_tape, 6)
    assert is_heard(await heard(tmp_path / "spy.wav", 1), read(voices["wish"]))
    assert is_heard(operators, read(voices["message"]))
    assert not is_heard(tape, read(voices["message"]))
    for said in ("no_thanks", "hello", "operator"):
        assert is_heard(tape, read(voices[said])), said
    assert is_heard(operators, read(voices["no_thanks"]))


async def test_a_call_at_a_click_is_one_call_with_one_ticket(
    click: ClickToCall, controls: CallControls, served: Centre, voices: Voices, tmp_path: Path
) -> None:
    for number in ("911", "+1911", "12025550168", "+1202555016x", "PJSIP/102"):
        with pytest.raises(NotANumber):
            await click.call_out("101", number)
    call_id = await click.call_out("101", "+12025550168")
    phone = await rings(served, "101")
    await phone.answer(tape=tmp_path / "phone.wav")
    with pytest.raises(PbxSaysNo):
        await click.call_out("101", "+12025550168")
    far = await rings(served, "+12025550168")
    await far.answer()
    await far.say(voices["wish"])
    await controls.send_dtmf(call_id, ALICE, "12#")
    await phone.hang_up()
    await down(far)
    outcome = await outcome_of(served, call_id)
    assert outcome.call.direction is Direction.OUTBOUND
    assert (outcome.call.caller, outcome.call.operator) == ("+12025550168", "101")
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert is_heard(await heard(tmp_path / "phone.wav", 1), read(voices["wish"]))


async def test_who_does_not_answer_a_call_at_a_click_leaves_nothing_behind(
    click: ClickToCall, served: Centre
) -> None:
    await click.call_out("101", "+12025550169")
    phone = await rings(served, "101")
    await phone.answer()
    await (await rings(served, "+12025550169")).hang_up()
    await down(phone)

    async def quiet() -> bool:
        return not await served.pbx.list_action("CoreShowChannels")

    await eventually(quiet, 10, "no channel is left")
