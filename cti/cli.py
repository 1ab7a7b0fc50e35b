"""The command line: `presszero`. Each command is a few lines; what it does is elsewhere.

Errors that a person can mend end in one sentence on stderr and exit code 1, never in a traceback.
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cti import logs
from cti.asterisk.ami import AmiLoginRefused
from cti.asterisk.config import BadPbxConfiguration, EmbeddedPlan, PbxPlan, write_includes
from cti.asterisk.embedded import TRUNK_ENDPOINT, build_embedded, keep_secrets, plan_pbx
from cti.asterisk.install import NoAsterisk, find_asterisk, install_asterisk
from cti.asterisk.instance import Instance, PbxDidNotEnd, PbxDidNotStart
from cti.bot_cli import NoSuchLanguage, bot
from cti.certificates import BadHost, NoCertificate, first_host, make_certificate
from cti.people_cli import user
from cti.ports import PortTaken, check_port
from cti.progress import Report, progress_bar
from cti.settings import BadSettings, Settings
from cti.shipped import shipped_scenario
from cti.simulate_cli import simulate
from cti.spill import SpillUnusable
from cti.virtual_pbx.playing import NoDoor
from cti.virtual_pbx.settings import BadConnection
from cti.virtual_pbx.simulators.registry import SIMULATORS
from cti.virtual_pbx.watching import NotTakenUp
from cti.virtual_pbx_cli import connect
from cti.waiting.ageing import passed_at_most
from cti.web.assets import PagesNotBuilt
from ivr.prompts import PromptBook, PromptsNotReady
from ivr.scenario import Scenario
from ivr.scenario_file import BadScenario, load_scenario
from recordings.spool import SpoolTrouble
from recordings.store import ShelfUnwritable
from recordings.wav import BadAudio
from tickets.accounts import BadLogin, LoginTaken, WeakPassword
from tickets.customers import NotFound
from tickets.database import (
    DatabaseTrouble,
    NoDatabase,
    OldSchema,
    migrate,
    utc_now,
)
from tickets.people import ExtensionTaken, LastAdministrator
from voicebot.recognizers.port import ModelMissing
from voicebot.voice import VoiceFailed

EMBEDDED_RTP_START = 18000
EXPECTED = (
    BadSettings,
    BadScenario,
    NoSuchLanguage,
    BadAudio,
    BadHost,
    NoCertificate,
    BadPbxConfiguration,
    NoAsterisk,
    PbxDidNotEnd,
    PbxDidNotStart,
    PagesNotBuilt,
    PortTaken,
    PromptsNotReady,
    VoiceFailed,
    ModelMissing,
    NoDatabase,
    OldSchema,
    SpillUnusable,
    BadConnection,
    NotTakenUp,
    NoDoor,
    DatabaseTrouble,
    ShelfUnwritable,
    SpoolTrouble,
    AmiLoginRefused,
    BadLogin,
    LoginTaken,
    WeakPassword,
    ExtensionTaken,
    LastAdministrator,
    NotFound,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="PressZero, the backend of a telephone contact centre. Settings: PRESSZERO_… environment variables.",
)
pbx = typer.Typer(no_args_is_help=True, help="The PBX: get one, run it, or configure your own.")
app.add_typer(pbx, name="pbx")
app.add_typer(user, name="user")
app.add_typer(bot, name="bot")
app.command("connect")(connect)
app.command("simulate")(simulate)
console = Console()
errors = Console(stderr=True)


def main() -> None:
    """Entry point of the console command."""
    try:
        app()
    except EXPECTED as error:
        errors.print(str(error), style="bold red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def read_scenario(settings: Settings) -> Scenario:
    """The configured scenario, or the shipped lottery."""
    return load_scenario(settings.scenario or shipped_scenario())


@app.command()
def serve() -> None:
    """Run the service: reception, voicebot, ledger, recordings, pages."""
    from cti.process.lifecycle import serve as run_service  # heavy: engines, web

    settings = Settings.read()
    logs.configure(settings.log_format)
    if not asyncio.run(run_service(settings, read_scenario(settings))):
        errors.print("A part of the service has died; the log says which.", style="bold red")
        raise typer.Exit(1)


@app.command("migrate")
def migrate_command() -> None:
    """Make the database, or bring it up to date."""
    migrate(Settings.read().database_url)
    console.print("The database is up to date.")


@app.command()
def check(
    scenario: Annotated[
        Path | None, typer.Argument(help="The scenario file; default: the configured one.")
    ] = None,
) -> None:
    """Read a scenario file and name every mistake with its line."""
    from cti.speech import deaf_languages

    settings = Settings.read()
    path = scenario or settings.scenario or shipped_scenario()
    found = load_scenario(path)
    console.print(
        f"{path} is good: {len(found.menus)} menus, {len(found.bot.questions)} questions, "
        f"{len(found.queues)} queues, {len(found.operators)} operators.",
        soft_wrap=True,
    )
    if found.languages:
        console.print(f"Callers are spoken to in {', '.join(found.spoken_languages)}.")
    for language, what_to_do in deaf_languages(found, settings).items():
        console.print(
            f"Here the bot does not hear {language}, and its callers get people: {what_to_do}.",
            soft_wrap=True,
            markup=False,
        )
    if found.vip.levels:
        passed = passed_at_most(9, found.vip)
        console.print(f"Whoever finds nine callers waiting is overtaken by at most {passed} VIPs.")


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option(help="End after the story; fail if something in it did not happen.")
    ] = False,
    pbx: Annotated[
        str, typer.Option(help="A virtual PBX, simulated, in the place of Asterisk: mango, generic …")
    ] = "",
) -> None:
    """A call centre at work: real Asterisk, three callers, three tickets."""
    from cti.demo.stage import run_demo
    from cti.demo.virtual_stage import run_virtual_demo

    logs.configure("silent")
    if pbx and pbx not in SIMULATORS:
        raise BadConnection(f"There is no simulator of {pbx}: choose among {', '.join(SIMULATORS)}.")
    scenario = shipped_scenario()
    happened = (
        run_virtual_demo(console, scenario, pbx, once=once) if pbx else run_demo(console, scenario, once=once)
    )
    if not asyncio.run(happened):
        sys.exit(1)


@app.command("certificate")
def certificate_command(
    hosts: Annotated[
        list[str], typer.Argument(help="Names and addresses under which browsers open the desk.")
    ],
) -> None:
    """Make a certificate for a centre in a local network; pages and embedded PBX use it from then on."""
    settings = Settings.read()
    made = make_certificate(settings.tls_folder, hosts, utc_now())
    console.print(
        f"The certificate is in {settings.tls_folder}. Start the service and `presszero pbx up` anew, with "
        f"PRESSZERO_HTTP_HOST=0.0.0.0, and open https://{first_host(made.server.certificate)}:"
        f"{settings.http_port}/. Browsers have to trust {made.authority} first: import it as an authority "
        "for websites on each machine.",
        soft_wrap=True,
        markup=False,
    )


@pbx.command("install")
def pbx_install() -> None:
    """Find an Asterisk, or unpack Debian's Asterisk 22 into the cache, without root."""
    with progress_bar(errors) as report:
        program = install_asterisk(report)
    console.print(f"Asterisk {program.version} is ready ({'unpacked' if program.tree else 'found on PATH'}).")


