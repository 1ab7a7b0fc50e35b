"""The company's order system: real servers on loopback, good and bad ones; and the demo's own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

from cti.customers.company import FAILURES
from cti.customers.crm import Crm
from cti.customers.crm_answer import CrmCard
from cti.customers.orders import KEPT_S, ORDERS_S, OrderDesk
from cti.demo.company import company
from cti.demo.story import CAST, FRANK, VERA
from cti.desk.snapshot import Order
from tests.fakes.company_system import CompanySystem, open_system

pytestmark = pytest.mark.integration

NUMBER = "+12025550123"
SECRET = "s3cr3t-token"
GOOD = {
    "orders": [{"title": "Jackpot", "status": "paid", "link": "https://shop.example/o/7"}],
    "fields": {"tier": "gold"},
}


class Shop:
    """A shop whose answer the test decides."""

    def __init__(self, system: CompanySystem) -> None:
        self.asked = system.asked
        self.body: Any = GOOD
        self.status = 200
        self.slow_s = 0.0
        self.url = f"{system.url}/orders?tenant=4"
        self.now = 1000.0
        system.answer = self.answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.slow_s)
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_system(GOOD) as system:
        yield Shop(system)


@asynccontextmanager
async def asking(shop: Shop, **given: Any) -> AsyncIterator[OrderDesk]:
    clock: Callable[[], float] = lambda: shop.now  # noqa: E731
    async with OrderDesk.connected(shop.url, SECRET, clock=clock, **given) as desk:
        yield desk


async def test_it_asks_for_the_number_with_the_token_and_believes_what_fits(shop: Shop) -> None:
    async with asking(shop) as desk:
        word = await desk.ask(NUMBER)
    assert word is not None
    assert word.orders == (Order("Jackpot", "paid", "https://shop.example/o/7"),)
    assert word.fields == {"tier": "gold"}
    [request] = shop.asked
    assert dict(request.query) == {"tenant": "4", "number": NUMBER}
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


async def test_an_answer_serves_for_a_minute_and_one_question_for_all_who_ask_at_once(shop: Shop) -> None:
    shop.slow_s = 0.05
    async with asking(shop, most_kept=2) as desk:
        assert len({id(word) for word in await asyncio.gather(*(desk.ask(NUMBER) for _ in range(20)))}) == 1
        assert len(shop.asked) == 1
        shop.now += KEPT_S - 1
        await desk.ask(NUMBER)
        assert len(shop.asked) == 1
        shop.now += 2
        await desk.ask(NUMBER)
        assert len(shop.asked) == 2
        for other in ("+12025550124", "+12025550125"):
            await desk.ask(other)
        await desk.ask(NUMBER)  # two others have taken its place
        assert len(shop.asked) == 5


async def test_who_stops_waiting_takes_the_answer_from_nobody(shop: Shop) -> None:
    shop.slow_s = 0.1
    async with asking(shop) as desk:
        one, other = asyncio.create_task(desk.ask(NUMBER)), asyncio.create_task(desk.ask(NUMBER))
        await asyncio.sleep(0.02)
        one.cancel()
        assert await other is not None


async def test_a_number_that_it_does_not_know_has_no_orders(shop: Shop) -> None:
    shop.status = 404
    async with asking(shop) as desk:
        word = await desk.ask(NUMBER)
    assert word is not None
    assert not word.orders


async def test_a_slow_one_is_not_waited_for(shop: Shop) -> None:
    shop.slow_s = ORDERS_S + 20
    async with asking(shop) as desk, asyncio.timeout(ORDERS_S + 5):
        with structlog.testing.capture_logs() as logs:
            assert await desk.ask(NUMBER) is None
    assert [entry["action"] for entry in logs] == ["orders_failed"]
    assert "2025550123" not in str(logs)
    assert SECRET not in str(logs)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"orders": [{"title": "Jackpot"}]},
        {"orders": [{"title": "", "status": "paid"}]},
        {"orders": [{"title": "x" * 201, "status": "paid"}]},
        {"orders": [{"title": "x", "status": "paid"}] * 201},
        {"orders": [], "fields": {str(n): "x" for n in range(21)}},
        {"orders": [], "fields": {"tier": {"deep": 1}}},
        {"orders": [], "fields": {"tier": 5}},
        {"orders": [], "note": "x" * 70_000},
    ],
)
async def test_an_answer_that_does_not_fit_is_none(shop: Shop, body: Any) -> None:
    shop.body = body
    async with asking(shop, pause_s=0.0) as desk:
        assert await desk.ask(NUMBER) is None
        shop.body = GOOD
        assert await desk.ask(NUMBER) is not None  # a bad answer is not kept


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>",
        "//shop.example/o",
        "/orders/7",
        "https://user:secret@shop.example/",
        "https://shop.example/\n.evil",
        "java\tscript:alert(1)",
        "ftp://shop.example/",
        "https://",
    ],
)
async def test_a_link_that_a_browser_should_not_follow_is_left_out_and_the_order_stays(
    shop: Shop, link: str
) -> None:
    shop.body = {"orders": [{"title": "Jackpot", "status": "paid", "link": link}]}
    async with asking(shop) as desk:
        word = await desk.ask(NUMBER)
    assert word is not None
    assert word.orders == (Order("Jackpot", "paid", None),)


async def test_the_first_twenty_are_shown(shop: Shop) -> None:
    shop.body = {"orders": [{"title": f"Draw {n}", "status": "paid"} for n in range(200)]}
    async with asking(shop) as desk:
        word = await desk.ask(NUMBER)
    assert word is not None
    assert [one.title for one in word.orders] == [f"Draw {n}" for n in range(20)]


async def test_a_broken_one_is_left_alone(shop: Shop) -> None:
    shop.status = 500
    async with asking(shop, pause_s=3600.0) as desk:
        for n in range(FAILURES + 5):
            assert await desk.ask(f"+1202555{n:04d}") is None
    assert len(shop.asked) == FAILURES


async def test_the_demos_company_answers_as_a_real_one_should() -> None:
    async with company(CAST) as at:
        async with Crm.connected(at.crm, "") as crm:
            assert await crm.ask(VERA.number) == CrmCard(name=VERA.name, vip_level=2, reference="C-0133")
            assert await crm.ask(NUMBER) is None
        async with OrderDesk.connected(at.orders, "") as desk:
            word = await desk.ask(FRANK.number)
        assert word is not None
        assert word.fields == {"tier": "silver"}
        link = word.orders[0].link
        assert link is not None
        async with aiohttp.ClientSession() as browser, browser.get(link) as page:
            assert page.status == 200
            assert "held back" in await page.text()
