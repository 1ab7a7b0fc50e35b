"""The FastAGI door over real sockets: whoever knocks, calls in progress do not notice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import PurePath

import pytest

from ivr import agi
from ivr import server as server_module
from ivr.agi import AgiLate, AgiRefused, AgiSession, BadAgi, CallerHungUp
from ivr.server import FastAgiServer
from tests.fakes.agi_client import HANG_UP, AgiClient

pytestmark = pytest.mark.integration

Open = Callable[..., Awaitable[FastAgiServer]]


@pytest.fixture
async def open_door() -> AsyncIterator[Open]:
    servers: list[FastAgiServer] = []

    async def open_it(serve: Callable[[AgiSession], Awaitable[None]], **limits: float) -> FastAgiServer:
        server = FastAgiServer("127.0.0.1", 0, serve, **limits)  # type: ignore[arg-type]
        await server.start()
        servers.append(server)
        return server

    yield open_it
    for server in servers:
        await server.stop()


async def say_hello(session: AgiSession) -> None:
    await session.set_variable("GREETED", "yes")


async def send(port: int, content: bytes) -> bytes:
    """What the door answers to this, until it closes."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        received = b""
        with contextlib.suppress(OSError):
            writer.write(content)
            await writer.drain()
            received = await reader.read()
        writer.close()
        return received


async def test_it_serves_a_call(open_door: Open) -> None:
    server = await open_door(say_hello)
    client = await AgiClient().call(server.port)
    assert client.variables["GREETED"] == "yes"


async def test_it_serves_many_calls_at_the_same_time(open_door: Open) -> None:
    all_here = asyncio.Barrier(50)

    async def wait_for_the_others(session: AgiSession) -> None:
        await all_here.wait()
        await say_hello(session)

    server = await open_door(wait_for_the_others)
    clients = await asyncio.gather(*(AgiClient().call(server.port) for _ in range(50)))
    assert all(client.variables["GREETED"] == "yes" for client in clients)


BAD_GUESTS = {
    "connect and close": None,
    "garbage": bytes(range(256)) * 20,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "empty header": b"\n",
    "no request": b"agi_callerid: 1\n\n",
    "endless lines": b"agi_x: y\n" * 100_000,
    "endless line": b"agi_x: " + b"y" * 1_000_000,
    "large header": (b"agi_x: " + b"y" * 1000 + b"\n") * 30,
}


@pytest.mark.parametrize("guest", BAD_GUESTS)
async def test_it_turns_bad_guests_away_while_a_call_goes_on(open_door: Open, guest: str) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def a_long_call(session: AgiSession) -> None:
        arrived.set()
        await go_on.wait()
        await say_hello(session)

    server = await open_door(a_long_call)
    call = asyncio.create_task(AgiClient().call(server.port))
    await arrived.wait()
    content = BAD_GUESTS[guest]
    if content is None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()
        await writer.wait_closed()
    else:
        assert await send(server.port, content) == b""
    go_on.set()
    assert (await call).variables["GREETED"] == "yes"


@pytest.mark.parametrize("said", [b"", b"agi_request: agi://x\n"], ids=["nothing", "half a header"])
async def test_it_lets_go_of_silent_clients(open_door: Open, said: bytes) -> None:
    server = await open_door(say_hello, header_s=0.05)
    assert await send(server.port, said) == b""


async def test_it_turns_away_more_than_its_limit_and_recovers(open_door: Open) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def a_long_call(session: AgiSession) -> None:
        arrived.set()
        await go_on.wait()
        await say_hello(session)

    server = await open_door(a_long_call, connections=1)
    first = asyncio.create_task(AgiClient().call(server.port))
    await arrived.wait()
    turned_away = await AgiClient().call(server.port)
    assert turned_away.commands == []
    go_on.set()
    await first
    assert (await AgiClient().call(server.port)).variables["GREETED"] == "yes"


async def test_it_stays_open_when_a_session_fails(open_door: Open) -> None:
    async def fail(session: AgiSession) -> None:
        raise RuntimeError("a mistake of ours")

    server = await open_door(fail)
    for _ in range(2):
        assert (await AgiClient().call(server.port)).commands == []


async def test_it_lets_go_of_calls_when_it_stops(open_door: Open) -> None:
    arrived = asyncio.Event()

    async def for_ever(session: AgiSession) -> None:
        arrived.set()
        await asyncio.Event().wait()

    server = await open_door(for_ever)
    call = asyncio.create_task(AgiClient().call(server.port))
    await arrived.wait()
    await server.stop()
    assert (await call).commands == []
    assert server.connections == 0


async def test_it_lets_go_of_a_session_that_never_ends(open_door: Open) -> None:
    async def for_ever(session: AgiSession) -> None:
        await asyncio.Event().wait()

    server = await open_door(for_ever, session_s=0.05)
    async with asyncio.timeout(5):
        assert (await AgiClient().call(server.port)).commands == []


