"""How house tests look at the outcome: ticket, call and recording, as the desk would show them."""

from dataclasses import dataclass

from sqlalchemy import func, select

from recordings.shelf import RecordingShelf, RecordingView
from recordings.store import DiskStore
from tests.house.centre import Centre, eventually
from tickets import tables
from tickets.call import Call
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


async def outcome_of(
    centre: Centre, call_id: str, *, transcript: bool = False, within_s: float = 60
) -> Outcome:
    """Wait until the call has ended and its recording (and transcript) is there; exactly one ticket."""
    desk = Desk(centre.database.sessions)
    shelf = RecordingShelf(centre.database.sessions, DiskStore(centre.settings.recordings_folder))

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
    async with centre.database.sessions() as session:
        tickets = await session.scalar(
            select(func.count()).select_from(tables.TicketRow).where(tables.TicketRow.call_id == call_id)
        )
    assert tickets == 1
    return found
