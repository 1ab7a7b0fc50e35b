"""Who may use the desk: accounts, logins, sessions. Knows no cookie and no HTTP.

What people do with their own account is in `own_account.py`, what administrators do in `people.py`.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from argon2 import PasswordHasher
from sqlalchemy import CursorResult, Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tickets import throttle, totp
from tickets.database import DatabaseTrouble, Sessions, insert_new, use_case, utc_now, writing
from tickets.passwords import LONGEST_PASSWORD as LONGEST_PASSWORD
from tickets.passwords import SHORTEST_PASSWORD as SHORTEST_PASSWORD
from tickets.passwords import Passwords
from tickets.passwords import WeakPassword as WeakPassword
from tickets.rows import clean_text
from tickets.tables import AccountRow, GroupMemberRow, GroupQueueRow, LoginAttemptRow, LoginSessionRow
from tickets.vocabulary import Role

PENDING_FOR = timedelta(minutes=5)  # between the password and the second factor
SEEN_EVERY = timedelta(minutes=1)  # a session's last sign of life is not written more often
_attempts = cast(Table, LoginAttemptRow.__table__)
_NOT_TOGETHER = "Login and password do not belong together."
_TOO_LONG = "That took too long: log in again."
_LOGIN = re.compile(r"[\w.@-]{1,64}")
_EXTENSION = re.compile(r"[0-9A-Za-z_-]{1,32}")  # what can name a phone in the PBX


class WrongCredentials(Exception):
    """Login and password do not belong together."""


class WrongCode(WrongCredentials):
    """The code of the second factor is wrong, too old or spent."""


class SecondFactorNeeded(WrongCredentials):
    """The password was right; `pending` (secret) and a code together open the session."""

    def __init__(self, pending: str) -> None:
        super().__init__("This login has a second factor: give its code too.")
        self.pending = pending


class TooManyAttempts(Exception):
    """Too many wrong passwords or codes for this login in a row."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Too many wrong passwords: try again in {wait_s:.0f} s.")
        self.wait_s = round(wait_s)


class LoginTaken(Exception):
    """Another account has this login."""


