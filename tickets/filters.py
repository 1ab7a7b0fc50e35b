"""Which calls and tickets of a list are wanted. Pure: wishes in, clauses of a query out.

A wish that is not there, or None, leaves everything in.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, TypedDict, cast

from sqlalchemy import ColumnElement, Table, and_, exists, func

from tickets.rows import LARGEST, clean_text
from tickets.tables import CallEventRow, CallRow, CustomerRow, TicketRow, TicketTagRow
from tickets.vocabulary import CallOutcome, CallState, EventKind, HandOver, TicketStatus

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_events = cast(Table, CallEventRow.__table__)
_tags = cast(Table, TicketTagRow.__table__)


class Filter(TypedDict, total=False):
    """What both lists can be asked for."""

    since: datetime | None  # first ring; this moment is in
    until: datetime | None  # this one is not
    queue: str | None  # the last one joined
    operator: str | None  # extension
    hand_over: HandOver | None
    outcome: CallOutcome | None  # of the call
    topic: str | None
    customer_id: int | None
    vip: bool | None  # of any level, or of none
    recorded: bool | None  # there is something to hear, or nothing
    talked: int | None  # seconds with an operator, at least


class CallFilter(Filter, total=False):
    """Which calls."""

    state: CallState | None


class TicketFilter(Filter, total=False):
    """Which tickets."""

    status: TicketStatus | None
    tag: str | None
    assignee: str | None  # login
    groups: Collection[int] | None  # assigned to one of these
    unassigned: bool | None  # True: to no person and no group


def call_clauses(wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    """For a query that has joined `calls` and `tickets`."""
    yield from _same(_calls, wanted, "state", "operator", "hand_over", "topic")
    yield from _both(wanted)
    if (vip := wanted.get("vip")) is not None:
        yield (_calls.c.vip_level > 0) if vip else (_calls.c.vip_level == 0)


def ticket_clauses(wanted: TicketFilter) -> Iterator[ColumnElement[bool]]:
    """For a query that has joined `tickets`, `calls` and `customers`."""
    yield from _same(_tickets, wanted, "status", "operator", "hand_over", "topic", "assignee")
    yield from _both(wanted)
    if (vip := wanted.get("vip")) is not None:
        level = func.coalesce(_customers.c.vip_level, _calls.c.vip_level)
        yield (level > 0) if vip else (level == 0)
    if (groups := wanted.get("groups")) is not None:
        yield _tickets.c.assigned_group.in_(sorted(groups))
    if wanted.get("unassigned"):
        yield and_(_tickets.c.assignee.is_(None), _tickets.c.assigned_group.is_(None))
    if (tag := wanted.get("tag")) is not None:
        yield exists().where(_tags.c.number == _tickets.c.number, _tags.c.tag == clean_text(tag))


def _both(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    yield from _same(_calls, wanted, "queue", "outcome")
    yield from _same(_tickets, wanted, "customer_id")
    if (since := wanted.get("since")) is not None:
        yield _calls.c.received_at >= since
    if (until := wanted.get("until")) is not None:
        yield _calls.c.received_at < until
    if (talked := wanted.get("talked")) is not None:
        yield _calls.c.talk_seconds >= talked
    if (recorded := wanted.get("recorded")) is not None:
        stored = exists().where(_events.c.call_id == _calls.c.call_id, _events.c.kind == EventKind.RECORDED)
        yield stored if recorded else ~stored


def _same(table: Table, wanted: Filter, *names: str) -> Iterator[ColumnElement[bool]]:
    for name in names:
        value: Any = wanted.get(name)
        if isinstance(value, int) and not 0 < value <= LARGEST:
            value = 0  # nobody's: PostgreSQL refuses a number that no column can hold
        if value is not None:
            yield table.c[name] == (clean_text(value) if type(value) is str else value)
