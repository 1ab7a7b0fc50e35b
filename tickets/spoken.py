"""In which languages calls are held, as their ledgers have it: whoever calls a person back, or writes down
what was said, goes on in theirs.
"""

import json
from collections.abc import Collection

from sqlalchemy import select

from tickets.database import Sessions, use_case
from tickets.ledger import BATCH
from tickets.tables import CallEventRow
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
        """The same of several calls; those that never left the scenario's own are not in it."""
        wanted, found = list(call_ids), dict[str, str]()
        async with self._sessions() as session:
            for start in range(0, len(wanted), BATCH):
                told = (
                    select(CallEventRow.call_id, CallEventRow.data)
                    .where(CallEventRow.call_id.in_(wanted[start : start + BATCH]))
                    .where(CallEventRow.kind == EventKind.LANGUAGE)
                    .order_by(CallEventRow.at, CallEventRow.sequence)
                )
                for call_id, data in await session.execute(told):
                    if isinstance(language := json.loads(data).get("language"), str):
                        found[call_id] = language
        return found
