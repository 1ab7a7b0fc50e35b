"""`presszero simulate …`: a virtual PBX without the PBX, to see what a connection makes of it.

Plays stories at the door of a running service and shows what was sent and answered. While it runs it is the
vendor's own side too: it takes commands, and hands out records and recordings.
"""

import asyncio
import secrets
import signal
from collections.abc import Sequence
from random import Random
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from cti import logs
from cti.ports import check_port, free_port
from cti.settings import Settings
from cti.virtual_pbx.door_plate import read_plate
from cti.virtual_pbx.playing import NoDoor, Player, Told, chosen, local_api, vendors_side
from cti.virtual_pbx.registry import vendor_type
from cti.virtual_pbx.settings import BadConnection, ConnectionSettings, read_connection, write_connection
from cti.virtual_pbx.simulators.port import Simulator
from cti.virtual_pbx.simulators.registry import SIMULATORS, simulator
from cti.virtual_pbx.stories import STORIES, Story
from cti.virtual_pbx.watching import taken_up
from cti.virtual_pbx.way import Way
from tickets.vocabulary import CallOutcome, Direction

console = Console()

WIDEST = 27  # characters of a call's title: a terminal has eighty
SHOWN = 22  # calls of the table; more are counted
LATEST_S = 90.0  # the vendor's side stays open: recordings and what was lost are asked for after the calls
FORGOTTEN_S = 240.0  # … where webhooks were lost: the service asks when a call has been silent for long

_OUTCOMES = {
    CallOutcome.ANSWERED_BY_OPERATOR: "answered",
    CallOutcome.ABANDONED: "missed",
    CallOutcome.VOICEMAIL: "a message",
}

Vendor = Annotated[str, typer.Argument(help=f"One of {', '.join(SIMULATORS)}.")]


def simulate(
    vendor: Vendor,
    story: Annotated[
        str, typer.Option(help="Which call: all, or one of " + ", ".join(one.name for one in STORIES) + ".")
    ] = "all",
    speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="So many times as fast as it would be.")
    ] = 10,
    shuffled: Annotated[bool, typer.Option("--shuffled", help="Webhooks overtake each other.")] = False,
    repeated: Annotated[bool, typer.Option("--repeated", help="Some webhooks come twice.")] = False,
    late: Annotated[bool, typer.Option("--late", help="Some come long after the call.")] = False,
    lost: Annotated[float, typer.Option(min=0, max=1, help="So likely is each never to come.")] = 0.0,
    calls: Annotated[int | None, typer.Option(min=1, help="So many calls; else each story once.")] = None,
    per_minute: Annotated[float, typer.Option(min=0.1, help="So many calls begin in a minute.")] = 60,
    door: Annotated[str, typer.Option(help="The door for webhooks; else that of the running service.")] = "",
    stay: Annotated[
        float | None, typer.Option(min=0, help="Seconds for which the vendor's side stays open afterwards.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same again: what happened is said at the end.")
    ] = None,
) -> None:
    """Play a virtual PBX: whole calls by signed webhooks, in order or not, and the vendor's side to them."""
    if vendor not in SIMULATORS:
        raise BadConnection(f"There is no simulator of {vendor}: choose among {', '.join(SIMULATORS)}.")
    stories = [one for one in STORIES if story in ("all", one.name)]
    if not stories:
        names = ", ".join(one.name for one in STORIES)
        raise BadConnection(f"There is no story {story}: choose all, or one of {names}.")
    logs.configure("silent")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    way = Way(speed, shuffled=shuffled, repeated=repeated, late=late, lost=lost)
    dice = Random(seed)  # noqa: S311 - guards nothing
    performance = _Performance(Settings.read(), simulator(vendor), way, dice, door, stay)
    asyncio.run(performance.run(chosen(stories, calls, dice), 60 / per_minute))
    console.print(f"The same again: --seed {seed}", style="dim")


