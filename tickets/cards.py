"""A ticket as people see it: its row with the names that belong to it, its tags, the lines of its timeline.

Reads only; shared by what lists tickets (`desk.py`) and what changes them (`ticket_book.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.customers import NotFound
from tickets.rows import LARGEST
from tickets.tables import CallRow, CustomerRow, GroupRow, TicketNoteRow, TicketRow, TicketTagRow
from tickets.vocabulary import HandOver, NoteKind, TicketStatus

_tickets = cast(Table, TicketRow.__table__)
_calls = cast(Table, CallRow.__table__)
_customers = cast(Table, CustomerRow.__table__)
_groups = cast(Table, GroupRow.__table__)
_tags = cast(Table, TicketTagRow.__table__)

WRITTEN = frozenset({NoteKind.NOTE, NoteKind.ANSWER})
"""The kinds of lines whose text a person wrote, whole."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What became of a call, for people."""

    number: int
    call_id: str
    status: TicketStatus
    subject: str
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    operator: str | None  # extension
    hand_over: HandOver | None
    topic: str | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    closed_by: str | None  # "bot", "menu" or a login
    version: int
    tags: tuple[str, ...] = ()  # in order of the alphabet
    fields: Mapping[str, str] = field(default_factory=dict)  # name → text
    assignee: str | None = None  # login
    assigned_group: int | None = None
    group_name: str | None = None  # of the assigned group
    remind_at: datetime | None = None
    remind_whom: str | None = None  # login
    remind_text: str | None = None
    reminded_at: datetime | None = None  # the reminder has come due
    missed_done_at: datetime | None = None
    missed_done_by: str | None = None  # login

    @property
    def name(self) -> str:
        """As people say it: PZ-1001."""
        return f"PZ-{1000 + self.number}"


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a ticket's timeline that a person put there, or that tells what a person did."""

    id: int
    author: str  # login
    text: str  # of a note or an answer; an assignment's comment, a reminder's text
    created_at: datetime
    kind: NoteKind = NoteKind.NOTE
    facts: Mapping[str, Any] = field(default_factory=dict)  # by kind, see `edits.py`


_NOT_SHOWN = frozenset({"status_by", "subject_by", "topic_by", "customer_by"})
TICKETS: Select[Any] = (
    select(
        *(column for column in _tickets.c if column.name not in _NOT_SHOWN),
        _customers.c.name.label("customer_name"),
        _groups.c.name.label("group_name"),
        # The card knows best; without one, what reception was told by the company's own system.
        func.coalesce(_customers.c.vip_level, _calls.c.vip_level).label("vip_level"),
    )
    .join(_calls, _calls.c.call_id == _tickets.c.call_id)
    .outerjoin(_customers, _customers.c.id == _tickets.c.customer_id)
    .outerjoin(_groups, _groups.c.id == _tickets.c.assigned_group)
)
"""Every column of `Ticket` but the tags; joined with `calls`, for filters."""


async def tickets_of(session: AsyncSession, rows: Iterable[Any]) -> list[Ticket]:
    """The tickets of rows of `TICKETS`, in their order."""
    found = [row._asdict() for row in rows]
    tags: dict[int, list[str]] = {row["number"]: [] for row in found}
    if found:
        query = select(_tags.c.number, _tags.c.tag).where(_tags.c.number.in_(tags)).order_by(_tags.c.tag)
        for number, tag in await session.execute(query):
            tags[number].append(tag)
    return [Ticket(**row, tags=tuple(tags[row["number"]])) for row in found]


async def ticket_of(session: AsyncSession, number: int, *, lock: bool = False) -> Ticket:
    """One ticket in a transaction under way. Raises `NotFound`."""
    rows: Iterable[Any] = ()
    if 0 < number <= LARGEST:
        query = TICKETS.where(_tickets.c.number == number)
        rows = await session.execute(query.with_for_update(of=_tickets) if lock else query)
    found = await tickets_of(session, rows)
    if not found:
        raise NotFound(f"There is no ticket PZ-{1000 + number}.")
    return found[0]


def note_of(row: TicketNoteRow) -> Note:
    """The line of a row. What people did is kept as JSON, so that each reader gets it in their language."""
    if row.kind in WRITTEN:
        return Note(row.id, row.author, row.text, row.created_at, row.kind)
    facts = json.loads(row.text)
    return Note(row.id, row.author, facts.pop("text", None) or "", row.created_at, row.kind, facts)
