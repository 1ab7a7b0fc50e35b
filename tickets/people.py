"""What administrators do with accounts: create, change rights, reset. Every change stands in the audit log.

Knows no HTTP and no PBX: whoever gives an operator a phone keeps its secret here.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.accounts import ExtensionTaken as ExtensionTaken
from tickets.accounts import check_names, end_sessions, login_taken, phone_must_be_free
from tickets.audit import Detail, log_into
from tickets.customers import NotFound
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.passwords import start_password
from tickets.rows import LARGEST, clean_text
from tickets.tables import AccountRow, GroupMemberRow, GroupRow, LoginSessionRow
from tickets.vocabulary import Role

LONGEST_NAME = 200  # characters
MOST_PEOPLE = 1000  # listed
_members = cast(Table, GroupMemberRow.__table__)


class LastAdministrator(Exception):
    """Nobody would be left who may change rights."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account as administrators see it."""

    id: int
    login: str
    name: str
    role: Role
    extension: str | None
    active: bool
    hears_group: bool
    second_factor: bool
    start_password: bool  # has not logged in with a password of their own yet
    phone_secret: str | None
    created_at: datetime
    groups: tuple[int, ...]
    seen_at: datetime | None  # last sign of life; None: not logged in now

    @property
    def rights(self) -> "Rights":
        """What was decided of them."""
        return Rights(
            name=self.name,
            role=self.role,
            extension=self.extension,
            active=self.active,
            hears_group=self.hears_group,
            groups=frozenset(self.groups),
        )


@dataclass(frozen=True, slots=True)
class Rights:
    """What an administrator decides of a person."""

    name: str
    role: Role
    extension: str | None = None
    active: bool = True
    hears_group: bool = False
    groups: frozenset[int] = frozenset()


