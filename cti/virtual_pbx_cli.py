"""`presszero connect …`: a virtual PBX, from what its cabinet shows to the first webhook.

Asks, writes the settings, says what to paste where, looks whether the vendor can reach us, and waits for a
webhook to say what came of it. Works beside a running service and without one.
"""

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, Prompt

from cti import logs
from cti.settings import Settings
from cti.shipped import shipped_scenario
from cti.virtual_pbx.contract import VirtualPbx
from cti.virtual_pbx.door_plate import DoorPlate, take_door
from cti.virtual_pbx.questions import BadAnswer, Question, questions, settings_from
from cti.virtual_pbx.quiet_house import quiet_house
from cti.virtual_pbx.reach import ask_ourselves
from cti.virtual_pbx.registry import VENDORS, vendor_type
from cti.virtual_pbx.settings import (
    OVERLAP,
    BadConnection,
    ConnectionSettings,
    Secret,
    read_connection,
    write_connection,
)
from cti.virtual_pbx.watching import advice, arriving, in_words, is_good, taken_up
from ivr.scenario import Scenario
from ivr.scenario_file import load_scenario
from tickets.database import utc_now

console = Console()
errors = Console(stderr=True)

START_IT = "Now start the service: `presszero serve`; without an Asterisk, with PRESSZERO_ASTERISK=no."

Vendor = Annotated[str, typer.Argument(help=f"One of {', '.join(VENDORS)}.")]


def connect(
    vendor: Vendor,
    url: Annotated[
        str, typer.Option(help="Where the vendor reaches us, as in https://calls.example/hooks.")
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting of the vendor's; may be repeated. Pairs (operators=anna=101) are added to those "
            "that are there; operators=anna= takes Anna out, operators= all of them.",
        ),
    ] = None,
    set_file: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="The same for what is secret: the file has the value."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="A file with the secret, or - for standard input; else it is asked for."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only repeat the checks.")] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Only change the secret; that of before is good for a day.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="End the connection.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what is not given stays.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the first webhook.")] = 600,
) -> None:
    """Connect a virtual PBX: settings, addresses for its cabinet, checks, the first webhook."""
    if vendor not in VENDORS:
        raise BadConnection(f"There is no vendor {vendor}: choose among {', '.join(VENDORS)}.")
    if check + rotate + remove > 1:
        raise BadConnection("Choose one of --check, --rotate and --remove.")
    settings, kind, began = Settings.read(), vendor_type(vendor), utc_now()
    logs.configure("silent")
    file = settings.connections_folder / f"{vendor}.json"
    ask = not yes and sys.stdin.isatty()
    if remove:
        _remove(file, kind, ask=ask)
        return
    before = read_connection(file, kind.settings_type) if file.exists() else None
    if before is None and (check or rotate):
        raise BadConnection(f"{kind.title} is not connected yet: run `presszero connect {vendor}`.")
    if before is not None and rotate:
        connection = before.with_new_secret(_secret(kind, secret_file, ask=ask), utc_now())
    elif before is not None and check:
        connection = before
    else:
        given = [*_given(kind, set_ or [], set_file or []), *([("public_url", url)] if url else [])]
        connection = _asked(kind, before, given, secret_file, ask=ask)
    scenario = load_scenario(settings.scenario or shipped_scenario())
    if not check:
        _write(file, connection)
    _show_addresses(scenario, kind, connection, rotated=rotate)
    # Webhooks with the new secret come when somebody has put it into the cabinet.
    waiting = _Waiting(settings, scenario, kind, connection, 0 if rotate else wait, None if check else began)
    if not asyncio.run(waiting.proof()):
        raise typer.Exit(1)


