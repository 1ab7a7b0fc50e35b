"""Who may use the desk: accounts, logins, sessions. Knows no cookie and no HTTP."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tickets import throttle
from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.rows import clean_text
from tickets.tables import AccountRow, GroupMemberRow, GroupQueueRow, LoginAttemptRow, LoginSessionRow
from tickets.vocabulary import Role

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 1024
_attempts = cast(Table, LoginAttemptRow.__table__)
_LOGIN = re.compile(r"[\w.@-]{1,64}")
_EXTENSION = re.compile(r"[0-9A-Za-z_-]{1,32}")  # what can name a phone in the PBX


class WrongCredentials(Exception):
    """Login and password do not belong together."""


class TooManyAttempts(Exception):
    """Too many wrong passwords for this login in a row."""


class LoginTaken(Exception):
    """Another account has this login."""


class WeakPassword(Exception):
    """The password is too short or too long."""


class BadLogin(Exception):
    """A login or an extension with characters that it cannot have."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may use the desk."""

    id: int
    login: str
    name: str
    role: Role
    extension: str | None = None  # the operator's phone
    language: str | None = None  # of the pages, BCP 47; None: as the browser says
    hears_group: bool = False  # an operator: recordings of the groups' calls
    groups: frozenset[int] = frozenset()
    queues: frozenset[str] = frozenset()  # that the groups serve


class AccountBook:
    """Accounts and their sessions."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        deadline_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
        session_for: timedelta = timedelta(hours=12),  # a shift and its overtime
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock
        self._session_for = session_for
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None  # a hash for logins that do not exist
        # A hash takes 64 MiB and a core for a moment: never more than two at a time.
        self._hashing = asyncio.Semaphore(2)

    async def add(
        self, login: str, password: str, role: Role, name: str, *, extension: str | None = None
    ) -> Account:
        """Add an account.

        Raises:
            LoginTaken, WeakPassword
            BadLogin: the login or the extension has characters that it cannot have, or none.
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise WeakPassword(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
        if not _LOGIN.fullmatch(login):
            raise BadLogin("A login has 1 to 64 letters, digits, dots, dashes, underscores or @.")
        if extension is not None and not _EXTENSION.fullmatch(extension):
            raise BadLogin("An extension has 1 to 32 letters, digits, dashes or underscores.")
        name = clean_text(name).strip() or login
        hashed = await self._hash(password)
        return await self._add(
            AccountRow(login=login, name=name, role=role, extension=extension, password_hash=hashed)
        )

    @use_case
    async def _add(self, row: AccountRow) -> Account:
        row.created_at = self._clock()
        try:
            async with writing(self._sessions) as session:
                session.add(row)
        except IntegrityError as error:
            raise LoginTaken(f"There is an account {row.login} already: choose another login.") from error
        return _account(row)

    async def authenticate(self, login: str, password: str) -> str:
        """Log in; returns the session token (secret: only its hash is stored).

        Takes the same time for a login that does not exist.

        Raises:
            WrongCredentials, TooManyAttempts
        """
        wait = await self._count(login)  # before the slow part: guesses made side by side count too
        if wait:
            raise TooManyAttempts(f"Too many wrong passwords: try again in {wait:.0f} s.")
        row = await self._by_login(login)
        if self._nobody is None:
            self._nobody = await self._hash(secrets.token_urlsafe())
        hashed = row.password_hash if row else self._nobody
        right = len(password) <= LONGEST_PASSWORD and await self._verify(hashed, password)
        if row is None or not right:
            raise WrongCredentials("Login and password do not belong together.")
        return await self._open_session(row.id, login)

    @use_case
    async def by_token(self, token: str) -> Account | None:
        """Whose session this is; None when unknown, logged out or expired."""
        async with self._sessions() as session:
            row = await session.scalar(
                select(AccountRow)
                .join(LoginSessionRow, LoginSessionRow.account_id == AccountRow.id)
                .where(
                    LoginSessionRow.token_hash == _digest(token),
                    LoginSessionRow.expires_at > self._clock(),
                    AccountRow.active,
                )
            )
            return None if row is None else await _account_in(session, row)

    @use_case
    async def set_language(self, account_id: int, language: str) -> None:
        """What the pages are in for this account, BCP 47."""
        async with writing(self._sessions) as session:
            await session.execute(
                update(AccountRow).where(AccountRow.id == account_id).values(language=language)
            )

    @use_case
    async def log_out(self, token: str) -> None:
        """End the session; an unknown token changes nothing."""
        async with writing(self._sessions) as session:
            await session.execute(delete(LoginSessionRow).where(LoginSessionRow.token_hash == _digest(token)))

    @use_case
    async def _by_login(self, login: str) -> AccountRow | None:
        async with self._sessions() as session:
            row: AccountRow | None = await session.scalar(
                select(AccountRow).where(AccountRow.login == clean_text(login))
            )
            return row

    @use_case
    async def _count(self, login: str) -> float:
        """Count an attempt as wrong until it proves right; the seconds to wait if it is one too many."""
        key, now = _digest(login), self._clock()
        async with writing(self._sessions) as session:
            first = {"login_hash": key, "wrong": 0, "last_at": now}
            await session.execute(insert_new(session, _attempts), first)
            row = await session.get_one(LoginAttemptRow, key, with_for_update=True)
            wait = throttle.wait_s(row.wrong, row.last_at, now)
            if not wait:
                row.wrong, row.last_at = throttle.counted(row.wrong, row.last_at, now), now
                await session.flush()
                await self._forget_attempts(session, now)
        return wait

    async def _forget_attempts(self, session: AsyncSession, now: datetime) -> None:
        await session.execute(delete(_attempts).where(_attempts.c.last_at < now - throttle.FORGET))
        kept = select(_attempts.c.last_at).order_by(_attempts.c.last_at.desc())
        oldest = await session.scalar(kept.offset(throttle.LOGINS).limit(1))
        if oldest is not None:
            await session.execute(delete(_attempts).where(_attempts.c.last_at <= oldest))

    @use_case
    async def _open_session(self, account_id: int, login: str) -> str:
        token, now = secrets.token_urlsafe(32), self._clock()
        async with writing(self._sessions) as session:
            await session.execute(delete(LoginSessionRow).where(LoginSessionRow.expires_at <= now))
            await session.execute(delete(_attempts).where(_attempts.c.login_hash == _digest(login)))
            session.add(
                LoginSessionRow(
                    token_hash=_digest(token),
                    account_id=account_id,
                    created_at=now,
                    expires_at=now + self._session_for,
                )
            )
        return token

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, hashed: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
            except VerificationError:
                return False


def _digest(token: str) -> str:
    # The token has 256 random bits, so a plain hash cannot be searched.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _account(row: AccountRow, groups: Iterable[int] = (), queues: Iterable[str] = ()) -> Account:
    return Account(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        extension=row.extension,
        language=row.language,
        hears_group=row.hears_group,
        groups=frozenset(groups),
        queues=frozenset(queues),
    )


async def _account_in(session: AsyncSession, row: AccountRow) -> Account:
    served = (
        select(GroupMemberRow.group_id, GroupQueueRow.queue)
        .outerjoin(GroupQueueRow, GroupQueueRow.group_id == GroupMemberRow.group_id)
        .where(GroupMemberRow.account_id == row.id)
    )
    found = (await session.execute(served)).all()
    return _account(row, (group for group, _ in found), (queue for _, queue in found if queue is not None))
