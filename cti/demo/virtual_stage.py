"""`presszero demo --pbx mango`: the demo with no Asterisk at all.

The service as it is, and beside it a virtual PBX that is simulated: its webhooks come over HTTP, its
recordings are fetched over HTTP, and what is said in them was spoken by the voice that comes with PressZero.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from rich.console import Console

from cti.app import Service
from cti.demo.company import company
from cti.demo.exchange import own_settings
from cti.demo.stage import for_any_hour, in_lines, page_port, people, running_service, stay_open
from cti.demo.story import CAST, Ending
from cti.demo.tape_making import Samples, make_mp3, seconds_each, speak
from cti.demo.telling import Teller, tell_ending
from cti.demo.virtual_story import ABOUT_THE_DRAW, TALKS, Act, acts, answered, disappointments
from cti.ports import free_port
from cti.progress import Report, progress_bar
from cti.settings import Settings
from cti.speech import choose_voice
from cti.virtual_pbx.playing import Player, Told, local_api, vendors_side
from cti.virtual_pbx.registry import vendor_type
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.simulators.port import Simulator
from cti.virtual_pbx.simulators.registry import simulator
from cti.virtual_pbx.stories import Step
from cti.virtual_pbx.way import Way
from ivr.scenario import Scenario
from ivr.scenario_file import load_scenario
from recordings.shelf import RecordingView
from tickets.call import Call
from tickets.database import DatabaseTrouble, migrate

FOLDER = Path("var") / "demo-virtual"
AFTERWARDS_S = 180.0  # recordings and transcripts come after the last hang-up
ONE_RINGS_EVERY_S = 45.0  # while the desk stays open, so that there is something to see
HINTS = [
    ("The supervisor's room:", "", ""),
    ("The desk, as alice:", "desk", "somebody rings every three quarters of a minute"),
    ("The tickets:", "tickets", "with what the PBX has recorded, and the words"),
]


@dataclass(frozen=True, slots=True)
class _Set:
    """All that the performance needs."""

    simulated: Simulator[Any]
    player: Player
    service: Service
    recordings: dict[tuple[str, int], bytes]  # by the call's id at the PBX, and the second it begins
    spoken: Mapping[str, Samples]


async def run_virtual_demo(console: Console, scenario_file: Path, vendor: str, *, once: bool) -> bool:
    """Play the story; True when all of it happened. Without `once` the desk stays open until Ctrl-C."""
    title = vendor_type(vendor).title
    console.print(f"[bold]PressZero[/] · no Asterisk: {title}, simulated, four calls, two operators\n")
    scenario = for_any_hour(load_scenario(scenario_file))
    settings = await asyncio.to_thread(_fresh_settings)
    with progress_bar(console) as report:
        await asyncio.to_thread(migrate, settings.database_url)
        spoken = await _rehearse(scenario, settings, report)
    async with _set(vendor, settings, scenario, spoken, console) as stage:
        logins = await people(stage.service)
        page = f"http://127.0.0.1:{stage.service.http_port}/"
        console.print(f"{title}'s simulator and the service are up. The desk: [link={page}]{page}[/link]")
        console.print("\n".join([*in_lines(logins), ""]))
        missing, endings = await _perform(stage, console)
        tell_ending(console, endings)
        _tell_webhooks(console, title, stage.player.calls)
        for what in missing:
            console.print(f"[bold red]Did not happen:[/] {what}")
        if not missing:
            console.print("[bold green]Everything in the story happened.[/]")
        if not once:
            async with _somebody_rings(stage):
                await stay_open(console, page, HINTS, logins)
    return not missing


def _fresh_settings() -> Settings:
    """A new centre in the demo's folder; prompts rendered earlier are kept."""
    for path in FOLDER.glob("*"):
        if path.name != "prompts":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return own_settings(FOLDER, asterisk=False, http_port=page_port(), hooks_port=free_port())


async def _rehearse(scenario: Scenario, settings: Settings, report: Report) -> dict[str, Samples]:
    report("Rehearsing the callers", 0, 1)
    voice = choose_voice(scenario, settings.prompts_folder, None)
    spoken = await speak(voice, TALKS)
    report("Rehearsing the callers", 1, 1)
    return spoken


