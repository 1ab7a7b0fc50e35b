"""The room that the tape shelf's tests stand in, on each database."""

from pathlib import Path

import pytest

from tests.fakes.tape_room import TapeRoom
from tickets.database import Database


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> TapeRoom:
    (tmp_path / "spool").mkdir()
    return TapeRoom(database, tmp_path / "spool", tmp_path / "shelf")
