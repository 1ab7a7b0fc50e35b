"""Accounts and sessions on real databases."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from tests.fakes.stories import START
from tickets import throttle
from tickets.accounts import (
    AccountBook,
    BadLogin,
    LoginTaken,
    TooManyAttempts,
    WeakPassword,
    WrongCredentials,
)
from tickets.database import Database
from tickets.tables import AccountRow, LoginAttemptRow, LoginSessionRow
from tickets.throttle import FREE
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_accounts(database: Database, clock: Clock) -> Callable[[], AccountBook]:
    cheap = PasswordHasher(time_cost=1, memory_cost=64)
    return lambda: AccountBook(database.sessions, clock=clock, hasher=cheap)


@pytest.fixture
def accounts(open_accounts: Callable[[], AccountBook]) -> AccountBook:
    return open_accounts()


async def test_a_person_logs_in_and_out(accounts: AccountBook) -> None:
    alice = await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice", extension="101")
    token = await accounts.authenticate("alice", PASSWORD)
    assert await accounts.by_token(token) == alice
    assert alice.extension == "101"
    await accounts.log_out(token)
    assert await accounts.by_token(token) is None
    await accounts.log_out(token)


async def test_only_hashes_are_kept(accounts: AccountBook, database: Database) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    token = await accounts.authenticate("alice", PASSWORD)
    async with database.sessions() as session:
        [account] = await session.scalars(select(AccountRow))
        [kept] = await session.scalars(select(LoginSessionRow))
    assert account.password_hash.startswith("$argon2id$")
    assert PASSWORD not in account.password_hash
    assert token not in kept.token_hash
    assert await accounts.by_token(kept.token_hash) is None


async def test_a_session_ends_by_itself(accounts: AccountBook, clock: Clock, database: Database) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    token = await accounts.authenticate("alice", PASSWORD)
    clock.pass_by(hours=11, minutes=59)
    assert await accounts.by_token(token)
    clock.pass_by(minutes=1)
    assert await accounts.by_token(token) is None
    await accounts.authenticate("alice", PASSWORD)
    async with database.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(LoginSessionRow)) == 1  # old ones go


@pytest.mark.parametrize("token", ["", "\0", "\ud800", "x" * 10_000])
async def test_nonsense_is_nobodys_token(accounts: AccountBook, token: str) -> None:
    assert await accounts.by_token(token) is None


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("alice", "wrong password"),
        ("alice", ""),
        ("alice", PASSWORD + "x" * 1024),
        ("nobody", PASSWORD),
        ("\0", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("ALICE", PASSWORD),
    ],
)
async def test_wrong_credentials_all_read_the_same(accounts: AccountBook, login: str, password: str) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    with pytest.raises(WrongCredentials, match=r"^Login and password do not belong together\.$"):
        await accounts.authenticate(login, password)


@pytest.mark.parametrize("login", ["alice", "nobody"])
async def test_guessing_is_made_slow_for_every_login(accounts: AccountBook, clock: Clock, login: str) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    for _ in range(FREE):
        with pytest.raises(WrongCredentials):
            await accounts.authenticate(login, "wrong password")
    with pytest.raises(TooManyAttempts, match="try again in 2 s"):
        await accounts.authenticate(login, PASSWORD)
    clock.pass_by(seconds=2)
    with pytest.raises(WrongCredentials):
        await accounts.authenticate(login, "wrong password")
    clock.pass_by(seconds=4)
    if login == "alice":
        assert await accounts.authenticate(login, PASSWORD)


async def test_guesses_on_all_nodes_count_together(
    accounts: AccountBook, database: Database, clock: Clock
) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    other = AccountBook(database.sessions, clock=clock, hasher=PasswordHasher(time_cost=1, memory_cost=64))
    for book in [accounts, other] * 3:
        with pytest.raises((WrongCredentials, TooManyAttempts)):
            await book.authenticate("alice", "wrong password")
    for book in (accounts, other):
        with pytest.raises(TooManyAttempts):
            await book.authenticate("alice", PASSWORD)


async def test_guesses_made_side_by_side_count_each(accounts: AccountBook) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    results = await asyncio.gather(
        *(accounts.authenticate("alice", "wrong password") for _ in range(FREE + 5)), return_exceptions=True
    )
    assert [type(result) for result in results].count(WrongCredentials) == FREE
    assert [type(result) for result in results].count(TooManyAttempts) == 5


async def test_the_right_password_forgets_the_wrong_ones(accounts: AccountBook, database: Database) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    with pytest.raises(WrongCredentials):
        await accounts.authenticate("alice", "wrong password")
    await accounts.authenticate("alice", PASSWORD)
    assert await rows_of(database) == 0


async def test_made_up_logins_do_not_fill_the_table(
    accounts: AccountBook, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "LOGINS", 5)
    for number in range(8):
        clock.pass_by(seconds=1)
        with pytest.raises(WrongCredentials):
            await accounts.authenticate(f"made-up-{number}", "wrong password")
    assert await rows_of(database) == 5
    clock.pass_by(seconds=throttle.FORGET.total_seconds() + 1)
    with pytest.raises(WrongCredentials):
        await accounts.authenticate("late", "wrong password")
    assert await rows_of(database) == 1


async def rows_of(database: Database) -> int:
    async with database.sessions() as session:
        return await session.scalar(select(func.count()).select_from(LoginAttemptRow)) or 0


async def test_two_accounts_cannot_share_a_login(accounts: AccountBook) -> None:
    await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice")
    with pytest.raises(LoginTaken, match="choose another"):
        await accounts.add("alice", PASSWORD, Role.SUPERVISOR, "Another")


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
async def test_a_password_has_a_sensible_length(accounts: AccountBook, password: str) -> None:
    with pytest.raises(WeakPassword):
        await accounts.add("alice", password, Role.OPERATOR, "Alice")


@pytest.mark.parametrize("login", ["", "two words", "\0", "x" * 65, "<b>"])
async def test_a_login_has_plain_characters(accounts: AccountBook, login: str) -> None:
    with pytest.raises(BadLogin):
        await accounts.add(login, PASSWORD, Role.OPERATOR, "Alice")


@pytest.mark.parametrize("extension", ["", "10 1", "\0", "1" * 33, "101,Dial"])
async def test_an_extension_can_name_a_phone(accounts: AccountBook, extension: str) -> None:
    with pytest.raises(BadLogin, match="extension"):
        await accounts.add("alice", PASSWORD, Role.OPERATOR, "Alice", extension=extension)
