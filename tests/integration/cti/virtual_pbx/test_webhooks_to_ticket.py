"""From a virtual PBX's webhooks to a ticket with a recording that plays: the whole service, no Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from cti.app import Service
from cti.assembly import virtual_pbx
from cti.virtual_pbx.contract import neutral_id
from cti.virtual_pbx.playing import Player
from cti.virtual_pbx.stories import Step, story
from cti.virtual_pbx.tapes import Tapes
from cti.virtual_pbx.way import Way
from recordings.audio import to_sides
from recordings.shelf import RecordingView
from tests.fakes.mango_house import RECORDED_AFTER_S, mango_house
from tickets.database import DatabaseTrouble
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

PASSWORD = "a long enough password"
PATIENCE_S = 120.0  # a busy machine is no reason to fail


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Service, Player]]:
    monkeypatch.setattr(virtual_pbx, "Tapes", partial(Tapes, soonest_s=RECORDED_AFTER_S))
    async with mango_house(tmp_path, Way(20, shuffled=True, repeated=True)) as (made, player):
        await made.accounts.add("sam", PASSWORD, Role.SUPERVISOR, "Sam Okafor")
        yield made, player


async def recorded(service: Service, call_id: str, parts: int) -> RecordingView:
    """The call's tape, once it has so many parts."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                view = await service.shelf.of_call(call_id)
            except DatabaseTrouble:
                view = None
            if view is not None and len(view.parts) == parts:
                return view
            await asyncio.sleep(0.2)


async def test_a_call_told_by_webhooks_becomes_a_ticket_whose_recording_plays(
    service: tuple[Service, Player], tmp_path: Path
) -> None:
    made, player = service
    told = await player.play(story("recorded_twice"), "the-call")
    assert set(told.answers) == {200}
    call_id = neutral_id("mango", "the-call")
    view = await recorded(made, call_id, 2)
    call = (await made.desk.call(call_id)).call
    [ticket] = (await made.desk.tickets()).items
    assert (call.operator, call.ended, call.talk_seconds) == ("101", True, pytest.approx(60, abs=1.5))

    address = f"http://127.0.0.1:{made.http_port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(address, cookie_jar=jar, timeout=aiohttp.ClientTimeout(60)) as browser:
        async with browser.post("/login", data={"login": "sam", "password": PASSWORD}) as answer:
            assert answer.status == 200
        async with browser.get(f"/tickets/{ticket.name}") as answer:
            page = await answer.text()
        audio = f"/api/v1/recordings/{view.id}/audio"
        assert f'src="{audio}"' in page
        assert f'data-seconds="{view.seconds}"' in page
        async with browser.get(audio, headers={"Range": "bytes=100-299"}) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes 100-299/{view.bytes}"
            piece = await answer.read()
        async with browser.get(audio) as answer:
            assert answer.content_type == "audio/mpeg"
            whole = await answer.read()
    assert whole[100:300] == piece
    mp3 = tmp_path / "played.mp3"
    mp3.write_bytes(whole)
    seconds, mixed = await asyncio.to_thread(to_sides, mp3, tmp_path / "sides", caller=0)
    steps = [step for step in told.story.steps if step.since]
    assert seconds == pytest.approx(sum(length(step) for step in steps), abs=1.5)
    assert seconds == pytest.approx(view.seconds, abs=0.2)
    assert mixed
    assert view.mixed


def length(step: Step) -> int:
    """Seconds that `beep` sounds."""
    return step.at - step.since
