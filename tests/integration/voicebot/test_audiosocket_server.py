"""The AudioSocket server over real sockets: good callers, strangers, floods."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from tests.fakes.audiosocket_client import AUDIO, END, ID, AudioSocketCaller, message
from voicebot.media import BYTES_PER_SECOND, Audio, Digit, HungUp, MediaEvent, MediaPort
from voicebot.server import AudioSocketServer

pytestmark = pytest.mark.integration

TONE = b"\x00\x20\x00\xe0" * 80  # 20 ms, loud


class Listener:
    """A conversation that only writes down what happens to it; `task` plays its part in the test."""

    def __init__(self, task: Callable[[MediaPort], object] | None = None) -> None:
        self.task = task
        self.events: list[MediaEvent] = []
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.media: MediaPort | None = None

    async def run(self, media: MediaPort) -> None:
        self.media = media
        self.began.set()
        try:
            if self.task is not None:
                await self.task(media)
            async for event in media:
                self.events.append(event)
        finally:
            self.ended.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what happens behind a socket has no event
                await asyncio.sleep(0.01)

    @property
    def digits(self) -> str:
        return "".join(event.digit for event in self.events if isinstance(event, Digit))

    @property
    def audio(self) -> bytes:
        return b"".join(event.pcm for event in self.events if isinstance(event, Audio))


class House:
    """A server and the conversations that expect a call."""

    def __init__(self) -> None:
        self.expected: dict[UUID, Listener] = {}
        self.server = AudioSocketServer("127.0.0.1", 0, self._attend, connections=4)

    async def _attend(self, call: UUID) -> Listener | None:
        return self.expected.get(call)

    def expect(self, task: Callable[[MediaPort], object] | None = None) -> tuple[UUID, Listener]:
        call = uuid4()
        self.expected[call] = Listener(task)
        return call, self.expected[call]


def hung_up(media: MediaPort) -> bool:
    """Nothing can be played to a caller who is gone."""
    media.play(TONE)
    return not media.playing


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.server:
        yield house


async def stranger(port: int, data: bytes = b"") -> bytes:
    """Connect, send, and read until the server lets go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        writer.write(data)
        async with asyncio.timeout(5):
            got = await reader.read(-1)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return got


async def test_it_gives_the_conversation_what_the_caller_says_and_presses(house):
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call) as caller:
        await caller.say(TONE * 5)
        caller.press("5")
        caller.press("#")
        await listener.until(lambda: listener.digits == "5#")
    async with asyncio.timeout(5):
        await listener.ended.wait()

    assert TONE * 5 in listener.audio
    assert listener.events[-1] == HungUp()
    assert sum(isinstance(event, HungUp) for event in listener.events) == 1


async def test_it_sends_silence_from_the_first_moment_at_the_pace_of_speech(house):
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call) as caller:
        await listener.until(lambda: len(caller.heard) >= 50)

    assert {(heard.kind, heard.payload) for heard in caller.heard} == {(AUDIO, bytes(320))}
    # 49 gaps of 20 ms, and never ahead of the schedule by more than the frame under way
    assert caller.heard[49].at - caller.heard[0].at > 49 * 0.02 - 0.025


async def test_it_plays_what_it_is_given_whole_and_in_order(house):
    sound = bytes(range(1, 251)) * 20  # 5000 bytes: the last frame is not full

    async def speak(media: MediaPort) -> None:
        media.play(sound[:700])
        media.play(sound[700:])
        assert media.playing
        await media.drained()
        assert not media.playing
        await media.close()

    call, listener = house.expect(speak)
    async with AudioSocketCaller(house.server.port, call) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    heard = b"".join(heard.payload for heard in caller.heard if heard.kind == AUDIO)
    assert sound in heard
    assert caller.ended_properly
    await listener.until(listener.ended.is_set)


async def test_it_falls_silent_at_once_at_a_barge_in(house):
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
    async with AudioSocketCaller(house.server.port, call) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    loud = sum(heard.loud for heard in caller.heard)
    assert played == [pytest.approx((loud - 1) * 0.02)]
    assert 0.0 < played[0] < 5.0


async def test_it_ends_a_call_properly_under_a_stream_of_the_callers_audio(house):
    """A reset instead of END would let Asterisk hang the caller up."""
    for _ in range(5):
        call, _ = house.expect(lambda media: media.close())
        async with AudioSocketCaller(house.server.port, call) as caller, asyncio.timeout(5):
            caller._to_say.extend([TONE] * 200)
            await caller.closed.wait()
        assert caller.ended_properly


async def test_it_ends_properly_when_nobody_expects_the_call(house):
    async with AudioSocketCaller(house.server.port, uuid4()) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    assert caller.ended_properly


