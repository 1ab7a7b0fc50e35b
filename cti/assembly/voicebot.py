"""What callers hear and what hears them: prompts, recognisers, and the voicebot that talks to them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from cti.assembly.frame import Frame
from cti.assembly.teaching import teach_bot
from cti.asterisk.install import find_asterisk
from cti.bot.conversations import Conversations
from cti.bot.load import BotLoad
from cti.bot.teacher import Teacher
from cti.customers.lookups import LookupDesk
from cti.process.memory import resident_mib
from cti.progress import Report
from cti.speech import choose_recognizer, engine_for, names_told, voice_chooser
from cti.virtual_pbx.connections import connection_files
from cti.virtual_pbx.registry import vendor_type
from ivr.languages import in_language
from ivr.prompts import PromptBook
from tickets.customers import CustomerBook
from tickets.database import utc_now
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.grammar import Grammars
from voicebot.hearing import Ear, GrammarFor
from voicebot.lookup import LookUp
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing

log = structlog.get_logger()

RECOGNITION_S = 3.0  # of one utterance, its waiting included


@dataclass(frozen=True, slots=True)
class Voicebot:
    """The bot's conversations, and the recognisers that recordings share with it."""

    conversations: Conversations
    pool: RecognizerPool  # of the scenario's own language
    pools: Mapping[str, RecognizerPool]  # by language, the own included; a deaf language has none
    teacher: Teacher

    def speaks(self, language: str) -> bool:
        """Whether a conversation can be held in it."""
        return language in self.pools


async def prepare_prompts(frame: Frame, progress: Report) -> PromptBook:
    """Everything that the scenario has to say, in all its languages; unspoken where no PBX has us say it.

    Raises:
        PromptsNotReady, VoiceFailed: what is missing, and what to do.
        BadConnection: which PBXs are connected cannot be seen.
    """
    program, folder = find_asterisk(), frame.settings.prompts_folder
    voices = voice_chooser(folder, program.espeak if program else None)
    connected = await asyncio.to_thread(connection_files, frame.settings.connections_folder)
    if not frame.settings.asterisk and not any(vendor_type(name).serves_callers for name in connected):
        return PromptBook.unspoken(frame.scenario, voices, folder)
    return await PromptBook.prepare_languages(
        frame.scenario,
        voices,
        folder,
        lambda done, total: progress("Speaking the prompts", done, total),
    )


async def wake_voicebot(frame: Frame, prompts: PromptBook, progress: Report) -> Voicebot:
    """Load the recognisers; then there is room for as many callers as this machine can hear in time.

    Raises:
        ModelMissing: the model of the scenario's own language cannot be had; the message says what to do.
        VoiceFailed: the voice can not speak for one call alone, as the scenario's texts want it.
    """
    load = BotLoad(lambda: conversations.count, RECOGNITION_S, frame.registry)
    # What nothing here can speak, nobody need understand.
    languages = (frame.scenario.language, *prompts.languages)
    pools = await _load_recognizers(frame, languages, progress, load)
    scenarios = {language: in_language(frame.scenario, language) for language in pools}
    zone = ZoneInfo(frame.scenario.timezone)
    dialogues = {language: Dialogue(own.bot, language, zone) for language, own in scenarios.items()}
    teacher = await teach_bot(frame, {language: own.bot for language, own in scenarios.items()})
    grammars: dict[str, Grammars] = {}
    look_up = await _lookups(frame)
    for language, dialogue in dialogues.items():
        if dialogue.script.speaks_fields:
            voice = prompts.in_language(language).bot_voice
            frame.stack.push_async_callback(voice.close)
            await voice.warm()

    def grammar(language: str) -> GrammarFor | None:
        """What may be said in each state, taught phrases included, where the engine wants to know."""
        if not pools[language].recognizer.takes_grammar:
            return None
        script = teacher.script(language)
        if language not in grammars or grammars[language].script is not script:
            grammars[language] = Grammars(script, language)
        return grammars[language].of

    def make(call_id: str, language: str) -> Conversation:
        language = language if language in pools else frame.scenario.language
        dialogue = dialogues[language]
        return Conversation(
            call_id,
            ear=Ear(pools[language], grammar=grammar(language)),
            understanding=teacher.understanding(language),
            dialogue=dialogue,
            voice=prompts.in_language(language).bot_voice,
            publish=frame.publish,
            clock=utc_now,
            look_up=look_up,
            customer=partial(_name_of, frame, call_id) if dialogue.script.names_customers else None,
        )

    conversations = Conversations(make, load.has_room)
    frame.task("bot_load", load.run())
    return Voicebot(conversations, pools[frame.scenario.language], pools, teacher)


async def _load_recognizers(
    frame: Frame, languages: Sequence[str], progress: Report, load: BotLoad
) -> dict[str, RecognizerPool]:
    """A pool for each language, so that a slow engine holds up no callers of another. One that cannot be had
    leaves its further language deaf.
    """
    scenario, pools = frame.scenario, dict[str, RecognizerPool]()
    for done, language in enumerate(languages):
        progress("Loading the recogniser", done, len(languages))
        before = resident_mib()
        try:
            recognizer = await asyncio.to_thread(
                choose_recognizer,
                *engine_for(language, scenario, frame.settings),
                language,
                names=names_told(in_language(scenario, language)),
                loaded=[pool.recognizer for pool in pools.values()],
            )
        except ModelMissing as error:
            if language == scenario.language:
                raise
            log.warning(
                "The bot is deaf to a language: its callers get people.",
                action="language_deaf",
                language=language,
                reason=str(error),
            )
            continue
        log.info(
            "A recogniser is loaded.",
            action="recogniser_loaded",
            language=language,
            engine=recognizer.name,
            memory_mib=round(resident_mib() - before),
        )
        pools[language] = RecognizerPool(recognizer, deadline_s=RECOGNITION_S, waited=load.waited)
        frame.stack.callback(pools[language].close)
    progress("Loading the recogniser", 1, 1)
    return pools


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
