"""A whole contact centre with people in front of real browsers, whose microphones play files."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from cti.asterisk.install import Program
from cti.demo.exchange import own_settings
from ivr.scenario_file import load_scenario
from tests.browser.chromium import find_chromium
from tests.browser.people import open_browser, seed
from tests.conftest import LOUD
from tests.fakes.web_room import WebRoom
from tests.house.centre import Centre, open_centre
from tests.house.conftest import house_scenario, voices
from tests.house.voices import Voices
from tickets.database import migrate, open_database, utc_now

__all__ = ["house_scenario", "voices"]  # fixtures of the house, for these tests too

Open = Callable[[str], Awaitable[Browser]]


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A real Chromium."""
    program = find_chromium()
    if program is None:
        pytest.skip(f"{LOUD} there is no Chromium; `python -m tests.browser.chromium` gets one")
    return program


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(playwright: Playwright, chromium: Path, voices: Voices) -> AsyncIterator[Open]:
    """Opens the browser of somebody who says one of the lines again and again; one browser for each line."""
    browsers: dict[str, Browser] = {}
    async with AsyncExitStack() as stack:

        async def of(line: str) -> Browser:
            if line not in browsers:
                browsers[line] = await stack.enter_async_context(
                    open_browser(playwright, chromium, voices[line])
                )
            return browsers[line]

        yield of


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def centre(asterisk: Program, house_scenario: Path, voices: Voices) -> AsyncIterator[Centre]:
    """Real PBX, real network, the service as a process of its own, people with accounts."""
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        settings = own_settings(Path(folder), prompts=voices.folder, ring_page=True)
        await asyncio.to_thread(migrate, settings.database_url)
        await seed(settings)
        async with open_centre(asterisk, load_scenario(house_scenario), house_scenario, settings) as opened:
            yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def served(centre: Centre) -> AsyncIterator[Centre]:
    """The centre with its service running; afterwards nobody is left on the line."""
    if centre.service is None:
        await centre.start_service()
    yield centre
    await centre.clear_lines()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[WebRoom]:
    """A site at work, without a PBX."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'presszero.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    database = open_database(url)
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open():
        yield room
    await database.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    program = find_chromium()
    if program is None:
        pytest.skip(f"{LOUD} there is no Chromium; `python -m tests.browser.chromium` gets one")
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        await chromium.close()