async def test_it_takes_only_so_many_commands_about_one_caller(
    open_door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agi, "MOST_COMMANDS", 10)
    done = 0

    async def greedy(session: AgiSession) -> None:
        nonlocal done
        while True:
            await session.set_variable("N", done)
            done += 1

    server = await open_door(greedy)
    await AgiClient().call(server.port)
    assert done == 10


async def test_it_sends_silent_strangers_away_to_make_room_for_callers(
    open_door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "STRANGER_S", 0.0)
    server = await open_door(say_hello, connections=3, header_s=30)
    strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    async with asyncio.timeout(5):
        while server.connections < 3:  # noqa: ASYNC110 - nothing tells that they were accepted
            await asyncio.sleep(0.005)
        for _ in range(5):
            assert (await AgiClient().call(server.port)).variables["GREETED"] == "yes"
    for _, writer in strangers:
        writer.close()


async def test_it_sends_nobody_away_who_has_just_come_or_is_a_caller(open_door: Open) -> None:
    server = await open_door(say_hello, connections=1, header_s=30)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(5):
        while server.connections < 1:  # noqa: ASYNC110 - nothing tells that it was accepted
            await asyncio.sleep(0.005)
        assert await send(server.port, b"") == b""
    assert not reader.at_eof()
    writer.close()


async def outcome_of(
    open_door: Open, act: Callable[[AgiSession], Awaitable[object]], answer: bytes
) -> object:
    """What `act` returns or raises when Asterisk answers its command with these bytes and closes."""
    done: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def serve(session: AgiSession) -> None:
        try:
            done.set_result(await act(session))
        except Exception as error:
            done.set_result(error)

    server = await open_door(serve)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(AgiClient().header().encode() + answer)
    await writer.drain()
    writer.write_eof()
    async with asyncio.timeout(5):
        result = await done
    writer.close()
    return result


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HANGUP\n", CallerHungUp),
        (b"HANGUP\n200 result=1 (x)\n", CallerHungUp),
        (b"", CallerHungUp),
        (b"200 resu", CallerHungUp),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", CallerHungUp),
        (b"510 Invalid or unknown command\n", AgiRefused),
        (b"520-Invalid command syntax.\nUsage: GET VARIABLE\n520 End of proper usage.\n", AgiRefused),
        (b"what?\n", BadAgi),
        (b"520-x\n" + b"y\n" * 200, BadAgi),
        (b"200 result=1 (" + b"x" * 50_000, BadAgi),
    ],
)
async def test_it_names_each_way_in_which_an_answer_fails(
    open_door: Open, answer: bytes, error: type[Exception]
) -> None:
    assert isinstance(await outcome_of(open_door, lambda s: s.get_variable("X"), answer), error)


async def test_it_takes_a_failed_sound_for_a_hang_up(open_door: Open) -> None:
    async def act(session: AgiSession) -> object:
        return await session.stream_file(PurePath("/x"), "0", seconds=1)

    assert isinstance(await outcome_of(open_door, act, b"200 result=-1 endpos=0\n"), CallerHungUp)


async def test_it_does_not_wait_for_ever_for_an_answer(open_door: Open) -> None:
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def serve(session: AgiSession) -> None:
        impatient = AgiSession(session.request, session._reader, session._writer, step_s=0.05)
        try:
            await impatient.get_variable("X")
        except Exception as error:
            failed.set_result(error)

    server = await open_door(serve)
    await send(server.port, AgiClient().header().encode())
    assert isinstance(await failed, AgiLate)


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.set_variable("X", "a\nHANGUP"),
        lambda s: s.set_variable("X\nHANGUP", "a"),
        lambda s: s.get_variable("X Y"),
        lambda s: s.stream_file(PurePath("/x\r"), "0", seconds=1),
        lambda s: s.stream_file(PurePath("/x"), '0"', seconds=1),
    ],
)
async def test_it_refuses_arguments_that_could_carry_a_command(
    open_door: Open, act: Callable[[AgiSession], Awaitable[object]]
) -> None:
    assert isinstance(await outcome_of(open_door, act, b"200 result=1\n"), ValueError)


async def test_it_brings_values_and_keys_back_unchanged(open_door: Open) -> None:
    keys: list[str | None] = []

    async def serve(session: AgiSession) -> None:
        await session.set_variable("ODD", await session.get_variable("IN"))
        keys.append(await session.stream_file(PurePath("/p/one two"), "12", seconds=0))
        keys.append(await session.stream_file(PurePath("/p/quiet"), "#", seconds=1))
        keys.append(await session.stream_file(PurePath("/p/end"), "12", seconds=0))

    server = await open_door(serve)
    odd = 'a "quoted" \\ value (with brackets) ñ'
    client = AgiClient({"one two": "1", "one two?": "#", "end": HANG_UP}, variables={"IN": odd})
    await client.call(server.port)
    assert client.variables["ODD"] == odd
    assert keys == ["1", "#"]
