"""The door for webhooks with everything real behind it, on both databases: nothing lost, nobody fooled."""

import asyncio
import gzip
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from cti.virtual_pbx.contract import neutral_id
from cti.virtual_pbx.simulators.port import SimulatedHook
from cti.virtual_pbx.simulators.registry import simulator
from cti.virtual_pbx.stories import story
from tests.fakes.until import until
from tests.fakes.virtual_pbx import settings_of
from tests.fakes.webhook_room import WebhookRoom, send
from tickets.call import Call
from tickets.database import Database, DatabaseAway, open_database, utc_now
from tickets.facts import Fact
from tickets.vocabulary import CallOutcome, EventKind

pytestmark = pytest.mark.integration

CALL = neutral_id("generic", "call-1")


def hooks(vendor: str = "generic", native: str = "call-1", ago_s: float = 100) -> list[SimulatedHook]:
    start = utc_now() - timedelta(seconds=ago_s)
    return simulator(vendor).hooks(story("answered"), settings_of(vendor), start, native)


async def ended(room: WebhookRoom, call_id: str = CALL) -> Call:
    async def over() -> bool:
        call = await room.call(call_id)
        return call is not None and call.ended and await room.all_told()

    await until(over, 20)
    call = await room.call(call_id)
    assert call is not None
    return call


