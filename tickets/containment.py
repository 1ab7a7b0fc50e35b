"""Containment: what the voicebot did alone, in one definition for every page that shows it.

A call is contained when the bot answered it, nobody else was needed, and the same caller did not call again
about the same within a day. Whoever calls again and never gets to a topic (presses zero, hangs up) counts as
calling about the same, and a caller without a number cannot be told from others and counts as content: the
figure is rather too low than too high, as far as the number is known. Within that day it is provisional.

Clauses for queries that have joined `calls` and `tickets`; knows no figures and no pages.
"""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, Table, and_, exists, func, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tickets.database import UtcDateTime
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallOutcome, CallState, Direction

AGAIN_WITHIN = timedelta(hours=24)

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_later = _calls.alias("later")
_later_tickets = _tickets.alias("later_tickets")


class day_after(FunctionElement[Any]):  # noqa: N801 -- named as the function that it is in a statement
    """`AGAIN_WITHIN` after a stored moment."""

    type = UtcDateTime()
    inherit_cache = True
    name = "day_after"


@compiles(day_after)
def _in_postgresql(element: Any, compiler: Any, **given: Any) -> str:
    return f"({compiler.process(element.clauses, **given)} + INTERVAL '24 hours')"


@compiles(day_after, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **given: Any) -> str:
    # As moments are stored there, so that they compare as texts.
    return f"strftime('%Y-%m-%d %H:%M:%f000', {compiler.process(element.clauses, **given)}, '+24 hours')"


def called_again(caller: ColumnElement[Any], call_id: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """That `later` is another call which the same person placed."""
    return (
        _later.c.caller == caller,
        _later.c.call_id != call_id,
        _later.c.direction == Direction.INBOUND,
    )


def later_calls() -> FromClause:
    """The alias that `called_again` speaks of."""
    return _later


AT_BOT = and_(
    _calls.c.bot_started_at.is_not(None),
    _calls.c.state == CallState.ENDED,
    _calls.c.direction == Direction.INBOUND,
)
"""Calls that containment is a share of: with the bot, and over."""

BY_BOT = and_(AT_BOT, _calls.c.outcome == CallOutcome.ANSWERED_BY_BOT)

AGAIN = (
    exists()
    .where(
        *called_again(_calls.c.caller, _calls.c.call_id),
        _later.c.received_at >= _calls.c.ended_at,
        _later.c.received_at <= day_after(_calls.c.ended_at),
        _later_tickets.c.call_id == _later.c.call_id,
        or_(
            _later_tickets.c.topic.is_(None),
            _tickets.c.topic.is_(None),
            _later_tickets.c.topic == _tickets.c.topic,
            func.lower(_later_tickets.c.topic) == func.lower(_tickets.c.topic),
        ),
    )
    .correlate(_calls, _tickets)
)
"""The same caller called again about the same within a day."""

CONTAINED = and_(BY_BOT, ~AGAIN)
