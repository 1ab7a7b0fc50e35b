"""`presszero push …`: which other help desks are told of our calls, and what could not be told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.prompt import Prompt
from rich.table import Table

from cti.settings import BadSettings, Settings
from cti.virtual_pbx.push.sender import JOB
from cti.virtual_pbx.push.settings import PushSettings, Target, read_push, write_push
from cti.virtual_pbx.push.signing import new_secret
from tickets.database import check_schema, open_database, utc_now
from tickets.jobs import JobQueue

push = typer.Typer(no_args_is_help=True, help="Other help desks that are told of our calls.")
console = Console()
T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


@push.command("add")
def add(
    name: Annotated[str, typer.Argument(help="How we call it: small letters, digits, hyphens.")],
    sign: Annotated[bool, typer.Option(help="Sign messages (Standard Webhooks); prints the secret.")] = False,
    give_up_h: Annotated[float, typer.Option(help="After so many hours a message is given up.")] = 24.0,
) -> None:
    """Tell a help desk of our calls from now on. Its address, which holds a token, is asked for."""
    url = Prompt.ask("Address for the generic push", password=True).strip()
    target = _checked(Target, url=url, give_up_h=give_up_h)
    _keep(name, target)
    console.print(f"{name} is told of calls from now on.", markup=False)
    if sign:
        _rotate(name)


@push.command("secret")
def secret(name: str) -> None:
    """Make a new signing secret and print it. For a day messages are signed with the old one, too."""
    _rotate(name)


@push.command("remove")
def remove(name: str) -> None:
    """Tell it nothing more; what waits for it is given up."""
    settings = _there(name)
    left = {one: target for one, target in settings.targets.items() if one != name}
    write_push(Settings.read().connections_folder, PushSettings(targets=left))
    console.print(f"{name} is told nothing more.", markup=False)


@push.command("list")
def list_targets() -> None:
    """Who is told."""
    table = Table("Name", "Signed", "Given up after")
    for name, target in read_push(Settings.read().connections_folder).targets.items():
        signs = "yes" if any(target.good_secrets(utc_now())) else "no"
        table.add_row(name, signs, f"{target.give_up_h:g} h")
    console.print(table)


@push.command("failed")
def failed() -> None:
    """What could not be told, the latest first."""
    table = Table("When", "To", "Call", "What", "Why")
    for one in _with_jobs(lambda jobs: jobs.dead(JOB)):
        when = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        about = (str(one.payload.get(part, "")) for part in ("target", "call_id", "event"))
        table.add_row(when, *about, one.error)
    console.print(table)


@push.command("again")
def again() -> None:
    """Try once more to tell what could not be told."""
    console.print(f"{_with_jobs(lambda jobs: jobs.revive(JOB))} messages are sent again.", markup=False)


def _there(name: str) -> PushSettings:
    settings = read_push(Settings.read().connections_folder)
    if name not in settings.targets:
        raise BadSettings(f"There is no target {name}: see `presszero push list`.")
    return settings


def _keep(name: str, target: Target) -> None:
    folder = Settings.read().connections_folder
    targets = {**read_push(folder).targets, name: target}
    write_push(folder, _checked(PushSettings, targets=targets))


def _rotate(name: str) -> None:
    made = new_secret()
    _keep(name, _there(name).targets[name].with_new_secret(made, utc_now()))
    console.print(f"Messages are signed with:  {made}", markup=False, soft_wrap=True)


def _checked(kind: type[T], **values: object) -> T:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise BadSettings(f"{error.errors()[0]['msg']}.") from None


def _with_jobs(work: Callable[[JobQueue], Awaitable[R]]) -> R:
    async def run() -> R:
        database = open_database(Settings.read().database_url)
        try:
            await check_schema(database)
            return await work(JobQueue(database.sessions))
        finally:
            await database.close()

    return asyncio.run(run())
