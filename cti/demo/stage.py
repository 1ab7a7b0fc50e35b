"""`presszero demo`: sets the stage, lets the story play, tells it in the terminal, and looks at the outcome.

Everything is real: an Asterisk as the PBX, a second one as the telephone network, the service with its
models.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from cti.app import Service, running
from cti.asterisk.ami import AmiCut, AmiRefused
from cti.asterisk.embedded import GUEST_NUMBER
from cti.asterisk.install import Program, install_asterisk
from cti.asterisk.instance import Instance, PbxDidNotStart
from cti.demo.company import CompanyAddresses, company
from cti.demo.exchange import Exchange, exchange, own_settings
from cti.demo.network import CallerGaveUp
from cti.demo.story import ALICE, BEN, CAST, FRANK, VERA, Ending, Play, disappointments, rehearse
from cti.demo.telling import Teller, tell_ending
from cti.ports import PortTaken, check_port
from cti.progress import Report, progress_bar
from cti.settings import Settings
from cti.speech import choose_voice, voice_chooser
from ivr.prompts import PromptBook
from ivr.scenario import Hours, Scenario
from ivr.scenario_file import load_scenario
from tickets.database import DatabaseTrouble, migrate
from tickets.vocabulary import CallState, Role

FOLDER = Path("var") / "demo"
STORY_DEADLINE_S = 240.0
AFTERWARDS_S = 120.0  # recordings and transcripts come after the last hang-up
FOR_EVER_S = 1e9
HTTP_PORT = 8080
HINTS = [
    ("The supervisor's room:", "", ""),
    ("Take calls as alice:", "desk", "choose the phone in the page, become ready"),
    ("Ring it, in another tab:", "ring", "zero is a person; Ben takes what you send to 102"),
]


Logins = list[tuple[str, str, str]]
"""Login, password, role."""


async def run_demo(console: Console, scenario_file: Path, *, once: bool) -> bool:
    """Play the story; True when all of it happened. Without `once` the desk stays open until Ctrl-C."""
    console.print("[bold]PressZero[/] · three callers, one operator, a bot, and a real PBX\n")
    with progress_bar(console) as report:
        program = await asyncio.to_thread(install_asterisk, report)
        scenario = for_any_hour(load_scenario(scenario_file))
        settings = await asyncio.to_thread(_fresh_settings, program)
        sounds = await _prepare_sounds(program, scenario, settings, report)
        await asyncio.to_thread(migrate, settings.database_url)
    async with (
        company(CAST) as systems,
        exchange(program, scenario, settings) as both,
        running_service(_with(systems, settings), scenario, console) as service,
    ):
        logins = await people(service)
        page = f"http://127.0.0.1:{service.http_port}/"
        console.print(
            f"Asterisk {program.version} and the service are up. The desk: [link={page}]{page}[/link]"
        )
        console.print("\n".join([*in_lines(logins), ""]))
        teller = Teller(console, service.live, {person.number: person for person in CAST})
        telling = asyncio.create_task(teller.run())
        try:
            trouble = await _perform(both, service, sounds)
            endings, tickets = await _endings(service)
        finally:
            telling.cancel()
            await asyncio.wait([telling])
        missing = [*trouble, *disappointments(endings, tickets)]
        tell_ending(console, endings)
        for what in missing:
            console.print(f"[bold red]Did not happen:[/] {what}")
        if not missing:
            console.print("[bold green]Everything in the story happened.[/]")
        if not once:
            async with _colleague(both, sounds):
                await stay_open(console, page, HINTS, logins)
    return not missing


def for_any_hour(scenario: Scenario) -> Scenario:
    """The lottery by day, for the demo must work at night too; with one operator, so that callers wait."""
    name = scenario.default_queue
    queue = scenario.queues[name].model_copy(update={"operators": (ALICE,)})
    return scenario.model_copy(update={"hours": Hours.always(), "queues": {**scenario.queues, name: queue}})


def _fresh_settings(program: Program) -> Settings:
    """A new centre in the demo's folder; prompts rendered earlier are kept.

    Raises:
        PbxDidNotStart: another demo is running.
    """
    if Instance(program, (FOLDER / "pbx").absolute(), 0).pid() is not None:
        raise PbxDidNotStart(
            "A demo is running in this folder already: end it with Ctrl-C in its terminal first."
        )
    for path in FOLDER.glob("*"):
        if path.name != "prompts":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return own_settings(FOLDER, http_port=page_port(), ring_page=True)


def _with(systems: CompanyAddresses, settings: Settings) -> Settings:
    return settings.model_copy(
        update={"crm_url": systems.crm, "orders_url": systems.orders, "lookups_url": systems.lookups}
    )


def page_port() -> int:
    """8080 if it is free, otherwise any."""
    try:
        check_port("The page", "127.0.0.1", HTTP_PORT, "PRESSZERO_HTTP_PORT")
    except PortTaken:
        return 0
    return HTTP_PORT


async def _prepare_sounds(
    program: Program, scenario: Scenario, settings: Settings, report: Report
) -> dict[str, Path]:
    voice = choose_voice(scenario, settings.prompts_folder, program.espeak)
    await PromptBook.prepare_languages(
        scenario,
        voice_chooser(settings.prompts_folder, program.espeak),
        settings.prompts_folder,
        lambda done, total: report("Speaking the prompts", done, total),
    )
    report("Rehearsing the callers", 0, 1)
    sounds = await rehearse(voice)
    report("Rehearsing the callers", 1, 1)
    return sounds


@asynccontextmanager
async def running_service(settings: Settings, scenario: Scenario, console: Console) -> AsyncIterator[Service]:
    """The service at work while the block runs, with a bar for what takes long at its start."""
    with progress_bar(console) as report:
        stack = contextlib.AsyncExitStack()
        service = await stack.enter_async_context(running(settings, scenario, report))
    async with stack:
        yield service


async def people(service: Service) -> Logins:
    """Accounts with passwords made now, and the customers' cards."""
    accounts = [
        ("alice", Role.OPERATOR, "Alice Rivera", ALICE),
        ("sam", Role.SUPERVISOR, "Sam Okafor", None),
        ("ada", Role.ADMINISTRATOR, "Ada Lindholm", None),
    ]
    logins = []
    for login, role, name, extension in accounts:
        password = secrets.token_urlsafe(9)
        await service.accounts.add(login, password, role, name, extension=extension)
        logins.append((login, password, role.value))
    for person in CAST:
        await service.customers.add(person.name, [person.number], vip_level=person.vip_level)
    await service.customers.add("You, in the browser", [GUEST_NUMBER], vip_level=0)
    return logins


