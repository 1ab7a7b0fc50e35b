"""Runs the migrations on either database. Called by Alembic: by `tickets.database.migrate`, or in tests."""

import asyncio

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

import recordings.tables  # noqa: F401 - registers its tables
import tickets.tables  # noqa: F401 - registers its tables
from alembic import context
from tickets.database import Base, open_database

OUR_LOCK = 7_377_390  # any number, the same in every release: two nodes must not migrate at once


def run(connection: Connection) -> None:
    """Migrate over an open connection."""
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=sqlite,  # SQLite cannot alter a column in place
        # Alembic thinks that SQLite cannot take back a CREATE TABLE, and would commit after each migration:
        # a second node could then come in between, both at one step. With our own BEGIN it can.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": OUR_LOCK})
        context.run_migrations()


async def main() -> None:
    """Open the database, migrate, commit."""
    engine = context.config.attributes.get("connection")  # given by pytest-alembic
    ours = not isinstance(engine, AsyncEngine)
    if ours:
        url = context.config.attributes["url"].render_as_string(hide_password=False)
        # Another node may be migrating, and a large table takes its time.
        engine = open_database(url, lock_wait_s=30, command_s=600).engine
    writes = engine.execution_options(presszero_writes=True)
    try:
        async with writes.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        if ours:
            await engine.dispose()


asyncio.run(main())
