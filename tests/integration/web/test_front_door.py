"""The HTTP port against clients that hold connections: too many of one address, and who reads nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from cti.web import limits
from cti.web.front_door import FrontDoor
from tests.fakes.web_room import WebRoom
from tickets.database import Database, utc_now

pytestmark = pytest.mark.integration

BIG = bytes(64 * 1024 * 1024)


@asynccontextmanager
async def door(**limit: float) -> AsyncIterator[FrontDoor]:
    async def small(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def big(_request: web.Request) -> web.Response:
        return web.Response(body=BIG)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(100 * 1024))

    app = web.Application()
    app.add_routes([web.get("/", small), web.get("/big", big), web.get("/endless", endless)])
    door = FrontDoor(app, "127.0.0.1", 0, **limit)  # type: ignore[arg-type]
    await door.start()
    try:
        yield door
    finally:
        await door.close()


async def ask(door: FrontDoor, path: str = "/") -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    try:
        first = await reader.readline()
    except ConnectionError:
        first = b""
    return reader, writer, first


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback counts as any other address."""
    monkeypatch.setattr(limits, "is_here", lambda address: False)


@pytest.mark.usefixtures("far_away")
async def test_it_gives_one_address_so_many_connections_and_no_more():
    async with door(address_limit=3) as open_door, asyncio.timeout(20):
        guests = [await ask(open_door) for _ in range(5)]
        assert [first.startswith(b"HTTP/1.1 200") for _, _, first in guests] == [True] * 3 + [False] * 2
        guests[0][1].close()
        await guests[0][1].wait_closed()
        while not (await ask(open_door))[2]:  # noqa: ASYNC110  # who left is noticed a round later
            await asyncio.sleep(0.01)
        for _, writer, _ in guests:
            writer.close()


async def test_it_does_not_count_this_machine():
    async with door(address_limit=1) as open_door, asyncio.timeout(20):
        guests = [await ask(open_door) for _ in range(4)]
        assert all(first for _, _, first in guests)
        for _, writer, _ in guests:
            writer.close()


async def test_it_keeps_who_reads_slowly_of_an_answer_that_goes_on():
    async with door(unread_s=1.5) as open_door, asyncio.timeout(30):
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # else loopback takes megabytes at once
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(far, ("127.0.0.1", open_door.port))
        reader, writer = await asyncio.open_connection(sock=far, limit=4096)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        ends = loop.time() + 5
        while loop.time() < ends:
            assert await reader.read(8 * 1024)
            await asyncio.sleep(0.02)
        assert open_door._transports()
        writer.transport.abort()


async def test_it_drops_who_reads_nothing_of_a_long_answer():
    async with door(unread_s=0.2) as open_door, asyncio.timeout(20):
        reader, writer, first = await ask(open_door, "/big")
        assert first.startswith(b"HTTP/1.1 200")
        while open_door._transports():  # noqa: ASYNC110  # nothing tells that it has let go
            await asyncio.sleep(0.02)
        received = 0
        try:
            while data := await reader.read(1 << 20):
                received += len(data)
        except ConnectionError:
            pass
        assert received < len(BIG)
        writer.close()


async def test_it_lets_a_slow_reader_have_it_all():
    async with door(unread_s=0.4) as open_door, asyncio.timeout(30):
        reader, writer, _ = await ask(open_door, "/big")
        received = 0
        while received < len(BIG):
            received += len(await reader.readexactly(min(4 << 20, len(BIG) - received)))
            await asyncio.sleep(0.05)
        writer.close()


async def test_it_refuses_an_address_that_asks_too_often_and_nobody_else(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "BURST", 3.0)
    monkeypatch.setattr(limits, "PER_S", 0.01)
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open(), room.person() as browser:
        answers = []
        for number in range(5):
            proxied = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"}
            async with browser.get("/api/v1/session", headers=proxied) as answer:
                answers.append((answer.status, answer.headers.get("Retry-After")))
        assert answers == [(401, None)] * 3 + [(429, "100")] * 2
        async with browser.get("/login", headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
            assert answer.status == 429
            assert "wait a moment" in await answer.text()
        async with browser.get("/login", headers={"X-Forwarded-For": "203.0.113.10"}) as answer:
            assert answer.status == 200
        async with browser.get("/login") as answer:
            assert answer.status == 200