async def test_a_call_that_is_told_becomes_a_call_of_ours(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    async with room.open():
        for hook in hooks():
            assert await room.send("generic", hook) == 200
        call = await ended(room)
    assert call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert room.counted("generic", "kept") == len(hooks())


async def test_what_is_answered_is_in_the_database(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    async with room.open(telling=False):
        for number, hook in enumerate(hooks(), 1):
            assert await room.send("generic", hook) == 200
            assert len((await room.facts.of_calls([CALL]))[CALL]) == number


@pytest.mark.parametrize("vendor", ["generic", "mango"])
async def test_forged_ones_are_refused_and_counted(
    database: Database, tmp_path: Path, vendor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    room = WebhookRoom(database, tmp_path, vendor)
    stranger = settings_of(vendor, secrets=({"value": "of-somebody-else"},))
    forged = simulator(vendor).hooks(story("answered"), stranger, utc_now(), "call-1")
    async with room.open():
        for hook in forged * 5:
            assert await room.send(vendor, hook) == 403
        assert await room.facts.of_calls([neutral_id(vendor, "call-1")]) == {}
    assert room.counted(vendor, "forged") == len(forged) * 5
    said = capsys.readouterr().out
    assert said.count("webhook_refused") == 1  # a flood must not fill the disk
    assert "5550143" not in said


async def test_a_replayed_one_changes_nothing_and_is_counted(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    async with room.open():
        for hook in hooks():
            await room.send("generic", hook)
        before = await ended(room)
        heard = len(room.heard)
        for hook in hooks() * 3:
            assert await room.send("generic", hook) == 200  # a vendor that repeats itself means no harm
        assert await ended(room) == before
        assert len(room.heard) == heard
    assert room.counted("generic", "repeated") == len(hooks()) * 3


async def test_a_stale_one_is_refused_and_counted(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path, "mango")
    async with room.open():
        assert await room.send("mango", hooks("mango", ago_s=48 * 3600)[0]) == 403
    assert room.counted("mango", "stale") == 1


async def test_nonsense_is_refused_and_counted(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    async with room.open():
        good = hooks()[0]
        assert await room.send("generic", replace(good, body=b"{")) == 400
        assert await room.send("generic", replace(good, body=b"x" * 300_000)) == 413
        bomb = gzip.compress(b" " * 50_000_000)
        headers = {**good.headers, "Content-Encoding": "gzip"}
        assert await room.send("generic", replace(good, body=bomb, headers=headers)) in {400, 413}
        assert await send(f"{room.address}/nobody", good) == 404
        assert await room.send("generic", good) == 200
    assert room.counted("generic", "unfit") == 1
    assert room.counted("generic", "large") >= 1


async def test_a_body_that_never_ends_is_let_go_and_others_go_on(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path, patience_s=0.5)
    async with room.open():
        silent = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", room.door.port)
            writer.write(b"POST /generic/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            silent.append((reader, writer))
        assert await room.send("generic", hooks()[0]) == 200
        for reader, writer in silent:
            assert b" 503 " in await asyncio.wait_for(reader.readline(), 10)
            writer.close()
    assert room.counted("generic", "late") == 20


async def test_many_at_once_are_all_kept(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    natives = [f"call-{number}" for number in range(60)]
    async with room.open():
        everything = [hook for native in natives for hook in hooks(native=native)]
        assert set(await asyncio.gather(*(room.send("generic", hook) for hook in everything))) == {200}
        for native in natives:
            await ended(room, neutral_id("generic", native))
    assert len({(event.call_id, event.source_id) for event in room.heard}) == len(room.heard)


async def test_while_the_database_is_gone_webhooks_are_taken_all_the_same(
    database: Database, tmp_path: Path
) -> None:
    gone = True
    room: WebhookRoom

    async def keep(facts: Sequence[Fact]) -> list[Fact]:
        if gone:
            raise DatabaseAway("gone")
        return await room.facts.keep(facts)

    room = WebhookRoom(database, tmp_path, keep=keep)
    async with room.open():
        for hook in hooks():
            assert await room.send("generic", hook) == 200
        assert await room.facts.of_calls([CALL]) == {}
        gone = False
        assert (await ended(room)).outcome is CallOutcome.ANSWERED_BY_OPERATOR


async def test_with_the_disk_full_as_well_the_vendor_is_told_to_come_again(
    database: Database, tmp_path: Path
) -> None:
    async def keep(facts: Sequence[Fact]) -> list[Fact]:
        raise DatabaseAway("gone")

    (tmp_path / "full").touch()
    room = WebhookRoom(database, tmp_path / "full" / "intake", keep=keep)
    async with room.open():
        assert await room.send("generic", hooks()[0]) == 503
    assert room.counted("generic", "unkept") == 1


async def test_killed_between_keeping_and_telling_the_next_start_tells_it(
    database: Database, database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.webhook_room", database_address, str(tmp_path),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert process.stdout is not None
    port = 0
    async with asyncio.timeout(60):
        while not port:
            line = await process.stdout.readline()
            assert line, "it did not start"
            port = int(line) if line.strip().isdigit() else 0
    with pytest.raises(aiohttp.ClientError):
        await send(f"http://127.0.0.1:{port}/generic", hooks()[0])
    assert await process.wait() == -signal.SIGKILL
    assert len((await WebhookRoom(database, tmp_path).facts.of_calls([CALL]))[CALL]) == 1  # kept
    monkeypatch.setattr("cti.virtual_pbx.teller.LEFT_OVER", timedelta(0))
    room = WebhookRoom(database, tmp_path)
    async with room.open():
        await until(room.all_told)
        assert (call := await room.call(CALL)) is not None
        assert not call.ended
        for hook in hooks():  # the vendor, which had no answer, tells it again, and goes on
            assert await room.send("generic", hook) == 200
        assert (await ended(room)).outcome is CallOutcome.ANSWERED_BY_OPERATOR


@pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)
async def test_two_nodes_that_are_told_parts_of_the_same_calls_make_each_once(
    database: Database, database_address: str, tmp_path: Path
) -> None:
    other_database = open_database(database_address)
    one, two = WebhookRoom(database, tmp_path / "one"), WebhookRoom(other_database, tmp_path / "two")
    natives = [f"call-{number}" for number in range(12)]
    async with one.open(), two.open():
        for index in range(len(hooks())):
            sent = []
            for number, native in enumerate(natives):
                hook = hooks(native=native)[index]
                rooms = (one, two) if number % 3 == 0 else (one,) if (number + index) % 2 else (two,)
                sent += [room.send("generic", hook) for room in rooms]  # of some both are told
            assert set(await asyncio.gather(*sent)) == {200}
        for native in natives:
            call = await ended(one, neutral_id("generic", native))
            assert call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
            story_of = await one.calls.events_of(call.call_id)
            assert [event.kind for event in story_of].count(EventKind.ENDED) == 1
            assert [event.kind for event in story_of].count(EventKind.RECEIVED) == 1
    for room in (one, two):  # listeners of a node hear an event once
        assert len({(event.call_id, event.source_id) for event in room.heard}) == len(room.heard)
    await other_database.close()


async def test_what_arrived_is_told_to_whoever_has_the_key_alone(database: Database, tmp_path: Path) -> None:
    room = WebhookRoom(database, tmp_path)
    async with room.open():
        await room.send("generic", replace(hooks()[0], path="/wrong"))
        await room.send("generic", hooks()[0])
        status, arrived = await room.arrived()
        assert status == 200
        assert [one["result"] for one in arrived] == ["forged", "kept"]
        assert arrived[1]["caller"] == "+120••••••43"
        assert (await room.arrived("another-key"))[0] == 404
        assert (await room.arrived(""))[0] == 404
