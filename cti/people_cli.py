"""`presszero user …`: accounts from the command line, for the first administrator and for who is locked out.

What is done here stands in the audit log as done by the command line.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.prompt import Prompt
from rich.table import Table

from cti.settings import Settings
from tickets.accounts import AccountBook
from tickets.audit import AuditBook
from tickets.database import check_schema, open_database
from tickets.people import PeopleBook, Person, Rights
from tickets.vocabulary import Role

BY = "command line"
T = TypeVar("T")

user = typer.Typer(no_args_is_help=True, help="Accounts of operators, supervisors and administrators.")
console = Console()
errors = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class _Books:
    accounts: AccountBook
    people: PeopleBook
    audit: AuditBook


@user.command("add")
def add(
    login: str,
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.OPERATOR,
    name: Annotated[str, typer.Option(help="The person's name; default: the login.")] = "",
    extension: Annotated[str, typer.Option(help="An operator's phone, as in the scenario.")] = "",
) -> None:
    """Make an account; the password is asked for (or read from standard input when that is no terminal)."""
    Settings.read()  # before anything is asked
    if sys.stdin.isatty():
        password = Prompt.ask("Password", password=True)
        if Prompt.ask("Once more", password=True) != password:
            errors.print("The two were not the same; nothing was changed.", style="bold red")
            raise typer.Exit(1)
    else:
        password = sys.stdin.readline().rstrip("\n")

    async def work(books: _Books) -> None:
        await books.accounts.add(login, password, role, name or login, extension=extension or None)
        detail = {"role": role.value, "extension": extension or None}
        await books.audit.add(BY, "account.created", login, detail)

    _run(work)
    console.print(f"{login} may now log in as {role}.", markup=False)


@user.command("list")
def list_people() -> None:
    """Who there is, and who may do what."""
    people = _run(lambda books: books.people.people())
    table = Table("Login", "Name", "Role", "Extension", "Second factor", "May log in")
    for one in people:
        marks = ["yes" if mark else "no" for mark in (one.second_factor, one.active)]
        table.add_row(one.login, one.name, one.role.value, one.extension or "–", *marks)
    console.print(table)


@user.command("role")
def role(login: str, role: Role) -> None:
    """Change what an account may do."""
    _change(login, lambda rights: replace(rights, role=role))
    console.print(f"{login} is now {role}.", markup=False)


@user.command("off")
def off(login: str) -> None:
    """Let nobody in with this account, and log it out everywhere."""
    _change(login, lambda rights: replace(rights, active=False))
    console.print(f"{login} is switched off.", markup=False)


@user.command("on")
def on(login: str) -> None:
    """Let an account that was switched off in again."""
    _change(login, lambda rights: replace(rights, active=True))
    console.print(f"{login} may log in again.", markup=False)


@user.command("password")
def password(login: str) -> None:
    """Make a new start password, print it, and log the account out everywhere."""

    async def work(books: _Books) -> str:
        person = await books.people.by_login(login)
        return await books.people.reset_password(BY, person.id)

    made = _run(work)
    console.print(f"{login} logs in with this, and chooses another at once:  {made}", markup=False)


@user.command("reset-second-factor")
def reset_second_factor(login: str) -> None:
    """For who has lost the phone with the codes; the account is logged out everywhere."""

    async def work(books: _Books) -> None:
        person = await books.people.by_login(login)
        await books.people.reset_second_factor(BY, person.id)

    _run(work)
    console.print(f"{login} logs in with the password only, until a new phone is set up.", markup=False)


def _change(login: str, wanted: Callable[[Rights], Rights]) -> None:
    async def work(books: _Books) -> Person:
        person = await books.people.by_login(login)
        return await books.people.change(BY, person.id, wanted(person.rights))

    _run(work)


def _run(work: Callable[[_Books], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _books(Settings.read()) as books:
            return await work(books)

    return asyncio.run(run())


@asynccontextmanager
async def _books(settings: Settings) -> AsyncIterator[_Books]:
    database = open_database(settings.database_url)
    try:
        await check_schema(database)
        accounts = AccountBook(database.sessions)
        people = PeopleBook(database.sessions, accounts.passwords.hash)
        yield _Books(accounts, people, AuditBook(database.sessions))
    finally:
        await database.close()