async def test_it_ends_properly_when_the_conversation_breaks(house):
    async def break_down(media: MediaPort) -> None:
        raise ValueError("a bug")

    call, _ = house.expect(break_down)
    async with AudioSocketCaller(house.server.port, call) as caller, asyncio.timeout(5):
        await caller.closed.wait()

    assert caller.ended_properly


async def test_it_ends_its_calls_properly_when_the_service_stops(house):
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call) as caller:
        async with asyncio.timeout(5):
            await listener.began.wait()
            await house.server.close()
            await caller.closed.wait()

    assert caller.ended_properly
    assert listener.ended.is_set()


async def test_it_takes_no_more_conversations_than_allowed(house):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            call, listener = house.expect()
            await stack.enter_async_context(AudioSocketCaller(house.server.port, call))
            await listener.until(listener.began.is_set)
        call, refused = house.expect()
        async with AudioSocketCaller(house.server.port, call) as caller, asyncio.timeout(5):
            await caller.closed.wait()

        assert caller.ended_properly
        assert not refused.began.is_set()


async def test_it_tells_a_hang_up_when_the_line_turns_into_garbage(house):
    call, listener = house.expect()
    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(message(ID, call.bytes))
    await listener.until(listener.began.is_set)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await listener.until(listener.ended.is_set)
    writer.close()

    assert listener.events == [HungUp()]


async def test_it_forgets_old_audio_but_no_digit_when_the_conversation_lags(house):
    sleep_over = asyncio.Event()
    call, listener = house.expect(lambda media: sleep_over.wait())
    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(message(ID, call.bytes) + message(0x03, b"7"))
    await listener.until(listener.began.is_set)
    for number in range(1000):
        writer.write(message(AUDIO, number.to_bytes(2, "big") * 160))
    writer.write(message(0x03, b"8") + message(END))
    await writer.drain()
    await listener.until(lambda: hung_up(listener.media))
    sleep_over.set()
    async with asyncio.timeout(5):
        await listener.ended.wait()
    writer.close()

    assert listener.digits == "78"
    assert len(listener.audio) < 6 * BYTES_PER_SECOND  # of 20 s
    assert listener.audio.endswith((999).to_bytes(2, "big"))


async def test_it_takes_a_flood_of_audio_for_a_hang_up(house):
    call, listener = house.expect()
    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(
        message(ID, call.bytes) + message(AUDIO, bytes(3200)) * 1000
    )  # more than three minutes of it
    async with asyncio.timeout(5):
        await listener.ended.wait()
    writer.close()
    assert listener.events[-1] == HungUp()


STRANGERS = {
    "connect and close": b"",
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "endless garbage": b"\x99" * 100_000,
    "an oversized frame first": b"\x10\xff\xff" + bytes(65_535),
    "audio before the id": message(AUDIO, bytes(320)),
    "half an id": b"\x01\x00\x10abc",
    "a short id": b"\x01\x00\x04abcd",
}


@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
async def test_it_lets_no_stranger_disturb_a_call_in_progress(house, data):
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call) as caller:
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


async def test_it_closes_on_garbage_at_once_and_on_silence_after_its_deadline(house):
    assert await stranger(house.server.port, b"GET / HTTP/1.1\r\n\r\n") == b""
    assert await stranger(house.server.port) == b""  # within the 5 s that `stranger` waits


async def test_it_lets_a_flood_of_silent_connections_keep_nobody_out(house):
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call) as caller:
        await listener.until(listener.began.is_set)
        flood = [await asyncio.open_connection("127.0.0.1", house.server.port) for _ in range(200)]
        other_call, other = house.expect()
        async with AudioSocketCaller(house.server.port, other_call) as other_caller:
            other_caller.press("2")
            caller.press("1")
            await other.until(lambda: other.digits == "2")
            await listener.until(lambda: listener.digits == "1")
            assert not caller.closed.is_set()
        for _, writer in flood:
            writer.transport.abort()


async def test_it_takes_a_network_that_broke_for_a_hang_up(house):
    """A peer on another machine ends by EHOSTUNREACH or ETIMEDOUT, which are no ConnectionError."""
    call, listener = house.expect()
    async with AudioSocketCaller(house.server.port, call):
        await listener.until(listener.began.is_set)
        listener.media._reader.set_exception(OSError(errno.EHOSTUNREACH, "No route to host"))
        await listener.until(listener.ended.is_set)

    assert listener.events[-1] == HungUp()


async def test_it_gives_up_a_peer_that_reads_nothing(house):
    """Without end its unread audio would fill our memory."""
    call, listener = house.expect()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port, limit=1)
    writer.write(message(ID, call.bytes))
    await listener.until(listener.began.is_set)
    reader._transport.pause_reading()
    transport = listener.media._writer.transport
    transport.write(bytes(8_000_000))  # what a stalled network would have gathered by and by
    async with asyncio.timeout(5):
        await listener.ended.wait()
    writer.transport.abort()

    assert listener.events == [HungUp()]
