"""The voicebot judged and taught, over real calls: what a supervisor teaches, the next caller is answered."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from cti.asterisk.install import Program
from cti.demo.exchange import own_settings
from cti.speech import choose_voice
from ivr.prompts import PromptBook
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import at_any_hour, write_scenario
from tests.fakes.until import eventually
from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import Centre, open_centre
from tests.house.conftest import SUPERVISOR
from tests.house.desk_view import Outcome, outcome_of
from tests.house.voices import Voices
from tickets.accounts import AccountBook
from tickets.database import migrate, open_database
from tickets.vocabulary import CallOutcome, EventKind, HandOver, Role

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def judged(
    asterisk: Program, voices: Voices, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """A centre whose bot asks whether it helped."""
    content = at_any_hour()
    content["prompts"]["greeting"] = "Lucky Star Lottery."
    content["menus"]["main"]["prompt"] = "To ask, press one."
    content["bot"]["thumbs"] = {"ask": "If that answered your question press one, if not press two."}
    file = write_scenario(content, tmp_path_factory.mktemp("scenario") / "judged.yaml")
    scenario = load_scenario(file)
    await PromptBook.prepare(scenario, choose_voice(scenario, voices.folder, asterisk.espeak), voices.folder)
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        settings = own_settings(Path(folder), prompts=voices.folder)
        await asyncio.to_thread(migrate, settings.database_url)
        database = open_database(settings.database_url)
        await AccountBook(database.sessions, deadline_s=30).add(*SUPERVISOR, Role.SUPERVISOR, "Sam Okafor")
        await database.close()
        async with open_centre(asterisk, scenario, file, settings) as centre:
            await centre.start_service()
            yield centre


@asynccontextmanager
async def supervisor(centre: Centre) -> AsyncIterator[aiohttp.ClientSession]:
    """A supervisor's browser."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(centre.address, cookie_jar=jar) as browser:
        login, password = SUPERVISOR
        async with browser.post("/login", data={"login": login, "password": password}) as answer:
            assert answer.status == 200
        yield browser


async def page(browser: aiohttp.ClientSession, path: str) -> str:
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


def thumbs(outcome: Outcome) -> list[object]:
    return [event.data["up"] for event in outcome.events if event.kind is EventKind.BOT_THUMB]


async def test_a_caller_says_by_key_that_it_helped_and_the_page_counts_it(
    judged: Centre, voices: Voices
) -> None:
    caller, call_id = await at_the_bot(judged, "+12025550151")
    await caller.say(voices["next_draw"])
    await bot_says(judged, caller, call_id, "anything_else")
    await caller.say(voices["nothing_more"])  # a good-bye behind it would be the end of the call
    await bot_says(judged, caller, call_id, "thumbs")
    await caller.press("1")
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    outcome = await outcome_of(judged, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert thumbs(outcome) == [True]
    async with supervisor(judged) as browser:

        async def counted() -> bool:
            return "helped, says 1 caller" in await page(browser, "/bot")

        await eventually(counted, what="the page counts the thumb")
        assert "<b>100%</b><span>containment</span>" in await page(browser, "/bot")


async def test_what_a_supervisor_teaches_the_next_caller_is_answered(judged: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(judged, "+12025550152")
    await caller.say(voices["unknown"])
    await judged.queued(call_id)
    await caller.hang_up()
    asked = await outcome_of(judged, call_id)
    assert asked.call.hand_over is HandOver.OUT_OF_SCOPE
    (words,) = [event.data["text"] for event in asked.events if event.data.get("intent") == "out_of_scope"]
    async with supervisor(judged) as browser:

        async def grouped() -> bool:
            return f"“{words}”" in await page(browser, "/bot/untaught")

        await eventually(grouped, what="the page shows what nobody taught the bot")
        form = {"question": "opening_hours", "phrases": str(words)}
        async with browser.post("/bot/teach", data=form) as answer:
            assert answer.status == 200
    caller, call_id = await at_the_bot(judged, "+12025550153")
    await caller.say(voices["unknown"])
    await bot_says(judged, caller, call_id, "answer:opening_hours")
    await caller.press("0")
    await judged.queued(call_id)
    await caller.hang_up()
    outcome = await outcome_of(judged, call_id)
    assert outcome.call.hand_over is HandOver.PRESSED_ZERO
    assert outcome.ticket.topic == "Opening hours"


async def test_a_caller_whom_it_did_not_help_is_offered_a_person(judged: Centre, voices: Voices) -> None:
    caller, call_id = await at_the_bot(judged, "+12025550154")
    await caller.say(voices["next_draw"])
    await bot_says(judged, caller, call_id, "anything_else")
    await caller.say(voices["nothing_more"])  # a good-bye behind it would be the end of the call
    await bot_says(judged, caller, call_id, "thumbs")
    await caller.press("2")
    await bot_says(judged, caller, call_id, "thumbs_offer")
    await caller.press("1")
    await judged.queued(call_id)
    await caller.hang_up()
    outcome = await outcome_of(judged, call_id)
    assert thumbs(outcome) == [False]
    assert outcome.call.hand_over is HandOver.ASKED
