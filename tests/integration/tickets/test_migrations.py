"""The migrations on both databases: up, down, and nothing forgotten. The tests are pytest-alembic's own."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
from sqlalchemy import exc, inspect, text, true
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from alembic import command
from recordings.tables import Recording, Transcript
from recordings.transcript import Phrase, to_json
from recordings.words import TranscriptSearch
from tests.integration.conftest import administer
from tickets.call_backs import CallBackBook
from tickets.database import DatabaseAway, database_url, migrate, migrations, open_database, utc_now, writing
from tickets.events import CallEvent
from tickets.ledger import CallBook
from tickets.promises import PromiseBook
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

__all__ = [
    "test_model_definitions_match_ddl",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}"
    else:
        server: str = request.getfixturevalue("postgres")
        asyncio.run(administer(server, "CREATE DATABASE empty"))
        yield server.format(name="empty")
        asyncio.run(administer(server, "DROP DATABASE empty WITH (FORCE)"))


@pytest.fixture
def alembic_config(empty_address: str) -> Config:
    return migrations(database_url(empty_address))


@pytest.fixture
def alembic_engine(empty_address: str) -> AsyncEngine:
    # Every step runs in an event loop of its own, and a connection cannot move between loops.
    return create_async_engine(empty_address, poolclass=NullPool)


def test_it_migrates_twice_and_makes_the_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'folder' / 'presszero.sqlite3'}"
    migrate(url)
    migrate(url)


async def test_calls_of_the_ground_floor_are_kept_and_promises_can_be_made(empty_address: str) -> None:
    config = migrations(database_url(empty_address))
    await asyncio.to_thread(command.upgrade, config, "head")
    told = EventKind.RECEIVED, EventKind.VOICEMAIL_STARTED, EventKind.ENDED
    rings = {"caller_raw": "+12025550111", "caller": "+12025550111"}
    database = open_database(empty_address)
    try:
        await CallBook(database.sessions, deadline_s=20).record(
            [CallEvent("test", kind, "pz-1.1", utc_now(), kind, rings) for kind in told]
        )
        await asyncio.to_thread(command.downgrade, config, "0001")
        await asyncio.to_thread(command.upgrade, config, "head")
        assert await CallBackBook(database.sessions, deadline_s=20).from_voicemails() == 1
        (line,) = (await PromiseBook(database.sessions, deadline_s=20).page()).items
        assert (line.promise.number, line.ticket_number) == ("+12025550111", 1)
    finally:
        await database.close()


async def test_the_words_of_older_transcripts_can_be_searched(empty_address: str) -> None:
    config = migrations(database_url(empty_address))
    await asyncio.to_thread(command.upgrade, config, "head")
    database = open_database(empty_address)
    try:
        await CallBook(database.sessions, deadline_s=20).record(
            [CallEvent("test", "1", "pz-1.1", utc_now(), EventKind.RECEIVED, {"caller": "+12025550111"})]
        )
        async with writing(database.sessions) as session:
            tape = Recording(call_id="pz-1.1", created_at=utc_now())
            session.add(tape)
            await session.flush()
            said = to_json([Phrase("caller", 0, 1, "My  ÄRGER"), Phrase("operator", 1, 2, "is mine.")])
            session.add(
                Transcript(
                    recording_id=tape.id, language="en", engine="test", phrases=said, created_at=utc_now()
                )
            )
        await asyncio.to_thread(command.downgrade, config, "0004")
        await asyncio.to_thread(command.upgrade, config, "head")
        found = await TranscriptSearch(database.sessions, deadline_s=20).find(["ärger"], true(), 5)
        assert [(one.ticket_number, one.text) for one in found] == [(1, "my ärger is mine.")]
    finally:
        await database.close()


def test_two_nodes_may_migrate_at_once(empty_address: str) -> None:
    program = "import sys; from tickets.database import migrate; migrate(sys.argv[1])"
    nodes = [subprocess.Popen([sys.executable, "-c", program, empty_address]) for _ in range(2)]
    assert [node.wait(timeout=60) for node in nodes] == [0, 0]


async def test_migrations_that_fail_half_way_leave_nothing_behind(empty_address: str) -> None:
    database = open_database(empty_address)
    try:
        async with database.engine.begin() as connection:
            await connection.execute(
                text("CREATE TABLE groups (of_somebody_else INTEGER)")
            )  # 0005 makes one too
        with pytest.raises((DatabaseAway, exc.ProgrammingError), match="groups"):
            await asyncio.to_thread(migrate, empty_address)
        async with database.engine.connect() as connection:
            tables = await connection.run_sync(lambda c: inspect(c).get_table_names())
        assert tables == ["groups"]
    finally:
        await database.close()
