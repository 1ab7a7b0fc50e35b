"""The desk: the pages and the API, and what they say about how the service is."""

import ssl
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from cti.assembly.frame import Frame
from cti.assembly.operators import Operators
from cti.assembly.pbx import Pbx
from cti.assembly.waiting import WaitingWell
from cti.asterisk.embedded import GUEST, GUEST_NUMBER, keep_secrets
from cti.bot.teacher import Teacher
from cti.bot.untaught import Untaught
from cti.certificates import NoCertificate, TlsFiles
from cti.desk.centre import DeskCentre
from cti.process.drain import Drain
from cti.waiting.surge_watch import SurgeWatch
from cti.web.front_door import FrontDoor
from cti.web.services import GuestPhone, Probe, Services
from cti.web.site import make_site
from ivr.scenario import Scenario
from recordings.shelf import RecordingShelf
from recordings.words import TranscriptSearch
from tickets.accounts import AccountBook
from tickets.audit import AuditBook
from tickets.bot_book import BotCallKeeper
from tickets.customers import CustomerBook
from tickets.database import Database, check_schema
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
from voicebot.recognizers.pool import RecognizerPool


class NotReady(Exception):
    """A part of the service cannot do its work now; the message says why."""


async def open_desk(
    frame: Frame,
    *,
    desks: DeskCentre,
    operators: Operators,
    desk: Desk,
    accounts: AccountBook,
    customers: CustomerBook,
    shelf: RecordingShelf,
    incidents: IncidentBook,
    promises: PromiseBook,
    waiting: WaitingWell,
    surge: SurgeWatch,
    teacher: Teacher,
    probes: Mapping[str, Probe],
) -> int:
    """Open the web's door; its port.

    Raises:
        PortTaken: somebody else has the port.
        NoCertificate: the certificate of the settings cannot be used.
    """
    settings, scenario = frame.settings, frame.scenario
    insight, bot_calls = InsightBook(frame.sessions), BotCallKeeper(frame.sessions)
    frame.task("bot_calls", bot_calls.run())
    site = make_site(
        Services(
            desks=desks,
            keeper=operators.keeper,
            phones=operators.phones,
            controls=operators.commands,
            click_to_call=operators.click_to_call,
            presence=operators.keeper.state_of,
            desk=desk,
            accounts=accounts,
            customers=customers,
            shelf=shelf,
            live=frame.live,
            incidents=incidents,
            announcer=waiting.announcer,
            promises=promises,
            days=DayBook(frame.sessions),
            tickets=TicketBook(frame.sessions),
            reminders=ReminderBook(frame.sessions),
            missed=MissedBook(frame.sessions),
            timeline=TimelineBook(frame.sessions),
            introductions=Introductions(frame.sessions),
            transcripts=TranscriptSearch(frame.sessions),
            search=SearchBook(frame.sessions),
            audit=AuditBook(frame.sessions),
            insight=insight,
            bot_calls=bot_calls,
            taught=TaughtBook(frame.sessions),
            teacher=teacher,
            untaught=Untaught(insight.unknown, teacher),
            own=OwnAccount(frame.sessions, accounts),
            people=PeopleBook(frame.sessions, accounts.passwords.hash),
            groups=GroupBook(frame.sessions),
            calls_back=scenario.call_back is not None,
            outlook=waiting.room.outlook,
            surge=lambda: surge.state,
            registry=frame.registry,
            probes=probes,
            house=scenario.name,
            operators=scenario.operators,
            topics=topics_of(scenario),
            queues={name: queue.operators for name, queue in scenario.queues.items()},
            region=scenario.region,
            zone=ZoneInfo(scenario.timezone),
            secure_cookies=settings.secure_cookies or settings.tls is not None,
            phone_url=settings.phone_socket if settings.asterisk else "",
            guest=_guest(frame) if settings.ring_page else None,
        )
    )
    tls = None if settings.tls is None else _server_tls(settings.tls)
    door = FrontDoor(site, settings.http_host, settings.http_port, tls=tls)
    await frame.open("http", door.start(), door.close)
    return door.port


def _server_tls(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
    except OSError as error:  # ssl's own errors are of this kind
        raise NoCertificate(
            f"The certificate {files.certificate} and its key cannot be used ({error.strerror}): correct "
            "PRESSZERO_TLS_CERTIFICATE and PRESSZERO_TLS_KEY, or make new ones with "
            "`presszero certificate HOST`."
        ) from error
    return context


def _guest(frame: Frame) -> GuestPhone:
    """Who rings in from the demo's page, through the embedded PBX of the same data folder."""
    scenario = frame.scenario
    kept = keep_secrets(frame.settings.data / "pbx-secrets.json", list(scenario.operators))
    return GuestPhone(GUEST, kept.guest, GUEST_NUMBER, next(iter(scenario.lines)))


def readiness(
    frame: Frame, database: Database, pbx: Pbx, pool: RecognizerPool, drain: Drain
) -> dict[str, Probe]:
    """What must be well for the service to be ready, by name."""

    async def not_ending() -> None:
        _demand("ending" if drain.begun else None)

    async def database_ready() -> None:
        await check_schema(database)
        for trouble in frame.troubles:
            _demand(trouble())

    async def recogniser_ready() -> None:
        _demand(pool.trouble)

    async def ami_ready() -> None:
        _demand(pbx.link.trouble)

    probes: dict[str, Probe] = {
        "service": not_ending,
        "database": database_ready,
        "recogniser": recogniser_ready,
    }
    return probes | {"ami": ami_ready} if frame.settings.asterisk else probes


def topics_of(scenario: Scenario) -> tuple[str, ...]:
    """What calls can be about, as far as the scenario knows: offered to people who write a ticket's topic."""
    options = (option for menu in scenario.menus.values() for option in menu.options.values())
    topics = [option.topic for option in options if option.topic]
    return tuple(sorted({*topics, *(question.topic for question in scenario.bot.questions)}))


def _demand(trouble: str | None) -> None:
    if trouble is not None:
        raise NotReady(trouble)
