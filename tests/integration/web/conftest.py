"""An open desk for each test, on SQLite; a page about what is kept or found imports `database_kind`: both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.fakes.web_room import GRACE, SUPERVISOR, WebRoom
from tickets.database import Database, utc_now


@pytest.fixture
def database_kind() -> str:
    """Such a page asks the database what tests/integration/tickets or another page asks it on both."""
    return "sqlite"


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[WebRoom]:
    """The site at work."""
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open():
        yield room


@pytest.fixture
async def sofia(desk: WebRoom) -> AsyncIterator[ClientSession]:
    """The supervisor's browser."""
    async with desk.person(SUPERVISOR) as browser:
        yield browser


@pytest.fixture
async def grace(desk: WebRoom) -> AsyncIterator[ClientSession]:
    """The browser of the operator at extension 101."""
    async with desk.person(GRACE) as browser:
        yield browser
