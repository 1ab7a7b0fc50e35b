"""What waiting callers really hear: their place in the scenario's voice, and the plain word with us away."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cti.asterisk.install import Program
from cti.speech import choose_voice
from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from tests.fakes.until import eventually
from tests.house.centre import REACH_S, Centre
from tests.house.conftest import SUPERVISOR
from tests.house.desk_view import outcome_of
from tests.house.hearing import Sound, found_at, heard, is_heard, loudest_piece, read
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome
from voicebot.voice import Voice

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

RUSSIAN_LINE = "+18005550101"
FIRST_WORD_S = 20.0  # periodic-announce-startdelay
TEXT = "The draw of tonight is postponed to tomorrow."


@pytest.fixture(scope="session")
def voice(asterisk: Program, house_scenario: Path, voices: Voices) -> Voice:
    """The scenario's, over the cache that the service uses."""
    return choose_voice(load_scenario(house_scenario), voices.folder, asterisk.espeak)


async def spoken(voice: Voice, text: str) -> Sound:
    return read(await voice.render(text))


@asynccontextmanager
async def all_operators_talking(centre: Centre) -> AsyncIterator[None]:
    """While inside, whoever comes has to wait."""
    own, _ = await centre.exchange.network.ring_colleague("101", "102")
    yield
    await own.hang_up()


async def test_waiting_callers_hear_their_place_in_their_language_and_without_us_the_plain_word(
    served: Centre, asterisk: Program, voice: Voice, voices: Voices, tmp_path: Path
) -> None:
    scenario = load_scenario(served.scenario_file)
    russian = in_language(scenario, "ru")
    assert scenario.waiting is not None
    assert russian.waiting is not None
    russian_voice = choose_voice(russian, voices.folder, asterisk.espeak)
    greeting = await spoken(russian_voice, russian.prompts.greeting.text or "")
    third = await spoken(russian_voice, russian.waiting.place.format(place=3))
    first, second = (
        await spoken(voice, scenario.waiting.next),
        await spoken(voice, scenario.waiting.place.format(place=2)),
    )
    hold = await spoken(voice, scenario.prompts.please_hold.text or "")
    log = served.settings.data / "service.log"

    async def place_is_told() -> bool:
        return "place_told" in await asyncio.to_thread(log.read_text)

    await eventually(place_is_told, 180, "all places are spoken")
    tapes = [tmp_path / name for name in ("first.wav", "second.wav", "russian.wav", "last.wav")]
    async with all_operators_talking(served):
        legs = []
        for number, tape in zip(("+12025550151", "+12025550152"), tapes, strict=False):
            leg, call_id = await served.call(number, tape=tape)
            await leg.press("0")
            await served.queued(call_id, REACH_S)
            legs.append(leg)
        leg, call_id = await served.call("+12025550155", tape=tapes[2], line=RUSSIAN_LINE)
        await leg.wait_for_quiet()
        await leg.press("0")
        await served.queued(call_id, REACH_S)
        legs.append(leg)
        await asyncio.sleep(FIRST_WORD_S + 6)  # they listen
        for leg in legs:
            await leg.hang_up()
        served.signal_service(signal.SIGKILL)
        last, call_id = await served.call("+12025550153", tape=tapes[3])
        await served.queued(call_id, REACH_S)
        await asyncio.sleep(FIRST_WORD_S + 9)
        await last.hang_up()
        ones, twos, russians, lasts = [await heard(tape, FIRST_WORD_S + 4) for tape in tapes]
    assert len(found_at(ones, first)) == 1
    assert len(found_at(twos, second)) == 1
    assert FIRST_WORD_S - 2 <= found_at(ones, first)[0] <= FIRST_WORD_S + 6
    assert not found_at(ones, hold)
    assert is_heard(russians, greeting)
    assert is_heard(russians, third)
    assert len(found_at(lasts, hold)) == 1
    assert not found_at(lasts, first)
    await served.start_service()


async def test_an_incident_is_heard_after_the_greeting_and_informs(
    served: Centre, voice: Voice, tmp_path: Path
) -> None:
    words, greeting = await spoken(voice, TEXT), await spoken(voice, "Lucky Star Lottery.")
    desk = f"http://127.0.0.1:{served.settings.http_port}/api/v1"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        given = dict(zip(("login", "password"), SUPERVISOR, strict=True))
        async with client.post(f"{desk}/session", json=given) as answer:
            client.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        async with client.post(f"{desk}/incidents", json={"topic": "Draw postponed", "text": TEXT}) as answer:
            assert answer.status == 201, await answer.text()
            number = (await answer.json())["id"]

        async def announced() -> bool:
            async with client.get(f"{desk}/incidents") as answer:
                return bool((await answer.json())["announced"])

        try:
            await eventually(announced, 60, "the incident is spoken")
            caller, call_id = await served.call("+12025550154", tape=tmp_path / "tape.wav")
            await caller.wait_for_quiet()
            await caller.hang_up()
        finally:
            async with client.post(f"{desk}/incidents/{number}/off") as answer:
                assert answer.status == 200
    outcome = await outcome_of(served, call_id)
    assert outcome.call.outcome is CallOutcome.INFORMED_BY_MENU
    assert outcome.ticket.topic == "Draw postponed"
    tape = await heard(tmp_path / "tape.wav", 3)
    assert found_at(tape, loudest_piece(greeting))[0] < found_at(tape, loudest_piece(words))[0]
