"""What each carrier of call audio does for a conversation: AudioSocket, Asterisk's WebSockets, Twilio's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from tests.fakes.asterisk_legs import AsteriskLegs, ChanWebSocketCaller
from tests.fakes.audiosocket_client import AUDIO, AudioSocketCaller
from tests.fakes.bot_house import House
from tests.fakes.twilio_caller import TwilioCaller
from voicebot import mulaw
from voicebot.media import HungUp, MediaPort
from voicebot.server import AudioSocketServer
from voicebot.twilio_lines import TwilioLines
from voicebot.websocket_lines import WebSocketLines

pytestmark = pytest.mark.integration

TONE = b"\x00\x20\x00\xe0" * 80  # 20 ms, loud

AnyCaller = AudioSocketCaller | ChanWebSocketCaller | TwilioCaller
Rings = Callable[[UUID], AnyCaller]


@pytest.fixture(params=["AudioSocket", "WebSocket", "Twilio"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    if request.param == "AudioSocket":
        house = House(lambda attend: AudioSocketServer("127.0.0.1", 0, attend, connections=4))
        async with house.server:
            yield house
        return
    if request.param == "Twilio":
        lines = TwilioLines(lambda call: house._attend(call), connections=4)
        house = House(lambda attend: lines)
        async with house.door.open(lines), lines:
            yield house
        return
    async with AsteriskLegs().open() as legs:
        house = House(lambda attend: WebSocketLines(legs.url, attend, connections=4))
        house.legs = legs
        async with house.server:
            yield house


@pytest.fixture
def rings(house: House) -> Rings:
    """A caller of the PBX, over the carrier of this house."""
    server, legs = house.server, house.legs
    if isinstance(server, AudioSocketServer):
        return lambda call: AudioSocketCaller(server.port, call)
    if isinstance(server, TwilioLines):
        return lambda call: TwilioCaller(house.door, call)
    return lambda call: ChanWebSocketCaller(legs, server, call)


@pytest.fixture
def carried(house: House) -> Callable[[bytes], bytes]:
    """What is left of a sound on its way."""
    if isinstance(house.server, TwilioLines):
        return lambda pcm: mulaw.expand(mulaw.compress(pcm))
    return lambda pcm: pcm


async def test_the_conversation_gets_what_the_caller_says_and_presses(
    house: House, rings: Rings, carried: Callable[[bytes], bytes]
) -> None:
    call, listener = house.expect()
    async with rings(call) as caller:
        await caller.say(TONE * 5)
        caller.press("5")
        caller.press("#")
        await listener.until(lambda: listener.digits == "5#")
    async with asyncio.timeout(5):
        await listener.ended.wait()

    assert carried(TONE * 5) in listener.audio
    assert listener.events[-1] == HungUp()
    assert sum(isinstance(event, HungUp) for event in listener.events) == 1


async def test_the_caller_hears_what_is_played_whole_and_in_order(
    house: House, rings: Rings, carried: Callable[[bytes], bytes]
) -> None:
    sound = bytes(range(1, 251)) * 200  # 3.1 s; the last frame is not full

    async def speak(media: MediaPort) -> None:
        media.play(sound[:700])
        media.play(sound[700:])
        assert media.playing
        await media.drained()
        assert not media.playing
        await media.close()

    call, listener = house.expect(speak)
    async with rings(call) as caller, asyncio.timeout(10):
        await caller.closed.wait()

    heard = b"".join(heard.payload for heard in caller.heard if heard.kind == AUDIO)
    assert carried(sound) in heard
    assert caller.ended_properly
    await listener.until(listener.ended.is_set)


async def test_the_line_carries_sound_from_the_first_moment(house: House, rings: Rings) -> None:
    call, listener = house.expect()
    async with rings(call) as caller:
        await listener.until(lambda: len(caller.heard) >= 50)

    assert {(heard.kind, heard.payload) for heard in caller.heard} == {(AUDIO, bytes(320))}
    assert caller.heard[49].at - caller.heard[0].at > 49 * 0.02 - 0.025


async def test_the_bot_falls_silent_at_once_at_a_barge_in(house: House, rings: Rings) -> None:
    played: list[float] = []

    async def speak(media: MediaPort) -> None:
        assert media.stop_playing() == 0.0
        media.play(TONE * 500)  # 10 s
        await asyncio.sleep(0.3)
        played.append(media.stop_playing())
        assert not media.playing
        await media.drained()
        media.play(TONE)
        await media.drained()
        await media.close()

    call, _ = house.expect(speak)
    async with rings(call) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    loud = sum(heard.loud for heard in caller.heard)
    assert played == [pytest.approx((loud - 1) * 0.02, abs=0.1)]  # two clocks
    assert 0.0 < played[0] < 5.0


async def test_a_call_ends_properly_under_a_stream_of_the_callers_audio(house: House, rings: Rings) -> None:
    """A reset instead would let Asterisk hang the caller up."""
    for _ in range(5):
        call, _ = house.expect(lambda media: media.close())
        async with rings(call) as caller, asyncio.timeout(5):
            caller._to_say.extend([TONE] * 200)
            await caller.closed.wait()
        assert caller.ended_properly


async def test_a_call_ends_properly_when_the_conversation_breaks(house: House, rings: Rings) -> None:
    async def break_down(media: MediaPort) -> None:
        raise ValueError("a bug")

    call, _ = house.expect(break_down)
    async with rings(call) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    assert caller.ended_properly


async def test_calls_end_properly_when_the_service_stops(house: House, rings: Rings) -> None:
    call, listener = house.expect()
    async with rings(call) as caller:
        async with asyncio.timeout(5):
            await listener.began.wait()
            await house.server.close()
            await caller.closed.wait()

    assert caller.ended_properly
    assert listener.ended.is_set()


async def test_beyond_its_conversations_a_carrier_takes_nobody(house: House, rings: Rings) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            call, listener = house.expect()
            await stack.enter_async_context(rings(call))
            await listener.until(listener.began.is_set)
        call, refused = house.expect()
        with contextlib.suppress(TimeoutError):  # nobody fetches them
            async with rings(call) as caller, asyncio.timeout(5):
                await caller.closed.wait()
            assert caller.ended_properly
        assert not refused.began.is_set()


async def test_a_call_that_nobody_expects_ends_properly(house: House, rings: Rings) -> None:
    async with rings(uuid4()) as caller, asyncio.timeout(5):
        await caller.closed.wait()
    assert caller.ended_properly
