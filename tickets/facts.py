"""What virtual PBXs told, as they told it: kept before they are answered, read again whenever one tells more.

A PBX that tells by webhooks tells in any order, twice, and sometimes not at all. What a call was can
therefore be said only from all that was told of it, so each telling is kept as it came. Knows no vendor.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select, update

from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.rows import clean_text, key_of
from tickets.tables import FactRow

AT_ONCE = 500  # rows of one statement

_facts = cast(Table, FactRow.__table__)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a virtual PBX told of a call. `(source, fact_id)` is unique: told twice, it is one."""

    source: str  # the connection: "mango"
    fact_id: str  # the vendor's own id of it, or a digest of what was told
    call_id: str  # ours, a `neutral_id`
    kind: str  # the vendor's word: "call", "summary", …
    at: datetime  # aware, UTC; when it happened, by the vendor's clock
    data: Mapping[str, Any] = field(default_factory=dict)  # as told; what JSON keeps without loss


class FactBook:
    """The table of facts. Only ever added to, but for the mark that a fact was told on."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions, self._deadline_s, self._clock = sessions, deadline_s, clock

    @use_case
    async def keep(self, facts: Sequence[Fact]) -> list[Fact]:
        """Keep them, in one transaction; those that were new, in their order.

        Raises:
            DatabaseTrouble: keep them again; what was kept already will not be doubled.
        """
        rows = {(fact.source, key_of(fact.fact_id)): fact for fact in reversed(facts)}
        kept: set[tuple[str, str]] = set()
        values = [self._row(fact) for fact in rows.values()]
        if not values:
            return []
        async with writing(self._sessions) as session:
            insert = insert_new(session, _facts).returning(_facts.c.source, _facts.c.fact_id)
            for row in await session.execute(insert, values):
                kept.add((row.source, row.fact_id))
        return [fact for fact in reversed(rows.values()) if (fact.source, key_of(fact.fact_id)) in kept]

    @use_case
    async def of_calls(self, call_ids: Collection[str]) -> dict[str, list[Fact]]:
        """All facts of these calls, in the order in which they came."""
        ids, found = sorted(call_ids), dict[str, list[Fact]]()
        async with self._sessions() as session:
            for start in range(0, len(ids), AT_ONCE):
                some = _facts.c.call_id.in_(ids[start : start + AT_ONCE])
                for row in await session.execute(select(_facts).where(some).order_by(_facts.c.id)):
                    found.setdefault(row.call_id, []).append(_fact(row))
        return found

    @use_case
    async def untold(
        self, before: datetime, sources: Collection[str], but: Collection[str] = (), limit: int = AT_ONCE
    ) -> list[Fact]:
        """Facts that nobody has told on though they were kept before that time, oldest first.

        Args:
            sources: of these connections only: another node may have others.
            but: calls that are passed over.
        """
        c = _facts.c
        async with self._sessions() as session:
            waiting = select(_facts).where(c.told_at.is_(None), c.kept_at < before, c.source.in_(sources))
            if but:
                waiting = waiting.where(c.call_id.not_in(but))
            rows = await session.execute(waiting.order_by(c.id).limit(limit))
            return [_fact(row) for row in rows]

    @use_case
    async def told(self, facts: Sequence[Fact]) -> None:
        """These have been told on: the ledger has what follows from them."""
        ids: dict[str, list[str]] = {}
        for fact in facts:
            ids.setdefault(fact.source, []).append(key_of(fact.fact_id))
        async with writing(self._sessions) as session:
            for source, some in ids.items():
                for start in range(0, len(some), AT_ONCE):
                    await session.execute(
                        update(_facts)
                        .where(_facts.c.source == source, _facts.c.fact_id.in_(some[start : start + AT_ONCE]))
                        .values(told_at=self._clock())
                    )

    def _row(self, fact: Fact) -> dict[str, Any]:
        return {
            "source": fact.source,
            "fact_id": key_of(fact.fact_id),
            "call_id": fact.call_id,
            "kind": clean_text(fact.kind)[:64],
            "at": fact.at,
            "data": clean_text(json.dumps(dict(fact.data), ensure_ascii=False, separators=(",", ":"))),
            "kept_at": self._clock(),
        }


def _fact(row: Any) -> Fact:
    return Fact(row.source, row.fact_id, row.call_id, row.kind, row.at, json.loads(row.data))
