"""Commands, limits, statistics and recordings of Mango over real HTTP, both ways, against its simulator."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
import aiohttp.web
import pytest
from aiohttp.test_utils import TestServer, unused_port

from cti.virtual_pbx.contract import (
    CallBack,
    CommandLate,
    CommandRefused,
    HangUp,
    Method,
    NotYet,
    Route,
    StartRecording,
    Tape,
    Transfer,
)
from cti.virtual_pbx.simulators.mango import MangoSimulator
from cti.virtual_pbx.stories import ANNA, BEN, EVE, STORIES, SUPPORT
from cti.virtual_pbx.vendors.mango.api import LockedOut
from cti.virtual_pbx.vendors.mango.telling import RECORDING
from recordings.audio import peaks, to_sides
from tests.fakes.mango_centre import IN_MENU, IN_QUEUE, OVER, TALKING, centre
from tests.fakes.virtual_pbx import START
from tickets.call import replay

pytestmark = pytest.mark.integration


async def test_a_caller_who_waits_is_routed_to_an_operator(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        asked = await mango.command(Route(BEN), mango.told("queued", IN_QUEUE))
        assert asked["to_number"] == BEN
        assert asked["call_id"] == mango.simulator.played["call-queued"].legs[1].leg


async def test_a_caller_in_the_menu_is_routed_to_a_group_by_its_queue(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        asked = await mango.command(Route(SUPPORT), mango.told("queued", IN_MENU))
        assert asked["to_number"] == "303"


@pytest.mark.parametrize(("method", "word"), [(Method.BLIND, "blind"), (Method.ATTENDED, "hold")])
async def test_a_caller_who_talks_is_sent_on(tmp_path: Path, method: Method, word: str) -> None:
    async with centre(tmp_path) as mango:
        asked = await mango.command(Transfer(BEN, ANNA, method), mango.told("queued", TALKING))
        assert (asked["method"], asked["initiator"], asked["to_number"]) == (word, ANNA, BEN)


async def test_a_call_is_ended_and_a_recording_begins(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = [fact for fact in mango.told("queued", TALKING) if fact.kind != RECORDING]
        talk = mango.simulator.played["call-queued"].legs[2].leg
        asked = await mango.command(StartRecording(ANNA), facts)
        assert (asked["call_id"], asked["call_party_number"]) == (talk, ANNA)
        asked = await mango.command(HangUp(), facts)
        assert asked["call_id"] == talk


async def test_a_call_that_is_being_recorded_is_not_recorded_twice(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("answered", TALKING)
        assert any(fact.kind == RECORDING for fact in facts)  # Mango does it by itself
        with pytest.raises(CommandRefused, match="recorded already"):
            await mango.adapter.command(StartRecording(ANNA), facts)


async def test_each_command_has_an_id_of_its_own(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", TALKING)
        ids = {(await mango.command(HangUp(), facts))["command_id"] for _ in range(3)}
        assert len(ids) == 3


async def test_a_call_back_is_made_and_told_of(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        await mango.adapter.call_back(CallBack(ANNA, "+12025550177"))
        asked = mango.service.requests[-1][1]
        assert asked["to_number"] == "12025550177"
        async with asyncio.timeout(10):
            await mango.came.wait()
        call = replay(mango.adapter.tell(mango.kept))
        assert (call.direction.value, call.caller) == ("outbound", "+12025550177")


async def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        talking = mango.told("queued", TALKING)
        with pytest.raises(CommandRefused, match="waits nowhere"):
            await mango.adapter.command(Route(BEN), talking)
        with pytest.raises(CommandRefused, match="does not talk"):
            await mango.adapter.command(Transfer(BEN, BEN), talking)
        queued = mango.told("queued", IN_QUEUE)
        with pytest.raises(CommandRefused, match="queue"):
            await mango.adapter.command(HangUp(), queued)
        mango.seconds = OVER
        with pytest.raises(CommandRefused, match=r"over.*4101"):
            await mango.adapter.command(HangUp(), talking)


async def test_routes_wait_for_their_turn_and_a_long_queue_is_late(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", IN_QUEUE)
        too_much = list[str]()
        count = mango.service._is_too_much

        def counted(path: str, now: float) -> bool:
            found = count(path, now)
            if found:
                too_much.append(path)
            return found

        mango.service._is_too_much = counted  # type: ignore[method-assign]
        mango.adapter.commands.command_s = 3.8  # one in two seconds: for two there is time
        operators = [BEN, ANNA, EVE, BEN]
        first, second, *late = await asyncio.gather(
            *[mango.adapter.command(Route(one), facts) for one in operators], return_exceptions=True
        )
        assert (first, second) == (None, None)
        assert [type(one) for one in late] == [CommandLate, CommandLate]
        assert "try again" in str(late[0])
        assert [asked["to_number"] for _, asked in mango.service.requests] == [BEN, ANNA]
        assert too_much == []


async def test_mango_saying_that_it_was_too_much_is_waited_for(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", TALKING)
        loop = asyncio.get_running_loop()
        for _ in range(4):  # another node of ours has used the limit
            mango.service._is_too_much("commands/call/hangup", loop.time())
        await mango.adapter.command(HangUp(), facts)
        assert len(mango.service.requests) == 1


async def test_a_number_that_mango_found_wrong_is_not_tried_again(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", IN_QUEUE)
        with pytest.raises(CommandRefused, match="3200"):
            await mango.adapter.command(Route("99"), facts)
        with pytest.raises(CommandRefused, match="less than two minutes ago"):
            await mango.adapter.command(Route("99"), facts)
        assert len(mango.service.requests) == 1
        await mango.adapter.command(Route(BEN), facts)  # another is


async def test_a_queue_without_a_group_is_not_even_asked_for(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", IN_QUEUE)
        with pytest.raises(CommandRefused, match="name its group"):
            await mango.adapter.command(Route("sales"), facts)
        assert not mango.service.requests


async def test_after_two_wrong_requests_nothing_is_asked_until_the_time_is_over(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", IN_QUEUE)
        for number in ("99", "98"):
            with pytest.raises(CommandRefused, match="3200"):
                await mango.adapter.command(Route(number), facts)
        with pytest.raises(LockedOut, match="until then use the phone"):
            await mango.adapter.call_back(CallBack(ANNA, "+12025550177"))
        mango.service._wrong.clear()  # Mango would listen again, and is not asked before the time is over
        with pytest.raises(LockedOut):
            await mango.adapter.past(START, START + timedelta(hours=1))
        with pytest.raises(CommandLate):  # a job that is tried again
            await mango.adapter.fetch(Tape("r", "mango-1", START), tmp_path / "sound")
        assert len(mango.service.requests) == 2


async def test_a_wrong_key_says_what_to_do(tmp_path: Path) -> None:
    async with centre(tmp_path, salt_at_mango="another-secret") as mango:
        mango.seconds = 3 * 86_400.0  # the one before is good no more
        with pytest.raises(CommandRefused, match="presszero connect mango"):
            await mango.adapter.call_back(CallBack(ANNA, "+12025550177"))


async def test_a_result_that_never_comes_is_late(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        facts = mango.told("queued", TALKING)
        mango.service._after_s, mango.adapter.commands.command_s = 60.0, 0.3
        with pytest.raises(CommandLate, match="did not say what became of it"):
            await mango.adapter.command(HangUp(), facts)


async def test_a_mango_that_is_not_there_is_late(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        away = f"http://127.0.0.1:{unused_port()}"
        mango.adapter.settings = mango.adapter.settings.model_copy(update={"base_url": away})
        with pytest.raises(CommandLate, match="cannot be reached"):
            await mango.adapter.call_back(CallBack(ANNA, "+12025550177"))


async def test_statistics_tell_of_calls_whose_webhooks_were_all_lost(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        for one in STORIES:
            mango.told(one.name)
        facts = await mango.adapter.past(START, mango.now())
        assert [path for path, _ in mango.service.requests].count(
            "stats/result"
        ) == 2  # once it was not ready
        calls = {fact.call_id: replay(mango.adapter.tell([fact])) for fact in facts}
        assert len(calls) == len(STORIES)
        outcomes = [one.as_told(MangoSimulator.mute).ending.outcome for one in STORIES]
        assert sorted(str(call.outcome) for call in calls.values()) == sorted(map(str, outcomes))
        again = await mango.adapter.past(START, mango.now())
        assert {fact.fact_id for fact in again} == {fact.fact_id for fact in facts}


async def test_a_call_that_goes_on_is_not_ended_by_the_statistics(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        mango.told("queued", TALKING + 35)
        facts = await mango.adapter.past(START, mango.now())
        assert not replay(mango.adapter.tell(facts)).ended
        told = mango.told("queued", TALKING)
        mango.seconds = TALKING + 40
        assert not replay(mango.adapter.tell([*told, *await mango.adapter.past(START, mango.now())])).ended


async def test_a_recording_is_fetched_by_a_link_that_works_once(tmp_path: Path) -> None:
    async with centre(tmp_path) as mango:
        (tape,) = mango.adapter.tapes(mango.told("answered"))
        sound, sides = tmp_path / "sound", tmp_path / "sides"
        with pytest.raises(NotYet):
            await mango.adapter.fetch(tape, sound)
        await mango.adapter.fetch(tape, sound)
        assert sound.read_bytes()[:2] in {b"\xff\xfb", b"\xff\xf3", b"ID"}  # MP3
        seconds, _ = to_sides(sound, sides, caller=tape.caller)
        assert seconds == pytest.approx(64, abs=1)
        assert max(peaks(sound)[1]) > 0
        assert not mango.service._links
        assert "://" not in repr(tape)


@pytest.mark.parametrize(
    "link", ["ftp://127.0.0.1/sound", "file:///etc/hostname", "//", "http://127.0.0.1:1/nobody"]
)
async def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path: Path, link: str) -> None:
    async def redirect(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        return aiohttp.web.Response(status=302, headers={"Location": link})

    app = aiohttp.web.Application()
    app.router.add_post("/queries/recording/post", redirect)
    async with centre(tmp_path) as mango, TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}"
        mango.adapter.settings = mango.adapter.settings.model_copy(update={"base_url": url})
        with pytest.raises((CommandRefused, CommandLate, NotYet)):
            await mango.adapter.fetch(Tape("r", "mango-1", START), tmp_path / "sound")
        assert not (tmp_path / "sound").exists()