class ExtensionTaken(Exception):
    """Another account has this phone."""


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
    second_factor: bool = False
    start_password: bool = False  # given by somebody else: to be changed first


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
        self.passwords = Passwords(hasher)

    async def add(
        self, login: str, password: str, role: Role, name: str, *, extension: str | None = None
    ) -> Account:
        """Add an account.

        Raises:
            LoginTaken, ExtensionTaken, WeakPassword
            BadLogin: the login or the extension has characters that it cannot have, or none.
        """
        check_names(login, extension)
        name = clean_text(name).strip() or login
        hashed = await self.passwords.hash(password)
        return await self._add(
            AccountRow(login=login, name=name, role=role, extension=extension, password_hash=hashed)
        )

    @use_case
    async def _add(self, row: AccountRow) -> Account:
        row.created_at = self._clock()
        try:
            async with writing(self._sessions) as session:
                session.add(row)
                await session.flush()
                await phone_must_be_free(session, row)
        except IntegrityError as error:
            raise login_taken(row.login) from error
        return _account(row)

    async def authenticate(
        self, login: str, password: str, *, code: str | None = None, device: str = ""
    ) -> str:
        """Log in; returns the session token (secret: only its hash is stored).

        Takes the same time for a login that does not exist. `code`: of the second factor, where there is one.
        `device`: what the person knows the browser by.

        Raises:
            WrongCredentials, WrongCode, TooManyAttempts
            SecondFactorNeeded: a code was not given and is needed.
        """
        await self._be_heard(login)  # before the slow part: guesses made side by side count too
        row = await self._by_login(login)
        hashed = row.password_hash if row is not None and row.active else None
        if not await self.passwords.fits(hashed, password) or row is None:
            raise WrongCredentials(_NOT_TOGETHER)
        if row.totp_used is not None:
            if code is None:
                raise SecondFactorNeeded(
                    await self._open(row.id, device, PENDING_FOR, proven=hashed, pending=True)
                )
            await self._spend(row.id, code)
        return await self._open(row.id, device, self._session_for, known=login, proven=hashed)

    async def confirm(self, pending: str, code: str, *, device: str = "") -> str:
        """The second step of a login; returns the session token.

        Raises:
            WrongCredentials: the first step is too long ago, or never was.
            WrongCode, TooManyAttempts
        """
        row = await self._pending(pending)
        if row is None:
            raise WrongCredentials(_TOO_LONG)
        await self._be_heard(row.login)
        await self._spend(row.id, code)
        return await self._open(row.id, device, self._session_for, known=row.login, instead_of=pending)

    async def check_password(self, account: Account, password: str) -> None:
        """That it is really them, before something weighty. Raises `WrongCredentials`, `TooManyAttempts`."""
        await self._be_heard(account.login)
        if not await self.has_password(account, password):
            raise WrongCredentials("This is not your password of now.")
        await self._forget_attempts_of(account.login)

    async def has_password(self, account: Account, password: str) -> bool:
        """Whether that is their password. Only to be asked for who is logged in: it counts no attempt."""
        row = await self._by_login(account.login)
        return await self.passwords.fits(row.password_hash if row else None, password)

    async def by_token(self, token: str) -> Account | None:
        """Whose session this is; None when unknown, logged out, revoked or expired."""
        found = await self._by_token(digest(token))
        if found is None:
            return None
        account, seen_at = found
        if seen_at is None or self._clock() - seen_at >= SEEN_EVERY:
            with suppress(DatabaseTrouble):  # who cannot be written down may read all the same
                await self._seen(digest(token))
        return account

    @use_case
    async def _by_token(self, hashed: str) -> tuple[Account, datetime | None] | None:
        query = (
            select(AccountRow, LoginSessionRow.seen_at)
            .join(LoginSessionRow, LoginSessionRow.account_id == AccountRow.id)
            .where(
                LoginSessionRow.token_hash == hashed,
                LoginSessionRow.expires_at > self._clock(),
                ~LoginSessionRow.pending,
                AccountRow.active,
            )
        )
        async with self._sessions() as session:
            found = (await session.execute(query)).first()
            return None if found is None else (await account_in(session, found[0]), found[1])

    @use_case
    async def _seen(self, hashed: str) -> None:
        async with writing(self._sessions) as session:
            here = update(LoginSessionRow).where(LoginSessionRow.token_hash == hashed)
            await session.execute(here.values(seen_at=self._clock()))

    async def log_out(self, token: str) -> None:
        """End the session; an unknown token changes nothing."""
        await self._forget_session(token)

    @use_case
    async def _forget_session(self, token: str) -> None:
        async with writing(self._sessions) as session:
            await _end_session(session, token)

    @use_case
    async def set_language(self, account_id: int, language: str) -> None:
        """Which language the account's pages are in, BCP 47."""
        async with writing(self._sessions) as session:
            here = update(AccountRow).where(AccountRow.id == account_id)
            await session.execute(here.values(language=language))

    @use_case
    async def _by_login(self, login: str) -> AccountRow | None:
        async with self._sessions() as session:
            row: AccountRow | None = await session.scalar(
                select(AccountRow).where(AccountRow.login == clean_text(login))
            )
            return row

    @use_case
    async def _pending(self, pending: str) -> AccountRow | None:
        query = (
            select(AccountRow)
            .join(LoginSessionRow, LoginSessionRow.account_id == AccountRow.id)
            .where(
                LoginSessionRow.token_hash == digest(pending),
                LoginSessionRow.expires_at > self._clock(),
                LoginSessionRow.pending,
                AccountRow.active,
                AccountRow.totp_used.is_not(None),
            )
        )
        async with self._sessions() as session:
            row: AccountRow | None = await session.scalar(query)
            return row

    @use_case
    async def _spend(self, account_id: int, code: str) -> None:
        async with writing(self._sessions) as session:
            await spend_code(session, account_id, code, self._clock())

    async def _be_heard(self, login: str) -> None:
        if wait := await self._count(login):
            raise TooManyAttempts(wait)

    @use_case
    async def _count(self, login: str) -> float:
        """Count an attempt as wrong until it proves right; the seconds to wait if it is one too many."""
        key, now = digest(login), self._clock()
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
    async def _forget_attempts_of(self, login: str) -> None:
        async with writing(self._sessions) as session:
            await session.execute(delete(_attempts).where(_attempts.c.login_hash == digest(login)))

    @use_case
    async def _open(
        self,
        account_id: int,
        device: str,
        lasts: timedelta,
        *,
        known: str | None = None,
        proven: str | None = None,
        instead_of: str | None = None,
        pending: bool = False,
    ) -> str:
        """A new session's token. `known`: the login whose wrong attempts are forgotten with it.

        It is opened only while what the person has shown still counts: `proven`, the hash that the password
        fitted, and `instead_of`, the token of the first step. Raises `WrongCredentials`.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        async with writing(self._sessions) as session:
            # Whoever ends the account's sessions holds this row: they see this one, or it is not opened.
            row = await session.get_one(AccountRow, account_id, with_for_update=True)
            if proven is not None and row.password_hash != proven:
                raise WrongCredentials(_NOT_TOGETHER)
            if instead_of is not None and not await _end_session(session, instead_of):
                raise WrongCredentials(_TOO_LONG)
            await session.execute(delete(LoginSessionRow).where(LoginSessionRow.expires_at <= now))
            if known is not None:
                await session.execute(delete(_attempts).where(_attempts.c.login_hash == digest(known)))
            session.add(
                LoginSessionRow(
                    token_hash=digest(token),
                    account_id=account_id,
                    created_at=now,
                    expires_at=now + lasts,
                    device=clean_text(device)[:200],
                    seen_at=now,
                    pending=pending,
                )
            )
        return token


async def spend_code(session: AsyncSession, account_id: int, code: str, now: datetime) -> None:
    """Take a code of the second factor, which nobody can use again. Raises `WrongCode`."""
    row = await session.get_one(AccountRow, account_id, with_for_update=True)
    step = totp.matching_step(row.totp_secret or "", code, now, row.totp_used) if row.totp_secret else None
    if step is None:
        raise WrongCode("This code does not hold. Use the one that the app shows now, each only once.")
    row.totp_used = step


async def _end_session(session: AsyncSession, token: str) -> bool:
    done = await session.execute(delete(LoginSessionRow).where(LoginSessionRow.token_hash == digest(token)))
    return cast("CursorResult[tuple[()]]", done).rowcount > 0


async def end_sessions(session: AsyncSession, account_id: int, *, keep: str | None = None) -> int:
    """End an account's sessions, in a transaction under way; how many. `keep`: a token that stays."""
    mine = LoginSessionRow.account_id == account_id
    kept = [] if keep is None else [LoginSessionRow.token_hash != digest(keep)]
    done = await session.execute(delete(LoginSessionRow).where(mine, *kept))
    return cast("CursorResult[tuple[()]]", done).rowcount


