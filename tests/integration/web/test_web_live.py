"""The live stream, the watchers' addresses, and the port itself under guests that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from cti.waiting.surge import SurgeState
from cti.web import board, live_page, streams
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import PASSWORD, SUPERVISOR, WebRoom
from tickets.database import Database, utc_now

pytestmark = pytest.mark.integration

LIVE_VIP, WITH_BOT = VISITS[0], VISITS[2]


async def next_event(stream: ClientResponse) -> str:
    """The next event's data; comments and other fields are passed over."""
    lines: list[str] = []
    async with asyncio.timeout(10):
        while True:
            line = (await stream.content.readline()).decode()
            if line == "":
                raise EOFError
            if line == "event: alive\n":
                await stream.content.readline()
            elif line.startswith("data: "):
                lines.append(line.removeprefix("data: "))
            elif line == "\n" and lines:
                return "".join(lines)


async def until(stream: ClientResponse, text: str) -> str:
    while text not in (html := await next_event(stream)):
        pass
    return html


@asynccontextmanager
async def guest(room: WebRoom) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    assert room.door is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", room.door.port)
    yield reader, writer
    writer.close()


async def test_it_pushes_every_change_and_the_whole_picture_to_who_comes_back(
    desk: WebRoom, sofia: ClientSession
) -> None:
    async with sofia.get("/live") as stream:
        assert stream.content_type == "text/event-stream"
        assert stream.headers["Cache-Control"] == "no-store"
        assert "Nobody is on the line" in await next_event(stream)
        await desk.happen(LIVE_VIP)
        assert "Elena Vasquez-Moore" in await until(stream, "Elena")
    await desk.happen(WITH_BOT)
    async with sofia.get("/live") as stream:
        assert "Elena Vasquez-Moore" in await until(stream, "Marcus Bell")


