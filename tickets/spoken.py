"""In which languages calls are held, as their ledgers have it: whoever calls a person back, or writes down
what was said, goes on in theirs.
"""

import json
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.database import Sessions, use_case
from tickets.ledger import BATCH
from tickets.promise import is_attempt
from tickets.tables import CallEventRow, PromiseAttemptRow, PromiseRow
from tickets.vocabulary import EventKind


class SpokenBook:
    """Reads the languages of calls."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    async def language_of(self, call_id: str) -> str | None:
        """The last language of a call, BCP 47; None: it never left the scenario's own. Raises
        DatabaseTrouble.
        """
        return (await self.languages_of([call_id])).get(call_id)

    @use_case
    async def languages_of(self, call_ids: Collection[str]) -> dict[str, str]:
        """The same of several calls; those that never left the scenario's own are not in it.

        A call-back is in the language of the call in which it was promised.
        """
        async with self._sessions() as session:
            attempts = [call_id for call_id in call_ids if is_attempt(call_id)]
            promised = await _promised_in(session, attempts) if attempts else {}
            told = await _told(session, [*call_ids, *promised.values()])
        first = {again: told[call_id] for again, call_id in promised.items() if call_id in told}
        return first | {call_id: told[call_id] for call_id in call_ids if call_id in told}


async def _promised_in(session: AsyncSession, attempts: Sequence[str]) -> dict[str, str]:
    """Call-backs → the calls in which they were promised."""
    found: dict[str, str] = {}
    for start in range(0, len(attempts), BATCH):
        rows = await session.execute(
            select(PromiseAttemptRow.call_id, PromiseRow.call_id)
            .join(PromiseRow, PromiseRow.id == PromiseAttemptRow.promise_id)
            .where(PromiseAttemptRow.call_id.in_(attempts[start : start + BATCH]))
        )
        found |= {row[0]: row[1] for row in rows}
    return found


async def _told(session: AsyncSession, call_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(call_ids), BATCH):
        events = await session.execute(
            select(CallEventRow.call_id, CallEventRow.data)
            .where(CallEventRow.call_id.in_(call_ids[start : start + BATCH]))
            .where(CallEventRow.kind == EventKind.LANGUAGE)
            .order_by(CallEventRow.at, CallEventRow.sequence)
        )
        for call_id, data in events:
            if isinstance(language := json.loads(data).get("language"), str):
                found[call_id] = language
    return found
