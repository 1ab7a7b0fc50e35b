"""The bot's WebSockets over real sockets: what is their own, and what Asterisk may do to them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.fakes.asterisk_legs import AsteriskLegs, ChanWebSocketCaller
from tests.fakes.bot_house import House, hung_up
from voicebot.media import BYTES_PER_SECOND, Digit, HungUp, MediaPort
from voicebot.websocket_lines import WebSocketLines

pytestmark = pytest.mark.integration

TONE = b"\x00\x20\x00\xe0" * 80  # 20 ms, loud


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsteriskLegs().open() as legs:
        house = House(lambda attend: WebSocketLines(legs.url, attend, connections=4))
        house.legs = legs
        async with lines_of(house):
            yield house


def lines_of(house: House) -> WebSocketLines:
    assert isinstance(house.server, WebSocketLines)
    return house.server


def calling(
    house: House, call: UUID, *, marks: bool = True, media_format: str = "slin"
) -> ChanWebSocketCaller:
    """A caller of the PBX's."""
    return ChanWebSocketCaller(house.legs, lines_of(house), call, marks=marks, media_format=media_format)


async def test_sound_that_waits_in_asterisk_is_taken_back_at_a_barge_in(house: House) -> None:
    async def speak(media: MediaPort) -> None:
        media.play(TONE * 500)
        await asyncio.sleep(0.5)
        media.stop_playing()

    call, listener = house.expect(speak)
    async with calling(house, call) as caller:
        await listener.until(lambda: sum(heard.loud for heard in caller.heard) > 10)
        await caller.quiet_for(0.5)
        loud = [heard.at for heard in caller.heard if heard.loud]
        assert loud[-1] - loud[0] < 1.0  # more than that had been sent
        assert caller.commands[-1] == "FLUSH_MEDIA"


async def test_a_long_answer_is_sent_at_the_pace_of_its_playing(house: House) -> None:
    call, listener = house.expect(lambda media: play_and_wait(media, 30.0))
    async with calling(house, call) as caller:
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
    async with calling(house, call) as caller:
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
    async with calling(house, call, marks=False) as caller, asyncio.timeout(5):
        await caller.closed.wait()
    assert sum(heard.loud for heard in caller.heard) == 10
    assert caller.ended_properly


async def test_a_full_queue_gets_nothing_more_until_there_is_room(house: House) -> None:
    call, listener = house.expect()
    async with calling(house, call) as caller:
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
    async with calling(house, call, media_format="ulaw") as caller:
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
    async with calling(house, call) as caller:
        await listener.until(listener.began.is_set)
        send = caller.socket.send_str if isinstance(garbage, str) else caller.socket.send_bytes
        await send(garbage)
        await listener.until(listener.ended.is_set)
    assert listener.events[-1] == HungUp()


async def test_a_flood_of_audio_is_a_hang_up(house: House) -> None:
    call, listener = house.expect()
    async with calling(house, call) as caller:
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):  # more than three minutes of it
                await caller.socket.send_bytes(bytes(3200))
        async with asyncio.timeout(5):
            await listener.ended.wait()
    assert listener.events[-1] == HungUp()


async def test_a_reset_is_a_hang_up(house: House) -> None:
    call, listener = house.expect()
    async with calling(house, call) as caller:
        await listener.until(listener.began.is_set)
        caller.socket._writer.transport.abort()
        await listener.until(listener.ended.is_set)
    assert listener.events[-1] == HungUp()


async def test_old_audio_gives_way_but_no_digit_when_the_conversation_lags(house: House) -> None:
    sleep_over = asyncio.Event()
    call, listener = house.expect(lambda media: sleep_over.wait())
    async with calling(house, call) as caller:
        await listener.until(listener.began.is_set)
        await caller._tell("DTMF_END", digit="7")
        for number in range(1000):
            await caller.socket.send_bytes(number.to_bytes(2, "big") * 160)
        await caller._tell("DTMF_END", digit="8")
        await listener.until(lambda: Digit("8") in listener.media._inbox._events)
        await caller.hang_up()
        await listener.until(lambda: hung_up(listener.media))
        sleep_over.set()
        async with asyncio.timeout(5):
            await listener.ended.wait()
    assert listener.digits == "78"
    assert len(listener.audio) < 6 * BYTES_PER_SECOND  # of 20 s


async def test_a_leg_that_is_gone_costs_nobody_else_anything(house: House) -> None:
    call, listener = house.expect()
    async with calling(house, call) as caller:
        await listener.until(listener.began.is_set)
        for leg in ("gone", "../../ari/channels", "a?b#c"):
            other, never = house.expect()
            lines_of(house).take(other, leg)
            await listener.until(lambda: not house.legs._waiting)
        caller.press("1")
        await listener.until(lambda: listener.digits == "1")
        await listener.until(lambda: len(house.legs.asked) == 4)
        assert not never.began.is_set()
        assert all(path.startswith("/media/") for path in house.legs.asked)  # nothing else is asked for


async def test_an_asterisk_that_does_not_answer_is_given_up(house: House) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    door = await asyncio.start_server(mute, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{door.sockets[0].getsockname()[1]}/media"
    other = House(lambda attend: WebSocketLines(url, attend))
    call, listener = other.expect()
    async with lines_of(other) as lines:
        lines.take(call, "leg")
        await listener.until(lambda: not lines._tasks)
    assert not listener.began.is_set()
    door.close()
