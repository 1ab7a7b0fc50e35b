"""Calls with the bot over Asterisk's WebSocket channel: the same promises as over AudioSocket."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.asterisk.config import BOT_FUSE_S
from cti.asterisk.events import ListedChannel
from cti.asterisk.install import Program
from cti.demo.exchange import own_settings
from cti.speech import choose_voice
from ivr.scenario_file import load_scenario
from tests.house.bot import at_the_bot, bot_begins
from tests.house.centre import REACH_S, Centre, open_centre
from tests.house.desk_view import outcome_of
from tests.house.hearing import heard, is_heard, read
from tests.house.voices import Voices
from tickets.database import migrate
from tickets.vocabulary import CallOutcome, HandOver, TicketStatus

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


async def test_the_bot_answers_falls_silent_at_a_word_and_closes_the_ticket(
    linked: Centre, voices: Voices, asterisk: Program, tmp_path: Path
) -> None:
    scenario, tape = load_scenario(linked.scenario_file), tmp_path / "heard.wav"
    (question,) = [question for question in scenario.bot.questions if question.name == "next_draw"]
    caller, call_id = await at_the_bot(linked, "+12025550211", tape=tape)
    await caller.say(voices["next_draw"])
    await bot_begins(linked, call_id, "answer:next_draw")
    await caller.say(voices["no_thanks"])  # into the answer
    await asyncio.wait_for(caller.hung_up.wait(), 40)

    outcome = await outcome_of(linked, call_id)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert outcome.ticket.topic == "Next draw"
    assert outcome.ticket.status is TicketStatus.CLOSED
    voice = choose_voice(scenario, voices.folder, asterisk.espeak)
    answer = read(await voice.render(question.answer))
    goodbye = read(await voice.render(scenario.bot.goodbye))
    sound = await heard(tape, outcome.recording.seconds - 2)
    assert not is_heard(sound, answer[len(answer) // 2 :])
    assert is_heard(sound, goodbye)  # whole, before the line was closed


async def test_zero_while_the_bot_speaks_is_a_person(linked: Centre) -> None:
    caller, call_id = await linked.call("+12025550212")
    await caller.press("1")
    await linked.stage(call_id, "bot_leg")
    await caller.press("0")
    await linked.queued(call_id, REACH_S)
    await caller.hang_up()
    outcome = await outcome_of(linked, call_id)
    assert outcome.call.hand_over is HandOver.PRESSED_ZERO
    assert outcome.call.outcome is CallOutcome.ABANDONED


async def test_the_fuse_waits_while_the_caller_thinks_and_burns_down_when_the_service_is_frozen(
    linked: Centre,
) -> None:
    caller, call_id = await at_the_bot(linked, "+12025550213")
    await asyncio.sleep(2 * BOT_FUSE_S)  # of silence
    channels = await linked.pbx.list_action("CoreShowChannels")
    legs = [one for one in channels if isinstance(one, ListedChannel) and "WebSocket/" in one.channel]
    assert [leg.linkedid for leg in legs] == [call_id]
    family = linked.service_family()
    for pid in reversed(family):
        os.kill(pid, signal.SIGSTOP)
    try:
        await linked.queued(call_id, REACH_S)
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    await caller.hang_up()
    assert (await outcome_of(linked, call_id)).recording.missing_reason is None


async def test_killed_during_the_bot_the_caller_waits_for_a_person(linked: Centre) -> None:
    caller, call_id = await at_the_bot(linked, "+12025550215")
    linked.signal_service(signal.SIGKILL)
    await linked.queued(call_id, REACH_S)
    await caller.hang_up()
    await linked.start_service()
    assert (await outcome_of(linked, call_id)).recording.missing_reason is None
