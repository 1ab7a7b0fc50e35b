"""Whole calls over a simulated Twilio, into the real service: real speech both ways, and no Asterisk."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from cti.asterisk.install import cache_folder
from cti.speech import voice_chooser
from cti.virtual_pbx.contract import HangUp, Hook, Reply, Transfer, neutral_id
from cti.virtual_pbx.intake import FactIntake, NotKept
from cti.virtual_pbx.playing import Player
from cti.virtual_pbx.stories import story
from cti.virtual_pbx.vendors.twilio import TwilioVoice
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place
from cti.virtual_pbx.vendors.twilio.answers import Answers
from cti.virtual_pbx.way import Way
from ivr.scenario_file import load_scenario
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.scenarios import LOTTERY
from tests.fakes.twilio_centre import ALICE, BEN, VIP, Listening, TwilioCentre, twilio_centre
from tests.fakes.twilio_followed import Picks, Script
from tests.fakes.twilio_stream import StreamedCall
from tests.fakes.until import eventually
from tests.house.voices import LINES
from tickets.database import DatabaseAway
from tickets.facts import Fact, FactBook
from tickets.vocabulary import CallOutcome, CallState, EventKind, HandOver

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwilioCentre]:
    async with twilio_centre(tmp_path_factory.mktemp("twilio")) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def voices() -> dict[str, bytes]:
    """What people say, as telephone audio."""
    folder: Path = cache_folder() / "test-prompts"
    voice = voice_chooser(folder, None)(load_scenario(LOTTERY))
    paths = await voice.render_all(list(LINES.values()))
    return {name: read_wav(path) for name, path in zip(LINES, paths, strict=True)}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nobody_talks(centre: TwilioCentre) -> None:
    """The calls of other tests are over: operators are free."""

    async def quiet() -> bool:
        return not centre.service.live.calls()

    await eventually(quiet, 10, "the calls of before are over")


async def test_menu_bot_operator_recording_and_ticket(centre: TwilioCentre, voices: dict[str, bytes]) -> None:
    ear = Listening()

    async def talk(call: StreamedCall) -> None:
        await ear.quiet_for(1.0)  # the greeting
        asked = await call.say(voices["next_draw"])
        await ear.first_sound_after(asked)
        await ear.quiet_for(1.2)
        await call.say(voices["operator"])
        await call.closed.wait()

    alice = Picks(talks_s=6.0, caller=voices["wish"], operator=voices["hello"])
    script = Script(keys=["1"], talk=talk, phones={ALICE: [alice]})
    call = await centre.rings("whole", script, ear=ear)

    assert call.failed == []
    assert call.played == ["greeting", "recording_notice", "connecting"]
    assert call.rung == [ALICE]
    assert call.pages == ["voice", "menu", "after-bot", "operators", "dialled"]
    found = await centre.outcome("whole", transcript=True)
    assert found.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert found.call.operator == "101"
    assert found.call.hand_over is HandOver.ASKED
    assert found.call.queue == "support"
    assert found.call.talk_seconds == pytest.approx(6, abs=1.5)
    assert found.call.bot_seconds > 3
    turns = [turn for turn in found.told(EventKind.BOT_TURN) if turn["speaker"] == "caller"]
    assert [turn["intent"] for turn in turns] == ["next_draw", "operator"]
    transcript = found.recording.transcript
    assert transcript is not None
    said = {str(phrase.speaker): phrase.text.lower() for phrase in transcript.phrases}
    assert "subscription" in said["caller"]
    assert "alice" in said["operator"]


async def test_zero_at_the_greeting_is_a_person(centre: TwilioCentre) -> None:
    call = await centre.rings("zero", Script(keys=["0"], phones={ALICE: [Picks(talks_s=0.2)]}))
    assert call.pages == ["voice", "menu", "operators", "dialled"]
    found = await centre.outcome("zero")
    assert found.call.hand_over is HandOver.PRESSED_ZERO
    assert found.call.operator == "101"


async def test_the_next_operator_is_rung_where_the_first_does_not_answer(centre: TwilioCentre) -> None:
    phones = {ALICE: [Picks("no-answer", rings_s=0.1)], BEN: [Picks(talks_s=0.2)]}
    call = await centre.rings("next", Script(keys=["0"], phones=phones))
    assert call.rung == [ALICE, BEN]
    found = await centre.outcome("next")
    assert found.call.operator == "102"
    assert found.told(EventKind.OPERATOR_MISSED) == [{"operator": "101"}]


async def test_for_a_vip_all_free_phones_ring_at_once(centre: TwilioCentre) -> None:
    phones = {ALICE: [Picks(rings_s=0.3)], BEN: [Picks(rings_s=0.1, talks_s=0.2)]}
    call = await centre.rings("vip", Script(keys=["0"], phones=phones), caller=VIP)
    assert call.rung == [ALICE, BEN]
    found = await centre.outcome("vip")
    assert found.call.operator == "102"
    assert found.call.vip_level == 2
    assert found.call.priority > 0
    assert found.told(EventKind.OPERATOR_MISSED) == []  # Alice's phone stopped because Ben was faster


async def test_a_busy_operator_is_not_rung_and_the_caller_waits(centre: TwilioCentre) -> None:
    first = centre.call("holds-alice")
    talk = asyncio.create_task(first.ring(Script(keys=["0"], phones={ALICE: [Picks(talks_s=60)]})))
    await first.in_talk.wait()
    second = centre.call("holds-ben")
    phones = {ALICE: [Picks("busy")], BEN: [Picks(talks_s=60)]}
    other = asyncio.create_task(second.ring(Script(keys=["0"], phones=phones)))
    await second.in_talk.wait()
    assert second.rung == [BEN]
    await eventually(lambda: _talking(centre, 2), 10, "both are known to talk")
    third = centre.call("waits")
    waiting = asyncio.create_task(third.ring(Script(keys=["0"], phones={ALICE: [Picks(talks_s=0.2)]})))
    await eventually(lambda: _true("please_hold" in third.played), 10, "the third caller is told to hold on")
    assert third.rung == []
    vendor = centre.service.pbxs["twilio"]
    facts = await vendor.house.facts(neutral_id("twilio", first.sid))
    await vendor.command(HangUp(), facts)
    async with asyncio.timeout(30):
        await talk
        await waiting
    assert third.rung == [ALICE]
    await vendor.command(HangUp(), await vendor.house.facts(neutral_id("twilio", second.sid)))
    await other


async def test_a_caller_is_sent_on_and_comes_back_where_nobody_answers(centre: TwilioCentre) -> None:
    phones = {ALICE: [Picks(talks_s=60), Picks(talks_s=0.2)], BEN: [Picks("no-answer", rings_s=0.1)]}
    call = centre.call("sent-on")
    ringing = asyncio.create_task(call.ring(Script(keys=["0"], phones=phones)))
    await call.in_talk.wait()
    vendor = centre.service.pbxs["twilio"]
    call_id = neutral_id("twilio", call.sid)
    await eventually(lambda: vendor.house.facts(call_id), 5, "there are facts")
    await vendor.command(Transfer("102", "101"), await vendor.house.facts(call_id))
    async with asyncio.timeout(20):
        await ringing
    assert call.rung == [ALICE, BEN, ALICE]
    found = await centre.outcome("sent-on")
    assert found.told(EventKind.TRANSFERRED) == [{"operator": "101", "to": "102", "how": "blind"}]
    assert found.call.operator == "101"


async def test_a_message_is_left_where_the_menu_leads_to_it(
    centre: TwilioCentre, voices: dict[str, bytes]
) -> None:
    script = Script(keys=["4", ""], message=voices["message"])
    call = await centre.rings("message", script)
    assert call.pages == ["voice", "menu", "voicemail", "zero", "message"]
    found = await centre.outcome("message", transcript=True)
    assert found.call.outcome is CallOutcome.VOICEMAIL
    assert found.recording.seconds == pytest.approx(len(voices["message"]) / 16000, abs=1)


async def test_zero_while_leaving_a_message_is_a_person(centre: TwilioCentre) -> None:
    phones = {ALICE: [Picks(talks_s=0.2)]}
    script = Script(keys=["4", ""], message=bytes([0, 32]) * 8000, message_ends="0", phones=phones)
    call = await centre.rings("message-zero", script)
    assert call.rung == [ALICE]
    assert (await centre.outcome("message-zero")).call.outcome is CallOutcome.ANSWERED_BY_OPERATOR


async def test_whoever_hangs_up_on_the_bot_is_gone(centre: TwilioCentre) -> None:
    async def leave(call: StreamedCall) -> None:
        await asyncio.sleep(0.5)

    call = await centre.rings("left-bot", Script(keys=["1"], talk=leave))
    assert call.pages == ["voice", "menu"]
    left = await centre.ended("left-bot")
    assert (left.outcome, left.operator, left.hand_over) == (CallOutcome.ABANDONED, None, None)
    assert left.bot_seconds > 0


async def _talking(centre: TwilioCentre, number: int) -> bool:
    return sum(call.state is CallState.TALKING for call in centre.service.live.calls()) >= number


async def _true(fact: bool) -> bool:
    return fact


async def test_a_stranger_gets_no_stream(centre: TwilioCentre) -> None:
    for path in (
        "/twilio/stream/11111111-1111-4111-8111-111111111111",
        "/twilio/stream/",
        "/twilio/voice",
        "/generic/x",
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await centre.session.ws_connect(f"{centre.connection.public_url}{path}")
        assert refused.value.status == 404


async def test_prompts_may_be_kept_for_ever_and_nothing_else_lies_beside_them(centre: TwilioCentre) -> None:
    call = centre.call("sounds")
    document = await call._ask(Page.VOICE, "")
    sound = str(next(document.iter("Play")).text)
    async with centre.session.get(sound) as answer:
        assert answer.headers["Content-Type"] == "audio/wav"
        assert "immutable" in answer.headers["Cache-Control"]
        with wave.open(io.BytesIO(await answer.read())) as wav:
            assert (wav.getframerate(), wav.getnchannels()) == (8000, 1)
            assert wav.getnframes() > 8000
    folder = sound.rpartition("/")[0]
    for name in ("nothing.0.wav", "..%2F..%2Ftwilio.json", "%2e%2e/%2e%2e/presszero.db", ""):
        async with centre.session.get(URL(f"{folder}/{name}", encoded=True)) as answer:
            assert answer.status in (403, 404)
    await call._post(Page.STATUS, "", CallStatus="completed")


async def test_with_the_database_away_a_caller_goes_through_the_menu_to_a_person(
    centre: TwilioCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(book: FactBook, facts: Sequence[Fact]) -> list[Fact]:
        raise DatabaseAway("It is away.")

    with monkeypatch.context() as patched:
        patched.setattr(FactBook, "keep", away)
        call = await centre.rings("no-database", Script(keys=["0"], phones={ALICE: [Picks(talks_s=1)]}))
    assert (call.failed, call.rung) == ([], [ALICE])
    assert (await centre.outcome("no-database")).call.operator == "101"


async def keeps_nothing(intake: FactIntake, facts: Sequence[Fact]) -> int:
    raise NotKept("Neither the database nor the disk takes it.")


async def has_a_bug(answers: Answers, fact: Fact, place: Place) -> Reply:
    raise ValueError("a bug")


@pytest.mark.parametrize(
    ("part", "method", "broken"),
    [(FactIntake, "keep", keeps_nothing), (Answers, "to", has_a_bug)],
    ids=["nothing-can-be-kept", "a-mistake-of-ours"],
)
async def test_whatever_is_broken_here_all_operators_are_rung(
    centre: TwilioCentre,
    monkeypatch: pytest.MonkeyPatch,
    part: type,
    method: str,
    broken: Callable[..., Awaitable[object]],
) -> None:
    call = centre.call(f"broken-{method}")
    with monkeypatch.context() as patched:
        patched.setattr(part, method, broken)
        document = await call._ask(Page.VOICE, "")
    assert [noun.text for noun in document[0]] == [ALICE, "ben"]
    assert call.failed == []
    await call._post(Page.STATUS, "", CallStatus="completed")
    await centre.ended(f"broken-{method}")


async def test_where_no_answer_comes_twilio_asks_the_fallback(
    centre: TwilioCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_to_say(pbx: TwilioVoice, hook: Hook) -> None:
        return None

    async def breaks(answers: Answers, fact: Fact, place: Place) -> Reply:
        if fact.kind == Page.VOICE:
            raise ValueError("a bug")
        return answers.at_once(fact, place)

    with monkeypatch.context() as patched:
        patched.setattr(Answers, "to", breaks)
        patched.setattr(TwilioVoice, "excuse", nothing_to_say)
        call = await centre.rings("fallback", Script(phones={ALICE: [Picks(talks_s=1)]}))
    assert call.failed == ["voice"]
    assert call.pages == ["voice", "fallback", "duty"]
    found = await centre.outcome("fallback")
    assert (found.call.operator, found.call.hand_over) == ("101", HandOver.FAULT)


async def test_a_story_played_at_the_door_becomes_a_ticket(centre: TwilioCentre) -> None:
    door, way = centre.connection.public_url, Way(20, shuffled=True, repeated=True)
    player = Player(centre.simulator, centre.connection, door, centre.session, way=way, dice=Random(7))
    told = await player.play(story("recorded_twice"), "played")
    assert set(told.answers) == {200}
    found = await centre.outcome("played")
    assert (found.call.operator, found.call.talk_seconds) == ("101", 60)