def _given(kind: type[VirtualPbx[Any]], pairs: list[str], files: list[str]) -> list[tuple[str, str]]:
    hidden = {one.name for one in questions(kind.settings_type, None) if one.hidden}
    told = [_pair("--set", pair) for pair in pairs]
    if exposed := hidden & dict(told).keys():
        name = min(exposed)
        raise BadConnection(f"{name} is secret: give a file with it, --set-file {name}=FILE.")
    return told + [(name, _read(Path(file))) for name, file in (_pair("--set-file", pair) for pair in files)]


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadConnection(f"{option}: write NAME=VALUE.")
    return name.strip().replace("-", "_"), value


def _read(file: Path) -> str:
    try:
        return (sys.stdin.read() if str(file) == "-" else file.read_text()).strip()
    except (OSError, ValueError) as error:
        raise BadConnection(f"{file} cannot be read ({type(error).__name__}).") from error


def _asked(
    kind: type[VirtualPbx[Any]],
    before: ConnectionSettings | None,
    given: list[tuple[str, str]],
    secret_file: Path | None,
    *,
    ask: bool,
) -> ConnectionSettings:
    """The settings, from what was given and what is asked for."""
    asked = {one.name: one for one in questions(kind.settings_type, before) if one.text}
    answers = {name: _ask(one) for name, one in asked.items() if name not in dict(given)} if ask else {}
    now, new = utc_now(), ""
    if before is None or secret_file is not None or (ask and _wants_another(kind)):
        new = _secret(kind, secret_file, ask=ask)
    first = (Secret(value=SecretStr(new)),) if new else ()
    while True:
        try:
            known = before.secrets if before else first
            found = settings_from(kind.settings_type, answers, known, before, given)
        except BadAnswer as bad:
            if not ask or bad.name not in asked:
                option = "--url" if bad.name == "public_url" else f"--set {bad.name}=…"
                raise BadConnection(f"{bad} Give it with {option}.") from None
            errors.print(str(bad), style="bold red", markup=False)
            given = [(name, text) for name, text in given if name != bad.name]
            answers[bad.name] = _ask(asked[bad.name])
        else:
            return found.with_new_secret(new, now) if before and new else found


def _ask(question: Question) -> str:
    if question.hidden:
        known = " (empty: as before)" if question.default else ""
        return Prompt.ask(escape(question.text + known), password=True) or question.default or ""
    if question.default is None:
        return Prompt.ask(escape(question.text))
    return Prompt.ask(escape(question.text), default=question.default)


def _wants_another(kind: type[VirtualPbx[Any]]) -> bool:
    return Confirm.ask(f"Another {kind.cabinet_word} than before?", default=False)


def _secret(kind: type[VirtualPbx[Any]], file: Path | None, *, ask: bool) -> str:
    """From the file or the keyboard; one that is ours to choose may be made here. Never from the command
    line, which other users of the machine can see.
    """
    found = ""
    if file is not None:
        found = _read(file)
    elif ask:
        made = " (empty: we make one)" if kind.secret_is_ours else ""
        found = Prompt.ask(f"The {kind.cabinet_word}, which is not shown{made}", password=True).strip()
    if not found and kind.secret_is_ours:
        return secrets.token_urlsafe(24)
    if not found:
        raise BadConnection(f"The {kind.cabinet_word} is missing: give a file with it, --secret-file FILE.")
    return found


def _write(file: Path, connection: ConnectionSettings) -> None:
    try:
        write_connection(file, connection)
    except OSError as error:
        raise BadConnection(
            f"{file} cannot be written ({error.strerror}): correct the permissions of the folder, or choose "
            "another with PRESSZERO_DATA."
        ) from error
    console.print(f"The settings are in {file}, for this user alone.", markup=False, soft_wrap=True)


