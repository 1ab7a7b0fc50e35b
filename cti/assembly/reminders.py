"""The task that brings tickets back when their time has come. Every node runs it; each comes back once."""

import asyncio

import structlog

from cti.assembly.frame import Frame
from tickets.database import DatabaseTrouble
from tickets.reminders import ReminderBook

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


def keep_reminders(frame: Frame) -> None:
    """Look for tickets whose time has come, until the service ends."""
    frame.task("reminders", bring_back(ReminderBook(frame.sessions)))


async def bring_back(book: ReminderBook, every_s: float = LOOK_EVERY_S) -> None:
    """Bring back what is due, again and again. A database that is away is asked again the next time."""
    while True:
        try:
            due = await book.bring_back()
        except DatabaseTrouble as trouble:
            log.warning("Reminders cannot be looked for.", action="reminders_unread", why=str(trouble))
        else:
            if due:
                log.info("Tickets came back.", action="tickets_reminded", count=len(due))
        await asyncio.sleep(every_s)
