"""Accounts as administrators and their owners change them, on real databases."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from tests.fakes.stories import START
from tickets.accounts import (
    Account,
    AccountBook,
    LoginTaken,
    SecondFactorNeeded,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
    WrongCredentials,
)
from tickets.audit import AuditBook, AuditEntry
from tickets.customers import NotFound
from tickets.database import Database
from tickets.groups import BadGroup, GroupBook, GroupTaken
from tickets.own_account import OwnAccount, SecondFactorOn
from tickets.people import ExtensionTaken, LastAdministrator, PeopleBook, Rights
from tickets.throttle import FREE
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"
PATIENCE_S = 20.0


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass
class Office:
    """The books of accounts on one database, with one clock."""

    clock: Clock
    accounts: AccountBook
    own: OwnAccount
    people: PeopleBook
    groups: GroupBook
    audit: AuditBook

    async def log_in(self, login: str, password: str = PASSWORD) -> tuple[Account, str]:
        token = await self.accounts.authenticate(login, password, device="Firefox · Linux")
        account = await self.accounts.by_token(token)
        assert account is not None
        return account, token

    async def lines(self) -> list[AuditEntry]:
        return (await self.audit.page()).items

    async def with_second_factor(self, login: str) -> Callable[[], str]:
        """Set one up; gives what the app shows."""
        account, token = await self.log_in(login)
        app = pyotp.TOTP(await self.own.begin_second_factor(account, PASSWORD))
        await self.own.confirm_second_factor(account, token, app.at(self.clock()))
        self.clock.pass_by(seconds=30)
        return lambda: app.at(self.clock())


@pytest.fixture
async def office(database: Database) -> Office:
    clock, sessions = Clock(), database.sessions
    cheap = PasswordHasher(time_cost=1, memory_cost=64)
    accounts = AccountBook(sessions, clock=clock, hasher=cheap, deadline_s=PATIENCE_S)
    await accounts.add("ada", PASSWORD, Role.ADMINISTRATOR, "Ada")
    await accounts.add("grace", PASSWORD, Role.OPERATOR, "Grace", extension="101")
    return Office(
        clock,
        accounts,
        OwnAccount(sessions, accounts, clock=clock, deadline_s=PATIENCE_S),
        PeopleBook(sessions, accounts.passwords.hash, clock=clock, deadline_s=PATIENCE_S),
        GroupBook(sessions, clock=clock, deadline_s=PATIENCE_S),
        AuditBook(sessions, clock=clock, deadline_s=PATIENCE_S),
    )


async def test_a_new_operator_gets_a_password_for_the_first_login(office: Office) -> None:
    group = await office.groups.create("ada", "Claims", ["claims", "prizes"])
    wanted = Rights("Mei Tanaka", Role.OPERATOR, "103", hears_group=True, groups=frozenset({group.id}))
    person, password = await office.people.create("ada", "mei", wanted)
    account, token = await office.log_in("mei", password)
    assert account.start_password
    assert account.queues == {"claims", "prizes"}
    assert account.groups == {group.id}
    assert account.hears_group
    with pytest.raises(WeakPassword, match="Somebody else knows"):
        await office.own.choose_password(account, token, password)
    await office.own.choose_password(account, token, "of my own choice")
    account, _ = await office.log_in("mei", "of my own choice")
    assert not account.start_password
    with pytest.raises(WrongCredentials):  # only in place of a start password
        await office.own.choose_password(account, token, "yet another one")
    created = next(line for line in await office.lines() if line.action == "account.created")
    assert (created.login, created.subject) == ("ada", "mei")
    assert created.detail == {"role": "operator", "extension": "103", "groups": "Claims", "hears_group": True}
    assert password not in str(created.detail)
    assert person.phone_secret is None


async def test_every_change_of_rights_is_written_down(office: Office) -> None:
    grace = await office.people.by_login("grace")
    group = await office.groups.create("ada", "Claims", [])
    wanted = Rights("Grace O.", Role.SUPERVISOR, "110", hears_group=True, groups=frozenset({group.id}))
    await office.people.change("ada", grace.id, wanted)
    await office.people.change("ada", grace.id, wanted)  # nothing new: nothing to write
    done = {line.action: line.detail for line in await office.lines() if line.subject == "grace"}
    assert done == {
        "account.role": {"from": "operator", "to": "supervisor"},
        "account.extension": {"from": "101", "to": "110"},
        "account.name": {"from": "Grace", "to": "Grace O."},
        "account.hears_group": {"to": True},
        "account.groups": {"from": "", "to": "Claims"},
    }
    assert len(await office.lines()) == 6


async def test_rights_hold_at_once_in_open_sessions(office: Office) -> None:
    _, token = await office.log_in("grace")
    grace = await office.people.by_login("grace")
    await office.people.change("ada", grace.id, replace(grace.rights, role=Role.SUPERVISOR))
    account = await office.accounts.by_token(token)
    assert account is not None
    assert account.role is Role.SUPERVISOR


async def test_who_is_switched_off_is_out_everywhere_and_stays_out(office: Office) -> None:
    _, token = await office.log_in("grace")
    grace = await office.people.by_login("grace")
    await office.people.change("ada", grace.id, replace(grace.rights, active=False))
    assert await office.accounts.by_token(token) is None
    with pytest.raises(WrongCredentials, match="do not belong together"):
        await office.accounts.authenticate("grace", PASSWORD)
    await office.people.change("ada", grace.id, replace(grace.rights, active=True))
    assert await office.accounts.by_token(token) is None  # an old session does not come back
    await office.log_in("grace")


async def test_the_last_administrator_stays(office: Office) -> None:
    ada = await office.people.by_login("ada")
    for wanted in (replace(ada.rights, active=False), replace(ada.rights, role=Role.SUPERVISOR)):
        with pytest.raises(LastAdministrator):
            await office.people.change("ada", ada.id, wanted)
    bob, _ = await office.people.create("ada", "bob", Rights("Bob", Role.ADMINISTRATOR))
    await office.people.change("bob", ada.id, replace(ada.rights, role=Role.SUPERVISOR))
    with pytest.raises(LastAdministrator):
        await office.people.change("ada", bob.id, replace(bob.rights, active=False))


async def test_two_administrators_cannot_take_each_others_rights_at_one_time(office: Office) -> None:
    ada = await office.people.by_login("ada")
    bob, _ = await office.people.create("ada", "bob", Rights("Bob", Role.ADMINISTRATOR))
    results = await asyncio.gather(
        office.people.change("ada", bob.id, replace(bob.rights, role=Role.OPERATOR)),
        office.people.change("bob", ada.id, replace(ada.rights, role=Role.OPERATOR)),
        return_exceptions=True,
    )
    assert [type(one) for one in results].count(LastAdministrator) == 1
    roles = [one.role for one in await office.people.people()]
    assert roles.count(Role.ADMINISTRATOR) == 1


async def test_nobody_gets_a_login_or_a_phone_of_somebody_else(office: Office) -> None:
    with pytest.raises(LoginTaken):
        await office.people.create("ada", "grace", Rights("Another", Role.OPERATOR))
    with pytest.raises(ExtensionTaken, match="grace"):
        await office.people.create("ada", "mei", Rights("Mei", Role.OPERATOR, "101"))
    with pytest.raises(NotFound):
        await office.people.by_login("mei")  # the whole of it was taken back
    grace = await office.people.by_login("grace")
    await office.people.change("ada", grace.id, replace(grace.rights, active=False))
    mei, _ = await office.people.create("ada", "mei", Rights("Mei", Role.OPERATOR, "101"))
    with pytest.raises(ExtensionTaken, match="mei"):
        await office.people.change("ada", grace.id, replace(grace.rights, active=True))
    assert mei.extension == "101"


async def test_two_administrators_cannot_give_one_phone_to_two_at_one_time(office: Office) -> None:
    results = await asyncio.gather(
        *(office.people.create("ada", one, Rights(one, Role.OPERATOR, "105")) for one in ("mei", "tomas")),
        return_exceptions=True,
    )
    assert [type(one) for one in results].count(ExtensionTaken) == 1
    assert [one.extension for one in await office.people.people()].count("105") == 1


async def test_the_command_line_gives_no_phone_of_somebody_else_either(office: Office) -> None:
    with pytest.raises(ExtensionTaken, match="grace"):
        await office.accounts.add("mei", PASSWORD, Role.OPERATOR, "Mei", extension="101")
    with pytest.raises(NotFound):
        await office.people.by_login("mei")


async def test_a_reset_password_ends_every_session(office: Office) -> None:
    _, token = await office.log_in("grace")
    grace = await office.people.by_login("grace")
    password = await office.people.reset_password("ada", grace.id)
    assert await office.accounts.by_token(token) is None
    with pytest.raises(WrongCredentials):
        await office.accounts.authenticate("grace", PASSWORD)
    assert (await office.log_in("grace", password))[0].start_password


async def test_a_login_under_way_does_not_outlive_a_reset_password(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace, fits = await office.people.by_login("grace"), office.accounts.passwords.fits

    async def slow(hashed: str | None, password: str) -> bool:
        right = await fits(hashed, password)
        await office.people.reset_password("ada", grace.id)
        return right

    monkeypatch.setattr(office.accounts.passwords, "fits", slow)
    with pytest.raises(WrongCredentials):
        await office.accounts.authenticate("grace", PASSWORD)


async def test_a_second_step_under_way_does_not_either(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await office.with_second_factor("grace")
    grace, spend = await office.people.by_login("grace"), office.accounts._spend
    with pytest.raises(SecondFactorNeeded) as needed:
        await office.accounts.authenticate("grace", PASSWORD)

    async def slow(account_id: int, code: str) -> None:
        await spend(account_id, code)
        await office.people.reset_password("ada", grace.id)

    monkeypatch.setattr(office.accounts, "_spend", slow)
    with pytest.raises(WrongCredentials):
        await office.accounts.confirm(needed.value.pending, app())


async def test_ones_own_password_ends_all_other_sessions(office: Office) -> None:
    account, here = await office.log_in("grace")
    _, there = await office.log_in("grace")
    with pytest.raises(WrongCredentials):
        await office.own.change_password(account, here, "wrong password", "of my own choice")
    with pytest.raises(WeakPassword):
        await office.own.change_password(account, here, PASSWORD, "short")
    await office.own.change_password(account, here, PASSWORD, "of my own choice")
    assert await office.accounts.by_token(here) is not None
    assert await office.accounts.by_token(there) is None


async def test_a_stolen_session_cannot_try_out_passwords(office: Office) -> None:
    account, here = await office.log_in("grace")
    for _ in range(FREE):
        with pytest.raises(WrongCredentials):
            await office.own.change_password(account, here, "wrong password", "of my own choice")
    with pytest.raises(TooManyAttempts):
        await office.own.change_password(account, here, PASSWORD, "of my own choice")


async def test_the_first_password_is_no_way_round_that(office: Office) -> None:
    account, here = await office.log_in("grace")
    for guess in (PASSWORD, "wrong password"):  # both read the same: neither tells whether it was right
        with pytest.raises(WrongCredentials):
            await office.own.choose_password(account, here, guess)


async def test_a_second_factor_holds_once_it_is_confirmed(office: Office) -> None:
    account, here = await office.log_in("grace")
    with pytest.raises(WrongCredentials):
        await office.own.begin_second_factor(account, "wrong password")
    assert await office.own.unconfirmed_secret(account) is None
    secret = await office.own.begin_second_factor(account, PASSWORD)
    await office.log_in("grace")  # not yet
    with pytest.raises(WrongCode):
        await office.own.confirm_second_factor(account, here, "000000")
    _, there = await office.log_in("grace")
    app = pyotp.TOTP(secret)
    await office.own.confirm_second_factor(account, here, app.at(office.clock()))
    assert await office.accounts.by_token(there) is None  # it was logged in without one
    assert await office.own.unconfirmed_secret(account) is None  # and is never shown again
    with pytest.raises(SecondFactorOn):
        await office.own.begin_second_factor(account, PASSWORD)
    with pytest.raises(SecondFactorNeeded) as needed:
        await office.accounts.authenticate("grace", PASSWORD)
    assert await office.accounts.by_token(needed.value.pending) is None  # opens nothing by itself
    office.clock.pass_by(seconds=30)
    token = await office.accounts.confirm(needed.value.pending, app.at(office.clock()))
    assert await office.accounts.by_token(token) is not None
    with pytest.raises(WrongCredentials):  # the first step is spent
        await office.accounts.confirm(needed.value.pending, app.at(office.clock()))


async def test_a_code_lets_in_once(office: Office) -> None:
    code = await office.with_second_factor("grace")
    seen = code()
    await office.accounts.authenticate("grace", PASSWORD, code=seen)
    with pytest.raises(WrongCode):
        await office.accounts.authenticate("grace", PASSWORD, code=seen)
    office.clock.pass_by(seconds=30)
    both = await asyncio.gather(
        *(office.accounts.authenticate("grace", PASSWORD, code=code()) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(one) for one in both].count(WrongCode) == 1


async def test_guessing_codes_is_made_slow_too(office: Office) -> None:
    code = await office.with_second_factor("grace")
    with pytest.raises(SecondFactorNeeded) as needed:
        await office.accounts.authenticate("grace", PASSWORD)  # counts until the code is right
    for _ in range(FREE - 1):
        with pytest.raises(WrongCode):
            await office.accounts.confirm(needed.value.pending, "000000")
    with pytest.raises(TooManyAttempts):
        await office.accounts.confirm(needed.value.pending, code())
    with pytest.raises(TooManyAttempts):  # and the password alone forgets nothing
        await office.accounts.authenticate("grace", PASSWORD)


async def test_the_first_step_of_a_login_is_good_for_some_minutes(office: Office) -> None:
    code = await office.with_second_factor("grace")
    with pytest.raises(SecondFactorNeeded) as needed:
        await office.accounts.authenticate("grace", PASSWORD)
    office.clock.pass_by(minutes=5)
    with pytest.raises(WrongCredentials, match="too long"):
        await office.accounts.confirm(needed.value.pending, code())


async def test_a_lost_second_factor_is_reset_by_an_administrator(office: Office) -> None:
    await office.with_second_factor("grace")
    grace = await office.people.by_login("grace")
    assert grace.second_factor
    await office.people.reset_second_factor("ada", grace.id)
    await office.log_in("grace")
    assert (await office.lines())[0].detail == {"reset": True}


async def test_switching_it_off_needs_the_password(office: Office) -> None:
    code = await office.with_second_factor("grace")
    token = await office.accounts.authenticate("grace", PASSWORD, code=code())
    account = await office.accounts.by_token(token)
    assert account is not None
    with pytest.raises(WrongCredentials):
        await office.own.drop_second_factor(account, "wrong password")
    await office.own.drop_second_factor(account, PASSWORD)
    await office.log_in("grace")


async def test_a_person_sees_and_ends_own_sessions_only(office: Office) -> None:
    grace, here = await office.log_in("grace")
    office.clock.pass_by(minutes=3)
    _, there = await office.log_in("grace")
    ada, elsewhere = await office.log_in("ada")
    sessions = await office.own.sessions(grace, here)
    assert [one.this_one for one in sessions] == [True, False]
    assert sessions[0].device == "Firefox · Linux"
    assert sessions[1].seen_at == office.clock()
    [hers] = await office.own.sessions(ada, elsewhere)
    for nonsense in (hers.id, "", "%", "0" * 16):
        await office.own.end_session(grace, nonsense)
    assert await office.accounts.by_token(elsewhere) is not None
    await office.own.end_session(grace, sessions[1].id)
    assert await office.accounts.by_token(there) is None
    _, there = await office.log_in("grace")
    assert await office.own.end_other_sessions(grace, here) == 1
    assert await office.accounts.by_token(there) is None
    assert await office.accounts.by_token(here) is not None


async def test_a_sign_of_life_is_written_once_a_minute(office: Office) -> None:
    grace, here = await office.log_in("grace")
    began = office.clock()
    office.clock.pass_by(seconds=59)
    await office.accounts.by_token(here)
    assert (await office.own.sessions(grace, here))[0].seen_at == began
    office.clock.pass_by(seconds=1)
    await office.accounts.by_token(here)
    assert (await office.own.sessions(grace, here))[0].seen_at == office.clock()


async def test_groups_have_names_queues_and_members(office: Office) -> None:
    grace = await office.people.by_login("grace")
    group = await office.groups.create("ada", "  Prize   claims ", ["claims"], [grace.id, 999])
    assert (group.name, group.queues) == ("Prize claims", ("claims",))
    assert [member.login for member in group.members] == ["grace"]
    with pytest.raises(GroupTaken):
        await office.groups.create("ada", "Prize claims", [])
    with pytest.raises(BadGroup):
        await office.groups.create("ada", " ", [])
    changed = await office.groups.change("ada", group.id, "Claims", ["claims", "vip"], [])
    assert (changed.name, changed.queues, changed.members) == ("Claims", ("claims", "vip"), ())
    await office.groups.delete("ada", group.id)
    with pytest.raises(NotFound):
        await office.groups.group(group.id)
    assert [line.action for line in await office.lines()] == [
        "group.deleted",
        "group.changed",
        "group.created",
    ]
    assert (await office.lines())[1].detail["was"] == "Prize claims"


async def test_the_log_is_read_by_pieces_and_filters(office: Office) -> None:
    for number in range(3):
        office.clock.pass_by(minutes=1)
        await office.audit.add("grace", "recording.played", f"PZ-100{number}", {"recording": number})
    await office.audit.add("ada", "account.role", "grace", {"to": "supervisor"})
    await office.audit.add("ada", "recordings_of_another_kind", "x")
    first = await office.audit.page(limit=2)
    rest = await office.audit.page(limit=9, cursor=first.next_cursor)
    assert [line.id for line in first.items + rest.items] == [5, 4, 3, 2, 1]
    assert rest.next_cursor is None
    played = (await office.audit.page(actions=("recording",))).items
    assert {line.action for line in played} == {"recording.played"}
    assert [line.subject for line in (await office.audit.page(subject="PZ-1001")).items] == ["PZ-1001"]
    assert len((await office.audit.page(login="ada")).items) == 2
    late = await office.audit.page(since=office.clock() - timedelta(minutes=1), until=office.clock())
    assert [line.subject for line in late.items] == ["PZ-1001"]


async def test_one_listening_is_one_line(office: Office) -> None:
    ten = timedelta(minutes=10)

    async def listen(login: str, subject: str = "PZ-1001") -> bool:
        return await office.audit.add_once(login, "recording.played", subject, within=ten)

    assert sorted(await asyncio.gather(*(listen("grace") for _ in range(5)))) == [False] * 4 + [True]
    assert await listen("ada")
    assert await listen("grace", "PZ-1002")
    office.clock.pass_by(minutes=10)
    assert await listen("grace")