@pbx.command("up")
def pbx_up(
    sip_port: Annotated[int, typer.Option(min=1, max=65535, help="SIP over UDP, on loopback.")] = 5060,
    trunk: Annotated[
        str, typer.Option(help="Where the telephone network is (address:port, loopback).")
    ] = "127.0.0.2:5060",
) -> None:
    """Start the embedded PBX with the configured scenario, in the background."""
    settings = Settings.read()
    scenario = read_scenario(settings)
    running = _existing_instance(settings)
    if running is not None and running.pid() is not None:
        console.print("The PBX is running already; `presszero pbx down` ends it.")
        return
    with progress_bar(errors) as report:
        program = install_asterisk(report)
        asyncio.run(_prepare_prompts(settings, scenario, report))
    plan = _plan(settings, scenario)
    embedded = EmbeddedPlan(
        program.share / "moh",
        sip_port,
        settings.ami_port,
        settings.phone_port,
        settings.phone_tls_port,
        tls_certificate=str(settings.tls.certificate) if settings.tls else "",
        tls_key=str(settings.tls.key) if settings.tls else "",
        phones=str((settings.data / "added-phones").absolute()),
        trunk_address=trunk,
    )
    check_port("AMI", "127.0.0.1", settings.ami_port, "PRESSZERO_AMI_PORT")
    check_port("The phone in the page", "127.0.0.1", settings.phone_port, "PRESSZERO_PHONE_PORT")
    if settings.tls is not None:
        check_port("The phone in the page", "0.0.0.0", settings.phone_tls_port, "PRESSZERO_PHONE_TLS_PORT")
    check_port("SIP", "127.0.0.1", sip_port, "--sip-port", socket.SOCK_DGRAM)
    build_embedded(program, plan, settings.data / "pbx", embedded, EMBEDDED_RTP_START).start()
    console.print(
        f"The PBX is up: SIP 127.0.0.1:{sip_port}, AMI 127.0.0.1:{settings.ami_port}. "
        f"Its secrets and the phones' passwords are in {settings.data / 'pbx-secrets.json'}.",
        soft_wrap=True,
    )


