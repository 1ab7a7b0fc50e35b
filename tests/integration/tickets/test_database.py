"""The door to the database: age of the schema, deadlines, the time type, and what trouble is called."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from tests.fakes.stories import START, event
from tests.integration.conftest import administer
from tickets.customers import CustomerBook
from tickets.database import (
    Database,
    DatabaseAway,
    DatabaseLate,
    NoDatabase,
    OldSchema,
    Sessions,
    check_schema,
    migrate,
    open_database,
    use_case,
    writing,
)
from tickets.ledger import CallBook
from tickets.tables import CustomerRow
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration


async def test_a_migrated_database_is_fine(database: Database) -> None:
    await check_schema(database)


async def test_migrating_again_changes_nothing(database: Database, database_address: str) -> None:
    await CustomerBook(database.sessions).add("Anna", [])
    await asyncio.to_thread(migrate, database_address)
    assert (await CustomerBook(database.sessions).get(1)).name == "Anna"


async def test_work_that_was_cut_short_lets_others_write(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    await asyncio.to_thread(migrate, address)
    database = open_database(address, lock_wait_s=0.2)
    try:
        async with database.engine.connect() as connection:
            link = (await connection.get_raw_connection()).driver_connection
            assert link is not None
            await link.execute("BEGIN IMMEDIATE")
            kept = await link.execute("SELECT 1 UNION SELECT 2")  # as a traceback keeps it
            await connection.invalidate()
        assert (await CustomerBook(database.sessions, deadline_s=20).add("Anna", [])).id == 1
        assert kept.description is not None
    finally:
        await database.close()


async def test_an_empty_database_is_none_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "there" / "is" / "none.sqlite3"
    database = open_database(f"sqlite:///{path}")
    with pytest.raises(NoDatabase, match="presszero migrate"):
        await check_schema(database)
    assert not path.parent.exists()  # looking makes no file
    await asyncio.to_thread(migrate, f"sqlite:///{path}")
    await check_schema(database)
    await database.close()


async def test_a_postgresql_database_that_is_not_there_is_named_so(postgres: str) -> None:
    for name in ("never_made", "postgres"):  # one missing, one without tables of ours
        database = open_database(postgres.format(name=name))
        with pytest.raises(NoDatabase, match="presszero migrate"):
            await check_schema(database)
        await database.close()


@pytest.mark.parametrize(("revision", "advice"), [("0000", "newer release"), ("0001x", "newer release")])
async def test_another_releases_schema_is_refused(database: Database, revision: str, advice: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    with pytest.raises(OldSchema, match=advice):
        await check_schema(database)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/none",
        "postgresql://nobody@/none?host=/nowhere",
        "sqlite:////dev/null",
    ],
)
async def test_a_database_that_cannot_be_opened_is_away(url: str) -> None:
    database = open_database(url)
    if database.dialect == "postgresql":
        with pytest.raises(DatabaseAway, match="PRESSZERO_DATABASE"):
            await check_schema(database)
    with pytest.raises(DatabaseAway):
        await CustomerBook(database.sessions).by_number("+18005550123")
    await database.close()


async def test_no_password_shows_in_an_error() -> None:
    database = open_database("postgresql://somebody:verysecret@127.0.0.1:1/none")
    with pytest.raises(DatabaseAway) as caught:
        await check_schema(database)
    assert "verysecret" not in str(caught.value)
    await database.close()


async def test_an_error_tells_no_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.sessions() as session:
            await session.execute(
                text("INSERT INTO no_such_table VALUES (:number)"), {"number": "+4930123456"}
            )
    assert "4930123456" not in str(caught.value)


async def test_migrating_waits_for_another_node_that_migrates(postgres: str) -> None:
    await administer(postgres, "CREATE DATABASE waited_for TEMPLATE template")
    url = postgres.format(name="waited_for")
    database = open_database(url)
    async with database.engine.connect() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(7377390)"))
        late = asyncio.create_task(asyncio.to_thread(migrate, url))
        await asyncio.sleep(5.5)  # longer than the service's own commands may take
        assert not late.done()
    await late
    await database.close()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////proc/none/x.sqlite3"])
async def test_migrating_says_so_when_the_database_cannot_be_opened(url: str) -> None:
    with pytest.raises(DatabaseAway, match="PRESSZERO_DATABASE"):
        await asyncio.to_thread(migrate, url)


async def test_migrating_refuses_the_database_of_a_newer_release(
    database: Database, database_address: str
) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OldSchema, match="newer release"):
        await asyncio.to_thread(migrate, database_address)


async def test_a_use_case_ends_at_its_deadline_though_another_holds_the_lock(database: Database) -> None:
    """The caller's wait is bounded even when giving the connection back takes longer."""
    one = event(EventKind.RECEIVED, 0)
    await CallBook(database.sessions).record([one])
    async with writing(database.sessions) as session:
        await session.execute(text("UPDATE calls SET line = 'busy'"))
        with pytest.raises((DatabaseLate, DatabaseAway)):
            await CallBook(database.sessions, deadline_s=0.2).record([event(EventKind.ENDED, 9)])
    changes = await CallBook(database.sessions, deadline_s=5).record([event(EventKind.ENDED, 9)])
    assert len(changes) == 1


