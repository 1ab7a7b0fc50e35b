"""What people do with their own account: password, second factor, sessions. Knows no HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from tickets import totp
from tickets.accounts import Account, AccountBook, WrongCredentials, digest, end_sessions, spend_code
from tickets.audit import log_into
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.passwords import WeakPassword
from tickets.tables import AccountRow, LoginSessionRow

_SHOWN = 16  # hexadecimal digits of a token's hash: enough to tell own sessions apart, useless to get in
_MOST_SESSIONS = 100  # listed
_HAS_OWN = "This account has a password of its own: give it to change it."


class SecondFactorOn(Exception):
    """There is a second factor already."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Somewhere the person is logged in."""

    id: str
    device: str  # what the browser calls itself, in short; may be empty
    created_at: datetime
    seen_at: datetime
    this_one: bool  # it is the one that asks


class OwnAccount:
    """The use cases, one transaction each. They are logged under the person's own login."""

    def __init__(
        self,
        sessions: Sessions,
        accounts: AccountBook,
        *,
        deadline_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._deadline_s = deadline_s
        self._clock = clock

    async def change_password(self, account: Account, token: str, present: str, wanted: str) -> None:
        """Take a new password; every other session ends.

        Raises:
            WrongCredentials: `present` is not the password of now.
            WeakPassword, TooManyAttempts
        """
        await self._accounts.check_password(account, present)
        await self._change_password(account, token, await self._accounts.passwords.hash(wanted))

    async def choose_password(self, account: Account, token: str, wanted: str) -> None:
        """In place of the start password, which the person has just logged in with.

        Raises:
            WeakPassword: also for the start password itself, which somebody else knows.
            WrongCredentials: there is no start password any more.
        """
        if not account.start_password:  # before anything tells whether `wanted` is their password
            raise WrongCredentials(_HAS_OWN)
        if await self._accounts.has_password(account, wanted):
            raise WeakPassword("Somebody else knows this one: choose another.")
        hashed = await self._accounts.passwords.hash(wanted)
        await self._change_password(account, token, hashed, start=True)

    @use_case
    async def _change_password(
        self, account: Account, token: str, hashed: str, *, start: bool = False
    ) -> None:
        async with writing(self._sessions) as session:
            row = await session.get_one(AccountRow, account.id, with_for_update=True)
            if start and not row.start_password:
                raise WrongCredentials(_HAS_OWN)
            row.password_hash, row.start_password = hashed, False
            ended = await end_sessions(session, account.id, keep=token)
            log_into(
                session, self._clock(), account.login, "account.password", account.login, {"ended": ended}
            )

    async def begin_second_factor(self, account: Account, password: str) -> str:
        """A new secret for the person's app, base32. It counts for nothing until it is confirmed.

        Raises:
            WrongCredentials: who has only found the browser open could otherwise lock its owner out.
            SecondFactorOn, TooManyAttempts
        """
        await self._accounts.check_password(account, password)
        return await self._begin_second_factor(account)

    @use_case
    async def _begin_second_factor(self, account: Account) -> str:
        secret = totp.new_secret()
        async with writing(self._sessions) as session:
            row = await session.get_one(AccountRow, account.id, with_for_update=True)
            _must_be_off(row)
            row.totp_secret = secret
        return secret

    @use_case
    async def unconfirmed_secret(self, account: Account) -> str | None:
        """What `begin_second_factor` gave, until it is confirmed."""
        async with self._sessions() as session:
            row = await session.get_one(AccountRow, account.id)
            return row.totp_secret if row.totp_used is None else None

    @use_case
    async def confirm_second_factor(self, account: Account, token: str, code: str) -> None:
        """The app shows the right codes: from now on every login asks for one. Every other session ends.

        Raises:
            WrongCode, SecondFactorOn
        """
        async with writing(self._sessions) as session:
            row = await session.get_one(AccountRow, account.id, with_for_update=True)
            _must_be_off(row)
            await spend_code(session, account.id, code, self._clock())
            await end_sessions(session, account.id, keep=token)
            detail = {"on": True}
            log_into(session, self._clock(), account.login, "account.second_factor", account.login, detail)

    async def drop_second_factor(self, account: Account, password: str) -> None:
        """Logins ask for the password only. Raises `WrongCredentials`, `TooManyAttempts`."""
        await self._accounts.check_password(account, password)
        await self._drop_second_factor(account)

    @use_case
    async def _drop_second_factor(self, account: Account) -> None:
        async with writing(self._sessions) as session:
            row = await session.get_one(AccountRow, account.id, with_for_update=True)
            row.totp_secret = row.totp_used = None
            detail = {"on": False}
            log_into(session, self._clock(), account.login, "account.second_factor", account.login, detail)

    @use_case
    async def sessions(self, account: Account, token: str) -> list[LoginSession]:
        """Where the person is logged in, the one that asks first, then by last sign of life."""
        query = (
            select(LoginSessionRow)
            .where(
                LoginSessionRow.account_id == account.id,
                LoginSessionRow.expires_at > self._clock(),
                ~LoginSessionRow.pending,
            )
            .order_by(LoginSessionRow.created_at.desc())
            .limit(_MOST_SESSIONS)
        )
        async with self._sessions() as session:
            rows = (await session.scalars(query)).all()
        found = [
            LoginSession(
                id=row.token_hash[:_SHOWN],
                device=row.device,
                created_at=row.created_at,
                seen_at=row.seen_at or row.created_at,
                this_one=row.token_hash == digest(token),
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: (not one.this_one, -one.seen_at.timestamp()))

    @use_case
    async def end_session(self, account: Account, session_id: str) -> None:
        """Log out there; an unknown one changes nothing."""
        if len(session_id) != _SHOWN:
            return
        async with writing(self._sessions) as session:
            mine = delete(LoginSessionRow).where(LoginSessionRow.account_id == account.id)
            await session.execute(
                mine.where(LoginSessionRow.token_hash.startswith(session_id, autoescape=True))
            )

    @use_case
    async def end_other_sessions(self, account: Account, token: str) -> int:
        """Log out everywhere else; how many sessions that were."""
        async with writing(self._sessions) as session:
            return await end_sessions(session, account.id, keep=token)


def _must_be_off(row: AccountRow) -> None:
    if row.totp_used is not None:
        raise SecondFactorOn("There is a second factor already: switch it off before you set up another.")
