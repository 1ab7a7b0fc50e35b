"""Tickets that come back at a time: those whose time has come are opened again and told of, once.

Several nodes may look at the same moment: one conditional UPDATE decides which of them tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, case, select, update

from tickets.database import Sessions, use_case, utc_now, writing
from tickets.tables import TicketRow
from tickets.ticket_book import write_line
from tickets.vocabulary import NoteKind, TicketStatus

MOST = 200  # in one go, and shown at a time
_tickets = cast(Table, TicketRow.__table__)
_PARTS = (_tickets.c.number, _tickets.c.remind_whom, _tickets.c.remind_text, _tickets.c.remind_at)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A ticket that has come back and was not seen to yet."""

    number: int  # of the ticket
    whom: str  # login
    text: str
    at: datetime

    @property
    def ticket(self) -> str:
        """As people say it: PZ-1001."""
        return f"PZ-{1000 + self.number}"


class ReminderBook:
    """The reminders that have come due."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def bring_back(self) -> list[Reminder]:
        """Open the tickets whose time has come; those that no other node has brought back before."""
        now = self._clock()
        due = (_tickets.c.remind_at <= now, _tickets.c.reminded_at.is_(None))
        async with self._sessions() as session:  # most of the time there is none: then nobody need wait
            numbers = list(await session.scalars(select(_tickets.c.number).where(*due).limit(MOST)))
        if not numbers:
            return []
        pending = _tickets.c.status == TicketStatus.PENDING
        by_a_person = case((pending, _tickets.c.remind_whom), else_=_tickets.c.status_by)
        back = (
            update(_tickets)
            .where(_tickets.c.number.in_(sorted(numbers)), *due)
            .values(
                reminded_at=now,
                updated_at=now,
                version=_tickets.c.version + 1,
                status=case((pending, TicketStatus.OPEN), else_=_tickets.c.status),
                status_by=by_a_person,
            )
            .returning(*_PARTS)
        )
        async with writing(self._sessions) as session:
            reminders = [_reminder(row) for row in await session.execute(back)]
            for one in reminders:
                facts = {"what": "due", "at": one.at.isoformat(), "whom": one.whom, "text": one.text}
                await write_line(session, one.number, NoteKind.REMINDER, facts, one.whom, now)
        return reminders

    @use_case
    async def due(self, whom: str | None = None) -> list[Reminder]:
        """What has come due and was not seen to, of one person (login) or of all; oldest first."""
        query = select(*_PARTS).where(_tickets.c.remind_at <= self._clock())
        if whom is not None:
            query = query.where(_tickets.c.remind_whom == whom)
        async with self._sessions() as session:
            rows = await session.execute(query.order_by(_tickets.c.remind_at).limit(MOST))
            return [_reminder(row) for row in rows]


def _reminder(row: Any) -> Reminder:
    return Reminder(row.number, row.remind_whom, row.remind_text or "", row.remind_at)
