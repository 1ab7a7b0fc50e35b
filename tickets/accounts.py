"""Who may use the desk: accounts, logins, sessions. Knows no cookie and no HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tickets.database import Sessions, utc_now
from tickets.vocabulary import Role


class WrongCredentials(Exception):
    """Login and password do not belong together."""


class TooManyAttempts(Exception):
    """Too many wrong passwords for this login in a row."""


class LoginTaken(Exception):
    """Another account has this login."""


class WeakPassword(Exception):
    """The password is too short or too long."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may use the desk."""

    id: int
    login: str
    name: str
    role: Role


class AccountBook:
    """Accounts and their sessions."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None: ...

    async def add(self, login: str, password: str, role: Role, name: str) -> Account:
        """Raises `LoginTaken`, `WeakPassword`."""
        raise NotImplementedError

    async def authenticate(self, login: str, password: str) -> str:
        """Log in; returns the session token (secret, only its hash is stored).

        Raises:
            WrongCredentials, TooManyAttempts
        """
        raise NotImplementedError

    async def by_token(self, token: str) -> Account | None:
        """Whose session this is; None when unknown, logged out or expired."""
        raise NotImplementedError

    async def log_out(self, token: str) -> None:
        """End the session; an unknown token changes nothing."""
        raise NotImplementedError
