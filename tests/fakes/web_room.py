"""The desk's site over real books, for the web's tests: a real server on loopback, people logged in."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp_jinja2
from aiohttp import ClientSession, CookieJar
from argon2 import PasswordHasher

from cti.asterisk.config import Phone
from cti.bot.teacher import Teacher
from cti.bot.untaught import Untaught
from cti.live import LiveCalls
from cti.operators.click_to_call import ClickToCall
from cti.operators.controls import CallControls
from cti.operators.keeper import PresenceKeeper
from cti.operators.phones import PhoneBook
from cti.waiting.incidents import IncidentAnnouncer
from cti.waiting.room import Outlook
from cti.waiting.surge import SurgeState
from cti.web.front_door import FrontDoor
from cti.web.room import State
from cti.web.services import Probe, Services
from cti.web.site import make_site
from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from recordings.naming import store_key
from recordings.parts import Part
from recordings.parts import to_json as parts_to_json
from recordings.shelf import RecordingShelf
from recordings.store import DiskStore
from recordings.tables import Recording, Transcript
from recordings.transcript import Phrase, to_json
from recordings.words import TranscriptSearch
from tests.fakes import desk_day
from tests.fakes.compiled_templates import CompiledTemplates
from tests.fakes.desk_day import Visit
from tests.fakes.desk_parts import DeskParts
from tests.fakes.pbx_with_calls import PbxWithCalls
from tests.fakes.quiet_pbx import QuietPbx
from tests.fakes.scripts import trained
from tickets.accounts import AccountBook
from tickets.audit import AuditBook
from tickets.bot_book import BotCallKeeper
from tickets.caller_file import CallerFiles
from tickets.customers import CustomerBook
from tickets.database import Database, utc_now, writing
from tickets.day import DayBook
from tickets.desk import Desk
from tickets.groups import GroupBook
from tickets.incidents import IncidentBook
from tickets.insight import InsightBook
from tickets.introductions import Introductions
from tickets.ledger import CallBook
from tickets.missed import MissedBook
from tickets.numbers import normalise_number
from tickets.own_account import OwnAccount
from tickets.people import PeopleBook
from tickets.presence import PresenceBook
from tickets.promises import PromiseBook
from tickets.reminders import ReminderBook
from tickets.search import SearchBook
from tickets.taught import TaughtBook
from tickets.ticket_book import TicketBook
from tickets.timeline import TimelineBook
from tickets.vocabulary import Role
from voicebot.voice import VoiceFailed

COMPILED = CompiledTemplates()
LOTTERY = load_scenario(Path(__file__).parents[2] / "scenarios" / "lottery.yaml")
PASSWORD = "correct horse battery"
SUPERVISOR, GRACE, TOMAS, ADMINISTRATOR = "sofia", "grace", "tomas", "ada"
PHONES = {
    extension: Phone(name, f"own-{extension}", f"page-{extension}")
    for extension, name in desk_day.OPERATORS.items()
}
PATIENCE_S = 20.0  # a busy machine is no reason to fail
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # real argon2, as weak as it goes


@dataclass
class WebRoom:
    """A site that serves, and the books behind it."""

    database: Database
    folder: Path
    now: datetime
    probes: dict[str, Probe]
    secure: bool = False
    calls_back: bool = True
    mute: bool = False  # the voice cannot speak

    async def _speak(self, text: str) -> Path:
        if self.mute:
            raise VoiceFailed("the synthesiser is gone: install it again.")
        return self.folder / "incident.wav"

    async def _take_in(self, number: int, name: str, sound: Path) -> None:
        self.spoken.append(name)

    def __post_init__(self) -> None:
        self.spoken: list[str] = []
        self.outlooks: dict[str, Outlook] = {}
        self.states: dict[str, State] = {}  # of operators, by extension
        self.pbx = QuietPbx()
        self.lines = PbxWithCalls()
        sessions = self.database.sessions
        self.live = LiveCalls()
        self.surge = SurgeState()
        self.calls = CallBook(sessions, deadline_s=PATIENCE_S)
        self.store = DiskStore(self.folder / "shelf")
        incidents = IncidentBook(sessions, deadline_s=PATIENCE_S)
        self.announcer = IncidentAnnouncer(incidents.current, self._speak, self._take_in, utc_now)
        self.insight = InsightBook(sessions, deadline_s=PATIENCE_S)
        self.taught = TaughtBook(sessions, deadline_s=PATIENCE_S)
        self.teacher = Teacher(
            {"en": LOTTERY.bot, "ru": in_language(LOTTERY, "ru").bot},
            self.taught.standing,
            trained,
        )
        accounts = AccountBook(sessions, hasher=CHEAP, deadline_s=PATIENCE_S)
        self.desks = DeskParts(live_files=CallerFiles(sessions, deadline_s=PATIENCE_S))
        self.services = Services(
            desks=self.desks.centre,
            keeper=PresenceKeeper(
                self.pbx, self.pbx, PresenceBook(sessions, deadline_s=PATIENCE_S), {}, utc_now
            ),
            phones=PhoneBook(PHONES, ["support"], self.folder / "phones", self.pbx, self.pbx, None, ""),
            controls=CallControls(
                self.lines, lambda one: f"PJSIP/{one}", lambda: desk_day.OPERATORS, ["support"]
            ),
            click_to_call=ClickToCall(
                self.lines,
                lambda one: f"PJSIP/{one}",
                lambda raw: normalise_number(raw, "US"),
                "+18005550100",
                utc_now,
            ),
            phone_url="wss://pbx.example:8089/ws",
            audit=AuditBook(sessions, deadline_s=PATIENCE_S),
            insight=self.insight,
            bot_calls=BotCallKeeper(sessions, deadline_s=PATIENCE_S),
            taught=self.taught,
            teacher=self.teacher,
            untaught=Untaught(self.insight.unknown, self.teacher),
            own=OwnAccount(sessions, accounts, deadline_s=PATIENCE_S),
            people=PeopleBook(sessions, accounts.passwords.hash, deadline_s=PATIENCE_S),
            groups=GroupBook(sessions, deadline_s=PATIENCE_S),
            incidents=incidents,
            promises=PromiseBook(sessions, deadline_s=PATIENCE_S),
            days=DayBook(sessions, deadline_s=PATIENCE_S),
            presence=lambda extension: self.states.get(extension),
            tickets=TicketBook(sessions, deadline_s=PATIENCE_S),
            reminders=ReminderBook(sessions, deadline_s=PATIENCE_S),
            missed=MissedBook(sessions, deadline_s=PATIENCE_S),
            timeline=TimelineBook(sessions, deadline_s=PATIENCE_S),
            introductions=Introductions(sessions, deadline_s=PATIENCE_S),
            transcripts=TranscriptSearch(sessions, deadline_s=PATIENCE_S),
            search=SearchBook(sessions, deadline_s=PATIENCE_S),
            calls_back=self.calls_back,
            announcer=self.announcer,
            outlook=lambda call_id: self.outlooks.get(call_id),
            desk=Desk(sessions, deadline_s=PATIENCE_S),
            customers=CustomerBook(sessions, deadline_s=PATIENCE_S),
            accounts=accounts,
            shelf=RecordingShelf(sessions, self.store, deadline_s=PATIENCE_S),
            live=self.live,
            surge=lambda: self.surge,
            probes=self.probes,
            house="Northern Lottery",
            operators=desk_day.OPERATORS,
            queues={"support": tuple(desk_day.OPERATORS)},
            secure_cookies=self.secure,
        )
        self.customers: dict[str, tuple[int, int]] = {}
        self.door: FrontDoor | None = None

    @property
    def address(self) -> str:
        """Of the first page, without its slash."""
        assert self.door is not None
        return f"http://127.0.0.1:{self.door.port}"

    @asynccontextmanager
    async def open(self, *, idle_s: float = 20, connection_limit: int = 256) -> AsyncIterator[None]:
        """Add accounts and customers, serve."""
        accounts = self.services.accounts
        await accounts.add(SUPERVISOR, PASSWORD, Role.SUPERVISOR, "Sofia Marin")
        await accounts.add(ADMINISTRATOR, PASSWORD, Role.ADMINISTRATOR, "Ada Lindholm")
        await accounts.add(GRACE, PASSWORD, Role.OPERATOR, "Grace Okafor", extension="101")
        await accounts.add(TOMAS, PASSWORD, Role.OPERATOR, "Tomas Lindqvist", extension="102")
        self.customers = await desk_day.add_customers(self.services.customers)
        self.site = make_site(self.services)
        aiohttp_jinja2.get_env(self.site).bytecode_cache = COMPILED
        self.door = FrontDoor(self.site, "127.0.0.1", 0, idle_s=idle_s, connection_limit=connection_limit)
        await self.door.start()
        desks = asyncio.create_task(self.desks.centre.run())
        try:
            yield
        finally:
            await self.door.close()
            desks.cancel()
            await asyncio.wait([desks])

    async def happen(self, visit: Visit) -> str:
        """Let a call come, be written and told of; gives its ticket's name."""
        events = visit.events(self.now, self.customers)
        for event in events:
            self.desks.centre.calls.hear(event)
        changes = await self.calls.record(events)
        self.live.changed(changes)
        self.desks.centre.calls.committed(changes)
        return f"PZ-{1000 + changes[0].ticket_number}"

    async def keep_tape(
        self,
        visit: Visit,
        sound: bytes | None,
        phrases: list[Phrase] | None = None,
        parts: Sequence[Part] = (),
    ) -> int:
        """Put a recording of that call on the shelf; gives its id. `parts`: that a PBX recorded."""
        call_id = visit.call_id(self.now)
        row = Recording(call_id=call_id, created_at=self.now, missing_reason=None if sound else "It is lost.")
        row.parts = parts_to_json(parts) or None
        if sound:
            source = self.folder / "sound"
            source.write_bytes(sound)
            row.key, row.bytes, row.seconds = store_key(call_id, self.now.date()), len(sound), 26.2
            row.sha256, row.peaks = hashlib.sha256(sound).hexdigest(), {"caller": [0, 50], "heard": [9, 0]}
            await self.store.put(row.key, source)
        async with writing(self.database.sessions) as session:
            session.add(row)
            await session.flush()
            if phrases is not None:
                story = to_json(phrases)
                session.add(
                    Transcript(
                        recording_id=row.id, language="en", engine="test", phrases=story, created_at=self.now
                    )
                )  # fmt: skip
            return row.id

    @asynccontextmanager
    async def person(self, login: str | None = None) -> AsyncIterator[ClientSession]:
        """A browser, logged in unless there is no login."""
        async with ClientSession(self.address, cookie_jar=CookieJar(unsafe=True)) as browser:
            if login is not None:
                form = {"login": login, "password": PASSWORD}
                async with browser.post("/login", data=form, allow_redirects=False) as answer:
                    assert answer.status == 303, await answer.text()
            yield browser
