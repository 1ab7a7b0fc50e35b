"""The composition root: one running service, every part given what it needs and nothing more.

Starts from the bottom (database, PBX link, tape shelf) to the top (reception, pages), and stops the other way
round. Each part is put together in a file of `cti/assembly/`; this one says in which order.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge

from cti.assembly.desk import open_desk, readiness
from cti.assembly.desks import lay_out_desks
from cti.assembly.frame import Frame
from cti.assembly.operators import staff
from cti.assembly.pbx import join_pbx
from cti.assembly.push import tell_other_desks
from cti.assembly.reception import front_of, know_callers, open_doors
from cti.assembly.reminders import keep_reminders
from cti.assembly.tape import put_up_shelf
from cti.assembly.virtual_pbx import hold_door, join_virtual_pbxs
from cti.assembly.voicebot import prepare_prompts, wake_voicebot
from cti.assembly.waiting import call_back_desk, call_people_back, keep_queues, know_languages, let_wait_well
from cti.live import LiveCalls
from cti.process.drain import Drain
from cti.progress import Report
from cti.settings import Settings
from cti.virtual_pbx.contract import VirtualPbx
from cti.waiting.surge_watch import SurgeWatch
from ivr.scenario import Scenario
from recordings.shelf import RecordingShelf
from recordings.store import DiskStore
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import Database, check_schema, open_database, utc_now
from tickets.desk import Desk
from tickets.incidents import IncidentBook
from tickets.promises import PromiseBook


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
    pbxs: Mapping[str, VirtualPbx[Any]]  # the virtual ones that are connected, by vendor
    broken: asyncio.Event  # a part has died: end, and let the supervisor begin anew


@asynccontextmanager
async def running(
    settings: Settings, scenario: Scenario, progress: Report | None = None
) -> AsyncIterator[Service]:
    """One service, from start to end of the block.

    Raises:
        NoDatabase, OldSchema, SpillUnusable, BadConnection, ShelfUnwritable, SpoolTrouble, VoiceFailed,
        ModelMissing, PromptsNotReady, PortTaken, AmiLoginRefused: each says in a sentence what to do.
    """
    async with AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        stack.push_async_callback(database.close)
        await check_schema(database)
        frame = Frame(settings, scenario, database.sessions, stack)
        yield await _build(frame, database, progress or (lambda what, done, total: None))


async def _build(frame: Frame, database: Database, progress: Report) -> Service:
    sessions = database.sessions
    desk, accounts, customers = Desk(sessions), AccountBook(sessions), CustomerBook(sessions)
    incidents, promises = IncidentBook(sessions), PromiseBook(sessions)
    shelf = RecordingShelf(sessions, DiskStore(frame.settings.recordings_folder))
    door_keeper = await hold_door(frame)
    await frame.begin()
    surge = _watch_surge(frame)
    # What can fail for a wrong setting comes before what takes long.
    pbx = await join_pbx(frame)
    keep_queues(frame, pbx)
    operators = await staff(frame, pbx)
    consulting, tools = operators.controls.consulting, operators.virtual.tools
    desks = await lay_out_desks(
        frame, pbx, operators.keeper, desk, shelf, consulting, operators.phones, tools
    )
    prompts = await prepare_prompts(frame, progress)
    languages = await know_languages(frame)
    waiting = let_wait_well(frame, pbx, prompts, incidents, surge, languages)
    bot = await wake_voicebot(frame, prompts, progress)
    store = await put_up_shelf(frame, bot.pools, surge)
    call_back = call_back_desk(frame, prompts, promises)
    callers = await know_callers(frame, customers)
    drain = await open_doors(frame, pbx, prompts, bot, waiting, call_back, callers, surge)
    call_people_back(frame, pbx, languages, may_call=lambda: not drain.begun)
    keep_reminders(frame)
    if waiting.voice is not None:  # late: the synthesiser takes both cores when its cache is empty
        frame.task("waiting_voice", waiting.voice.run())
    await tell_other_desks(frame, operators.phones.names)
    front = front_of(frame, prompts, bot, waiting, surge, operators.keeper)
    pbxs = await join_virtual_pbxs(frame, callers, store, front, door_keeper)
    operators.virtual.connect(pbxs)
    http_port = await open_desk(
        frame,
        desks=desks,
        operators=operators,
        desk=desk,
        accounts=accounts,
        customers=customers,
        shelf=shelf,
        incidents=incidents,
        promises=promises,
        waiting=waiting,
        surge=surge,
        teacher=bot.teacher,
        probes=readiness(frame, database, pbx, bot.pool, drain),
    )
    return Service(frame.live, accounts, customers, desk, shelf, http_port, drain, pbxs, frame.broken)


def _watch_surge(frame: Frame) -> SurgeWatch:
    surge = SurgeWatch(frame.scenario.surge, frame.live, utc_now)
    on = Gauge("presszero_surge", "1 while surge mode is on.", registry=frame.registry)
    on.set_function(lambda: surge.state.on)
    frame.on_changes.append(surge.changed)
    frame.task("surge", surge.run())
    return surge
