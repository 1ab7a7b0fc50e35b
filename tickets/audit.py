"""The audit log: who changed rights, who listened to what. Only ever added to; knows no HTTP."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.database import Sessions, use_case, utc_now, writing
from tickets.paging import Page, page_of, page_size, read_cursor
from tickets.rows import clean_text
from tickets.tables import AuditRow

Detail = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log."""

    id: int
    at: datetime
    login: str  # who did it
    action: str  # "account.role", "recording.played"
    subject: str  # a login, a group's name, a ticket's name
    detail: Detail


class AuditBook:
    """Writes and reads the log."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()  # a player asks for several pieces of a recording at once

    @use_case
    async def add(self, login: str, action: str, subject: str, detail: Detail | None = None) -> None:
        """Write a line. `detail`: plain words, never a secret or a caller's number."""
        async with writing(self._sessions) as session:
            log_into(session, self._clock(), login, action, subject, detail)

    async def add_once(
        self, login: str, action: str, subject: str, detail: Detail | None = None, *, within: timedelta
    ) -> bool:
        """Write a line unless the same account did the same to the same within that time; whether it did."""
        async with self._one_at_a_time:
            return await self._add_once(login, action, subject, detail, within)

    @use_case
    async def _add_once(
        self, login: str, action: str, subject: str, detail: Detail | None, within: timedelta
    ) -> bool:
        now = self._clock()
        same = (AuditRow.login == login, AuditRow.action == action, AuditRow.subject == subject)
        async with self._sessions() as session:  # mostly it is there: nothing is locked to find that out
            if await session.scalar(select(exists().where(*same, AuditRow.at > now - within))):
                return False
        async with writing(self._sessions) as session:
            log_into(session, now, login, action, subject, detail)
        return True

    @use_case
    async def page(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        login: str | None = None,
        subject: str | None = None,
        actions: tuple[str, ...] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[AuditEntry]:
        """The log, newest first. Raises `BadCursor`.

        `actions`: an action, or the part before its dot for all of that kind; several are either. `since` is
        inside, `until` is not.
        """
        query = select(AuditRow)
        if cursor is not None:
            moment, number = read_cursor(cursor, datetime, int)
            types = [AuditRow.at.type, AuditRow.id.type]
            query = query.where(tuple_(AuditRow.at, AuditRow.id) < tuple_(moment, number, types=types))
        if login is not None:
            query = query.where(AuditRow.login == clean_text(login))
        if subject is not None:
            query = query.where(AuditRow.subject == clean_text(subject))
        if actions:
            kinds = (AuditRow.action.startswith(f"{action}.", autoescape=True) for action in actions)
            query = query.where(or_(AuditRow.action.in_(actions), *kinds))
        if since is not None:
            query = query.where(AuditRow.at >= since)
        if until is not None:
            query = query.where(AuditRow.at < until)
        newest_first = query.order_by(AuditRow.at.desc(), AuditRow.id.desc())
        async with self._sessions() as session:
            rows = await session.scalars(newest_first.limit(page_size(limit) + 1))
            return page_of([_entry(row) for row in rows], limit, lambda entry: [entry.at, entry.id])


def log_into(
    session: AsyncSession,
    at: datetime,
    login: str,
    action: str,
    subject: str,
    detail: Detail | None = None,
) -> None:
    """`AuditBook.add` in a transaction under way: a change is written with its line or not at all."""
    said = json.dumps(dict(detail or {}), ensure_ascii=False)
    session.add(
        AuditRow(
            at=at,
            login=clean_text(login),
            action=action,
            subject=clean_text(subject),
            detail=clean_text(said),
        )
    )


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(row.id, row.at, row.login, row.action, row.subject, json.loads(row.detail))
