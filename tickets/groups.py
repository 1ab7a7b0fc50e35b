"""Groups: people who share queues, and so see each other's calls. Knows no HTTP."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.audit import log_into
from tickets.customers import NotFound
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.rows import LARGEST, clean_text
from tickets.tables import AccountRow, GroupMemberRow, GroupQueueRow, GroupRow, TicketRow

LONGEST_GROUP_NAME = 100  # characters
_members = cast(Table, GroupMemberRow.__table__)
_queues = cast(Table, GroupQueueRow.__table__)


class GroupTaken(Exception):
    """Another group has this name."""


class BadGroup(Exception):
    """A group cannot be as it is wanted."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group."""

    id: int
    login: str
    name: str
    extension: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Group:
    """People who share queues and calls."""

    id: int
    name: str
    queues: tuple[str, ...]  # by name
    members: tuple[Member, ...]  # by name


class GroupBook:
    """The use cases, one transaction each. What changes who sees what is written into the audit log."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def groups(self) -> list[Group]:
        """All of them, by name."""
        async with self._sessions() as session:
            return await _read(session)

    @use_case
    async def group(self, group_id: int) -> Group:
        """One of them. Raises `NotFound`."""
        async with self._sessions() as session:
            return await _one(session, group_id)

    @use_case
    async def create(
        self, by: str, name: str, queues: Collection[str], members: Collection[int] = ()
    ) -> Group:
        """Add a group. `by`: login. `members`: ids of accounts. Raises `GroupTaken`, `BadGroup`."""
        row = GroupRow(name=_name(name))
        try:
            async with writing(self._sessions) as session:
                session.add(row)
                await session.flush()
                await _fill(session, row.id, queues, members)
                group = await _one(session, row.id)
                log_into(session, self._clock(), by, "group.created", group.name, _detail(group))
        except IntegrityError as error:
            raise _taken(row.name) from error
        return group

    @use_case
    async def change(
        self, by: str, group_id: int, name: str, queues: Collection[str], members: Collection[int]
    ) -> Group:
        """Make a group as given. Raises `NotFound`, `GroupTaken`, `BadGroup`."""
        name = _name(name)
        try:
            async with writing(self._sessions) as session:
                before = await _one(session, group_id)
                await session.execute(update(GroupRow).where(GroupRow.id == group_id).values(name=name))
                await _fill(session, group_id, queues, members)
                group = await _one(session, group_id)
                if group != before:
                    detail = _detail(group) | ({"was": before.name} if before.name != name else {})
                    log_into(session, self._clock(), by, "group.changed", group.name, detail)
        except IntegrityError as error:
            raise _taken(name) from error
        return group

    @use_case
    async def delete(self, by: str, group_id: int) -> Group:
        """End a group; what was assigned to it is nobody's again. Gives it back. Raises `NotFound`."""
        async with writing(self._sessions) as session:
            group = await _one(session, group_id)
            freed = update(TicketRow).where(TicketRow.assigned_group == group_id)
            await session.execute(freed.values(assigned_group=None, version=TicketRow.version + 1))
            await session.execute(delete(GroupRow).where(GroupRow.id == group_id))
            log_into(session, self._clock(), by, "group.deleted", group.name, _detail(group))
        return group


async def _read(session: AsyncSession, *only: int) -> list[Group]:
    chosen = [GroupRow.id.in_(only)] if only else []
    groups = (await session.scalars(select(GroupRow).where(*chosen).order_by(GroupRow.name))).all()
    ids = [group.id for group in groups]
    queues: dict[int, list[str]] = {}
    found = select(GroupQueueRow).where(GroupQueueRow.group_id.in_(ids)).order_by(GroupQueueRow.queue)
    for row in await session.scalars(found):
        queues.setdefault(row.group_id, []).append(row.queue)
    members: dict[int, list[Member]] = {}
    people = (
        select(GroupMemberRow.group_id, AccountRow)
        .join(AccountRow, AccountRow.id == GroupMemberRow.account_id)
        .where(GroupMemberRow.group_id.in_(ids))
        .order_by(AccountRow.name, AccountRow.id)
    )
    for group_id, one in await session.execute(people):
        member = Member(one.id, one.login, one.name, one.extension, one.active)
        members.setdefault(group_id, []).append(member)
    return [
        Group(one.id, one.name, tuple(queues.get(one.id, ())), tuple(members.get(one.id, ())))
        for one in groups
    ]


async def _one(session: AsyncSession, group_id: int) -> Group:
    groups = await _read(session, group_id) if 0 < group_id <= LARGEST else []
    if not groups:
        raise NotFound("There is no such group.")
    return groups[0]


async def _fill(
    session: AsyncSession, group_id: int, queues: Collection[str], members: Collection[int]
) -> None:
    known = select(AccountRow.id).where(AccountRow.id.in_([one for one in members if 0 < one <= LARGEST]))
    people = (await session.scalars(known)).all()
    await session.execute(delete(GroupQueueRow).where(GroupQueueRow.group_id == group_id))
    await session.execute(delete(GroupMemberRow).where(GroupMemberRow.group_id == group_id))
    if queues:
        rows = [{"group_id": group_id, "queue": clean_text(name)[:64]} for name in sorted(set(queues))]
        await session.execute(_queues.insert(), rows)
    if people:
        await session.execute(
            _members.insert(), [{"group_id": group_id, "account_id": one} for one in people]
        )


def _name(name: str) -> str:
    name = " ".join(clean_text(name).split())
    if not name:
        raise BadGroup("Give the group a name.")
    if len(name) > LONGEST_GROUP_NAME:
        raise BadGroup(f"The name has {len(name)} characters: shorten it to {LONGEST_GROUP_NAME}.")
    return name


def _taken(name: str) -> GroupTaken:
    return GroupTaken(f"There is a group {name} already: choose another name.")


def _detail(group: Group) -> dict[str, str | int | bool | None]:
    return {
        "queues": ", ".join(group.queues),
        "members": ", ".join(member.login for member in group.members),
    }
