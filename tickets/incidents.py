"""Mass incidents: what a supervisor wants every caller to know, who switched it on and off, and when.

One at a time: a new one takes the place of the one before. Knows rows; who speaks the words, others know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from tickets.customers import NotFound
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.rows import LARGEST, clean_text
from tickets.tables import IncidentRow

LONGEST = 500  # characters of the text: about half a minute of speech
LONGEST_TOPIC = 80
LISTED = 20
FARTHEST_END = timedelta(days=366)  # nobody means more; some moments of the year 9999 exist in no other zone


class BadIncident(Exception):
    """An incident cannot be announced as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An announcement to all callers."""

    id: int
    topic: str  # of the tickets of those who hear it and need no more
    text: str  # as callers hear it
    on_at: datetime
    on_by: str  # login
    until: datetime | None  # ends by itself
    off_at: datetime | None
    off_by: str | None  # login

    def is_on(self, now: datetime) -> bool:
        """Whether callers are to hear it at this moment."""
        return self.off_at is None and (self.until is None or now < self.until)


class IncidentBook:
    """Reads and writes incidents."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def switch_on(self, topic: str, text: str, until: datetime | None, login: str) -> Incident:
        """Announce from now on, in place of any other.

        Raises:
            BadIncident: no words, too many, or an end that has passed or is too far away.
        """
        now = self._clock()
        topic, text = (" ".join(clean_text(words).split()) for words in (topic, text))
        for what, words, most in (("topic", topic, LONGEST_TOPIC), ("text", text, LONGEST)):
            if not any(map(str.isalnum, words)):  # the voice cannot speak dots
                raise BadIncident(f"Give the incident a {what} in words.")
            if len(words) > most:
                raise BadIncident(f"The incident's {what} has {len(words)} characters; {most} are the most.")
        if until is not None and until <= now:
            raise BadIncident("The incident would be over already: give an end that is to come, or none.")
        if until is not None and until - now > FARTHEST_END:
            raise BadIncident("The incident would last for more than a year: give an earlier end, or none.")
        async with writing(self._sessions) as session:
            await session.execute(_end_all(now, login))
            row = IncidentRow(topic=topic, text=text, on_at=now, on_by=login, until=until)
            session.add(row)
            await session.flush()
            return _incident(row)

    @use_case
    async def switch_off(self, incident_id: int, login: str) -> Incident:
        """End an incident; one that is over stays as it is. Raises `NotFound`."""
        async with writing(self._sessions) as session:
            row = await session.get(IncidentRow, incident_id) if 0 < incident_id <= LARGEST else None
            if row is None:
                raise NotFound(f"There is no incident {incident_id}.")
            if _incident(row).is_on(self._clock()):
                row.off_at, row.off_by = self._clock(), login
                await session.flush()
            return _incident(row)

    @use_case
    async def current(self) -> Incident | None:
        """The one that callers are to hear now."""
        now = self._clock()
        # Only the last one: should two have been switched on at the same moment, its end does not bring back
        # the other.
        query = select(IncidentRow).order_by(IncidentRow.id.desc()).limit(1)
        async with self._sessions() as session:
            row = await session.scalar(query)
            found = None if row is None else _incident(row)
        return found if found is not None and found.is_on(now) else None

    @use_case
    async def latest(self) -> list[Incident]:
        """The last ones, newest first."""
        async with self._sessions() as session:
            rows = await session.scalars(select(IncidentRow).order_by(IncidentRow.id.desc()).limit(LISTED))
            return [_incident(row) for row in rows]


def _end_all(now: datetime, login: str) -> Any:
    still = (IncidentRow.until.is_(None)) | (IncidentRow.until > now)
    over = update(IncidentRow).where(IncidentRow.off_at.is_(None), still)
    return over.values(off_at=now, off_by=login).execution_options(synchronize_session=False)


def _incident(row: IncidentRow) -> Incident:
    return Incident(row.id, row.topic, row.text, row.on_at, row.on_by, row.until, row.off_at, row.off_by)