@asynccontextmanager
async def _set(
    vendor: str, settings: Settings, scenario: Scenario, spoken: Mapping[str, Samples], console: Console
) -> AsyncIterator[_Set]:
    recordings: dict[tuple[str, int], bytes] = {}

    def sound(native: str, step: Step) -> bytes:
        return recordings[native, step.since]

    simulated = simulator(vendor)
    simulated.sound = sound
    door, api = f"http://127.0.0.1:{settings.hooks_port}", f"http://127.0.0.1:{free_port()}"
    connection = simulated.invent(door, api)
    write_connection(settings.connections_folder / f"{vendor}.json", connection)
    async with (
        company(CAST) as systems,
        vendors_side(simulated, connection, local_api(simulated, connection)),
        running_service(
            settings.model_copy(update={"crm_url": systems.crm, "orders_url": systems.orders}),
            scenario,
            console,
        ) as service,
        aiohttp.ClientSession() as session,
    ):
        player = Player(simulated, connection, door, session, way=Way(), dice=Random(1))  # noqa: S311
        yield _Set(simulated, player, service, recordings, spoken)


async def _perform(stage: _Set, console: Console) -> tuple[list[str], list[Ending]]:
    played = acts(seconds_each(stage.spoken))
    teller = Teller(console, stage.service.live, {person.number: person for person in CAST})
    telling = asyncio.create_task(teller.run())
    try:
        async with asyncio.TaskGroup() as group:
            for act in played:
                group.create_task(_play(stage, act, f"demo-{act.story.name}"))
        return await _afterwards(stage, played)
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _play(stage: _Set, act: Act, native: str) -> None:
    for tape in act.tapes:
        mp3 = await asyncio.to_thread(make_mp3, tape, stage.spoken)
        stage.recordings[native, tape.since] = mp3
    await asyncio.sleep(act.begins_s)
    await stage.player.play(act.story, native)


async def _afterwards(stage: _Set, played: Sequence[Act]) -> tuple[list[str], list[Ending]]:
    """What did not happen and what lies on the desk, once recordings and transcripts are there."""
    missing, endings = ["nothing could be read"], list[Ending]()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AFTERWARDS_S):
            while missing:
                with contextlib.suppress(DatabaseTrouble):  # a machine that is busy elsewhere: asked again
                    missing, endings = await _look(stage, played)
                await asyncio.sleep(0.5)
    return missing, endings


async def _look(stage: _Set, played: Sequence[Act]) -> tuple[list[str], list[Ending]]:
    calls: list[tuple[Call, RecordingView | None]] = []
    endings = []
    for ticket in (await stage.service.desk.tickets()).items:
        call = (await stage.service.desk.call(ticket.call_id)).call
        tape = await stage.service.shelf.of_call(call.call_id)
        calls.append((call, tape))
        person = next((one for one in CAST if one.number == call.caller), None)
        if person is not None:
            endings.append(Ending(person, ticket.name, ticket.status, call, tape))
    missing = []
    if len(calls) != len(played):
        missing.append(f"there are {len(calls)} tickets instead of {len(played)}")
    for act in played:
        story = act.story.as_told(stage.simulated.mute)
        of_it = [
            (call, tape)
            for call, tape in calls
            if call.caller == story.caller and call.direction is story.direction
        ]
        missing += disappointments(act, story, of_it)
    return missing, sorted(endings, key=lambda ending: ending.call.received_at)


def _tell_webhooks(console: Console, title: str, calls: Sequence[Told]) -> None:
    sent = sum(told.sent for told in calls)
    refused = sum(count for told in calls for status, count in told.answers.items() if status != 200)
    console.print(f"\n{title} has sent {sent} webhooks; {refused or 'none'} of them was refused.")


@asynccontextmanager
async def _somebody_rings(stage: _Set) -> AsyncIterator[None]:
    """While the block runs, one after the other rings and is answered by Alice."""

    async def ring() -> None:
        for number, person in zip(count(1), cycle(CAST)):
            act = answered(f"again-{number}", person, ABOUT_THE_DRAW, seconds_each(stage.spoken))
            calling = asyncio.create_task(_play(stage, replace(act, begins_s=0), f"demo-again-{number}"))
            await asyncio.sleep(ONE_RINGS_EVERY_S)
            await calling

    ringing = asyncio.create_task(ring())
    try:
        yield
    finally:
        ringing.cancel()
        await asyncio.wait([ringing])