class _Performance:
    """One run."""

    def __init__(
        self,
        settings: Settings,
        simulated: Simulator[Any],
        way: Way,
        dice: Random,
        door: str,
        stay_s: float | None,
    ) -> None:
        self._settings, self._simulator, self._way, self._dice = settings, simulated, way, dice
        self._door = door
        self._stay_s = (FORGOTTEN_S if way.lost else LATEST_S) if stay_s is None else stay_s

    async def run(self, stories: Sequence[Story], every_s: float) -> None:
        """Play them all, then show what should lie on the desk, and be the vendor's side for a while.

        Raises:
            BadConnection, NotTakenUp, NoDoor, PortTaken
        """
        connection = self._connection()
        port = local_api(self._simulator, connection)
        if port is not None:
            check_port("The simulated vendor", "127.0.0.1", port, "the connection's settings")
        async with (
            vendors_side(self._simulator, connection, port) as served,
            aiohttp.ClientSession() as session,
        ):
            door = self._door or await self._running_door(connection)
            player = Player(self._simulator, connection, door, session, way=self._way, dice=self._dice)
            if not await player.answers():
                raise BadConnection(
                    f"At {door} {self._simulator.vendor} is not connected: that service reads other "
                    "settings than this command. Start both with the same PRESSZERO_DATA."
                )
            await self._play(player, stories, every_s)
            console.print()
            console.print(_tickets(player.calls))
            _say_what_next(player.calls, served=served, has_api=bool(self._simulator.api(connection)))
            if served and self._stay_s:
                await _stay(self._stay_s)

    def _connection(self) -> ConnectionSettings:
        vendor = self._simulator.vendor
        file = self._settings.connections_folder / f"{vendor}.json"
        if file.exists():
            connection: ConnectionSettings = read_connection(file, vendor_type(vendor).settings_type)
            api = self._simulator.api(connection)
            if api and local_api(self._simulator, connection) is None:
                title = vendor_type(vendor).title
                raise BadConnection(
                    f"{title} is connected: it would be asked for the recordings of calls that are made up, "
                    "and may lock us out. Simulate with a data folder of its own: start a service there, "
                    "PRESSZERO_DATA=var/try presszero serve, and this command with the same PRESSZERO_DATA."
                )
            return connection
        public = f"http://127.0.0.1:{self._settings.hooks_port}"
        invented: ConnectionSettings = self._simulator.invent(public, f"http://127.0.0.1:{free_port()}")
        invented = invented.model_copy(update={"made_up": True})
        write_connection(file, invented)
        console.print(
            f"A connection to a {vendor_type(vendor).title} that there is only here was made: {file}. "
            f"[bold]presszero connect {vendor} --remove[/] ends it.",
            soft_wrap=True,
        )
        return invented

    async def _running_door(self, connection: ConnectionSettings) -> str:
        if await asyncio.to_thread(read_plate, self._settings.data) is None:
            raise NoDoor(
                f"No service runs on the data folder {self._settings.data.absolute()}: start one with "
                "`presszero serve`, or say with --door where the door for webhooks is."
            )
        plate = await taken_up(self._settings.data, self._simulator.vendor, connection)
        return plate.address

    async def _play(self, player: Player, stories: Sequence[Story], every_s: float) -> None:
        run = secrets.token_hex(3)
        with Live(console=console, refresh_per_second=4, get_renderable=lambda: _table(player.calls)):
            async with asyncio.TaskGroup() as group:
                for number, one in enumerate(stories):
                    if number:
                        await asyncio.sleep(every_s)
                    group.create_task(player.play(one, f"{run}-{number}-{one.name}"))


def _table(calls: Sequence[Told]) -> Group | Table:
    table = Table(title="What is sent", title_justify="left", title_style="bold")
    table.add_column("Call", no_wrap=True, overflow="ellipsis", max_width=WIDEST)
    table.add_column("Caller", no_wrap=True)
    for heading in ("Sent", "Twice", "Lost", "Answered"):
        table.add_column(heading, justify="right", no_wrap=True)
    shown = sorted(calls, key=lambda told: told.over)[:SHOWN]  # those that go on are what there is to see
    for told in (one for one in calls if one in shown):
        style = "dim" if told.over else ""
        table.add_row(
            told.story.title, _caller(told.story), str(told.sent), str(told.again or "–"),
            str(told.lost or "–"), _answers(told), style=style,
        )  # fmt: skip
    if len(calls) > len(shown):
        table.add_section()
        table.add_row(
            f"… {len(calls)} calls, {sum(told.over for told in calls)} told to the end", "",
            str(sum(told.sent for told in calls)), str(sum(told.again for told in calls)),
            str(sum(told.lost for told in calls)), "",
        )  # fmt: skip
    return table


def _answers(told: Told) -> str:
    words = {0: "[bold red]nobody[/]", 200: "[green]200[/]"}
    return ", ".join(
        f"{count} × {words.get(status, f'[bold red]{status}[/]')}"
        for status, count in sorted(told.answers.items())
    )


def _tickets(calls: Sequence[Told]) -> Table:
    """What should lie on the desk, once all is told and mended."""
    table = Table(title="Tickets that there should be", title_justify="left", title_style="bold")
    table.add_column("Caller", no_wrap=True)
    table.add_column("Call", no_wrap=True, overflow="ellipsis", max_width=WIDEST)
    for heading in ("Ends as", "Operator", "Talk", "Tapes"):
        table.add_column(heading, no_wrap=True)
    for told in calls[:SHOWN]:
        ending = told.story.ending
        table.add_row(
            _caller(told.story), told.story.title, _OUTCOMES.get(ending.outcome, ending.outcome.value),
            ending.operator or "–", f"{ending.talk_seconds} s" if ending.operator else "–",
            str(ending.recordings or "–"),
        )  # fmt: skip
    if len(calls) > SHOWN:
        table.add_section()
        table.add_row("", f"… and {len(calls) - SHOWN} more: {len(calls)} in all, one for each call")
    return table


def _caller(story: Story) -> str:
    if story.direction is Direction.INTERNAL:
        return f"{story.caller} → {story.line}"
    return story.caller or "withheld"


def _say_what_next(calls: Sequence[Told], *, served: bool, has_api: bool) -> None:
    refused = sum(count for told in calls for status, count in told.answers.items() if status != 200)
    if refused:
        console.print(f"[bold red]{refused} webhooks were not taken:[/] the service's log says why.")
    lost = sum(told.lost for told in calls)
    if lost and served:
        console.print(
            f"{lost} webhooks were lost. The service asks for the vendor's records when a call has been "
            "silent for a minute and a half: then the tickets are mended."
        )
    elif lost and not has_api:
        console.print(f"{lost} webhooks were lost, and this vendor has no records to mend that by.")


async def _stay(seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    console.print(f"The vendor's side stays open for {seconds:.0f} s (Ctrl-C ends it).")
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)
