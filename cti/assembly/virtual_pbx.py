"""The virtual PBXs that are connected: their door, what their webhooks mean, and what they did not tell."""

import asyncio
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import structlog

from cti.assembly.frame import Frame
from cti.customers.callers import CallerSearch
from cti.virtual_pbx.abandoned import Abandoned
from cti.virtual_pbx.connections import Connections
from cti.virtual_pbx.contract import House, VirtualPbx
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.door_plate import DoorKeeper, DoorPlate, take_door
from cti.virtual_pbx.front import Front
from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.mishaps import place_of
from cti.virtual_pbx.reconciler import PastCalls
from cti.virtual_pbx.steering import Steering
from cti.virtual_pbx.tapes import NO_TAPE_JOB, TAPE_JOB, Tapes
from cti.virtual_pbx.teller import Teller
from cti.web.front_door import FrontDoor
from ivr.prompts import PromptsNotReady
from ivr.reception import CUSTOMER_S, KnownCaller
from recordings.delivered import DeliveredTapes
from recordings.store import Store
from tickets.customers import CustomerBook
from tickets.database import DatabaseTrouble, utc_now
from tickets.desk import Desk
from tickets.facts import Fact, FactBook
from tickets.jobs import JobQueue, Worker
from tickets.numbers import normalise_bare_number
from tickets.vocabulary import CallOutcome, CallState
from voicebot.voice import VoiceFailed

log = structlog.get_logger()

VENDOR_S = 10.0  # of one request to a vendor, unless the vendor's file says less


async def join_virtual_pbxs(
    frame: Frame, callers: CallerSearch, store: Store, front: Front, keeper: DoorKeeper | None
) -> dict[str, VirtualPbx[Any]]:
    """Connect those that have a file in the connections' folder, and those that get one later; without any,
    nothing is opened. Returns them by vendor; the mapping changes with the folder.

    Args:
        store: the tape shelf.
        front: reception's parts, for a vendor that asks us what a caller hears.
        keeper: see `hold_door`.

    Raises:
        BadConnection: a file makes no sense.
        SpillUnusable: facts of an earlier start cannot be read.
        PortTaken: somebody else has the door's port.
    """
    joined = _Joined(frame, callers, keeper, store, front)
    await joined.connections.begin()
    frame.task("connections", joined.connections.follow())
    book, live, unfinished = FactBook(frame.sessions), frame.live.calls, frame.book.unfinished_calls
    connected = joined.connections.vendors
    abandoned = Abandoned(live, unfinished, book, frame.publish, utc_now, connected)
    frame.task("abandoned", abandoned.run())
    return joined.connections.vendors


async def hold_door(frame: Frame) -> DoorKeeper | None:
    """Be the one who will open the door, before anything that takes long: `presszero connect` waits then, and
    does not stand there itself. None: it cannot look over our shoulder; calls go on all the same.
    """
    data = frame.settings.data
    try:
        keeper = await asyncio.to_thread(take_door, data)
    except OSError as error:
        log.warning("The door plate cannot be written.", action="hooks_no_plate", error=error.strerror)
        return None
    if keeper is None:
        log.warning("Another PressZero uses this data folder.", action="hooks_no_plate", folder=str(data))
        return None
    frame.stack.callback(keeper.give_back)
    return keeper


