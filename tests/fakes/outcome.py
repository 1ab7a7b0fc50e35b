"""How tests of whole calls look at the outcome: ticket, call and recording, as the desk would show them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from recordings.shelf import RecordingShelf, RecordingView
from recordings.store import DiskStore
from tests.fakes.until import eventually
from tickets import tables
from tickets.call import Call
from tickets.database import Database
from tickets.desk import Desk, NotFound, Ticket
from tickets.events import CallEvent
from tickets.vocabulary import EventKind


@dataclass(frozen=True)
class Outcome:
    """What lies on the desk after a call."""

    ticket: Ticket
    call: Call
    events: list[CallEvent]
    recording: RecordingView

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]

    def told(self, kind: EventKind) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.events if event.kind is kind]


async def ended_call(database: Database, call_id: str, within_s: float = 60) -> Call:
    """Wait until the ledger has it ended; for a call of which no recording comes."""
    desk = Desk(database.sessions)

    async def look() -> Call | None:
        try:
            call = (await desk.call(call_id)).call
        except NotFound:
            return None
        return call if call.ended else None

    found = await eventually(look, within_s, f"{call_id} has ended")
    await _has_one_ticket(database, call_id)
    return found


async def outcome_in(
    database: Database, shelf_folder: Path, call_id: str, *, transcript: bool = False, within_s: float = 60
) -> Outcome:
    """Wait until the call has ended and its recording (and transcript) is there; exactly one ticket."""
    desk = Desk(database.sessions)
    shelf = RecordingShelf(database.sessions, DiskStore(shelf_folder))

    async def look() -> Outcome | None:
        try:
            line = await desk.call(call_id)
        except NotFound:
            return None
        tape = await shelf.of_call(call_id)
        if not line.call.ended or tape is None or (transcript and tape.transcript is None):
            return None
        detail = await desk.ticket(line.ticket_number)
        return Outcome(detail.ticket, detail.call, detail.events, tape)

    found = await eventually(look, within_s, f"{call_id} has a ticket, has ended and is recorded")
    await _has_one_ticket(database, call_id)
    return found


async def _has_one_ticket(database: Database, call_id: str) -> None:
    of_call = select(func.count()).select_from(tables.TicketRow).where(tables.TicketRow.call_id == call_id)

    async def counted() -> list[int] | None:
        async with database.sessions() as session:
            return [await session.scalar(of_call) or 0]

    assert await eventually(counted, 30, f"the tickets of {call_id} are counted") == [1]