def check_names(login: str, extension: str | None) -> None:
    """Raises `BadLogin` for characters that a login or an extension cannot have."""
    if not _LOGIN.fullmatch(login):
        raise BadLogin("A login has 1 to 64 letters, digits, dots, dashes, underscores or @.")
    if extension is not None and not _EXTENSION.fullmatch(extension):
        raise BadLogin("An extension has 1 to 32 letters, digits, dashes or underscores.")


async def phone_must_be_free(session: AsyncSession, row: AccountRow) -> None:
    """Raises `ExtensionTaken` where somebody else who may log in has this account's phone."""
    if row.extension is None or not row.active:
        return
    other = select(AccountRow.login).where(
        AccountRow.extension == row.extension, AccountRow.active, AccountRow.id != row.id
    )
    taken_by = await session.scalar(other.limit(1))
    if taken_by is not None:
        raise ExtensionTaken(f"{row.extension} is the phone of {taken_by}: choose another.")


def login_taken(login: str) -> LoginTaken:
    """The error, in its words."""
    return LoginTaken(f"There is an account {login} already: choose another login.")


def digest(token: str) -> str:
    """SHA-256, hex. A token has 256 random bits, so a plain hash cannot be searched."""
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
        second_factor=row.totp_used is not None,
        start_password=row.start_password,
    )


async def account_in(session: AsyncSession, row: AccountRow) -> Account:
    """The account of a row, with its groups and what they serve."""
    served = (
        select(GroupMemberRow.group_id, GroupQueueRow.queue)
        .outerjoin(GroupQueueRow, GroupQueueRow.group_id == GroupMemberRow.group_id)
        .where(GroupMemberRow.account_id == row.id)
    )
    found = (await session.execute(served)).all()
    return _account(row, (group for group, _ in found), (queue for _, queue in found if queue is not None))