class _Joined:
    """What comes to life with the first connection, and with each."""

    def __init__(
        self, frame: Frame, callers: CallerSearch, keeper: DoorKeeper | None, store: Store, front: Front
    ) -> None:
        self._frame, self._callers, self._keeper, self._store = frame, callers, keeper, store
        self._front = front
        self._book = FactBook(frame.sessions)
        self._made: House | None = None
        self._intake: FactIntake | None = None
        self._door: FrontDoor | None = None
        self._past: dict[str, asyncio.Task[object]] = {}
        self.connections = Connections(frame.settings.connections_folder, self._house, self._new, self._gone)

    def _house(self) -> House:
        if self._made is None:
            self._made = _house(self._frame, self._callers, self._book, self._front, self._vendors)
        return self._made

    def _vendors(self) -> Mapping[str, VirtualPbx[Any]]:
        return self.connections.vendors

    async def _new(self, vendor: VirtualPbx[Any]) -> None:
        frame = self._frame
        if self._intake is None:
            self._intake = self._begin()
        if self._door is None:
            self._door = await self._open()
        past = PastCalls(vendor, self._intake, self._book, frame.book.unfinished_calls, frame.publish)
        self._past[vendor.vendor] = frame.task(f"past_calls_{vendor.vendor}", past.run())
        frame.stack.push_async_callback(vendor.close)
        if vendor.serves_callers and not self._front.prompts.is_spoken:
            frame.task("prompts", self._speak(vendor))

    async def _speak(self, vendor: VirtualPbx[Any]) -> None:
        """Until the prompts are there, its callers ring the operators at once."""
        log.info("The prompts are being spoken.", action="prompts_begun", vendor=vendor.vendor)
        try:
            await self._front.prompts.speak()
        except (PromptsNotReady, VoiceFailed) as error:
            log.error(str(error), action="prompts_not_ready", vendor=vendor.vendor)  # noqa: TRY400  # says it all
        except Exception as error:  # calls go on: the operators' phones need no prompt
            log.error(  # noqa: TRY400  # where it happened, and not with what
                "The prompts cannot be spoken.",
                action="prompts_not_ready",
                vendor=vendor.vendor,
                **place_of(error),
            )
        else:
            log.info("The prompts are ready.", action="prompts_ready", vendor=vendor.vendor)

    def _gone(self, name: str) -> None:
        self._past.pop(name).cancel()

    def _begin(self) -> FactIntake:
        frame, vendors = self._frame, self.connections.vendors
        tapes = _fetch_tapes(frame, vendors, self._book, self._store)
        settled, story = frame.intake.settle, frame.book.events_of
        teller = Teller(vendors, self._book, story, frame.publish, settled, tapes.ask, utc_now)
        intake = FactIntake(self._book.keep, teller.kept, frame.settings.data / "intake")
        frame.troubles.append(lambda: intake.trouble)
        frame.task("facts", intake.run())
        frame.task("teller", teller.run())
        plate = DoorPlate(secrets.token_hex(32))
        keeper = self._keeper
        self._app = make_door(vendors, intake, frame.registry, lambda: keeper.plate if keeper else plate)
        return intake

    async def _open(self) -> FrontDoor:
        settings = self._frame.settings
        door = FrontDoor(self._app, settings.hooks_host, settings.hooks_port)
        await self._frame.open("hooks", door.start(), door.close)
        if self._keeper is not None:
            self._keeper.open(settings.hooks_host, door.port)
        log.info("The door for webhooks is open.", action="hooks_open", port=door.port)
        return door


def _fetch_tapes(frame: Frame, vendors: Mapping[str, VirtualPbx[Any]], book: FactBook, store: Store) -> Tapes:
    """Fetch recordings from now on."""

    async def facts(call_id: str) -> list[Fact]:
        return (await book.of_calls([call_id])).get(call_id, [])

    jobs, delivered = JobQueue(frame.sessions), DeliveredTapes(frame.sessions, store, frame.publish)
    folder = frame.settings.data / "fetching"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed service left of its work
    tapes = Tapes(vendors, facts, jobs, delivered, folder, utc_now, hint=lambda: worker.hint())
    # Each waits for its vendor most of the time.
    worker = Worker(jobs, {TAPE_JOB: tapes.fetch, NO_TAPE_JOB: tapes.conclude}, concurrency=3)
    frame.task("tapes", worker.run())
    return tapes


def _house(
    frame: Frame,
    callers: CallerSearch,
    book: FactBook,
    front: Front,
    vendors: Callable[[], Mapping[str, VirtualPbx[Any]]],
) -> House:
    def normalise(number: str) -> str | None:
        return normalise_bare_number(number, frame.scenario.region)

    async def known(number: str) -> KnownCaller | None:
        try:
            async with asyncio.timeout(CUSTOMER_S):
                return await callers.find(normalise(number) or number)
        except (TimeoutError, DatabaseTrouble):
            return None

    async def facts(call_id: str) -> list[Fact]:
        return (await book.of_calls([call_id])).get(call_id, [])

    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=VENDOR_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "PressZero"},
    )
    frame.stack.push_async_callback(session.close)
    steering = _steering(frame, vendors, known, front)
    frame.on_events.append(steering.hear)
    return House(
        frame.scenario,
        normalise,
        utc_now,
        steering.who_calls,
        facts,
        session,
        front=front,
        steer=steering.answer,
        name=_names(frame, normalise),
    )


def _steering(
    frame: Frame,
    vendors: Callable[[], Mapping[str, VirtualPbx[Any]]],
    known: Callable[[str], Awaitable[KnownCaller | None]],
    front: Front,
) -> Steering:
    desk = Desk(frame.sessions)

    async def last_operator(customer_id: int) -> str | None:
        calls = await desk.calls(customer_id=customer_id, outcome=CallOutcome.ANSWERED_BY_OPERATOR, limit=1)
        return calls.items[0].call.operator if calls.items else None

    def free(operator: str) -> bool:
        talks = {call.operator for call in front.live() if call.state is CallState.TALKING}
        return operator in frame.scenario.operators and front.takes_calls(operator) and operator not in talks

    live, surge = frame.live.call, front.in_surge
    return Steering(vendors, known, last_operator, free, live, surge, frame.publish, utc_now)


def _names(frame: Frame, normalise: Callable[[str], str | None]) -> Callable[[str], Awaitable[str | None]]:
    customers = CustomerBook(frame.sessions)

    async def name(number: str) -> str | None:
        e164 = normalise(number)
        try:
            async with asyncio.timeout(CUSTOMER_S):
                found = await customers.by_number(e164) if e164 else []
        except (TimeoutError, DatabaseTrouble):
            return None
        return found[0].name if len(found) == 1 else None  # of several who share it, which one is not known

    return name
