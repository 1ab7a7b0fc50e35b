"""The AudioSocket server over real sockets: good callers, strangers, floods."""

import asyncio
import errno
from collections.abc import AsyncIterator

import pytest

from tests.fakes.audiosocket_client import AUDIO, END, ID, AudioSocketCaller, message
from tests.fakes.bot_house import House, hung_up
from voicebot.media import BYTES_PER_SECOND, HungUp
from voicebot.server import AudioSocketServer

pytestmark = pytest.mark.integration

TONE = b"\x00\x20\x00\xe0" * 80  # 20 ms, loud


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House(lambda attend: AudioSocketServer("127.0.0.1", 0, attend, connections=4))
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


async def test_it_takes_a_flood_of_keys_for_garbage_already_behind_the_id(house, capsys):
    call, listener = house.expect()
    assert await stranger(house.server.port, message(ID, call.bytes) + message(0x03, b"7") * 1000) == b""
    assert not listener.began.is_set()
    assert "bot_call_failed" not in capsys.readouterr().out
