"""What the web asks of the rest of the house. Knows names and types; builds nothing.

`cti/assembly/desk.py` fills it, tests fill it with parts of their own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from aiohttp import web
from prometheus_client import CollectorRegistry

from cti.bot.teacher import Teacher
from cti.bot.untaught import Untaught
from cti.desk.centre import DeskCentre
from cti.live import LiveCalls
from cti.operators.commands import CallsOut, CommandsCalls
from cti.operators.keeper import PresenceKeeper
from cti.operators.phones import PhoneBook
from cti.waiting.incidents import IncidentAnnouncer
from cti.waiting.room import Outlook
from cti.waiting.surge import SurgeState
from cti.web.room import State
from recordings.shelf import RecordingShelf
from recordings.words import TranscriptSearch
from tickets.accounts import AccountBook
from tickets.audit import AuditBook
from tickets.bot_book import BotCallKeeper
from tickets.customers import CustomerBook
from tickets.database import utc_now
from tickets.day import DayBook
from tickets.desk import Desk
from tickets.groups import GroupBook
from tickets.incidents import IncidentBook
from tickets.insight import InsightBook
from tickets.introductions import Introductions
from tickets.missed import MissedBook
from tickets.own_account import OwnAccount
from tickets.people import PeopleBook
from tickets.promises import PromiseBook
from tickets.reminders import ReminderBook
from tickets.search import SearchBook
from tickets.taught import TaughtBook
from tickets.ticket_book import TicketBook
from tickets.timeline import TimelineBook


@dataclass(frozen=True, slots=True)
class GuestPhone:
    """With what the demo's page rings in."""

    user: str  # of the PBX's endpoint
    secret: str
    number: str  # E.164, whom the PBX shows as the caller
    line: str  # the number that is rung


Probe = Callable[[], Awaitable[None]]
"""Whether one part of the service is ready; raises an error whose message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The rooms' services, and what differs between installations."""

    desk: Desk
    customers: CustomerBook
    accounts: AccountBook
    shelf: RecordingShelf
    live: LiveCalls
    desks: DeskCentre
    keeper: PresenceKeeper
    phones: PhoneBook
    controls: CommandsCalls
    click_to_call: CallsOut
    incidents: IncidentBook
    announcer: IncidentAnnouncer
    promises: PromiseBook
    days: DayBook
    tickets: TicketBook
    reminders: ReminderBook
    missed: MissedBook
    timeline: TimelineBook
    introductions: Introductions
    transcripts: TranscriptSearch
    search: SearchBook
    audit: AuditBook
    insight: InsightBook
    bot_calls: BotCallKeeper
    taught: TaughtBook
    teacher: Teacher
    untaught: Untaught
    own: OwnAccount
    people: PeopleBook
    groups: GroupBook
    calls_back: bool = True  # whether the house calls people itself
    outlook: Callable[[str], Outlook | None] = lambda call_id: None  # of a waiting caller, by call id
    surge: Callable[[], SurgeState] = SurgeState  # of this moment
    presence: Callable[[str], State | None] = lambda extension: None  # of an operator, by extension
    probes: Mapping[str, Probe] = field(default_factory=dict)  # name ("database", "ami", "schema") → probe
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)  # other rooms may add theirs
    house: str = "PressZero"  # what this contact centre calls itself
    operators: Mapping[str, str] = field(default_factory=dict)  # extension → name
    topics: Sequence[str] = ()  # what the scenario knows calls to be about
    queues: Mapping[str, Sequence[str]] = field(default_factory=dict)  # name → extensions that serve it
    region: str = "US"  # ISO 3166: whose national format numbers may be in
    zone: tzinfo = UTC  # in which pages show times
    secure_cookies: bool = False  # True behind TLS
    phone_url: str = ""  # the PBX's WebSocket, for phones in pages; empty: there is none
    guest: GuestPhone | None = None  # with which anybody may ring in from a page: the demo
    clock: Callable[[], datetime] = utc_now

    def queues_of(self, extension: str) -> frozenset[str]:
        """The queues that this phone serves."""
        return frozenset(name for name, served_by in self.queues.items() if extension in served_by)


SERVICES = web.AppKey("services", Services)


def services_of(request: web.Request) -> Services:
    """The services, from within a handler."""
    return request.app[SERVICES]
