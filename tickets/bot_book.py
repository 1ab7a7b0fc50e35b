"""Keeps `bot_calls` and `bot_lines` in step with the ledger: reads what has changed, writes what it means.

Two tables that can be thrown away and made anew; several nodes may do it at once. What a ledger means is
decided by the pure `bot_visits.bot_call`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import Table, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.bot_visits import BotCall, BotLine, bot_call
from tickets.database import DatabaseTrouble, Sessions, insert_new, use_case, utc_now, writing
from tickets.events import CallEvent
from tickets.rows import event_from
from tickets.tables import BotCallRow, BotLineRow, CallEventRow, CallRow
from tickets.vocabulary import CallState

log = structlog.get_logger()

BATCH = 200  # calls of one transaction
RECENT = timedelta(
    days=2
)  # what is told of a call later than that (there is a recording) changes nothing here
EVERY_S = 30.0

_calls = cast(Table, CallRow.__table__)
_events = cast(Table, CallEventRow.__table__)
_bot_calls = cast(Table, BotCallRow.__table__)
_lines = cast(Table, BotLineRow.__table__)
_LINE = tuple(field.name for field in fields(BotLine))


class BotCallKeeper:
    """Makes the tables that insight is counted from."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 5.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    async def run(self) -> None:
        """Everything from the beginning, once; then what is new, until cancelled."""
        whole = False
        while True:
            try:
                if not whole:
                    await self.from_the_beginning()
                    whole = True
                await self.catch_up()
            except DatabaseTrouble as error:  # the next round may do better
                log.warning("The bot's calls cannot be read.", action="insight_behind", reason=str(error))
            except Exception:  # figures are late: no reason to end a service that has callers
                log.exception("The bot's calls cannot be read.", action="insight_broken")
            await asyncio.sleep(EVERY_S)

    async def catch_up(self, most: int = 50) -> None:
        """What has ended or changed lately; at most so many batches."""
        now = self._clock()
        for _ in range(most):
            if await self._batch(now - RECENT, None) < BATCH:
                return

    async def from_the_beginning(self) -> None:
        """Everything that an earlier release, or a node long away, has left unread."""
        since, now = await self._first(), self._clock()
        while since is not None and since < now:
            until = since + timedelta(days=1)  # one day at a time: each is a short piece of an index
            if await self._batch(since, until) < BATCH:
                since = until

    @use_case
    async def _first(self) -> datetime | None:
        async with self._sessions() as session:
            first: datetime | None = await session.scalar(select(func.min(_calls.c.received_at)))
            return first

    @use_case
    async def _batch(self, since: datetime, until: datetime | None) -> int:
        """Bring at most `BATCH` calls in step that came between; how many there were."""
        behind = (
            select(_calls.c.call_id, _calls.c.revision)
            .outerjoin(_bot_calls, _bot_calls.c.call_id == _calls.c.call_id)
            .where(
                _calls.c.received_at >= since,
                _calls.c.bot_started_at.is_not(None),
                _calls.c.state == CallState.ENDED,
                or_(_bot_calls.c.call_id.is_(None), _bot_calls.c.revision < _calls.c.revision),
            )
            .order_by(_calls.c.received_at)
            .limit(BATCH)
        )
        if until is not None:
            behind = behind.where(_calls.c.received_at < until)
        async with self._sessions() as session:  # mostly there is nothing: nobody is kept from writing
            revisions = {row.call_id: row.revision for row in await session.execute(behind)}
            stories = await _stories(session, list(revisions))
        if stories:
            async with writing(self._sessions) as session:
                await _keep(session, revisions, stories)
        return len(stories)


async def _stories(session: AsyncSession, call_ids: list[str]) -> dict[str, BotCall]:
    if not call_ids:
        return {}
    told: dict[str, list[CallEvent]] = {}
    for row in await session.execute(select(_events).where(_events.c.call_id.in_(call_ids))):
        told.setdefault(row.call_id, []).append(event_from(row._asdict()))
    read = ((call_id, bot_call(events)) for call_id, events in told.items())
    return {call_id: story for call_id, story in read if story is not None}


async def _keep(session: AsyncSession, revisions: dict[str, int], stories: dict[str, BotCall]) -> None:
    """Only what is newer than what is there: another node may have been quicker."""
    rows = [
        {
            "call_id": call_id,
            "revision": revisions[call_id],
            "started_at": story.started_at,
            "answered": story.answered,
            "hand_over": story.hand_over,
            "thumb": story.thumb,
        }
        for call_id, story in sorted(
            stories.items()
        )  # everybody in the same order: no two wait for each other
    ]
    ours = (await session.execute(_newer(session).returning(_bot_calls.c.call_id), rows)).scalars().all()
    await session.execute(delete(_lines).where(_lines.c.call_id.in_(ours)))
    lines = [
        {"call_id": call_id} | {name: getattr(line, name) for name in _LINE}
        for call_id in ours
        for line in stories[call_id].lines
    ]
    if lines:
        await session.execute(insert_new(session, _lines), lines)


def _newer(session: AsyncSession) -> Any:
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(_bot_calls)
    return statement.on_conflict_do_update(
        index_elements=[_bot_calls.c.call_id],
        set_={column.name: statement.excluded[column.name] for column in _bot_calls.c},
        where=_bot_calls.c.revision < statement.excluded.revision,
    )