def _show_addresses(
    scenario: Scenario, kind: type[VirtualPbx[Any]], connection: ConnectionSettings, *, rotated: bool
) -> None:
    if rotated:
        hours = OVERLAP.total_seconds() / 3600
        told = "it is part of the address" if kind.secret_is_ours else f"the new {kind.cabinet_word}"
        console.print(
            f"Put it into the cabinet within {hours:g} hours ({told}); that of before is good so long.",
            soft_wrap=True,
        )
    console.print(f"\nPaste this into the cabinet of {kind.title}:", style="bold")
    for address in kind(connection, quiet_house(scenario)).addresses():
        console.print(f"  {address.where}:\n    {address.url}", markup=False, soft_wrap=True, highlight=False)


def _remove(file: Path, kind: type[VirtualPbx[Any]], *, ask: bool) -> None:
    if not file.exists():
        console.print(f"{kind.title} is not connected.")
        return
    question = f"End the connection to {kind.title}? Its secrets are forgotten."
    if ask and not Confirm.ask(question, default=False):
        raise typer.Exit(1)
    file.unlink()
    console.print(
        f"{kind.title} is connected no more; calls and tickets stay. Take the addresses out of its cabinet.",
        soft_wrap=True,
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """For the proof that it works."""

    settings: Settings
    scenario: Scenario
    kind: type[VirtualPbx[Any]]
    connection: ConnectionSettings
    wait_s: float
    since: datetime | None  # webhooks of before prove nothing; None: they do

    async def proof(self) -> bool:
        """Look whether it can work, and wait for a webhook; False: it does not, or none came."""
        async with AsyncExitStack() as stack:
            plate, alone = await self._door(stack)
            reach = await ask_ourselves(self.connection.public_url, self.kind.vendor, plate)
            _say("good" if reach.good else "bad" if reach.sure else "unsure", reach.sentence)
            arrived = await self._first_webhook()
        if alone:
            console.print(START_IT, soft_wrap=True)
        return arrived or (self.wait_s == 0 and reach.good)

    async def _door(self, stack: AsyncExitStack) -> tuple[DoorPlate, bool]:
        """The door's plate, and whether we stand there ourselves."""
        keeper = take_door(self.settings.data)
        if keeper is None:
            console.print("\nA service has this data folder: waiting until it goes by these settings …")
            plate = await taken_up(self.settings.data, self.kind.vendor, self.connection)
            console.print("The service goes by these settings.")
            return plate, False
        from cti.assembly.waiting_door import waiting_door  # heavy

        stack.callback(keeper.give_back)
        door = waiting_door(self.settings, self.scenario, self.kind, self.connection, keeper)
        await stack.enter_async_context(door)
        console.print("\nNo service runs here: this command stands at the door meanwhile.")
        return keeper.plate, True

    async def _first_webhook(self) -> bool:
        vendor = self.kind.vendor
        if self.wait_s:
            console.print(
                f"Now ring, or press the cabinet's check: waiting {self.wait_s:g} s for a webhook. Ctrl-C "
                "ends this, and the connection stays.",
                soft_wrap=True,
            )
        try:
            async for arrival in arriving(self.settings.data, vendor, self.since, self.wait_s):
                hint = advice(arrival, self.kind)
                _say("good" if is_good(arrival) else "bad" if hint else "unsure", in_words(arrival), hint)
                if is_good(arrival):
                    console.print(f"{self.kind.title} is connected.", style="bold green")
                    return True
        except asyncio.CancelledError:  # Ctrl-C
            console.print(f"\n`presszero connect {vendor} --check` goes on waiting.")
            return False
        if self.wait_s:
            console.print(
                "No webhook told of a call. Compare the addresses in the cabinet, see that webhooks are "
                f"switched on there, and try `presszero connect {vendor} --check`.",
                soft_wrap=True,
            )
        return False


_MARKS = {"good": "[green]✓[/]", "bad": "[bold red]✗[/]", "unsure": "[yellow]?[/]"}


def _say(mark: str, *sentences: str) -> None:
    console.print(_MARKS[mark], end=" ")
    for number, sentence in enumerate(filter(None, sentences)):
        indent = "  " if number else ""
        console.print(indent + sentence, markup=False, soft_wrap=True, highlight=False)
