"""One contact centre for all house tests of a session; each test leaves it as it found it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.asterisk.install import Program, cache_folder
from cti.demo.exchange import own_settings
from cti.speech import choose_voice, voice_chooser
from ivr.prompts import PromptBook
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import at_any_hour, write_scenario
from tests.house.centre import Centre, open_centre
from tests.house.office import ticket_office
from tests.house.voices import LINES, Voices
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import migrate, open_database
from tickets.vocabulary import Role

VIP, PLAIN, SUPERVISOR = "+12025550133", "+12025550111", ("sam", "a long enough password")


@pytest.fixture(scope="session")
def house_scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lottery at any hour, with a duty phone."""
    content = at_any_hour(languages=True)
    content["lines"] = {"+18005550100": None, "+18005550101": "ru"}
    content["duty_phone"] = "+12025550199"
    content["call_back"]["ring_s"] = 110  # a service is killed and started again meanwhile
    # As short as a caller of few words would like it; the shipped one is heard out by the demo.
    content["prompts"] |= {"greeting": "Lucky Star Lottery.", "recording_notice": "Recorded."}
    content["menus"]["main"]["prompt"] = "One to ask, two for prizes."
    content["menus"]["main"]["options"][9]["invitation"] = "Девять."
    # Hardly a VIP: who came a second earlier stays ahead of them, however long both wait.
    content["vip"]["levels"][1] = {"head_start_s": 0, "speed": 1.01}
    return write_scenario(content, tmp_path_factory.mktemp("scenario") / "house.yaml")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def voices(asterisk: Program, house_scenario: Path) -> Voices:
    """What test callers say, as telephone audio; rendered once per machine."""
    folder = cache_folder() / "test-prompts"
    scenario = load_scenario(house_scenario)
    voice = choose_voice(scenario, folder, asterisk.espeak)
    await PromptBook.prepare_languages(scenario, voice_chooser(folder, asterisk.espeak), folder)
    paths = await voice.render_all(list(LINES.values()))
    return Voices(folder, dict(zip(LINES, paths, strict=True)))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def centre(asterisk: Program, house_scenario: Path, voices: Voices) -> AsyncIterator[Centre]:
    """Real PBX, real network, the service as a process of its own."""
    # A short path of our own: Asterisk's control socket does not fit into pytest's long ones.
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        async with ticket_office() as office:
            settings = own_settings(Path(folder), prompts=voices.folder, lookups_url=office)
            await asyncio.to_thread(migrate, settings.database_url)
            await _seed(settings.database_url)
            scenario = load_scenario(house_scenario)
            async with open_centre(asterisk, scenario, house_scenario, settings) as opened:
                yield opened


async def _seed(url: str) -> None:
    database = open_database(url)
    people = CustomerBook(database.sessions, deadline_s=30)  # several houses are built at once
    await people.add("Vera Lindqvist", [VIP], vip_level=2)
    await people.add("Grace Hill", [PLAIN], vip_level=0)
    accounts = AccountBook(database.sessions, deadline_s=30)
    await accounts.add(*SUPERVISOR, Role.SUPERVISOR, "Sam Okafor")
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def served(centre: Centre) -> AsyncIterator[Centre]:
    """The centre with its service running; afterwards nobody is left on the line."""
    if centre.service is None:
        await centre.start_service()
    yield centre
    await centre.clear_lines()
