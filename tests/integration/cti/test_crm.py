"""The CRM's client against real servers on loopback that behave, and others that do not."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web

from cti.customers.answers import LONGEST_ANSWER
from cti.customers.company import FAILURES
from cti.customers.crm import Crm
from cti.customers.crm_answer import CrmCard
from tests.fakes.company_system import (
    Answer,
    CompanySystem,
    broken,
    dribbling,
    endless,
    html,
    open_system,
    saying,
    slow,
)

pytestmark = pytest.mark.integration

NUMBER = "+12025550123"
SECRET = "c5b0-token"
ADA = {"name": "Ada", "vip_level": 2, "reference": "C-17"}
CARD = CrmCard(name="Ada", vip_level=2, reference="C-17")


@pytest.fixture
async def office() -> AsyncIterator[CompanySystem]:
    """A CRM whose answer the test decides."""
    async with open_system(ADA) as office:
        office.url += "/lookup?tenant=4"
        yield office


@pytest.fixture
async def crm(office: CompanySystem) -> AsyncIterator[Crm]:
    async with Crm.connected(office.url, SECRET, pause_s=0.0) as crm:
        yield crm


async def timed(crm: Crm) -> CrmCard | None:
    """Ask; fails where the deadline is not kept: a CRM that is slow here takes longer than this guard."""
    async with asyncio.timeout(4):
        return await crm.ask(NUMBER)


async def test_it_asks_for_the_number_with_the_token_and_reads_the_card(crm: Crm, office: CompanySystem):
    assert await timed(crm) == CARD
    [request] = office.asked
    assert request.path == "/lookup"
    assert dict(request.query) == {"tenant": "4", "number": NUMBER}
    assert "number=%2B1202" in request.raw_path
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


async def test_it_keeps_its_connection(crm: Crm, office: CompanySystem):
    for _ in range(5):
        assert await crm.ask(NUMBER) == CARD
    assert len(office.connections) == 1


async def test_it_sends_no_empty_token(office: CompanySystem):
    async with Crm.connected(office.url, "") as crm:
        assert await crm.ask(NUMBER) == CARD
    assert "Authorization" not in office.asked[0].headers


async def test_it_knows_nobody_the_crm_does_not_know(crm: Crm, office: CompanySystem):
    async def nobody(request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound

    office.answer = nobody
    for _ in range(FAILURES + 1):
        assert await timed(crm) is None
    office.answer = office.good
    assert await timed(crm) == CARD  # a stranger is no failure


async def huge(request: web.Request) -> web.StreamResponse:
    return web.json_response(ADA | {"note": "x" * LONGEST_ANSWER})


async def bomb(request: web.Request) -> web.StreamResponse:
    body = gzip.compress(bytes(1 << 26))
    return web.Response(body=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


async def round_and_round(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.path_qs)


@pytest.mark.parametrize(
    "answer", [slow, dribbling, endless, huge, html, saying(b"\xff{{{"), bomb, broken, round_and_round]
)
async def test_it_does_without_a_crm_that_answers_badly_and_trusts_it_again(
    crm: Crm, office: CompanySystem, answer: Answer
):
    office.answer = answer
    with structlog.testing.capture_logs() as logs:
        assert await timed(crm) is None
    assert [entry["action"] for entry in logs] == ["crm_failed"]
    assert "2025550123" not in str(logs)
    assert SECRET not in str(logs)
    assert len(office.asked) == 1
    office.answer = office.good
    assert await timed(crm) == CARD


@asynccontextmanager
async def raw_server(bytes_sent: bytes, *, close: bool) -> AsyncIterator[str]:
    """A server below HTTP: sends this to whoever connects."""
    leave = asyncio.Event()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(bytes_sent)
            if not close:
                await leave.wait()
        finally:
            writer.close()

    server = await asyncio.start_server(attend, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    leave.set()
    server.close()


@pytest.mark.parametrize(
    ("bytes_sent", "close"),
    [
        (b"", False),
        (b"", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\nContent-Type: application/json\r\n\r\n{", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: ;;;\xff\r\n\r\n{}", False),
    ],
)
async def test_it_does_without_what_is_no_web_server(bytes_sent: bytes, close: bool):
    async with raw_server(bytes_sent, close=close) as url, Crm.connected(url, SECRET) as crm:
        assert await timed(crm) is None


async def test_it_does_without_a_crm_that_is_not_there(unused_port: int):
    async with Crm.connected(f"http://127.0.0.1:{unused_port}/", SECRET) as crm:
        assert await timed(crm) is None
    async with Crm.connected("http://crm.invalid/", SECRET) as crm:
        assert await timed(crm) is None


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_it_leaves_a_broken_crm_alone(office: CompanySystem):
    office.answer = broken
    async with Crm.connected(office.url, SECRET, pause_s=3600.0) as crm:
        with structlog.testing.capture_logs() as logs:
            for _ in range(FAILURES + 10):
                assert await crm.ask(NUMBER) is None
    assert len(office.asked) == FAILURES
    assert [entry["action"] for entry in logs] == ["crm_failed"] * FAILURES + ["crm_rests"]


async def test_it_comes_back_after_the_pause(office: CompanySystem):
    office.answer = broken
    async with Crm.connected(office.url, SECRET, pause_s=0.0) as crm:
        for _ in range(FAILURES):
            await crm.ask(NUMBER)
        office.answer = office.good
        with structlog.testing.capture_logs() as logs:
            assert await crm.ask(NUMBER) == CARD
    assert [entry["action"] for entry in logs] == ["crm_back"]


async def test_it_answers_many_callers_at_once(crm: Crm, office: CompanySystem):
    assert await asyncio.gather(*(crm.ask(NUMBER) for _ in range(40))) == [CARD] * 40