class Sleeper:
    """A service whose use case never ends, and is slow in stopping too."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._deadline_s = 0.05
        self.stopped = asyncio.Event()

    @use_case
    async def sleep(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.shield(asyncio.sleep(0.2))
            self.stopped.set()


async def test_whoever_waits_does_not_wait_for_the_clearing_up(database: Database) -> None:
    sleeper = Sleeper(database.sessions)
    with pytest.raises(DatabaseLate, match=r"within 0\.05 s"):
        await sleeper.sleep()
    assert not sleeper.stopped.is_set()
    impatient = asyncio.create_task(sleeper.sleep())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    async with asyncio.timeout(10):
        await sleeper.stopped.wait()


async def test_a_server_that_goes_away_is_trouble_and_comes_back(postgres: str) -> None:
    database = open_database(postgres.format(name="template"))
    customers = CustomerBook(database.sessions)
    assert await customers.by_number("+18005550123") == []
    killer = await asyncpg.connect(postgres.replace("+asyncpg", "").format(name="postgres"))
    await killer.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'template'")
    assert await customers.by_number("+18005550123") == []  # a new connection without a word
    async with database.sessions() as session:
        await session.execute(text("SELECT 1"))
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'template'"
        )
        service = Asker(session)
        with pytest.raises(DatabaseAway, match="check that it runs"):
            await service.ask()
    await killer.close()
    await database.close()


class Asker:
    """A service in the middle of a transaction."""

    def __init__(self, session: object) -> None:
        self._session = session
        self._deadline_s = 5.0

    @use_case
    async def ask(self) -> None:
        await self._session.execute(text("SELECT 1"))  # type: ignore[attr-defined]


async def test_times_keep_their_moment_and_come_back_in_utc(database: Database) -> None:
    elsewhere = (START + timedelta(microseconds=123_456)).astimezone(timezone(timedelta(hours=-7)))
    async with writing(database.sessions) as session:
        session.add(CustomerRow(name="Anna", created_at=elsewhere))
    async with database.sessions() as session:
        kept = await session.get_one(CustomerRow, 1)
    assert kept.created_at == elsewhere
    assert kept.created_at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without a zone"):
        async with writing(database.sessions) as session:
            session.add(CustomerRow(name="Anna", created_at=datetime(2026, 11, 21)))  # noqa: DTZ001


async def test_sqlite_survives_a_kill_and_lets_readers_read(migrated_sqlite: Path) -> None:
    database = open_database(f"sqlite:///{migrated_sqlite}")
    async with database.engine.connect() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert pragmas == ["wal", 1, 1, 1000]
    await database.close()