class PeopleBook:
    """The use cases, one transaction each. `by` is the login of who does it."""

    def __init__(
        self,
        sessions: Sessions,
        hash_password: Callable[[str], Awaitable[str]],
        *,
        deadline_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._sessions = sessions
        self._hash = hash_password
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def people(self) -> list[Person]:
        """Everybody, those who may log in first, then by name."""
        async with self._sessions() as session:
            return await _read(session)

    @use_case
    async def person(self, person_id: int) -> Person:
        """One of them. Raises `NotFound`."""
        async with self._sessions() as session:
            return await _one(session, person_id)

    @use_case
    async def by_login(self, login: str) -> Person:
        """One of them. Raises `NotFound`."""
        async with self._sessions() as session:
            found = await _read(session, AccountRow.login == clean_text(login))
        if not found:
            raise NotFound(f"There is no account {login}.")
        return found[0]

    async def create(self, by: str, login: str, wanted: Rights) -> tuple[Person, str]:
        """Add an account; gives it and its start password, which is kept nowhere.

        Raises:
            LoginTaken, ExtensionTaken, BadLogin
        """
        check_names(login, wanted.extension)
        password = start_password()
        return await self._create(by, login, wanted, await self._hash(password)), password

    @use_case
    async def _create(self, by: str, login: str, wanted: Rights, hashed: str) -> Person:
        now = self._clock()
        row = AccountRow(
            login=login,
            name=_name(wanted.name, login),
            role=wanted.role,
            extension=wanted.extension,
            hears_group=wanted.hears_group,
            password_hash=hashed,
            start_password=True,
            created_at=now,
        )
        try:
            async with writing(self._sessions) as session:
                await _locked_administrators(session)  # one at a time: two must not give one phone to two
                session.add(row)
                await session.flush()
                await phone_must_be_free(session, row)
                await _put_into(session, row.id, wanted.groups)
                person = await _one(session, row.id)
                names = ", ".join(await _names_of(session, person.groups))
                detail: Detail = {
                    "role": person.role.value, "extension": person.extension, "groups": names,
                    "hears_group": person.hears_group,
                }  # fmt: skip
                log_into(session, now, by, "account.created", login, detail)
        except IntegrityError as error:
            raise login_taken(login) from error
        return person

    @use_case
    async def change(self, by: str, person_id: int, wanted: Rights) -> Person:
        """Make somebody's rights as given; who may no longer log in is logged out everywhere.

        Raises:
            NotFound, LastAdministrator, ExtensionTaken, BadLogin
        """
        now = self._clock()
        async with writing(self._sessions) as session:
            administrators = await _locked_administrators(session)
            row = await _locked(session, person_id)
            check_names(row.login, wanted.extension)
            before = await _one(session, person_id)
            wanted = replace(wanted, name=_name(wanted.name, row.login))
            if not (wanted.active and wanted.role is Role.ADMINISTRATOR) and administrators == {person_id}:
                raise LastAdministrator(
                    f"{row.login} is the only administrator: make somebody else one before you change this."
                )
            row.name, row.role, row.extension = wanted.name, wanted.role, wanted.extension
            row.active, row.hears_group = wanted.active, wanted.hears_group
            await session.flush()
            await phone_must_be_free(session, row)
            await _put_into(session, person_id, wanted.groups)
            if not wanted.active:
                await end_sessions(session, person_id)
            after = await _one(session, person_id)
            for action, detail in await _changes(session, before, after):
                log_into(session, now, by, action, row.login, detail)
            return after

    async def reset_password(self, by: str, person_id: int) -> str:
        """A new start password; every session of theirs ends. Raises `NotFound`."""
        password = start_password()
        await self._reset_password(by, person_id, await self._hash(password))
        return password

    @use_case
    async def _reset_password(self, by: str, person_id: int, hashed: str) -> None:
        async with writing(self._sessions) as session:
            row = await _locked(session, person_id)
            row.password_hash, row.start_password = hashed, True
            ended = await end_sessions(session, person_id)
            log_into(
                session, self._clock(), by, "account.password", row.login, {"reset": True, "ended": ended}
            )

    @use_case
    async def reset_second_factor(self, by: str, person_id: int) -> None:
        """For who has lost the app. Their sessions end. Raises `NotFound`."""
        async with writing(self._sessions) as session:
            row = await _locked(session, person_id)
            row.totp_secret = row.totp_used = None
            await end_sessions(session, person_id)
            log_into(session, self._clock(), by, "account.second_factor", row.login, {"reset": True})

    @use_case
    async def end_sessions(self, by: str, person_id: int) -> int:
        """Log somebody out everywhere; how many sessions that were. Raises `NotFound`."""
        async with writing(self._sessions) as session:
            row = await _locked(session, person_id)
            ended = await end_sessions(session, person_id)
            log_into(session, self._clock(), by, "account.sessions", row.login, {"ended": ended})
            return ended

    @use_case
    async def new_phone_secret(self, by: str, person_id: int) -> str:
        """The password of somebody's phone, made anew. Raises `NotFound`."""
        secret = secrets.token_urlsafe(18)
        async with writing(self._sessions) as session:
            row = await _locked(session, person_id)
            row.phone_secret = secret
            detail: Detail = {"extension": row.extension}
            log_into(session, self._clock(), by, "account.phone", row.login, detail)
        return secret


async def _read(session: AsyncSession, *only: ColumnElement[bool]) -> list[Person]:
    order = (AccountRow.active.desc(), AccountRow.name, AccountRow.id)
    rows = (await session.scalars(select(AccountRow).where(*only).order_by(*order).limit(MOST_PEOPLE))).all()
    ids = [row.id for row in rows]
    groups: dict[int, list[int]] = {}
    joined = (
        select(GroupMemberRow).where(GroupMemberRow.account_id.in_(ids)).order_by(GroupMemberRow.group_id)
    )
    for member in await session.scalars(joined):
        groups.setdefault(member.account_id, []).append(member.group_id)
    seen = (
        select(LoginSessionRow.account_id, func.max(LoginSessionRow.seen_at).label("seen_at"))
        .where(LoginSessionRow.account_id.in_(ids), ~LoginSessionRow.pending)
        .group_by(LoginSessionRow.account_id)
    )
    last = {row.account_id: row.seen_at for row in await session.execute(seen)}
    return [
        Person(
            id=row.id,
            login=row.login,
            name=row.name,
            role=row.role,
            extension=row.extension,
            active=row.active,
            hears_group=row.hears_group,
            second_factor=row.totp_used is not None,
            start_password=row.start_password,
            phone_secret=row.phone_secret,
            created_at=row.created_at,
            groups=tuple(groups.get(row.id, ())),
            seen_at=last.get(row.id),
        )
        for row in rows
    ]


async def _one(session: AsyncSession, person_id: int) -> Person:
    found = await _read(session, AccountRow.id == (person_id if 0 < person_id <= LARGEST else 0))
    if not found:
        raise NotFound("There is no such account.")
    return found[0]


async def _locked(session: AsyncSession, person_id: int) -> AccountRow:
    row = None
    if 0 < person_id <= LARGEST:
        row = await session.get(AccountRow, person_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such account.")
    return row


async def _locked_administrators(session: AsyncSession) -> set[int]:
    # Always first and in one order: two who take each other's rights at one time must not both succeed.
    administrators = select(AccountRow.id).where(AccountRow.role == Role.ADMINISTRATOR, AccountRow.active)
    return set(await session.scalars(administrators.order_by(AccountRow.id).with_for_update()))


async def _put_into(session: AsyncSession, person_id: int, groups: Collection[int]) -> None:
    known = select(GroupRow.id).where(GroupRow.id.in_([one for one in groups if 0 < one <= LARGEST]))
    ids = (await session.scalars(known)).all()
    await session.execute(delete(GroupMemberRow).where(GroupMemberRow.account_id == person_id))
    if ids:
        rows = [{"group_id": group_id, "account_id": person_id} for group_id in ids]
        await session.execute(_members.insert(), rows)


async def _names_of(session: AsyncSession, groups: Collection[int]) -> list[str]:
    found = select(GroupRow.name).where(GroupRow.id.in_(groups)).order_by(GroupRow.name)
    return list(await session.scalars(found))


async def _changes(session: AsyncSession, before: Person, after: Person) -> list[tuple[str, Detail]]:
    found: list[tuple[str, Detail]] = []
    if before.role is not after.role:
        found.append(("account.role", {"from": before.role.value, "to": after.role.value}))
    if before.active is not after.active:
        found.append(("account.active", {"to": after.active}))
    if before.hears_group is not after.hears_group:
        found.append(("account.hears_group", {"to": after.hears_group}))
    if before.extension != after.extension:
        found.append(("account.extension", {"from": before.extension, "to": after.extension}))
    if before.name != after.name:
        found.append(("account.name", {"from": before.name, "to": after.name}))
    if before.groups != after.groups:
        names = [", ".join(await _names_of(session, one.groups)) for one in (before, after)]
        found.append(("account.groups", {"from": names[0], "to": names[1]}))
    return found


def _name(name: str, login: str) -> str:
    return " ".join(clean_text(name).split())[:LONGEST_NAME] or login
