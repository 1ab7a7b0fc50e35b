"""A service without Asterisk says when it cannot keep what it is told, and leaves no call standing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cti.app import Service, running
from cti.asterisk.install import cache_folder
from cti.demo.exchange import own_settings
from cti.ports import free_port
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.simulators.registry import simulator
from cti.virtual_pbx.stories import story
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import lottery, write_scenario
from tests.fakes.until import until
from tests.fakes.virtual_pbx import settings_of
from tests.fakes.webhook_room import send
from tickets.call_ids import neutral_id
from tickets.database import Database, DatabaseAway, utc_now
from tickets.events import CallEvent
from tickets.facts import Fact, FactBook
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

PATIENCE_S = 60.0  # a busy machine is no reason to fail
CALL = neutral_id("mango", "a call of a connection that is not here")


def event(kind: EventKind, ago: timedelta) -> CallEvent:
    at = utc_now() - ago
    return CallEvent("mango", f"{kind}-{CALL}", CALL, at, kind, {"caller": "+12025550143"})


@asynccontextmanager
async def service(address: str, folder: Path, hooks_port: int) -> AsyncIterator[Service]:
    """To which a generic PBX is connected, and nothing else."""
    prompts = cache_folder() / "test-prompts"
    settings = own_settings(folder, asterisk=False, hooks_port=hooks_port, prompts=prompts, database=address)
    write_connection(settings.connections_folder / "generic.json", settings_of("generic"))
    async with running(settings, load_scenario(write_scenario(lottery(), folder / "lottery.yaml"))) as made:
        yield made


async def ready(made: Service) -> tuple[int, Any]:
    address = f"http://127.0.0.1:{made.http_port}/readyz"
    async with aiohttp.ClientSession() as client, client.get(address) as answer:
        return answer.status, (await answer.json())["checks"]["database"]


async def test_while_the_database_takes_no_webhooks_it_is_not_ready(
    database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, keep = [True], FactBook.keep

    async def kept(book: FactBook, facts: Sequence[Fact]) -> list[Fact]:
        if away:
            raise DatabaseAway("The database takes no facts.")
        return await keep(book, facts)

    monkeypatch.setattr(FactBook, "keep", kept)
    hooks_port = free_port()
    async with service(database_address, tmp_path, hooks_port) as made:
        assert await ready(made) == (200, {"ok": True})
        hook = simulator("generic").hooks(story("answered"), settings_of("generic"), utc_now(), "one")[0]
        assert await send(f"http://127.0.0.1:{hooks_port}/generic", hook) == 200
        assert await ready(made) == (503, {"ok": False, "reason": "The database takes no facts."})
        away.clear()
        await until(well(made), PATIENCE_S)


def well(made: Service) -> Callable[[], Any]:
    async def is_well() -> bool:
        return (await ready(made))[0] == 200

    return is_well


async def test_what_another_node_told_the_ledger_is_seen_without_asterisk(
    database: Database, database_address: str, tmp_path: Path
) -> None:
    other = CallBook(database.sessions, deadline_s=10)
    async with service(database_address, tmp_path, free_port()) as made:
        await other.record([event(EventKind.RECEIVED, timedelta(0))])
        await until(lambda: made.live.call(CALL) is not None, PATIENCE_S)
        await other.record([event(EventKind.ENDED, timedelta(0))])
        await until(lambda: made.live.call(CALL) is None, PATIENCE_S)


async def test_a_call_that_a_connection_left_behind_when_it_was_removed_is_ended(
    database: Database, database_address: str, tmp_path: Path
) -> None:
    book = CallBook(database.sessions, deadline_s=10)
    await book.record([event(EventKind.RECEIVED, timedelta(days=2))])
    async with service(database_address, tmp_path, free_port()):

        async def over() -> bool:
            await asyncio.sleep(0.1)
            return (await book.calls_among([CALL]))[CALL].ended

        await until(over, PATIENCE_S)
