"""The WebSocket server over real sockets: what is its own, against strangers, garbage and floods."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import aiohttp
import pytest

from tests.fakes.bot_house import House, hung_up
from tests.fakes.chan_websocket_client import ChanWebSocketCaller
from voicebot.media import BYTES_PER_SECOND, HungUp, MediaPort
from voicebot.websocket_server import WebSocketServer

pytestmark = pytest.mark.integration

TONE = b"\x00\x20\x00\xe0" * 80  # 20 ms, loud


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House(lambda attend: WebSocketServer("127.0.0.1", 0, attend, connections=4))
    async with house.server:
        yield house


async def status_of(house: House, path: str, **headers: str) -> int:
    """What a client of the web gets; 101 where it is let in."""
    url = f"http://127.0.0.1:{house.server.port}{path}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        try:
            async with session.ws_connect(url, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_an_id_that_nobody_expects_is_not_let_in(house: House) -> None:
    call, listener = house.expect()
    assert await status_of(house, f"/bot?call={uuid4()}") == 404
    assert await status_of(house, "/bot?call=me") == 404
    assert await status_of(house, "/bot") == 404
    assert await status_of(house, f"/other?call={call}") == 404
    assert not listener.began.is_set()


async def test_a_page_in_a_browser_is_not_let_in_even_with_the_id(house: House) -> None:
    call, listener = house.expect()
    assert await status_of(house, f"/bot?call={call}", Origin="http://127.0.0.1:8080") == 404
    assert not listener.began.is_set()
    assert await status_of(house, f"/bot?call={call}") == 101  # which has cost the call nothing


async def test_an_id_lets_in_once(house: House) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        assert await status_of(house, f"/bot?call={call}") == 404
        caller.press("1")
        await listener.until(lambda: listener.digits == "1")


async def test_a_request_that_is_no_upgrade_costs_the_call_nothing(house: House) -> None:
    call, listener = house.expect()
    url = f"http://127.0.0.1:{house.server.port}/bot?call={call}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        for method in ("GET", "POST", "OPTIONS"):
            async with session.request(method, url) as answer:
                assert answer.status == 404
                assert answer.headers["Connection"] == "close"
    async with ChanWebSocketCaller(house.server.port, call):
        await listener.until(listener.began.is_set)


async def test_sound_that_waits_in_asterisk_is_taken_back_at_a_barge_in(house: House) -> None:
    async def speak(media: MediaPort) -> None:
        media.play(TONE * 500)
        await asyncio.sleep(0.5)
        media.stop_playing()

    call, listener = house.expect(speak)
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(lambda: sum(heard.loud for heard in caller.heard) > 10)
        await caller.quiet_for(0.5)
        loud = [heard.at for heard in caller.heard if heard.loud]
        assert loud[-1] - loud[0] < 1.0  # more than that had been sent
        assert caller.commands[-1] == "FLUSH_MEDIA"


async def test_a_long_answer_is_sent_at_the_pace_of_its_playing(house: House) -> None:
    call, listener = house.expect(lambda media: play_and_wait(media, 30.0))
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(lambda: sum(heard.loud for heard in caller.heard) > 20)
        assert len(caller._queue) * 0.02 < 2.0
        assert listener.media is not None
        assert listener.media.playing


async def play_and_wait(media: MediaPort, seconds: float) -> None:
    media.play(TONE * round(seconds / 0.02))


async def test_what_is_played_without_a_pause_is_heard_without_a_gap(house: House) -> None:
    async def speak(media: MediaPort) -> None:
        for _ in range(4):
            media.play(TONE * 30)
            await asyncio.sleep(0.5)
        await media.drained()

    call, listener = house.expect(speak)
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(lambda: sum(heard.loud for heard in caller.heard) == 120)
        spoken = [heard.loud for heard in caller.heard]
        first, last = spoken.index(True), len(spoken) - spoken[::-1].index(True)
        assert all(spoken[first:last])
        assert caller.starved == 0


async def test_an_asterisk_that_tells_of_no_mark_is_believed_by_the_clock(house: House) -> None:
    async def speak(media: MediaPort) -> None:
        media.play(TONE * 10)
        await media.drained()
        await media.close()

    call, _ = house.expect(speak)
    async with ChanWebSocketCaller(house.server.port, call, marks=False) as caller, asyncio.timeout(5):
        await caller.closed.wait()
    assert sum(heard.loud for heard in caller.heard) == 10
    assert caller.ended_properly


async def test_a_full_queue_gets_nothing_more_until_there_is_room(house: House) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        await caller._tell("MEDIA_XOFF")
        caller.press("1")
        await listener.until(lambda: listener.digits == "1")
        assert listener.media is not None
        listener.media.play(TONE * 5)
        await caller._tell("MEDIA_XON")
        await listener.until(lambda: sum(heard.loud for heard in caller.heard) == 5)
        assert caller.commands[0] == "FLUSH_MEDIA"


async def test_another_format_than_ours_is_refused(house: House) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call, media_format="ulaw") as caller:
        async with asyncio.timeout(5):
            await caller.closed.wait()
    assert listener.events == [HungUp()]


GARBAGE = {
    "no JSON": "MEDIA_START connection_id:presszero",
    "no object": "[]",
    "deep": "[" * 8000,
    "no event": "{}",
    "no digit": json.dumps({"event": "DTMF_END", "digit": "55"}),
    "half a sample": b"\0" * 319,
    "too long": b"\0" * 9000,
    "text too long": "x" * 9000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_a_line_that_turns_into_garbage_is_a_hang_up(house: House, garbage: str | bytes) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        send = caller.socket.send_str if isinstance(garbage, str) else caller.socket.send_bytes
        await send(garbage)
        await listener.until(listener.ended.is_set)
    assert listener.events[-1] == HungUp()


async def test_a_flood_of_audio_is_a_hang_up(house: House) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):  # more than three minutes of it
                await caller.socket.send_bytes(bytes(3200))
        async with asyncio.timeout(5):
            await listener.ended.wait()
    assert listener.events[-1] == HungUp()


async def test_a_reset_is_a_hang_up(house: House) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        transport = caller.socket.get_extra_info("socket")
        assert transport is not None
        caller.socket._writer.transport.abort()
        await listener.until(listener.ended.is_set)
    assert listener.events[-1] == HungUp()


async def test_old_audio_gives_way_but_no_digit_when_the_conversation_lags(house: House) -> None:
    sleep_over = asyncio.Event()
    call, listener = house.expect(lambda media: sleep_over.wait())
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        await caller._tell("DTMF_END", digit="7")
        for number in range(1000):
            await caller.socket.send_bytes(number.to_bytes(2, "big") * 160)
        await caller._tell("DTMF_END", digit="8")
        await caller.hang_up()
        await listener.until(lambda: hung_up(listener.media))
        sleep_over.set()
        async with asyncio.timeout(5):
            await listener.ended.wait()
    assert listener.digits == "78"
    assert len(listener.audio) < 6 * BYTES_PER_SECOND  # of 20 s


STRANGERS = {
    "connect and close": b"",
    "audiosocket": b"\x01\x00\x10" + bytes(16),
    "endless garbage": b"\x99" * 100_000,
    "a long request line": b"GET /" + b"a" * 100_000,
    "many headers": b"GET /bot HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
    "half a request": b"GET /bot?call=",
    "a body without end": b"POST /bot HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    + bytes(99_999),
    "no key": b"GET /bot HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
async def test_no_stranger_disturbs_a_call_in_progress(house: House, data: bytes) -> None:
    call, listener = house.expect()
    async with ChanWebSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        writers = []
        for _ in range(10):
            _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
            writer.write(data)
            if not data:
                writer.close()
            writers.append(writer)
        before = len(caller.heard)
        caller.press("1")
        await listener.until(lambda: listener.digits == "1")
        await listener.until(lambda: len(caller.heard) >= before + 20)
        assert not caller.closed.is_set()
        for writer in writers:
            writer.transport.abort()


async def test_who_dribbles_a_header_has_to_go_in_time(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)

    async def dribble() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"G")
                await asyncio.sleep(0.1)

    writer.write(b"GET /bot HTTP/1.1\r\nX: ")
    dribbling = asyncio.create_task(dribble())
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            await reader.read(-1)
    dribbling.cancel()
    writer.close()
