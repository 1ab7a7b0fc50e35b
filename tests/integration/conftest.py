"""A migrated, empty database for every integration test, on both kinds: the same tests run on each."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.fakes.postgres_server import NoPostgres, postgres_server
from tickets.database import Database, migrate, open_database

_names = (f"test_{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server for the session: a URL with `{name}` for the database, and a migrated one named `template`."""
    try:
        with postgres_server() as url:
            asyncio.run(administer(url, "CREATE DATABASE template"))
            migrate(url.format(name="template"))
            yield url
    except NoPostgres as reason:
        pytest.skip(f"LOUD: PostgreSQL is not here: {reason}")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """One after the other."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_address(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated, empty database of the test's own."""
    if database_kind == "sqlite":
        path = tmp_path / "presszero.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite+aiosqlite:///{path}"
    else:
        server: str = request.getfixturevalue("postgres")
        name = next(_names)
        asyncio.run(administer(server, f"CREATE DATABASE {name} TEMPLATE template"))
        yield server.format(name=name)
        asyncio.run(administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(database_address: str) -> AsyncIterator[Database]:
    """The test's own database, opened."""
    database = open_database(database_address)
    yield database
    await database.close()


async def administer(url: str, statement: str) -> None:
    """Tell the server to make or drop a database."""
    connection = await asyncpg.connect(url.replace("+asyncpg", "").format(name="postgres"), timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close(timeout=5)
