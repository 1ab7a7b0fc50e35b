"""What callers hear and what hears them: the prompts, the recogniser, and the voicebot that talks to them."""

import asyncio
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from cti.assembly.frame import Frame
from cti.asterisk.install import find_asterisk
from cti.bot.conversations import Conversations
from cti.bot.load import BotLoad
from cti.customers.lookups import LookupDesk
from cti.progress import Report
from cti.speech import choose_recognizer, choose_voice
from ivr.prompts import PromptBook
from tickets.customers import CustomerBook
from tickets.database import utc_now
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.hearing import Ear
from voicebot.lookup import LookUp
from voicebot.recognizers.pool import RecognizerPool
from voicebot.understanding import Understanding

log = structlog.get_logger()

RECOGNITION_S = 3.0  # of one utterance, its waiting included


@dataclass(frozen=True, slots=True)
class Voicebot:
    """The bot's conversations, and the recogniser that recordings share with it."""

    conversations: Conversations
    pool: RecognizerPool


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
        VoiceFailed: the voice can not speak for one call alone, as the scenario's texts want it.
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
    language = frame.scenario.language
    understanding = Understanding.train(script, language)
    dialogue = Dialogue(script, language, ZoneInfo(frame.scenario.timezone))
    look_up = await _lookups(frame)
    if script.speaks_fields:
        frame.stack.push_async_callback(prompts.bot_voice.close)
        await prompts.bot_voice.warm()

    def make(call_id: str) -> Conversation:
        return Conversation(
            call_id,
            ear=Ear(pool),
            understanding=understanding,
            dialogue=dialogue,
            voice=prompts.bot_voice,
            publish=frame.publish,
            clock=utc_now,
            look_up=look_up,
            customer=partial(_name_of, frame, call_id) if script.names_customers else None,
        )

    conversations = Conversations(make, load.has_room)
    frame.task("bot_load", load.run())
    return Voicebot(conversations, pool)


async def _name_of(frame: Frame, call_id: str) -> str | None:
    """The name on the caller's card. Raises DatabaseTrouble, NotFound."""
    call = frame.live.call(call_id)
    if call is None or call.customer_id is None:
        return None
    return (await CustomerBook(frame.sessions).get(call.customer_id)).name


async def _lookups(frame: Frame) -> LookUp | None:
    """Whoever asks the company's system; None where the scenario asks nothing."""
    settings, lookups = frame.settings, frame.scenario.bot.lookups
    if not lookups:
        return None
    if not settings.lookups_url and any(lookup.path is not None for lookup in lookups.values()):
        log.warning(
            "The scenario's look-ups have no address: who wants one goes to an operator. "
            "Set PRESSZERO_LOOKUPS_URL.",
            action="lookups_not_set_up",
        )
    token = settings.lookups_token.get_secret_value()
    desk = LookupDesk.connected(settings.lookups_url, token, lookups)
    return (await frame.stack.enter_async_context(desk)).ask
