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

AT_ONCE_S = 2.0
"""Asterisk's queue looks once a second whose turn it is, and tells of the end of a talk when all is cleared
away: what lies within that time of each other, on a full machine, is at once."""


TOGETHER_S = 0.1
"""Of two who joined in the same tenth of a second, the ledger does not know who was first in the queue."""
CONNECTING_S = 5.0
"""As long as it takes to tell a caller that they are put through; they are in the queue by then."""


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
    over: datetime | None  # the talk, or the call


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
            over=at.get(EventKind.OPERATOR_LEFT) or call.ended_at,
        )
        for call in calls
        for at in (first.get(call.call_id, {}),)
    ]


def overtaken(stories: Iterable[Story], operators: int) -> list[tuple[str, str, float]]:
    """Who was passed by somebody of their own rank that joined later: both call ids, and by how many seconds.

    Asterisk's queue gives the later one an operator while there is one for each who was there before as well:
    who is hearing an announcement at that moment takes theirs after it. That robs nobody. Nor does an
    operator who comes free while the earlier one, just arrived, is being told that they are put through.
    """
    waited = sorted((story for story in stories if story.joined), key=lambda story: _s(story.joined))
    passed = []
    for n, first in enumerate(waited):
        for later in waited[n + 1 :]:
            together = _s(later.joined) - _s(first.joined) < TOGETHER_S
            if together or later.rung is None or later.vip is not first.vip:
                continue
            if _s(later.rung) - _s(first.joined) < CONNECTING_S:
                continue
            by_s = _served_s(first) - _s(later.rung)
            if by_s > AT_ONCE_S and not _enough(waited, operators, later):
                passed.append((first.call_id, later.call_id, by_s))
    return passed


def _enough(waited: Sequence[Story], operators: int, later: Story) -> bool:
    """Whether there was an operator for everybody up to `later`, when a phone first rang for them."""
    at_s = _s(later.rung)
    busy = sum(
        _s(other.rung) < at_s < _s(other.over) - AT_ONCE_S for other in waited if other.rung and other.over
    )
    before = sum(_s(other.joined) <= _s(later.joined) and _served_s(other) >= at_s for other in waited)
    return operators - busy >= before


def _served_s(story: Story) -> float:
    """When they no longer waited for a phone to ring."""
    return _s(story.rung or story.left or story.received)


def seconds(stories: Iterable[Story], begin: str, end: str) -> list[float]:
    """Times between two marks of the stories that have both."""
    marks = ((getattr(story, begin), getattr(story, end)) for story in stories)
    return sorted((late - early).total_seconds() for early, late in marks if early and late)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile; zeros of nothing."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def shortcomings(stories: Sequence[Story], offered: int, failed: int, operators: int) -> list[str]:
    """What falls short of the promise, in sentences; empty when nothing does."""
    wrong = {
        "callers were rejected or cut off": failed,
        "callers are not in the ledger, or too many are": abs(offered - len(stories)),
        "calls have not ended": sum(not story.ended for story in stories),
        "calls have no ticket, or several": sum(story.tickets != 1 for story in stories),
        "calls have neither recording nor a reason": sum(not (s.kept or s.reason) for s in stories),
        "callers were overtaken by one of their own rank": len(
            {call_id for call_id, _, _ in overtaken(stories, operators)}
        ),
    }
    return [f"{count} {what}." for what, count in wrong.items() if count]


def tally(values: Iterable[str]) -> dict[str, int]:
    """How often each, the most frequent first."""
    return dict(Counter(value or "–" for value in values).most_common())


def _s(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
