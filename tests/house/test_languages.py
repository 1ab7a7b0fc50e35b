"""Calls in Russian: chosen by a key or by the line, from first prompt to operator, and with us away."""

import asyncio
import signal
from pathlib import Path

import pytest

from cti.asterisk.install import Program
from cti.speech import choose_voice
from ivr.languages import in_language
from ivr.scenario import Scenario
from ivr.scenario_file import load_scenario
from tests.fakes.russian_voice import RussianVoice, find_russian_voice
from tests.house.bot import at_the_bot, bot_says
from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.hearing import Sound, heard, is_heard, read
from tests.house.test_waiting import RUSSIAN_LINE, all_operators_talking
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome, EventKind, HandOver
from voicebot.voice import Voice

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="session")
def russian(house_scenario: Path) -> Scenario:
    """The house's scenario as Russian callers meet it."""
    return in_language(load_scenario(house_scenario), "ru")


@pytest.fixture(scope="session")
def voice(asterisk: Program, russian: Scenario, voices: Voices) -> Voice:
    """Its voice, over the cache that the service uses."""
    return choose_voice(russian, voices.folder, asterisk.espeak)


@pytest.fixture(scope="session")
def caller_voice() -> RussianVoice:
    """What Russian callers speak with."""
    found = find_russian_voice()
    if found is None:
        pytest.skip(
            "LOUD: test callers have no Russian voice; `python -m tests.fakes.russian_voice` gets one"
        )
    return found


async def prompt(voice: Voice, text: str | None) -> Sound:
    assert text is not None
    return read(await voice.render(text))


async def test_a_caller_who_chooses_russian_is_answered_by_the_bot_in_russian(
    served: Centre, russian: Scenario, voice: Voice, caller_voice: RussianVoice, tmp_path: Path
) -> None:
    question, thanks, tape = tmp_path / "question.wav", tmp_path / "thanks.wav", tmp_path / "heard.wav"
    caller_voice.speak("сколько стоит билет", question)
    caller_voice.speak("нет спасибо, до свидания", thanks)
    caller, call_id = await served.call("+12025550171", tape=tape)
    await caller.wait_for_quiet()
    await caller.press("9")
    await caller.wait_for_quiet()
    await caller.press("1")
    await bot_says(served, caller, call_id, "greeting")
    await caller.say(question)
    await bot_says(served, caller, call_id, "anything_else")
    await caller.say(thanks)
    await asyncio.wait_for(caller.hung_up.wait(), 60)
    outcome = await outcome_of(served, call_id, transcript=True)
    [price] = [question.answer for question in russian.bot.questions if question.name == "ticket_price"]
    whole = await heard(tape, 10)
    for text in (russian.menus["main"].prompt.text, russian.bot.greeting, price):
        assert is_heard(whole, await prompt(voice, text)), text
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert outcome.ticket.topic == "Ticket price"
    assert outcome.recording.transcript is not None
    assert outcome.recording.transcript.language == "ru"
    said = " ".join(
        phrase.text for phrase in outcome.recording.transcript.phrases if phrase.speaker == "caller"
    )
    assert "билет" in said.lower()


async def test_who_asks_for_a_person_in_russian_gets_one(
    served: Centre, caller_voice: RussianVoice, voices: Voices, tmp_path: Path
) -> None:
    wish = tmp_path / "wish.wav"
    caller_voice.speak("хочу поговорить с человеком", wish)
    caller, call_id = await at_the_bot(served, "+12025550172", keys="91")
    await caller.say(wish)
    phone = await any_phone(served)
    await phone.answer()
    await phone.say(voices["hello"])
    await caller.hang_up()
    outcome = await outcome_of(served, call_id)
    assert outcome.call.hand_over is HandOver.ASKED
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    [event] = [event for event in outcome.events if event.kind is EventKind.LANGUAGE]
    assert dict(event.data) == {"language": "ru", "how": "key"}


async def test_with_us_dead_the_pbx_goes_on_in_russian_for_who_chose_it_and_on_a_russian_line(
    served: Centre, russian: Scenario, voice: Voice, tmp_path: Path
) -> None:
    tapes = tmp_path / "chose.wav", tmp_path / "rang.wav"
    async with all_operators_talking(served):
        chose, chose_id = await served.call("+12025550173", tape=tapes[0])
        await served.stage(chose_id, "menu")
        await asyncio.sleep(0.5)  # nobody presses before they have heard anything
        await chose.press("9")
        await asyncio.sleep(1.5)  # in the middle of the Russian menu
        served.signal_service(signal.SIGKILL)
        await served.queued(chose_id, REACH_S)
        rang, rang_id = await served.call("+12025550174", tape=tapes[1], line=RUSSIAN_LINE)
        await served.queued(rang_id, REACH_S)
        await asyncio.sleep(8)  # they listen
        await chose.hang_up()
        await rang.hang_up()
    for tape in tapes:
        assert is_heard(await heard(tape, 6), await prompt(voice, russian.prompts.connecting.text))
    await served.start_service()
    assert (await outcome_of(served, chose_id)).recording.missing_reason is None
    assert (await outcome_of(served, rang_id)).call.line == RUSSIAN_LINE


async def test_a_message_is_asked_for_in_russian_and_the_tone_is_heard(
    served: Centre, asterisk: Program, russian: Scenario, voice: Voice, tmp_path: Path
) -> None:
    tape = tmp_path / "heard.wav"
    assert asterisk.sounds is not None
    caller, call_id = await served.call("+12025550176", tape=tape, line=RUSSIAN_LINE)
    await served.stage(call_id, "menu")
    await asyncio.sleep(0.5)  # nobody presses before they have heard anything
    await caller.press("4")
    await served.stage(call_id, "voicemail")
    await caller.wait_for_quiet(700)
    await asyncio.sleep(2)  # the tone
    await caller.hang_up()
    whole = await heard(tape, 6)
    assert is_heard(whole, await prompt(voice, russian.prompts.voicemail.text))
    assert is_heard(whole, read(asterisk.sounds / "beep.wav"))
