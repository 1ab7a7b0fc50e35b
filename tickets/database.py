"""The door to the database: engine, sessions, the time type, transactions with a deadline, the schema's age.

SQLite (WAL) and PostgreSQL behind the same few functions; no other file of the house knows the difference
except where a statement has to be spelt differently. Knows no table.
"""

import asyncio
import functools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import structlog
from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, event, exc
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

log = structlog.get_logger()

Sessions = async_sessionmaker[AsyncSession]


class DatabaseTrouble(Exception):
    """The database could not do its part just now; the same request may succeed later."""


class DatabaseLate(DatabaseTrouble):
    """The database did not answer within the deadline; whether it did the work is not known."""


class DatabaseAway(DatabaseTrouble):
    """The database cannot be reached or gave up the transaction."""


class NoDatabase(Exception):
    """There is no database of ours at the address yet."""


class OldSchema(Exception):
    """The database was made by another release."""


class Base(DeclarativeBase):
    """All tables of the house. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Only aware values go in, only aware UTC comes out, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a naive time: it could mean any moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite gives naive values back; they were UTC when they went in."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Database:
    """An opened database. `sessions` is what services take."""

    engine: AsyncEngine
    sessions: Sessions
    dialect: str  # "sqlite" | "postgresql"

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


def utc_now() -> datetime:
    """The wall clock, the default of every service that needs one."""
    return datetime.now(UTC)


def database_url(url: str) -> URL:
    """Parse a URL and put the async driver in where it names only the database."""
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    return parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername))


def open_database(url: str) -> Database:
    """Make the engine; connects to nothing yet."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        # Connecting and each command have limits of their own: clean-up after a deadline must end too.
        engine = create_async_engine(
            parsed, pool_pre_ping=True, connect_args={"timeout": 2, "command_timeout": 5}
        )
    return Database(engine, async_sessionmaker(engine, expire_on_commit=False), engine.dialect.name)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=1000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when somebody wrote in between;
    # whoever means to write therefore takes the one write lock at the start.
    writes = connection.get_execution_options().get("presszero_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def check_schema(database: Database) -> None:
    """Refuse a database that this release cannot use.

    Raises:
        NoDatabase: nothing there, or nothing of ours.
        OldSchema: made by another release.
    """
    raise NotImplementedError


def migrate(url: str) -> None:
    """Bring the database at `url` to this release (Alembic upgrade to head). Blocking; makes a SQLite file."""
    raise NotImplementedError
