"""The house under load: a real PBX, the service as a process of its own, and many operators' phones.

Knows how to start and end them; nothing of callers and of what is measured.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml

from cti.asterisk.ami import AmiLink
from cti.asterisk.config import RTP_PORTS, EmbeddedPlan, InstancePlan, render, write_instance
from cti.asterisk.embedded import build_embedded, keep_secrets, plan_pbx
from cti.asterisk.install import Program, cache_folder
from cti.asterisk.instance import Instance
from cti.demo.exchange import NETWORK_RTP_START, PBX_RTP_START, own_settings
from cti.demo.network import LINES_HOST, PHONES_HOST
from cti.ports import free_port, free_udp_port
from cti.settings import Settings
from cti.speech import choose_voice
from ivr.scenario import Scenario
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import at_any_hour
from tests.fakes.until import eventually
from tests.house.centre import environment
from tests.house.surge.plan import PATIENCE_S
from tests.house.surge.sound import write_sounds
from tickets.customers import CustomerBook
from tickets.database import migrate, open_database

HERE = Path(__file__).parent
VIPS = tuple(f"+1202555{number:04}" for number in range(9000, 9040))
WORDS = {
    "question": "When is the next draw?",
    "thanks": "No, thank you. Goodbye.",
    "operator": "Good evening, this is the lottery. How can I help you? One moment, I am looking that up.",
}


@dataclass(frozen=True, slots=True)
class House:
    """All that runs."""

    settings: Settings
    folder: Path
    sip_address: str
    sounds: Path  # of the callers
    pbx: Instance
    phones: Instance
    service: "subprocess.Popen[bytes]"

    def pids(self) -> dict[str, int]:
        """The processes to be measured, by what people call them."""
        return {"service": self.service.pid, "PBX": self.pbx.pid() or 0, "phones": self.phones.pid() or 0}


def _scenario_file(folder: Path, operators: int) -> Path:
    """The shipped lottery at any hour, with as many operators as the run asks for."""
    content = at_any_hour()
    extensions = [101 + n for n in range(operators)]
    content["operators"] = {extension: f"Operator {extension}" for extension in extensions}
    content["queues"]["support"]["operators"] = extensions
    path = folder / "surge.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@asynccontextmanager
async def open_house(program: Program, folder: Path, operators: int, talk_s: int) -> AsyncIterator[House]:
    """Everything at work while the block runs, all phones registered."""
    scenario_file = _scenario_file(folder, operators)
    scenario = load_scenario(scenario_file)
    settings = own_settings(folder / "data", prompts=cache_folder() / "test-prompts")
    settings.data.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(migrate, settings.database_url)
    await _seed(settings)
    lines = await _speak(program, scenario, settings)
    write_sounds(folder / "sounds", lines, PATIENCE_S + 30)
    async with AsyncExitStack() as stack:
        sip_port = free_udp_port()
        pbx = _pbx(program, scenario, settings, sip_port)
        await pbx.start_async()
        stack.push_async_callback(pbx.stop_async)
        phones = _phones(program, scenario, settings, f"127.0.0.1:{sip_port}", lines["operator"], talk_s)
        await phones.start_async()
        stack.push_async_callback(phones.stop_async)
        service = _service(settings, scenario_file)
        stack.push_async_callback(_end, service)
        house = House(settings, folder, f"127.0.0.1:{sip_port}", folder / "sounds", pbx, phones, service)
        await eventually(lambda: _ready(house), 90, "the service is ready")
        await _all_phones(settings, scenario)
        yield house


async def _speak(program: Program, scenario: Scenario, settings: Settings) -> dict[str, Path]:
    voice = choose_voice(scenario, settings.prompts_folder, program.espeak)
    return dict(zip(WORDS, await voice.render_all(list(WORDS.values())), strict=True))


async def _seed(settings: Settings) -> None:
    database = open_database(settings.database_url)
    for number in VIPS:
        await CustomerBook(database.sessions).add(f"Customer {number[-4:]}", [number], vip_level=2)
    await database.close()


def _pbx(program: Program, scenario: Scenario, settings: Settings, sip_port: int) -> Instance:
    kept = keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators))
    doors = settings.doors
    plan = plan_pbx(
        scenario, kept, doors, prompts=settings.prompts_folder / "static", spool=settings.spool_folder
    )
    trunk = f"{LINES_HOST}:{free_udp_port(LINES_HOST)}"
    embedded = EmbeddedPlan(
        program.share / "moh", sip_port, settings.ami_port, settings.phone_port, trunk_address=trunk
    )
    return build_embedded(program, plan, settings.data / "pbx", embedded, PBX_RTP_START)


def _phones(
    program: Program, scenario: Scenario, settings: Settings, pbx_address: str, voice: Path, talk_s: int
) -> Instance:
    folder = (settings.data / "phones").absolute()
    kept = keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators))
    values: dict[str, object] = {
        "phones_address": f"{PHONES_HOST}:{free_udp_port(PHONES_HOST)}",
        "pbx_address": pbx_address,
        "phones": kept.phones,
        "voice": voice.with_suffix(""),
        "talk_s": talk_s,
        "ami_port": free_port(),
    }
    rtp_end = NETWORK_RTP_START + RTP_PORTS - 1
    write_instance(InstancePlan(folder, program.modules, NETWORK_RTP_START, rtp_end, system_name="ops"))
    render(HERE / "phones", folder / "etc", values)
    return Instance(program, folder, int(str(values["ami_port"])))


def _service(settings: Settings, scenario_file: Path) -> "subprocess.Popen[bytes]":
    with (settings.data / "service.log").open("ab") as log:
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "presszero"), "serve"],
            env={**os.environ, **environment(settings, scenario_file), "PRESSZERO_LOG_FORMAT": "json"},
            stdout=log,
            stderr=log,
        )


async def _end(service: "subprocess.Popen[bytes]") -> None:
    service.terminate()
    try:
        await asyncio.to_thread(service.wait, 90)
    except subprocess.TimeoutExpired:
        service.kill()
        await asyncio.to_thread(service.wait, 10)


async def _ready(house: House) -> bool:
    log = house.settings.data / "service.log"
    assert house.service.poll() is None, (await asyncio.to_thread(log.read_text))[-2000:]
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        timeout = aiohttp.ClientTimeout(total=2)
        address = f"http://127.0.0.1:{house.settings.http_port}/readyz"
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(address) as answer:
            return answer.status == 200
    return False


async def _all_phones(settings: Settings, scenario: Scenario) -> None:
    kept = keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators))
    link = AmiLink("127.0.0.1", settings.ami_port, "presszero", kept.ami, lambda events: None)
    await link.connect()
    watch = asyncio.create_task(link.run())

    async def there() -> bool:
        for extension in scenario.operators:
            answer = await link.action("Getvar", Variable=f"DEVICE_STATE(PJSIP/{extension})")
            if answer.fields["value"] != "NOT_INUSE":
                return False
        return True

    try:
        await eventually(there, 60, "every operator's phone is registered")
    finally:
        watch.cancel()
        await asyncio.wait([watch])
