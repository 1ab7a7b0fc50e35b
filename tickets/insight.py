"""What the voicebot does, in figures: per day, per question, per reason; and the calls behind each figure.

Counts from two tables that `BotCallKeeper` makes of the ledger (`bot_book.py`) and from the calls themselves.
Words of callers are read from the ledger, where they are kept. Knows no HTTP and no script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Select, Table, and_, case, exists, func, literal, select, tuple_

from tickets.containment import (
    AGAIN,
    AGAIN_WITHIN,
    BY_BOT,
    CONTAINED,
    called_again,
    day_after,
    later_calls,
)
from tickets.database import Sessions, use_case
from tickets.events import CallEvent
from tickets.paging import Page, page_of, page_size, read_cursor
from tickets.rows import clean_text, event_from
from tickets.tables import BotCallRow, BotLineRow, CallEventRow, CallRow, CustomerRow, TicketRow
from tickets.vocabulary import Direction, HandOver

MOST_UNKNOWN = 2000
"""Questions that nobody taught it, read at once: the newest."""

What = Literal["answered", "again", "handed_over", "up", "down"]
End = Literal["contained", "again", "gone"]

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_events = cast(Table, CallEventRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_bot_calls = cast(Table, BotCallRow.__table__)
_lines = cast(Table, BotLineRow.__table__)
_later_lines = _lines.alias("later_lines")

_ASKED_AGAIN = (
    exists()
    .where(
        *called_again(_calls.c.caller, _lines.c.call_id),
        later_calls().c.received_at >= _calls.c.received_at,
        later_calls().c.received_at <= day_after(_lines.c.at),
        _later_lines.c.call_id == later_calls().c.call_id,
        _later_lines.c.question == _lines.c.question,
        _later_lines.c.at >= _lines.c.at,
        _later_lines.c.at <= day_after(_lines.c.at),
    )
    .correlate(_calls, _lines)
)
_WHAT: Mapping[str, ColumnElement[bool]] = {
    "answered": _lines.c.answered,
    "again": _ASKED_AGAIN,
    "handed_over": _lines.c.hand_over.is_not(None),
    "up": _lines.c.thumb.is_(True),
    "down": _lines.c.thumb.is_(False),
}
_NEITHER = and_(_bot_calls.c.answered.is_(False), _bot_calls.c.hand_over.is_(None))
_ENDS: Mapping[str, ColumnElement[bool]] = {
    "contained": CONTAINED,
    "again": and_(BY_BOT, AGAIN),
    "gone": _NEITHER,
}


@dataclass(frozen=True, slots=True)
class BotDay:
    """The calls that came to the bot on one day and are over."""

    begins: datetime
    calls: int = 0
    contained: int = 0
    provisional: int = 0  # of the contained: not yet a day over
    again: int = 0  # answered by the bot, and called again about the same
    otherwise: int = 0  # handed over, or hung up

    @property
    def containment(self) -> float | None:
        """Share of the calls that were contained; None without any."""
        return self.contained / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """One of the scenario's questions."""

    name: str
    asked: int = 0
    answered: int = 0
    again: int = 0  # asked again by the same caller in another call, within a day
    handed_over: int = 0  # the last thing asked before a person took over
    up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class BotFigures:
    """A stretch of days."""

    days: Sequence[BotDay]
    reasons: Mapping[HandOver, int]  # the bot's own, most frequent first
    gone: int  # hung up before the bot answered or handed over
    questions: Sequence[QuestionFigures]  # most asked first
    unknown: int  # things asked that belong to no question
    up: int  # calls whose caller said that it helped
    down: int

    @property
    def total(self) -> BotDay:
        """All days as one."""
        sums = {
            name: sum(getattr(day, name) for day in self.days)
            for name in ("calls", "contained", "provisional", "again", "otherwise")
        }
        return BotDay(self.days[0].begins, **sums)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that a caller asked, with its words."""

    call_id: str
    ticket_number: int
    at: datetime
    tape_s: float  # from the first ring, where our own recording begins
    question: str | None
    score: float | None
    text: str
    language: str | None = None  # BCP 47; None: the scenario's own
    answered: bool = False
    hand_over: HandOver | None = None
    thumb: bool | None = None


@dataclass(frozen=True, slots=True)
class BotVisitor:
    """A call with the bot, for lists."""

    call_id: str
    started_at: datetime
    ticket_number: int
    caller: str | None  # E.164
    customer_name: str | None
    vip_level: int
    answered: bool
    again: bool  # called again about the same
    hand_over: HandOver | None
    thumb: bool | None
    lines: Sequence[Spoken] = field(default=())


class InsightBook:
    """Reads figures and the calls behind them."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 9.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def figures(self, days: Sequence[datetime], until: datetime, now: datetime) -> BotFigures:
        """Of the days that begin so, oldest first, the last one up to `until`; at least one."""
        inside = (_bot_calls.c.started_at >= days[0], _bot_calls.c.started_at < until)
        reasons = (
            select(_bot_calls.c.hand_over, _NEITHER.label("gone"), _bot_calls.c.thumb, func.count())
            .where(*inside)
            .group_by(_bot_calls.c.hand_over, "gone", _bot_calls.c.thumb)
        )
        async with self._sessions() as session:
            counted = (await session.execute(_of_days([*days, until], now))).all()
            ends = (await session.execute(reasons)).all()
            asked = (await session.execute(_of_questions(days[0], until))).all()
        by_day: dict[int, dict[str, int]] = {}
        for row in counted:
            by_day.setdefault(row.day, {})[row.kind] = row.calls
        by_reason: dict[HandOver, int] = {}
        for reason, _gone, _thumb, count in ends:
            if reason is not None:
                by_reason[reason] = by_reason.get(reason, 0) + count
        return BotFigures(
            days=[_day(begins, by_day.get(number, {})) for number, begins in enumerate(days)],
            reasons=dict(sorted(by_reason.items(), key=lambda one: -one[1])),
            gone=sum(count for _reason, gone, _thumb, count in ends if gone),
            questions=[QuestionFigures(*row) for row in asked if row.question is not None],
            unknown=next((row.asked for row in asked if row.question is None), 0),
            up=sum(count for *_rest, thumb, count in ends if thumb is True),
            down=sum(count for *_rest, thumb, count in ends if thumb is False),
        )

    @use_case
    async def unknown(self, since: datetime, until: datetime, limit: int = MOST_UNKNOWN) -> list[Spoken]:
        """What callers asked and the bot took for none of its questions, newest first."""
        query = (
            _SPOKEN.where(_lines.c.question.is_(None), _lines.c.at >= since, _lines.c.at < until)
            .order_by(_lines.c.at.desc(), _lines.c.id.desc())
            .limit(min(limit, MOST_UNKNOWN))
        )
        async with self._sessions() as session:
            return [_spoken(row) for row in await session.execute(query)]

    @use_case
    async def calls(
        self,
        since: datetime,
        until: datetime,
        *,
        question: str | None = None,
        what: What | None = None,
        end: End | HandOver | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[BotVisitor]:
        """The calls behind a figure, newest first.

        Args:
            since, until: when they came to the bot; `until` is not in.
            question: somebody asked it; with `what`: and this became of it.
            end: how the bot's part ended.

        Raises:
            BadCursor
        """
        query = _VISITORS.where(_bot_calls.c.started_at >= since, _bot_calls.c.started_at < until)
        if question is not None or what is not None:
            of_question = [_lines.c.call_id == _bot_calls.c.call_id]
            if question is not None:
                of_question.append(_lines.c.question == clean_text(question))
            if what is not None:
                of_question.append(_WHAT[what])
            query = query.where(exists().where(*of_question).correlate(_bot_calls, _calls))
        if end is not None:
            query = query.where(_ENDS.get(end, _bot_calls.c.hand_over == end))
        if cursor is not None:
            place = read_cursor(cursor, datetime, str)
            types = [_bot_calls.c.started_at.type, _bot_calls.c.call_id.type]
            ours = tuple_(_bot_calls.c.started_at, _bot_calls.c.call_id)
            query = query.where(ours < tuple_(*place, types=types))
        query = query.order_by(_bot_calls.c.started_at.desc(), _bot_calls.c.call_id.desc())
        async with self._sessions() as session:
            rows = (await session.execute(query.limit(page_size(limit) + 1))).all()
            asked = await session.execute(
                _SPOKEN.where(_lines.c.call_id.in_([row.call_id for row in rows])).order_by(_lines.c.id)
            )
            lines: dict[str, list[Spoken]] = {}
            for line in asked:
                lines.setdefault(line.call_id, []).append(_spoken(line))
        visitors = [BotVisitor(**row._asdict(), lines=lines.get(row.call_id, ())) for row in rows]
        return page_of(visitors, limit, lambda one: [one.started_at, one.call_id])


def _of_days(bounds: Sequence[datetime], now: datetime) -> Select[Any]:
    """Counts per number of the day and kind. `bounds`: where days begin, and where the last one ends."""
    came = _bot_calls.c.started_at
    day = case(*((came < end, number) for number, end in enumerate(bounds[1:])), else_=len(bounds) - 2)
    young = _calls.c.ended_at > literal(now - AGAIN_WITHIN, _calls.c.ended_at.type)
    # One expression, so that nobody is looked for twice.
    kind = case((~BY_BOT, "otherwise"), (AGAIN, "again"), (young, "provisional"), else_="final")
    return (
        select(day.label("day"), kind.label("kind"), func.count().label("calls"))
        .select_from(_bot_calls)
        .join(_calls, _calls.c.call_id == _bot_calls.c.call_id)
        .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
        .where(came >= bounds[0], came < bounds[-1], _calls.c.direction == Direction.INBOUND)
        .group_by("day", "kind")
    )


def _of_questions(since: datetime, until: datetime) -> Select[Any]:
    """Columns as `QuestionFigures` has them."""
    asked = func.count().label("asked")
    sums = (func.sum(case((clause, 1), else_=0)).label(name) for name, clause in _WHAT.items())
    return (
        select(_lines.c.question, asked, *sums)
        .join(_calls, _calls.c.call_id == _lines.c.call_id)
        .where(_lines.c.at >= since, _lines.c.at < until)
        .group_by(_lines.c.question)
        .order_by(asked.desc(), _lines.c.question)
    )


_SPOKEN = (
    select(
        _lines.c.call_id,
        _tickets.c.number.label("ticket_number"),
        _lines.c.at,
        _lines.c.tape_s,
        _lines.c.language,
        _lines.c.question,
        _lines.c.score,
        _lines.c.answered,
        _lines.c.hand_over,
        _lines.c.thumb,
        *(_events.c[name].label(f"event_{name}") for name in _events.columns.keys()),  # noqa: SIM118 -- columns, not a mapping
    )
    .join(_tickets, _tickets.c.call_id == _lines.c.call_id)
    .join(_events, and_(_events.c.source == _lines.c.source, _events.c.source_id == _lines.c.source_id))
)
_VISITORS = (
    select(
        _bot_calls.c.call_id,
        _bot_calls.c.started_at,
        _tickets.c.number.label("ticket_number"),
        _calls.c.caller,
        _customers.c.name.label("customer_name"),
        func.coalesce(_customers.c.vip_level, _calls.c.vip_level).label("vip_level"),
        _bot_calls.c.answered,
        and_(BY_BOT, AGAIN).label("again"),
        _bot_calls.c.hand_over,
        _bot_calls.c.thumb,
    )
    .join(_calls, _calls.c.call_id == _bot_calls.c.call_id)
    .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
    .outerjoin(_customers, _customers.c.id == _tickets.c.customer_id)
)


def _day(begins: datetime, kinds: Mapping[str, int]) -> BotDay:
    return BotDay(
        begins,
        calls=sum(kinds.values()),
        contained=kinds.get("final", 0) + kinds.get("provisional", 0),
        provisional=kinds.get("provisional", 0),
        again=kinds.get("again", 0),
        otherwise=kinds.get("otherwise", 0),
    )


def _spoken(row: Any) -> Spoken:
    found = row._asdict()
    told: CallEvent = event_from(
        {name.removeprefix("event_"): value for name, value in found.items() if name.startswith("event_")}
    )
    kept = {name: value for name, value in found.items() if not name.startswith("event_")}
    return Spoken(**kept, text=str(told.data.get("text") or ""))
