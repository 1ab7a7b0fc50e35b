"""Passwords: argon2id, off the event loop, never more than two at a time."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 1024
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another on paper


class WeakPassword(Exception):
    """The password is too short or too long."""


class Passwords:
    """Makes hashes and compares with them."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # A hash takes 64 MiB and a core for a moment.
        self._hashing = asyncio.Semaphore(2)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash with its parameters. Raises `WeakPassword`."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise WeakPassword(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
        return await self._hash(password)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """Whether the password belongs to the hash. Takes the same time where there is none."""
        if self._nobody is None:
            self._nobody = await self._hash(secrets.token_urlsafe())
        if len(password) > LONGEST_PASSWORD:
            return False
        async with self._hashing:
            try:
                right = await asyncio.to_thread(self._hasher.verify, hashed or self._nobody, password)
            except VerificationError:
                return False
        return right and hashed is not None

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)


def start_password() -> str:
    """For somebody's first login: easy to read out, 79 bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[n : n + 4] for n in range(0, 16, 4))
