"""The composition root: one running service, every part given what it needs and nothing more.

Starts from the bottom (database, tape shelf) to the top (pages, PBX link), and stops in the opposite order.
The doors for calls open late: until then the dialplan takes callers to the operators by itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import CollectorRegistry, Gauge

from cti.asterisk.ami import AmiLink, AmiUnreachable
from cti.asterisk.config import BOT_LIMIT_S
from cti.asterisk.embedded import keep_secrets
from cti.asterisk.events import AmiEvent, KeyPressed, StageReached
from cti.asterisk.install import find_asterisk
from cti.asterisk.queue_watch import QueueWatch
from cti.asterisk.reconciler import Reconciler
from cti.asterisk.translate import BOT_LEG, Translator
from cti.bot_capacity import MOST as MOST_CONVERSATIONS
from cti.bot_legs import BotLegs
from cti.bot_load import BotLoad
from cti.call_backs import CallBacks
from cti.callers import CallerSearch
from cti.conversations import Conversations
from cti.crm import Crm
from cti.drain import Drain
from cti.incidents import IncidentAnnouncer
from cti.intake import Intake
from cti.live import LiveCalls
from cti.ports import PortTaken, check_port
from cti.progress import Report
from cti.queue_keeper import QueueKeeper
from cti.queues import Waiting
from cti.settings import Settings
from cti.speech import choose_recognizer, choose_voice
from cti.surge_watch import SurgeWatch
from cti.waiting_room import WaitingRoom
from cti.web.front_door import FrontDoor
from cti.web.services import Services
from cti.web.site import make_site
from ivr.agi import AgiSession
from ivr.call_back import SCRIPT as CALL_BACK_SCRIPT
from ivr.call_back import CallBackDesk
from ivr.keys import Keys
from ivr.prompts import STATIC, PromptBook
from ivr.reception import ExpectedBot, Reception
from ivr.scenario import Scenario
from ivr.server import FastAgiServer
from ivr.waiting_voice import WaitingVoice
from ivr.waiting_words import OFFER, incident_piece
from recordings.intake import Intake as RecordingIntake
from recordings.shelf import RecordingShelf
from recordings.store import DiskStore
from recordings.transcriber import Transcriber
from tickets.accounts import AccountBook
from tickets.call_backs import CallBackBook
from tickets.customers import CustomerBook
from tickets.database import Database, check_schema, open_database, utc_now
from tickets.desk import Desk
from tickets.incidents import IncidentBook
from tickets.jobs import Job, JobQueue, Worker
from tickets.ledger import CallBook, CallChange
from tickets.numbers import normalise_number
from tickets.places import PlaceBook
from tickets.promises import PromiseBook
from tickets.talks import TalkBook
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.server import AudioSocketServer
from voicebot.understanding import Understanding

log = structlog.get_logger()

LEFT_OVERS_EVERY_S = 60.0
SETTLE_S = 5.0
RECOGNITION_S = 3.0  # of one utterance, its waiting included
LEVEL_S = 1.0  # before the ledger is compared with the PBX; a busy one never comes to rest


class NotReady(Exception):
    """A part of the service cannot do its work now; the message says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, as the demo and tests see it."""

    live: LiveCalls
    accounts: AccountBook
    customers: CustomerBook
    desk: Desk
    shelf: RecordingShelf
    http_port: int
    drain: Drain


@asynccontextmanager
async def running(
    settings: Settings, scenario: Scenario, progress: Report | None = None
) -> AsyncIterator[Service]:
    """One service, from start to end of the block.

    Raises:
        NoDatabase, OldSchema, SpillUnusable, ShelfUnwritable, SpoolTrouble, VoiceFailed, ModelMissing,
        PromptsNotReady, PortTaken, AmiLoginRefused: each says in a sentence what to do.
    """
    async with AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        stack.push_async_callback(database.close)
        await check_schema(database)
        builder = _Builder(settings, scenario, database, stack)
        yield await builder.build(progress or (lambda what, done, total: None))


class _Builder:
    """Puts the rooms together; each step needs only what the steps before have made."""

    def __init__(
        self, settings: Settings, scenario: Scenario, database: Database, stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self._scenario = scenario
        self._database = database
        self._stack = stack
        self._live = LiveCalls()
        self._keys = Keys()
        self._surge = SurgeWatch(scenario.surge, self._live, utc_now)
        self._registry = CollectorRegistry()
        self._jobs = JobQueue(database.sessions)
        self._store = DiskStore(settings.recordings_folder)
        self._shelf = RecordingShelf(database.sessions, self._store)
        self._accounts = AccountBook(database.sessions)
        self._customers = CustomerBook(database.sessions)
        self._desk = Desk(database.sessions)
        self._incidents = IncidentBook(database.sessions)
        self._promises = PromiseBook(database.sessions)
        self._call_backs: CallBacks | None = None
        self._worker: Worker | None = None
        self._legs: BotLegs | None = None
        self._announcer: IncidentAnnouncer | None = None
        self._waiting_voice: WaitingVoice | None = None
        self._waiting: WaitingRoom | None = None
        self._conversations: Conversations | None = None
        self._doors = {
            "http": ("The web page", settings.http_host, settings.http_port, "PRESSZERO_HTTP_PORT"),
            "agi": ("FastAGI", settings.agi_host, settings.agi_port, "PRESSZERO_AGI_PORT"),
            "audio": (
                "AudioSocket",
                settings.audiosocket_host,
                settings.audiosocket_port,
                "PRESSZERO_AUDIOSOCKET_PORT",
            ),
        }

    async def build(self, progress: Report) -> Service:
        self._check_doors()
        book = CallBook(self._database.sessions)
        self._live.begin_with(await book.unfinished_calls())
        self._intake = Intake(book.record, self._changed, self._settings.data / "intake")
        self._task("intake", self._intake.run())
        surge = Gauge("presszero_surge", "1 while surge mode is on.", registry=self._registry)
        surge.set_function(lambda: self._surge.state.on)
        self._task("surge", self._surge.run())
        self._stack.push_async_callback(self._settle)
        # What can fail for a wrong setting comes before what takes long.
        link = await self._pbx_link(book)
        prompts = await self._prompts(progress)
        announcer, waiting = self._waiting_well(prompts, link)
        load = BotLoad(
            lambda: self._conversations.count if self._conversations else 0, RECOGNITION_S, self._registry
        )
        pool = await self._recogniser(progress, load)
        await self._recordings(pool)
        self._conversations = self._bot(prompts, pool, load)
        drain = await self._reception(prompts, self._conversations, link, announcer)
        if self._waiting_voice is not None:  # late: the synthesiser takes both cores when its cache is empty
            self._task("waiting_voice", self._waiting_voice.run())
        http_port = await self._site(link, drain, announcer, waiting)
        return Service(self._live, self._accounts, self._customers, self._desk, self._shelf, http_port, drain)

    def _check_doors(self) -> None:
        for what, host, port, setting in self._doors.values():
            check_port(what, host, port, setting)

    async def _open(self, door: str, start: Awaitable[object]) -> None:
        try:
            await start
        except OSError as error:
            raise PortTaken(*self._doors[door], error) from error

    def _changed(self, changes: list[CallChange]) -> None:
        self._live.changed(changes)
        self._surge.changed(changes)
        if self._announcer is not None:
            self._announcer.happened(change.event for change in changes)
        if self._worker is not None and any(change.call.ended for change in changes):
            self._worker.hint()

    async def _settle(self) -> None:
        if not await self._intake.settle(SETTLE_S):
            log.warning("Events wait in a file for the next start.", action="intake_not_settled")

    async def _prompts(self, progress: Report) -> PromptBook:
        program = find_asterisk()
        folder = self._settings.prompts_folder
        voice = choose_voice(self._scenario, folder, program.espeak if program else None)
        return await PromptBook.prepare(
            self._scenario, voice, folder, lambda done, total: progress("Speaking the prompts", done, total)
        )

    async def _recogniser(self, progress: Report, load: BotLoad) -> RecognizerPool:
        progress("Loading the recogniser", 0, 1)
        recognizer = await asyncio.to_thread(
            choose_recognizer,
            self._settings.recognizer,
            self._settings.whisper_model,
            self._settings.vosk_model,
            self._scenario.language,
        )
        self._recognizer = recognizer
        pool = RecognizerPool(recognizer, deadline_s=RECOGNITION_S, waited=load.waited)
        self._stack.callback(pool.close)
        self._pool = pool
        progress("Loading the recogniser", 1, 1)
        return pool

    async def _recordings(self, pool: RecognizerPool) -> None:
        self._settings.spool_folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        intake = RecordingIntake(
            self._database.sessions, self._store, self._settings.spool_folder, self._intake.publish
        )
        await intake.check()
        transcriber = Transcriber(
            self._database.sessions,
            self._store,
            pool.transcribe_long,
            engine=self._recognizer.name,
            language=self._recognizer.language,
        )
        # Two, so that a long transcript holds up nobody's recording.
        self._worker = Worker(self._jobs, {"recording.intake": intake.handle})
        self._task("worker", self._worker.run())

        async def transcribe(job: Job) -> None:
            await self._surge.calm()  # it has time, and callers need the recogniser
            await transcriber.handle(job)

        transcribing = Worker(self._jobs, {"recording.transcribe": transcribe})
        self._task("transcribing", transcribing.run())
        self._task("left_overs", _every(LEFT_OVERS_EVERY_S, intake.take_in_left_overs))

    def _bot(self, prompts: PromptBook, pool: RecognizerPool, load: BotLoad) -> Conversations:
        script = self._scenario.bot
        understanding = Understanding.train(script)
        dialogue = Dialogue(script)

        def make(call_id: str) -> Conversation:
            return Conversation(
                call_id,
                ear=Ear(pool),
                understanding=understanding,
                dialogue=dialogue,
                voice=prompts.bot_voice,
                publish=self._intake.publish,
                clock=utc_now,
            )

        self._task("bot_load", load.run())
        return Conversations(make, load.has_room)

    def _waiting_well(self, prompts: PromptBook, link: AmiLink) -> tuple[IncidentAnnouncer, WaitingRoom]:
        scenario, voice, rules = self._scenario, None, self._scenario.call_back
        if scenario.waiting is not None:
            static = self._settings.prompts_folder / STATIC
            voice = WaitingVoice(scenario.waiting, prompts.bot_voice, scenario.language, static)
            if rules is not None:
                voice.add(OFFER, [Path(f"{piece.path}.wav") for piece in prompts.prompt("call_back_offer")])
            self._waiting_voice = voice

        async def take_in(number: int, name: str, sound: Path) -> None:
            await prompts.add(name, sound)
            if voice is not None:
                voice.add(incident_piece(number), [sound])

        announcer = IncidentAnnouncer(self._incidents.current, prompts.bot_voice.render, take_in, utc_now)
        waiting = WaitingRoom(
            link,
            self._queues.next,
            TalkBook(self._database.sessions).since,
            voice,
            self._offers,
            rules.offer_every_s if rules else 0.0,
            announcer,
            utc_now,
        )
        self._announcer, self._waiting = announcer, waiting
        self._task("incidents", announcer.run())
        self._task("waiting_room", waiting.run())
        return announcer, waiting

    def _offers(self, caller: Waiting, now: datetime) -> bool:
        """Whether a waiting caller is offered a call-back by now."""
        rules, surge = self._scenario.call_back, self._scenario.surge
        if rules is None or self._normalise(caller.number) is None:
            return False
        after_s = rules.offer_after_s
        if self._surge.state.on and surge is not None and surge.call_back_offer_after_s is not None:
            after_s = surge.call_back_offer_after_s
        return (now - caller.joined_at).total_seconds() >= after_s

    async def _reception(
        self,
        prompts: PromptBook,
        conversations: Conversations,
        link: AmiLink,
        announcer: IncidentAnnouncer,
    ) -> Drain:
        settings = self._settings

        def announce(call_id: str) -> ExpectedBot | None:
            uuid = conversations.announce(call_id)
            # Without a link nobody can re-arm the short fuse of the bot's leg.
            fuse_s = None if link.connected else BOT_LIMIT_S
            return None if uuid is None else ExpectedBot(uuid, fuse_s)

        self._legs = BotLegs(lambda: conversations.unheard, link)
        self._task("bot_legs", self._legs.run())
        reception = Reception(
            self._scenario,
            prompts,
            (await self._callers()).find,
            announce,
            conversations.decision,
            self._intake.publish,
            utc_now,
            in_surge=lambda: self._surge.state.on,
            incident=announcer.for_reception,
            keys=self._keys,
        )
        audio = AudioSocketServer(
            settings.audiosocket_host,
            settings.audiosocket_port,
            conversations.attend,
            connections=MOST_CONVERSATIONS,
        )
        await self._open("audio", audio.start())
        self._stack.push_async_callback(audio.close)
        call_back = self._call_back_desk(prompts)

        async def serve_agi(session: AgiSession) -> None:
            if session.request.script != CALL_BACK_SCRIPT:
                await reception.serve(session)
            elif call_back is not None:  # else the caller waits on, which is the dialplan's default
                await call_back.serve(session)

        agi = FastAgiServer(settings.agi_host, settings.agi_port, serve_agi)
        await self._open("agi", agi.start())
        self._stack.push_async_callback(agi.stop)
        drain = Drain(reception, agi, conversations)
        self._call_people_back(link, drain)
        return drain

    def _call_back_desk(self, prompts: PromptBook) -> CallBackDesk | None:
        if self._scenario.call_back is None:
            return None

        def vip_level(call_id: str) -> int:
            call = self._live.call(call_id)
            return call.vip_level if call is not None else 0

        return CallBackDesk(
            prompts, self._promises.promise, self._normalise, vip_level, self._intake.publish, utc_now
        )

    def _call_people_back(self, link: AmiLink, drain: Drain) -> None:
        self._call_backs = CallBacks(
            link,
            lambda: self._queues.picture,
            CallBackBook(self._database.sessions),
            PlaceBook(self._database.sessions).of,
            self._scenario,
            utc_now,
            may_call=lambda: not drain.begun,
        )
        self._task("call_backs", self._call_backs.run())

    async def _callers(self) -> CallerSearch:
        ask_crm = None
        if self._settings.crm_url:
            token = self._settings.crm_token.get_secret_value()
            crm = await self._stack.enter_async_context(Crm.connected(self._settings.crm_url, token))
            ask_crm = crm.ask
        return CallerSearch(self._customers, ask_crm, self._normalise)

    def _normalise(self, number: str) -> str | None:
        return normalise_number(number, self._scenario.region)

    async def _pbx_link(self, book: CallBook) -> AmiLink:
        settings = self._settings
        translator = Translator(self._normalise)

        def heard(events: list[AmiEvent]) -> None:
            self._queues.hear(events)
            if self._call_backs is not None:
                self._call_backs.hear(events)
            if self._waiting is not None:
                self._waiting.hear(events)
            for event in events:
                if isinstance(event, StageReached) and event.stage == BOT_LEG and self._legs is not None:
                    self._legs.met(event.call_id, event.uniqueid)
                if isinstance(event, KeyPressed):
                    self._keys.pressed(event.uniqueid, event.key)
                for news in translator.translate(event):
                    self._intake.publish(news)

        secret = settings.ami_secret.get_secret_value() or _embedded_secret(settings.data, self._scenario)
        link = AmiLink(
            settings.ami_host,
            settings.ami_port,
            settings.ami_username,
            secret,
            heard,
            on_up=lambda: came_up(),
        )
        self._queues = QueueWatch(link)
        reconciler = Reconciler(
            link,
            translator,
            lambda: self._live.level(book.unfinished_calls),
            book.calls_among,
            book.events_of,
            lambda: self._intake.settle(LEVEL_S),
            self._intake.publish,
            settings.cdr_file,
            self._normalise,
        )

        def came_up() -> None:
            reconciler.wake()
            self._queues.wake()

        with contextlib.suppress(AmiUnreachable):  # calls are served without it; run() goes on trying
            await link.connect()
        self._task("ami", link.run())
        self._task("reconciler", reconciler.run())
        self._task("queues", self._queues.run())
        places = PlaceBook(self._database.sessions)
        keeper = QueueKeeper(link, self._queues, self._live, places.of, self._scenario.vip)
        self._task("queue_keeper", keeper.run())
        return link

    async def _site(
        self, link: AmiLink, drain: Drain, announcer: IncidentAnnouncer, waiting: WaitingRoom
    ) -> int:
        settings = self._settings

        async def not_ending() -> None:
            if drain.begun:
                raise NotReady("ending")

        async def database_ready() -> None:
            await check_schema(self._database)
            if self._intake.trouble is not None:
                raise NotReady(self._intake.trouble)

        async def recogniser_ready() -> None:
            if self._pool.trouble is not None:
                raise NotReady(self._pool.trouble)

        async def ami_ready() -> None:
            if link.trouble is not None:
                raise NotReady(link.trouble)

        site = make_site(
            Services(
                desk=self._desk,
                accounts=self._accounts,
                customers=self._customers,
                shelf=self._shelf,
                live=self._live,
                incidents=self._incidents,
                announcer=announcer,
                promises=self._promises,
                calls_back=self._scenario.call_back is not None,
                outlook=waiting.outlook,
                surge=lambda: self._surge.state,
                registry=self._registry,
                probes={
                    "service": not_ending,
                    "database": database_ready,
                    "ami": ami_ready,
                    "recogniser": recogniser_ready,
                },
                house=self._scenario.name,
                operators=self._scenario.operators,
                region=self._scenario.region,
                zone=ZoneInfo(self._scenario.timezone),
                secure_cookies=settings.secure_cookies,
            )
        )
        door = FrontDoor(site, settings.http_host, settings.http_port)
        await self._open("http", door.start())
        self._stack.push_async_callback(door.close)
        return door.port

    def _task(self, name: str, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_death)

        async def end() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._stack.push_async_callback(end)


def _report_death(task: asyncio.Task[object]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical(
            "A part of the service has died; restart it.",
            action="task_died",
            task=task.get_name(),
            exc_info=task.exception(),
        )


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # the next round may do better
            log.warning("A regular task failed.", action="regular_failed", error=type(error).__name__)
        await asyncio.sleep(seconds)


def _embedded_secret(data: Path, scenario: Scenario) -> str:
    """No secret given: that of the embedded PBX in the same data folder."""
    return keep_secrets(data / "pbx-secrets.json", list(scenario.operators)).ami
