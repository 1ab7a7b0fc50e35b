"""Zadarma's API over real HTTP, against its simulator: keys, limits, records, recordings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cti.virtual_pbx.contract import CallBack, CommandLate, CommandRefused, NotYet, Tape
from cti.virtual_pbx.simulators.zadarma import ZadarmaSimulator
from cti.virtual_pbx.stories import STORIES, Story, story
from cti.virtual_pbx.vendors.zadarma.adapter import Zadarma, ZadarmaSettings
from cti.virtual_pbx.vendors.zadarma.api import ZadarmaApi
from tests.fakes.virtual_pbx import START, arrive, house, settings_of
from tickets.call import replay
from tickets.facts import Fact
from tickets.vocabulary import CallOutcome

pytestmark = pytest.mark.integration

LATER = START + timedelta(hours=1)


@dataclass(frozen=True)
class Account:
    """An adapter and the vendor that it asks."""

    adapter: Zadarma
    simulator: ZadarmaSimulator

    def happens(self, told: Story, native: str = "call") -> list[Fact]:
        """The facts of a story's webhooks; the vendor's records have the call from now on."""
        hooks = self.simulator.hooks(told, self.adapter.settings, START, native)
        return [fact for one in hooks for fact in self.adapter.take(arrive(one, "zadarma"), one.at).facts]


@asynccontextmanager
async def account(**changes: str) -> AsyncIterator[Account]:
    simulator = ZadarmaSimulator()
    settings = cast(ZadarmaSettings, settings_of("zadarma"))
    async with TestServer(simulator.vendor_side(settings)) as server, aiohttp.ClientSession() as session:
        url = f"http://{server.host}:{server.port}"
        ours = cast(ZadarmaSettings, settings_of("zadarma", **{"api_url": url, **changes}))
        yield Account(Zadarma(ours, house(LATER, session)), simulator)


@pytest.mark.parametrize("name", ["answered", "missed", "outgoing", "outgoing_missed", "internal"])
async def test_a_call_whose_webhooks_were_all_lost_is_in_the_records(name: str) -> None:
    async with account() as zadarma:
        told = story(name)
        zadarma.happens(told)
        facts = await zadarma.adapter.past(START - timedelta(hours=1), LATER)
        call = replay(zadarma.adapter.tell(facts))
        assert (call.outcome, call.operator) == (told.ending.outcome, told.ending.operator)
        assert call.ended
        assert abs(call.talk_seconds - told.ending.talk_seconds) <= 1


@pytest.mark.parametrize("lost", range(5))
async def test_one_lost_webhook_is_mended_by_the_records(lost: int) -> None:
    async with account() as zadarma:
        facts = zadarma.happens(story("answered"))
        del facts[lost]
        call = replay(zadarma.adapter.tell([*facts, *await zadarma.adapter.past(START, LATER)]))
        assert (call.outcome, call.operator) == (CallOutcome.ANSWERED_BY_OPERATOR, "101")
        assert call.ended
        assert abs(call.talk_seconds - 60) <= 1


async def test_records_change_nothing_of_calls_that_were_told() -> None:
    async with account() as zadarma:
        told = {one.name: zadarma.happens(one, one.name) for one in STORIES}
        past = await zadarma.adapter.past(START, LATER)
        for name, facts in told.items():
            more = [fact for fact in past if fact.call_id == facts[0].call_id]
            assert more, name
            assert replay(zadarma.adapter.tell([*facts, *more])) == replay(zadarma.adapter.tell(facts)), name


async def test_the_limit_of_statistics_is_kept_and_said() -> None:
    async with account() as zadarma:
        for _ in range(3):
            await zadarma.adapter.past(START, LATER)
        with pytest.raises(CommandLate, match="limit"):
            await zadarma.adapter.past(START, LATER)


async def test_what_the_vendor_says_beyond_its_limit_is_taken_as_that() -> None:
    async with account() as zadarma:
        for _ in range(3):
            await zadarma.adapter.past(START, LATER)
        zadarma.adapter._api = ZadarmaApi(zadarma.adapter.house.session)  # a restart: ours is forgotten
        with pytest.raises(CommandLate, match="limit"):
            await zadarma.adapter.past(START, LATER)


async def test_a_wrong_key_is_said_in_words() -> None:
    async with account(key="of-somebody-else") as zadarma:
        with pytest.raises(CommandRefused, match="presszero connect zadarma"):
            await zadarma.adapter.past(START, LATER)


async def test_a_call_back_rings_the_operator_by_the_vendors_word() -> None:
    async with account() as zadarma:
        await zadarma.adapter.call_back(CallBack("101", "+12025550143"))
        assert zadarma.simulator.called_back == [("101", "12025550143")]
        with pytest.raises(CommandRefused) as refused:
            await zadarma.adapter.call_back(CallBack("101", "+1"))
        assert "Wrong number" not in str(refused.value)  # what is logged; the vendor's words may hold one
        assert refused.value.words == "Wrong number"


async def test_a_recording_is_fetched_by_its_name_and_no_link_is_kept(tmp_path: Path) -> None:
    async with account() as zadarma:
        facts = zadarma.happens(story("answered"))
        (tape,) = zadarma.adapter.tapes(facts)
        assert "://" not in tape.hint
        await zadarma.adapter.fetch(tape, tmp_path / "tape")
        assert (tmp_path / "tape").read_bytes().startswith(b"RIFF")


async def test_a_recording_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    async with account() as zadarma:
        with pytest.raises(NotYet):
            await zadarma.adapter.fetch(Tape("none", "zadarma-1", LATER), tmp_path / "tape")
        with pytest.raises(CommandRefused):
            await zadarma.adapter.fetch(
                Tape("none", "zadarma-1", LATER - timedelta(days=1)), tmp_path / "tape"
            )


@asynccontextmanager
async def vendor_that(answers: Callable[[web.Request], web.Response]) -> AsyncIterator[Zadarma]:
    async def handler(request: web.Request) -> web.Response:
        return answers(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        settings = settings_of("zadarma", api_url=f"http://{server.host}:{server.port}")
        yield Zadarma(cast(ZadarmaSettings, settings), house(LATER, session))


@pytest.mark.parametrize(
    "link", ["http://127.0.0.2:1/x.mp3", "https://zadarma.com.evil.example/x", "file:///etc/x"]
)
async def test_a_link_to_somewhere_else_is_not_followed(link: str, tmp_path: Path) -> None:
    async with vendor_that(lambda request: web.json_response({"status": "success", "link": link})) as adapter:
        with pytest.raises(CommandRefused, match="not followed"):
            await adapter.fetch(Tape("x", "zadarma-1", LATER), tmp_path / "tape")


async def test_a_redirect_does_not_take_the_signature_along() -> None:
    away = lambda request: web.Response(status=302, headers={"Location": "http://127.0.0.2:1/"})  # noqa: E731
    async with vendor_that(away) as adapter:
        with pytest.raises(CommandRefused, match="302"):
            await adapter.past(START, LATER)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"\xff", b'{"stats": 5}', b'{"stats": [1, {"seconds": "x"}]}']
)
async def test_garbage_is_no_facts_and_no_crash(body: bytes) -> None:
    async with vendor_that(lambda request: web.Response(body=body)) as adapter:
        try:
            assert await adapter.past(START, LATER) == []
        except CommandRefused as refused:
            assert "JSON" in str(refused)  # noqa: PT017


async def test_nobody_there_is_late_and_not_an_error_of_ours() -> None:
    async with aiohttp.ClientSession() as session:
        settings = settings_of("zadarma", api_url="http://127.0.0.1:9")
        with pytest.raises(CommandLate, match="cannot be reached"):
            await Zadarma(cast(ZadarmaSettings, settings), house(LATER, session)).past(START, LATER)
        await asyncio.sleep(0)


async def test_a_busy_day_is_read_page_by_page_and_the_pages_wait_for_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cti.virtual_pbx.vendors.zadarma.adapter.LINES", 2)
    monkeypatch.setattr("cti.virtual_pbx.vendors.zadarma.api.MINUTE_S", 0.2)
    monkeypatch.setattr("cti.virtual_pbx.simulators.zadarma.MINUTE_S", 0.1)
    async with account() as zadarma:
        for number in range(9):
            zadarma.happens(story("missed"), f"call {number}")
        assert len(await zadarma.adapter.past(START, LATER)) == 9
