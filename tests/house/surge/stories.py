"""What the database holds of each call after a run, read once; and the pure judgements over it."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from recordings.tables import Recording
from tickets.database import Database
from tickets.tables import CallEventRow, CallRow, TicketRow
from tickets.vocabulary import CallState, EventKind

AT_ONCE_S = 1.5
"""Asterisk's queue looks once a second whose turn it is: who rings within that of another rings with them."""


@dataclass(frozen=True, slots=True)
class Story:
    """One call, times as the ledger has them."""

    call_id: str
    vip: bool
    ended: bool
    outcome: str
    hand_over: str
    tickets: int
    kept: bool  # a recording is on the shelf
    reason: str | None  # why there is none
    received: datetime
    greeted: datetime | None
    joined: datetime | None  # the queue
    rung: datetime | None  # first phone that rang for them
    answered: datetime | None
    left: datetime | None  # the queue, for whatever reason


async def read_stories(database: Database) -> list[Story]:
    """Every call of the ledger."""
    first: dict[str, dict[EventKind, datetime]] = {}
    async with database.sessions() as session:
        events = select(CallEventRow.call_id, CallEventRow.kind, func.min(CallEventRow.at)).group_by(
            CallEventRow.call_id, CallEventRow.kind
        )
        for call_id, kind, at in await session.execute(events):
            first.setdefault(call_id, {})[kind] = at
        counted = select(TicketRow.call_id, func.count()).group_by(TicketRow.call_id)
        tickets: dict[str, int] = {row[0]: row[1] for row in await session.execute(counted)}
        shelf = {row.call_id: row for row in await session.scalars(select(Recording))}
        calls = (await session.scalars(select(CallRow))).all()
    return [
        Story(
            call_id=call.call_id,
            vip=call.vip_level > 0,
            ended=call.state is CallState.ENDED,
            outcome=call.outcome or "",
            hand_over=call.hand_over or "",
            tickets=tickets.get(call.call_id, 0),
            kept=call.call_id in shelf and shelf[call.call_id].key is not None,
            reason=shelf[call.call_id].missing_reason if call.call_id in shelf else None,
            received=call.received_at,
            greeted=at.get(EventKind.MENU_ENTERED),
            joined=at.get(EventKind.QUEUE_JOINED),
            rung=at.get(EventKind.OPERATOR_RINGING),
            answered=at.get(EventKind.OPERATOR_ANSWERED),
            left=at.get(EventKind.QUEUE_LEFT),
        )
        for call in calls
        for at in (first.get(call.call_id, {}),)
    ]


def overtaken(stories: Iterable[Story]) -> list[tuple[str, str, float]]:
    """Who was passed by somebody that joined later: both call ids, and by how many seconds.

    Give callers of one rank only: a VIP may overtake.
    """
    waited = sorted((story for story in stories if story.joined), key=lambda story: _s(story.joined))
    passed = []
    for n, first in enumerate(waited):
        served = _s(first.rung) if first.rung else _s(first.left or first.received)
        for later in waited[n + 1 :]:
            if later.rung is not None and served - _s(later.rung) > AT_ONCE_S:
                passed.append((first.call_id, later.call_id, served - _s(later.rung)))
    return passed


def seconds(stories: Iterable[Story], begin: str, end: str) -> list[float]:
    """Times between two marks of the stories that have both."""
    marks = ((getattr(story, begin), getattr(story, end)) for story in stories)
    return sorted((late - early).total_seconds() for early, late in marks if early and late)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile; zeros of nothing."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def shortcomings(stories: Sequence[Story], offered: int, failed: int) -> list[str]:
    """What falls short of the promise, in sentences; empty when nothing does."""
    plain, vips = ([s for s in stories if s.vip is vip] for vip in (False, True))
    wrong = {
        "callers were rejected or cut off": failed,
        "callers are not in the ledger, or too many are": abs(offered - len(stories)),
        "calls have not ended": sum(not story.ended for story in stories),
        "calls have no ticket, or several": sum(story.tickets != 1 for story in stories),
        "calls have neither recording nor a reason": sum(not (s.kept or s.reason) for s in stories),
        "callers were overtaken by one of their own rank": len(
            {call_id for rank in (plain, vips) for call_id, _, _ in overtaken(rank)}
        ),
    }
    return [f"{count} {what}." for what, count in wrong.items() if count]


def tally(values: Iterable[str]) -> dict[str, int]:
    """How often each, the most frequent first."""
    return dict(Counter(value or "–" for value in values).most_common())


def _s(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