async def test_it_says_since_when_there_is_a_surge_and_why(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.get("/live") as stream:
        assert "Surge" not in await next_event(stream)
        desk.surge = SurgeState(True, desk.now, "<40> calls in a minute")
        await desk.happen(LIVE_VIP)
        picture = await until(stream, "Surge")
    assert "&lt;40&gt; calls in a minute" in picture
    assert desk.now.isoformat() in picture


async def test_it_shows_all_watchers_the_same(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.get("/live") as one, sofia.get("/live") as other:
        await next_event(one)
        await next_event(other)
        await desk.happen(LIVE_VIP)
        assert await until(one, "Elena") == await until(other, "Elena")


async def test_it_ends_the_stream_of_who_logged_out(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_S", 0.05)
    async with sofia.get("/live") as stream:
        await next_event(stream)
        async with sofia.delete("/api/v1/session") as answer:
            assert answer.status == 204
        with pytest.raises(EOFError):
            await until(stream, "what is never said")


async def test_it_ends_the_stream_of_who_logged_out_also_while_there_is_always_news(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "CALM_S", 0.01)
    monkeypatch.setattr(board, "STALE_S", 0.01)
    monkeypatch.setattr(streams, "BEAT_S", 1.0)  # far longer than from one picture to the next
    async with sofia.get("/live") as stream:
        await next_event(stream)
        async with sofia.delete("/api/v1/session") as answer:
            assert answer.status == 204
        with pytest.raises(EOFError):
            async with asyncio.timeout(20):
                await until(stream, "what is never said")


async def test_it_keeps_streams_while_the_database_is_away(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_S", 0.05)
    async with sofia.get("/live") as stream:
        await next_event(stream)
        desk.services.accounts._deadline_s = 0.0  # no database answers that fast
        await asyncio.sleep(0.3)
        await desk.happen(LIVE_VIP)
        assert "Elena Vasquez-Moore" in await until(stream, "Elena")


async def test_it_takes_no_more_streams_than_it_can_feed(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_page, "STREAM_LIMIT", 1)
    async with sofia.get("/live") as stream:
        await next_event(stream)
        async with sofia.get("/live") as answer:
            assert answer.status == 503


async def test_it_forges_no_event_out_of_text() -> None:
    assert streams.as_event("board", "a\n\nevent: x\rdata: y", 7) == (
        b"event: board\nid: 7\ndata: a\ndata: \ndata: event: x\ndata: data: y\n\n"
    )


async def test_it_closes_with_streams_open(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with asyncio.timeout(10):
        async with room.open(), ClientSession() as browser:
            answer = await browser.post(
                f"{room.address}/api/v1/session", json={"login": SUPERVISOR, "password": PASSWORD}
            )
            bearer = {"Authorization": f"Bearer {(await answer.json())['token']}"}
            stream = await browser.get(f"{room.address}/live", headers=bearer)
            await next_event(stream)
            assert room.door is not None
            await room.door.close()
            with pytest.raises(EOFError):
                await until(stream, "what is never said")


async def test_it_is_ready_only_when_every_part_is(database: Database, tmp_path: Path) -> None:
    async def well() -> None:
        return

    async def cut() -> None:
        raise RuntimeError("AMI is cut: start Asterisk.")

    async def stuck() -> None:
        await asyncio.Event().wait()

    room = WebRoom(database, tmp_path, utc_now(), {"database": well, "schema": well})
    async with room.open(), room.person() as watcher:
        async with watcher.get("/readyz") as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == "ready"
        room.probes.update(ami=cut, disk=stuck)
        async with watcher.get("/readyz") as answer:
            assert answer.status == 503
            checks = (await answer.json())["checks"]
        assert checks["database"] == {"ok": True}
        assert checks["ami"] == {"ok": False, "reason": "AMI is cut: start Asterisk."}
        assert "no answer" in checks["disk"]["reason"]
        async with watcher.get("/readyz", headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
            assert (await answer.json())["checks"]["ami"] == {"ok": False}


async def test_it_counts_for_prometheus_without_naming_anybody(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(LIVE_VIP)
    async with sofia.get(f"/tickets/{name}"):
        pass
    async with sofia.get("/metrics") as answer:
        text = await answer.text()
    assert 'presszero_live_calls{state="queued"} 1.0' in text
    assert 'presszero_http_requests_total{method="GET",route="/tickets/{ticket}",status="200"} 1.0' in text
    assert name not in text
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    async with desk.person() as stranger, stranger.get("/metrics", headers=elsewhere) as answer:
        assert answer.status == 403


async def test_it_drops_guests_that_say_nothing_or_never_end(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open(idle_s=0.2), room.person() as browser:
        for opening in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
            async with guest(room) as (reader, writer), asyncio.timeout(5):
                writer.write(opening)
                assert await reader.read() == b""
        async with browser.get("/healthz") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"\0" * 4096,
        b"GET /" + b"a" * 20_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
    ],
)
async def test_it_shrugs_off_garbage(desk: WebRoom, sofia: ClientSession, sent: bytes) -> None:
    async with guest(desk) as (reader, writer), asyncio.timeout(5):
        writer.write(sent)
        with suppress(ConnectionResetError):
            assert b" 200 " not in await reader.read(100)
    async with sofia.get("/healthz") as answer:
        assert answer.status == 200


async def test_it_keeps_file_descriptors_for_calls(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open(connection_limit=3), asyncio.timeout(10):
        async with guest(room), guest(room), guest(room), guest(room) as (reader, _):
            assert await reader.read() == b""
        async with ClientSession(room.address, timeout=ClientTimeout(total=5)) as browser:
            while True:  # the three that left are noticed in the server's next round
                try:
                    async with browser.get("/healthz") as answer:
                        assert answer.status == 200
                        break
                except ConnectionError:
                    await asyncio.sleep(0)


async def test_it_answers_503_while_the_database_is_away(desk: WebRoom, sofia: ClientSession) -> None:
    desk.services.desk._deadline_s = 0.0  # no database answers that fast
    async with sofia.get("/api/v1/calls") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert (await answer.json(content_type=None))["type"] == "urn:presszero:problem:busy"
    async with sofia.get("/calls") as answer:
        assert answer.status == 503
        assert "Try again in a moment" in await answer.text()
