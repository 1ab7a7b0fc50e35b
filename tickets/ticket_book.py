"""What people do with a ticket: edit it, write on it, give it to somebody, have it come back.

One transaction per use case. Every change leaves a line in the ticket's timeline and counts its version up:
who edits an old one is told. Knows no HTTP; who may see a ticket is asked before.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.cards import Note, Ticket, note_of, ticket_of
from tickets.customers import NotFound, customer_of
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.desk import NotAllowed
from tickets.edits import BadEdit, BadNote, Edit, Facts, differences, merged, tidy, tidy_comment, tidy_note
from tickets.tables import AccountRow, GroupRow, TicketNoteRow, TicketRow, TicketTagRow
from tickets.vocabulary import NoteKind, TicketStatus
from tickets.workflow import may_move

ONE_LINE = timedelta(minutes=2)  # changes of one person that follow so closely are one line of the timeline
FARTHEST_REMINDER = timedelta(days=366)
_tickets = cast(Table, TicketRow.__table__)
_tags = cast(Table, TicketTagRow.__table__)
_notes = cast(Table, TicketNoteRow.__table__)
_WRITTEN_BY = {
    "subject": "subject_by",
    "topic": "topic_by",
    "customer_id": "customer_by",
    "status": "status_by",
}


class Conflict(Exception):
    """Somebody else changed the ticket meanwhile."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(f"{ticket.name} was changed meanwhile: look at it again.")
        self.ticket = ticket  # as it is now


@dataclass(frozen=True, slots=True)
class People:
    """To whom a ticket can be given."""

    accounts: dict[str, str]  # login → name
    groups: dict[int, str]  # id → name


class TicketBook:
    """Writes tickets."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def change(self, number: int, edit: Edit, by: str, version: int | None = None) -> Ticket:
        """Change what is named; from now on that no longer follows the call.

        `by`: login of the person. `version`: of the ticket that the person saw; None overrules whoever came
        between.

        Raises:
            NotFound, BadEdit
            NotAllowed: the workflow does not lead to that status.
            Conflict: it is another version by now.
        """
        edit = tidy(edit)
        async with writing(self._sessions) as session:
            ticket = await ticket_of(session, number, lock=True)
            if version is not None and version != ticket.version:
                raise Conflict(ticket)
            facts = differences(ticket, edit)
            if not facts:
                return ticket
            if "status" in facts and not may_move(ticket.status, edit["status"]):
                raise NotAllowed(
                    f"{ticket.name} is {ticket.status} and cannot become {edit['status']}: open it first."
                )
            now = self._clock()
            values = _columns(edit, facts, by, now)
            if "customer_id" in facts:
                facts = await _by_name(session, ticket, facts)
            if "tags" in facts:
                await _keep_tags(session, number, facts["tags"][1])
            await write_changed(session, number, facts, by, now)
            await touch(session, number, now, values)
            return await ticket_of(session, number)

    @use_case
    async def add_note(
        self,
        number: int,
        text: str,
        author: str,
        kind: NoteKind = NoteKind.NOTE,
        *,
        key: str | None = None,
    ) -> Note:
        """Put plain text on a ticket: a note for colleagues, or the answer that the customer was given.

        `key`: made by who sends it, for one note of theirs. Sent again, because the answer was lost, it is
        the note that is there.

        Raises:
            NotFound
            BadNote: also for a key that was another note's.
        """
        text = tidy_note(text)
        async with writing(self._sessions) as session:
            await ticket_of(session, number, lock=key is not None)  # the second of two waits for the first
            if key is not None and (known := await _note_of_key(session, number, author, key)) is not None:
                if (known.text, known.kind) != (text, kind):
                    raise BadNote("This key was used for another note: make a new one.")
                return note_of(known)
            row = TicketNoteRow(
                number=number, author=author, text=text, created_at=self._clock(), kind=kind, key=key
            )
            session.add(row)
            touched = update(_tickets).where(_tickets.c.number == number)
            await session.execute(touched.values(updated_at=row.created_at))
            await session.flush()
            return note_of(row)

    @use_case
    async def assign(
        self,
        number: int,
        by: str,
        *,
        assignee: str | None = None,
        group: int | None = None,
        comment: str = "",
    ) -> Ticket:
        """Give a ticket to a person (login), to a group, to a person of a group, or with neither to nobody.

        Raises:
            NotFound
            BadEdit: there is no such person or group, or the comment is too long.
        """
        comment = tidy_comment("comment", comment)
        async with writing(self._sessions) as session:
            ticket = await ticket_of(session, number, lock=True)
            if assignee is not None:
                await _person(session, assignee)
            found = await session.get(GroupRow, group) if group is not None else None
            if group is not None and found is None:
                raise BadEdit("There is no such group: choose another.")
            if (ticket.assignee, ticket.assigned_group) == (assignee, group) and not comment:
                return ticket
            now = self._clock()
            facts = {
                "assignee": [ticket.assignee, assignee],
                "group": [ticket.group_name, found.name if found else None],
                "text": comment,
            }
            await write_line(session, number, NoteKind.ASSIGNED, facts, by, now)
            await touch(session, number, now, {"assignee": assignee, "assigned_group": group})
            return await ticket_of(session, number)

    @use_case
    async def remind(self, number: int, by: str, *, at: datetime, whom: str, text: str = "") -> Ticket:
        """Have the ticket come back to a person (login) at a time; an earlier reminder is replaced.

        Raises:
            NotFound
            BadEdit: the time has passed or is too far, there is no such person, or the text is too long.
        """
        text = tidy_comment("text", text)
        now = self._clock()
        if not now < at <= now + FARTHEST_REMINDER:
            raise BadEdit("Choose a time that lies ahead, within a year.")
        async with writing(self._sessions) as session:
            await ticket_of(session, number, lock=True)
            await _person(session, whom)
            facts = {"what": "set", "at": at.isoformat(), "whom": whom, "text": text}
            await write_line(session, number, NoteKind.REMINDER, facts, by, now)
            told = {"remind_at": at, "remind_whom": whom, "remind_text": text or None, "reminded_at": None}
            await touch(session, number, now, told)
            return await ticket_of(session, number)

    @use_case
    async def forget_reminder(self, number: int, by: str) -> Ticket:
        """No reminder any more: it is seen to, or not wanted. Raises `NotFound`."""
        now = self._clock()
        async with writing(self._sessions) as session:
            ticket = await ticket_of(session, number, lock=True)
            if ticket.remind_at is None:
                return ticket
            if ticket.reminded_at is None:  # who is through with one that has come leaves no line
                facts = {"what": "cleared", "whom": ticket.remind_whom, "text": ticket.remind_text or ""}
                await write_line(session, number, NoteKind.REMINDER, facts, by, now)
            names = ("remind_at", "remind_whom", "remind_text", "reminded_at")
            await touch(session, number, now, dict.fromkeys(names))
            return await ticket_of(session, number)

    @use_case
    async def people(self) -> People:
        """To whom tickets can be given: who may log in, and the groups; by name."""
        accounts = select(AccountRow.login, AccountRow.name).where(AccountRow.active.is_(True))
        groups = select(GroupRow.id, GroupRow.name).order_by(GroupRow.name)
        async with self._sessions() as session:
            return People(
                {row.login: row.name for row in await session.execute(accounts.order_by(AccountRow.name))},
                {row.id: row.name for row in await session.execute(groups)},
            )


async def _note_of_key(session: AsyncSession, number: int, author: str, key: str) -> TicketNoteRow | None:
    note = TicketNoteRow
    query = select(note).where(note.number == number, note.author == author, note.key == key)
    return (await session.scalars(query)).first()


async def write_line(
    session: AsyncSession, number: int, kind: NoteKind, facts: Facts, by: str, now: datetime
) -> None:
    """Put a line that tells what was done into a ticket's timeline."""
    line = {"number": number, "author": by, "kind": kind, "created_at": now, "text": _as_text(facts)}
    await session.execute(insert(_notes), line)