async def _perform(both: Exchange, service: Service, sounds: dict[str, Path]) -> list[str]:
    frank_waits, everybody_waits = asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(_watch_queue(service, frank_waits, everybody_waits))
    try:
        async with asyncio.timeout(STORY_DEADLINE_S):
            await Play(both.network, sounds).perform(everybody_waits, frank_waits)
    except (CallerGaveUp, AmiRefused, AmiCut, TimeoutError) as error:
        return [f"a caller could not go on: {error or 'it took too long'}"]
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    return []


async def _watch_queue(service: Service, frank_waits: asyncio.Event, everybody_waits: asyncio.Event) -> None:
    with service.live.subscribe() as subscription:
        while True:
            waiting = {call.caller for call in service.live.calls() if call.state is CallState.QUEUED}
            if FRANK.number in waiting:
                frank_waits.set()
            if {FRANK.number, VERA.number} <= waiting:
                everybody_waits.set()
            await subscription.next()


async def _endings(service: Service) -> tuple[list[Ending], int]:
    """What lies on the desk once recordings and transcripts are done, and how many tickets there are."""
    endings: list[Ending] = []
    tickets = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AFTERWARDS_S):
            while True:
                with contextlib.suppress(DatabaseTrouble):  # a machine that is busy elsewhere: asked again
                    endings, tickets = await _look(service)
                if len(endings) == len(CAST) and all(e.recording and e.recording.transcript for e in endings):
                    break
                await asyncio.sleep(0.3)
    return endings, tickets


async def _look(service: Service) -> tuple[list[Ending], int]:
    cast = {person.number: person for person in CAST}
    page = await service.desk.tickets()
    endings, others = [], 0
    for ticket in page.items:
        call = (await service.desk.call(ticket.call_id)).call
        person = cast.get(call.caller or "")
        others += call.caller == GUEST_NUMBER  # somebody has found /ring before the end of the story
        if person is not None:
            tape = await service.shelf.of_call(call.call_id)
            endings.append(Ending(person, ticket.name, ticket.status, call, tape))
    return sorted(endings, key=lambda ending: ending.person.letter), len(page.items) - others


@asynccontextmanager
async def _colleague(both: Exchange, sounds: dict[str, Path]) -> AsyncIterator[None]:
    """While the block runs, Ben takes the calls that are handed over to him."""

    async def take_calls() -> None:
        while True:
            phone = await both.network.phone_rings(BEN, within_s=FOR_EVER_S)
            with contextlib.suppress(CallerGaveUp, AmiRefused, AmiCut):
                await asyncio.sleep(2.0)  # he has to reach for it
                await phone.answer()
                await phone.say(sounds["colleague"])

    taking = asyncio.create_task(take_calls())
    try:
        yield
    finally:
        taking.cancel()
        await asyncio.wait([taking])


def in_lines(logins: Logins) -> list[str]:
    """For the terminal, one account a line."""
    return [
        f"  {role:<13} login [bold]{login}[/]  password [bold]{password}[/]"
        for login, password, role in logins
    ]


async def stay_open(console: Console, page: str, hints: list[tuple[str, str, str]], logins: Logins) -> None:
    """Say what there is to look at, and wait for Ctrl-C. `hints`: what, below which path, and how."""
    lines = [f"  {what:<24} [bold]{page}{path}[/]  {how}" for what, path, how in hints]
    lines += ["", *in_lines(logins)]
    console.print(Panel("\n".join([*lines, "", "Ctrl-C ends it."]), expand=False))
    await asyncio.to_thread(webbrowser.open, page)
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await stop.wait()
