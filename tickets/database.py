"""The door to the database: engine, sessions, the time type, transactions with a deadline, the schema's age.

SQLite (WAL) and PostgreSQL behind the same few functions; no other file of the house knows the difference
except where a statement has to be spelt differently. Knows no table.
"""

import asyncio
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import DateTime, Dialect, MetaData, Table, TypeDecorator, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from alembic import command

Sessions = async_sessionmaker[AsyncSession]
_NO_SUCH_DATABASE = "3D000"  # SQLSTATE of PostgreSQL: invalid_catalog_name
_NEWER = "The database was made by a newer release of PressZero: install that release."
_CLEARING_UP_S = 3.0  # more than SQLite's busy_timeout and asyncpg's limit for closing
P = ParamSpec("P")
T = TypeVar("T")


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
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
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
        loop = asyncio.get_running_loop()
        late = [task for task in _left_behind if task.get_loop() is loop]
        if late:  # aiosqlite never ends a connection whose clearing up was itself cut short by the loop's end
            await asyncio.wait(late, timeout=_CLEARING_UP_S)
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


def is_supported(url: str) -> bool:
    """Whether the URL names one of our two databases."""
    try:
        parsed = database_url(url)
    except exc.ArgumentError:
        return False
    return parsed.drivername in {"sqlite+aiosqlite", "postgresql+asyncpg"}


def open_database(url: str, *, lock_wait_s: float = 1.0, command_s: float = 5.0) -> Database:
    """Make the engine; connects to nothing yet.

    `lock_wait_s`: how long SQLite waits for another writer. `command_s`: how long PostgreSQL may take for
    one command, waiting for a lock included.
    """
    parsed = database_url(url)
    # Errors must not tell values: they end in logs, and the values are numbers, names and what people said.
    if parsed.get_backend_name() == "sqlite":
        engine = create_async_engine(parsed, hide_parameters=True, connect_args={"factory": _Connection})
        event.listen(engine.sync_engine, "connect", functools.partial(_prepare_sqlite, lock_wait_s))
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        # Connecting and each command have limits of their own: clean-up after a deadline must end too.
        engine = create_async_engine(
            parsed,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"timeout": 2, "command_timeout": command_s},
        )
    return Database(engine, async_sessionmaker(engine, expire_on_commit=False), engine.dialect.name)


class _Connection(sqlite3.Connection):
    """Closing takes back what was not committed.

    SQLite itself keeps a closed connection's transaction, write lock included, as long as one of its
    statements lives. Work that was cut short leaves one in the traceback of its error: nobody could write.
    """

    def close(self) -> None:
        with suppress(sqlite3.Error):  # closed already
            if self.in_transaction:
                self.rollback()
        super().close()


def _prepare_sqlite(lock_wait_s: float, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    # SQLite's own knows only the letters of English.
    connection.create_function("lower", 1, lambda text: text.lower() if isinstance(text, str) else text)
    cursor = connection.cursor()
    wait = f"busy_timeout={int(lock_wait_s * 1000)}"
    for pragma in (wait, "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when somebody wrote in between;
    # whoever means to write therefore takes the one write lock at the start.
    writes = connection.get_execution_options().get("presszero_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@asynccontextmanager
async def writing(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One transaction that means to write; commits when the block ends well."""
    async with sessions() as session:
        await session.connection(execution_options={"presszero_writes": True})
        yield session
        await session.commit()


def insert_new(session: AsyncSession, table: Table) -> Any:
    """An INSERT that passes over rows which a unique constraint knows already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


class _HasDeadline(Protocol):
    _deadline_s: float


S = TypeVar("S", bound=_HasDeadline)


def use_case(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Give a service's method the service's deadline (`_deadline_s`) and turn driver errors into ours.

    The method then raises `DatabaseLate` or `DatabaseAway` besides its own errors.
    """

    @functools.wraps(method)
    async def in_time(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        # A task of its own: rolling back over a dead link takes seconds, which must not be the caller's.
        task = asyncio.create_task(method(self, *args, **kwargs))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._deadline_s)
            if not done:
                raise DatabaseLate(
                    f"The database did not answer within {self._deadline_s:g} s: check its load."
                )
            return task.result()
        except (exc.IntegrityError, exc.ProgrammingError, exc.DataError, exc.NotSupportedError):
            raise  # a mistake of ours, not trouble of the database's
        except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
            raise DatabaseAway(f"The database failed ({_first_line(error)}): check that it runs.") from error
        finally:
            if not task.done():
                _leave_behind(task)

    return in_time


_left_behind: set[asyncio.Task[Any]] = set()  # late work that is still giving its connection back


def _leave_behind(task: asyncio.Task[Any]) -> None:
    def forget(task: asyncio.Task[Any]) -> None:
        _left_behind.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has been told; asyncio need not complain

    _left_behind.add(task)
    task.add_done_callback(forget)
    task.cancel()


def _first_line(error: BaseException) -> str:
    # Drivers put the row's values on the lines below, and those may be phone numbers.
    text = str(error.orig if isinstance(error, exc.DBAPIError) else error).strip()
    return text.splitlines()[0] if text else type(error).__name__


async def check_schema(database: Database) -> None:
    """Refuse a database that this release cannot use.

    Raises:
        NoDatabase: nothing there, or nothing of ours.
        OldSchema: made by another release.
        DatabaseAway: no connection.
    """
    missing = NoDatabase("There is no database yet: run `presszero migrate`.")
    url = database.engine.url
    if database.dialect == "sqlite" and not _is_file(url):
        raise missing  # connecting would make an empty file
    try:
        async with asyncio.timeout(3), database.engine.connect() as connection:
            found = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_heads())
    except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) == _NO_SUCH_DATABASE:
            raise missing from error
        raise _cannot_be_opened(url, error) from error
    scripts = ScriptDirectory.from_config(migrations(url))
    if not found:
        raise missing
    if set(found) != set(scripts.get_heads()):
        known = {script.revision for script in scripts.walk_revisions()}
        raise OldSchema(
            "The database's schema is older than this release: run `presszero migrate`."
            if known.issuperset(found)
            else _NEWER
        )


def _is_file(url: URL) -> bool:
    return Path(url.database or "").is_file()


def migrate(url: str) -> None:
    """Bring the database at `url` to this release (Alembic upgrade to head); makes a SQLite file.

    Blocking, and runs an event loop of its own: inside one, use `asyncio.to_thread`.

    Raises:
        DatabaseAway: it cannot be opened.
        OldSchema: this release is the older one.
    """
    parsed = database_url(url)
    try:
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            if parsed.database != ":memory:":
                Path(parsed.database).touch(mode=0o600)  # it holds numbers and words of callers
        command.upgrade(migrations(parsed), "head")
    except (exc.InterfaceError, exc.OperationalError, exc.TimeoutError, OSError) as error:
        raise _cannot_be_opened(parsed, error) from error
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise OldSchema(_NEWER) from error
        raise


def _cannot_be_opened(url: URL, error: BaseException) -> DatabaseAway:
    where = url.render_as_string(hide_password=True)
    return DatabaseAway(
        f"The database at {where} cannot be opened ({_first_line(error)}): "
        "start it, or correct PRESSZERO_DATABASE."
    )


def migrations(url: URL) -> Config:
    """Alembic's configuration for the migrations that came with this code."""
    here = Path(__file__).parent
    installed = here / "migrations"  # in a wheel; a top-level `alembic` folder would hide the library there
    config = Config()
    config.set_main_option(
        "script_location", str(installed if installed.is_dir() else here.parent / "alembic")
    )
    config.attributes["url"] = url
    return config
