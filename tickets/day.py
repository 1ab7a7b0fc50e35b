"""The inbound calls of a day in figures: per hour, how they ended, what the bot did, how soon people came.

Reads go straight to the tables: one question, counted in the database. Knows no HTTP.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import cast

from sqlalchemy import Table, and_, case, func, or_, select

from tickets.containment import AT_BOT, CONTAINED
from tickets.database import Sessions, use_case
from tickets.sight import EVERYTHING, Sight, visible_to
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallOutcome, CallState, Direction

SERVICE_LEVEL_S = 20.0  # "80/20", the field's usual promise: so many seconds in the queue at most

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)


@dataclass(frozen=True, slots=True)
class HourFigures:
    """The calls whose first ring came in one hour."""

    begins: datetime
    answered: int = 0  # by an operator
    by_bot: int = 0
    abandoned: int = 0
    otherwise: int = 0  # menu, voicemail, call-back
    going_on: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.answered + self.by_bot + self.abandoned + self.otherwise + self.going_on


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day so far."""

    hours: Sequence[HourFigures]
    bot_over: int = 0  # calls that were with the bot and are over
    contained: int = 0  # of these, as `containment.py` says; provisional for a day
    waited_over: int = 0  # calls that joined a queue and have left it
    in_time: int = 0  # of these, answered within SERVICE_LEVEL_S

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(hour.calls for hour in self.hours)

    @property
    def answered(self) -> int:
        """By operators."""
        return sum(hour.answered for hour in self.hours)

    @property
    def by_bot(self) -> int:
        """Answered by the bot alone."""
        return sum(hour.by_bot for hour in self.hours)

    @property
    def abandoned(self) -> int:
        """Hung up before anybody or anything answered."""
        return sum(hour.abandoned for hour in self.hours)

    @property
    def containment(self) -> float | None:
        """Of the calls that were with the bot, the share that it contained so far; None without any."""
        return self.contained / self.bot_over if self.bot_over else None

    @property
    def service_level(self) -> float | None:
        """Of the calls that waited, the share answered in time; None without any."""
        return self.in_time / self.waited_over if self.waited_over else None


def hours_of_day(now: datetime, zone: tzinfo) -> list[datetime]:
    """The beginnings of the hours of `now`'s day in that zone, to the present one; 23 or 25 on some days."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, hours = midnight.astimezone(now.tzinfo), []
    while begins <= now:
        hours.append(begins)
        begins += timedelta(hours=1)
    return hours


class DayBook:
    """Figures of days."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def day(self, hours: Sequence[datetime], sight: Sight = EVERYTHING) -> DayFigures:
        """Of the hours that begin so, oldest first, the last one open; at least one."""
        ends = [*hours[1:], hours[-1] + timedelta(days=1)]
        hour = case(
            *((_calls.c.received_at < end, number) for number, end in enumerate(ends)), else_=len(hours) - 1
        )
        over = _calls.c.state == CallState.ENDED
        waited = and_(_calls.c.queued_at.is_not(None), or_(over, _calls.c.answered_at.is_not(None)))
        in_time = and_(
            _calls.c.queued_at.is_not(None),
            _calls.c.answered_at.is_not(None),
            _calls.c.hold_seconds <= SERVICE_LEVEL_S,
        )
        query = (
            select(
                hour.label("hour"),
                _calls.c.outcome,
                func.count().label("calls"),
                *(
                    func.sum(case((clause, 1), else_=0)).label(name)
                    for name, clause in (
                        ("at_bot", AT_BOT),
                        ("contained", CONTAINED),
                        ("waited", waited),
                        ("in_time", in_time),
                    )
                ),
            )
            .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
            .where(_calls.c.direction == Direction.INBOUND)
            .where(_calls.c.received_at >= hours[0], visible_to(sight))
            .group_by("hour", _calls.c.outcome)
        )
        async with self._sessions() as session:
            rows = (await session.execute(query)).all()
        counts = [Counter[str]() for _ in hours]
        for row in rows:
            counts[row.hour][_KINDS.get(row.outcome, "otherwise")] += row.calls
        return DayFigures(
            hours=[HourFigures(begins, **count) for begins, count in zip(hours, counts, strict=True)],
            bot_over=sum(row.at_bot for row in rows),
            contained=sum(row.contained for row in rows),
            waited_over=sum(row.waited for row in rows),
            in_time=sum(row.in_time for row in rows),
        )


_KINDS = {
    CallOutcome.ANSWERED_BY_OPERATOR: "answered",
    CallOutcome.ANSWERED_BY_BOT: "by_bot",
    CallOutcome.ABANDONED: "abandoned",
    None: "going_on",
}
