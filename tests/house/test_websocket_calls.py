"""Calls with the bot over Asterisk's WebSocket channel: the same promises as over AudioSocket."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.asterisk.install import Program
from cti.demo.exchange import own_settings
from ivr.scenario_file import load_scenario
from tests.house.centre import Centre, open_centre
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.database import migrate
from tickets.vocabulary import CallOutcome, TicketStatus

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def over_websocket(asterisk: Program, house_scenario: Path, voices: Voices) -> AsyncIterator[Centre]:
    """A centre of its own: PBX and service have agreed on the other carrier."""
    with tempfile.TemporaryDirectory(prefix="pz-") as folder:
        settings = own_settings(Path(folder), prompts=voices.folder, bot_audio="websocket")
        await asyncio.to_thread(migrate, settings.database_url)
        async with open_centre(asterisk, load_scenario(house_scenario), house_scenario, settings) as centre:
            yield centre


@pytest_asyncio.fixture(loop_scope="session")
async def linked(over_websocket: Centre) -> AsyncIterator[Centre]:
    """With its service running; afterwards nobody is left on the line."""
    if over_websocket.service is None:
        await over_websocket.start_service()
    yield over_websocket
    await over_websocket.clear_lines()


async def test_the_bot_answers_a_question_and_closes_the_ticket(linked: Centre, voices: Voices) -> None:
    caller, call_id = await linked.call("+12025550211")
    await caller.wait_for_quiet()
    await caller.press("1")
    await linked.stage(call_id, "bot_leg")
    await caller.wait_for_quiet()
    await caller.say(voices["next_draw"])
    await caller.wait_for_quiet()
    await caller.say(voices["no_thanks"])
    await asyncio.wait_for(caller.hung_up.wait(), 40)
    outcome = await outcome_of(linked, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert outcome.ticket.topic == "Next draw"
    assert outcome.ticket.status is TicketStatus.CLOSED
