"""Lost, repeated and mixed-up events, the reconciler, and the real ledger: every call is one ticket."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.fakes.life_story import CALL_ID, LifeStory
from tests.fakes.told_badly import FATES, BadListener, check_same, stories
from tickets.database import Database, migrate, open_database
from tickets.ledger import CallBook
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallOutcome, TicketStatus

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with all tables, as a file's content."""
    file = tmp_path_factory.mktemp("empty") / "pz.sqlite3"
    migrate(f"sqlite+aiosqlite:///{file}")
    return file.read_bytes()


@settings(
    max_examples=15,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), story=stories(), seed=st.integers(0, 2**32))
def test_any_part_of_a_calls_events_and_the_reconciler_end_in_one_ticket(
    tmp_path: Path, empty: bytes, data: st.DataObject, story: LifeStory, seed: int
) -> None:
    fates = data.draw(st.lists(FATES, min_size=len(story.moments), max_size=len(story.moments)))
    for old in tmp_path.glob("pz.sqlite3*"):
        old.unlink()
    (tmp_path / "pz.sqlite3").write_bytes(empty)

    async def live() -> None:
        database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'pz.sqlite3'}")
        try:
            listener = BadListener(CallBook(database.sessions, deadline_s=30), tmp_path, random.Random(seed))
            await listener.live_through(story, fates)
            call = await listener.in_the_end()
            check_same(call, story, fates)
            status = await _the_one_ticket(database)
            nobody_needed = call.outcome in {CallOutcome.ANSWERED_BY_BOT, CallOutcome.INFORMED_BY_MENU}
            assert (status is TicketStatus.CLOSED) == nobody_needed
        finally:
            await database.close()

    asyncio.run(live())


async def _the_one_ticket(database: Database) -> TicketStatus:
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(CallRow)) == 1
        (ticket,) = await session.scalars(select(TicketRow))
        assert ticket.call_id == CALL_ID
        return ticket.status