async def write_changed(session: AsyncSession, number: int, facts: Facts, by: str, now: datetime) -> None:
    """Tell of a change. It joins the line before, where that is the same person's of a moment ago."""
    latest = select(_notes).where(_notes.c.number == number).order_by(_notes.c.id.desc()).limit(1)
    row = (await session.execute(latest)).first()
    ours = row is not None and (row.kind, row.author) == (NoteKind.CHANGED, by)
    if row is None or not ours or now - row.created_at > ONE_LINE:
        await write_line(session, number, NoteKind.CHANGED, facts, by, now)
        return
    facts = merged(json.loads(row.text), json.loads(_as_text(facts)))  # both as JSON has them
    if facts:
        line = update(_notes).where(_notes.c.id == row.id)
        await session.execute(line.values(text=_as_text(facts), created_at=now))
    else:  # all is as it was
        await session.execute(delete(_notes).where(_notes.c.id == row.id))


def _as_text(facts: Facts) -> str:
    return json.dumps(facts, ensure_ascii=False)


async def touch(session: AsyncSession, number: int, now: datetime, values: dict[str, Any]) -> None:
    """Write columns of a ticket, as a new version."""
    counted = {"updated_at": now, "version": _tickets.c.version + 1}
    await session.execute(update(_tickets).where(_tickets.c.number == number).values(values | counted))


def _columns(edit: Edit, facts: Facts, by: str, now: datetime) -> dict[str, Any]:
    """The ticket's own columns that change, and who wrote what the call would otherwise go on writing."""
    values: dict[str, Any] = {name: value for name, value in edit.items() if name in facts and name != "tags"}
    if any(name.startswith("field:") for name in facts):
        values["fields"] = edit["fields"]
    values |= {_WRITTEN_BY[name]: by for name in facts if name in _WRITTEN_BY}
    if "status" in facts:
        closed = edit["status"] is TicketStatus.CLOSED
        values |= {"closed_at": now if closed else None, "closed_by": by if closed else None}
    return values


async def _by_name(session: AsyncSession, ticket: Ticket, facts: Facts) -> Facts:
    """The same facts with the customers' names. Raises `BadEdit` where there is no such card."""
    _, wanted = facts.pop("customer_id")
    name = None
    if wanted is not None:
        try:
            name = (await customer_of(session, wanted)).name
        except NotFound as error:
            raise BadEdit("There is no such customer: choose another.") from error
    return facts | {"customer": [ticket.customer_name, name]}


async def _keep_tags(session: AsyncSession, number: int, tags: tuple[str, ...]) -> None:
    await session.execute(delete(_tags).where(_tags.c.number == number))
    if tags:
        await session.execute(insert(_tags), [{"number": number, "tag": tag} for tag in tags])


async def _person(session: AsyncSession, login: str) -> None:
    known = select(AccountRow.id).where(AccountRow.login == login, AccountRow.active.is_(True))
    if await session.scalar(known) is None:
        raise BadEdit("There is no such person: choose another.")