@pbx.command("down")
def pbx_down() -> None:
    """End the embedded PBX."""
    instance = _existing_instance(Settings.read())
    stopped = instance is not None and instance.stop()
    console.print("The PBX has ended." if stopped else "The PBX was not running.")


@pbx.command("status")
def pbx_status() -> None:
    """Say whether the embedded PBX runs; exit code 1 if not."""
    instance = _existing_instance(Settings.read())
    pid = instance.pid() if instance else None
    console.print(
        f"The PBX runs (process {pid})." if pid else "The PBX does not run; `presszero pbx up` starts it."
    )
    if pid is None:
        raise typer.Exit(1)


@pbx.command("config")
def pbx_config(
    out: Annotated[Path, typer.Option(help="Folder for the include files.")],
    trunk: Annotated[
        str, typer.Option(help="Your PJSIP endpoint towards the telephone network.")
    ] = TRUNK_ENDPOINT,
) -> None:
    """Write the include files for an Asterisk of your own. Nothing else is touched."""
    settings = Settings.read()
    scenario = read_scenario(settings)
    with progress_bar(errors) as report:
        asyncio.run(_prepare_prompts(settings, scenario, report))
    for path in write_includes(_plan(settings, scenario, trunk), out):
        first = path.read_text().splitlines()[0].lstrip("; ")
        console.print(f"[bold]{path.name}[/]  {first}", soft_wrap=True)
    console.print(
        "\nJoin each with one #include as its first lines say, "
        f"let the PBX's user write to {settings.spool_folder} "
        f"and read {settings.prompts_folder}, and send your trunk's calls to the context presszero-inbound.",
        soft_wrap=True,
    )


async def _prepare_prompts(settings: Settings, scenario: Scenario, report: Report) -> None:
    from cti.speech import voice_chooser

    program = find_asterisk()
    await PromptBook.prepare_languages(
        scenario,
        voice_chooser(settings.prompts_folder, program.espeak if program else None),
        settings.prompts_folder,
        lambda done, total: report("Speaking the prompts", done, total),
    )


def _plan(settings: Settings, scenario: Scenario, trunk: str = TRUNK_ENDPOINT) -> PbxPlan:
    return plan_pbx(
        scenario,
        keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators)),
        settings.doors,
        prompts=settings.prompts_folder / "static",
        spool=settings.spool_folder,
        trunk=trunk,
    )


def _existing_instance(settings: Settings) -> Instance | None:
    program = find_asterisk()
    return Instance(program, (settings.data / "pbx").absolute(), settings.ami_port) if program else None
