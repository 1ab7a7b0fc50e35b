"""What callers hear and what hears them: the prompts, the recogniser, and the voicebot that talks to them."""

import asyncio
import contextlib
from dataclasses import dataclass

from cti.assembly.frame import Frame
from cti.asterisk.install import find_asterisk
from cti.bot.conversations import Conversations
from cti.bot.load import BotLoad
from cti.bot.teacher import NotLearnt, Teacher
from cti.progress import Report
from cti.speech import choose_recognizer, choose_voice
from ivr.prompts import PromptBook
from tickets.database import DatabaseTrouble, utc_now
from tickets.taught import TaughtBook
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.understanding import Understanding

RECOGNITION_S = 3.0  # of one utterance, its waiting included


@dataclass(frozen=True, slots=True)
class Voicebot:
    """The bot's conversations, and the recogniser that recordings share with it."""

    conversations: Conversations
    pool: RecognizerPool
    teacher: Teacher


async def prepare_prompts(frame: Frame, progress: Report) -> PromptBook:
    """Everything that the scenario has to say.

    Raises:
        PromptsNotReady, VoiceFailed: what is missing, and what to do.
    """
    program, folder = find_asterisk(), frame.settings.prompts_folder
    voice = choose_voice(frame.scenario, folder, program.espeak if program else None)
    return await PromptBook.prepare(
        frame.scenario, voice, folder, lambda done, total: progress("Speaking the prompts", done, total)
    )


async def wake_voicebot(frame: Frame, prompts: PromptBook, progress: Report) -> Voicebot:
    """Load the recogniser; then there is room for as many callers as this machine can hear in time.

    Raises:
        ModelMissing: the model cannot be had; the message says what to do.
    """
    settings, script = frame.settings, frame.scenario.bot
    load = BotLoad(lambda: conversations.count, RECOGNITION_S, frame.registry)
    progress("Loading the recogniser", 0, 1)
    recognizer = await asyncio.to_thread(
        choose_recognizer,
        settings.recognizer,
        settings.whisper_model,
        settings.vosk_model,
        frame.scenario.language,
    )
    pool = RecognizerPool(recognizer, deadline_s=RECOGNITION_S, waited=load.waited)
    frame.stack.callback(pool.close)
    progress("Loading the recogniser", 1, 1)
    teacher, dialogue = await _teacher(frame), Dialogue(script)

    def make(call_id: str) -> Conversation:
        return Conversation(
            call_id,
            ear=Ear(pool),
            understanding=teacher.understanding(),
            dialogue=dialogue,
            voice=prompts.bot_voice,
            publish=frame.publish,
            clock=utc_now,
        )

    conversations = Conversations(make, load.has_room)
    frame.task("bot_load", load.run())
    return Voicebot(conversations, pool, teacher)


async def _teacher(frame: Frame) -> Teacher:
    """What the bot understands: the scenario, and from its first call on what it was taught before."""
    scripts = {frame.scenario.language: frame.scenario.bot}
    teacher = Teacher(
        scripts, TaughtBook(frame.sessions).standing, lambda script, language: Understanding.train(script)
    )
    with contextlib.suppress(DatabaseTrouble, NotLearnt):  # the first round tries again
        await teacher.learn()
    frame.task("teacher", teacher.run())
    return teacher
