"""The virtual PBXs that are connected: their door, what their webhooks mean, and what they did not tell."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from cti.assembly.frame import Frame
from cti.customers.callers import CallerSearch
from cti.virtual_pbx.contract import House, Tape, VirtualPbx
from cti.virtual_pbx.door import make_door
from cti.virtual_pbx.front import Front
from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.reconciler import PastCalls
from cti.virtual_pbx.registry import VENDORS, vendor_type
from cti.virtual_pbx.settings import BadConnection, read_connection
from cti.virtual_pbx.teller import Teller
from cti.web.front_door import FrontDoor
from ivr.reception import CUSTOMER_S, KnownCaller
from tickets.database import DatabaseTrouble, utc_now
from tickets.facts import Fact, FactBook
from tickets.jobs import JobQueue

log = structlog.get_logger()

TAPE_JOB = "pbx.tape"  # key: vendor and the vendor's id of the recording; payload: call_id, tape_id, at, hint
VENDOR_S = 10.0  # of one request to a vendor, unless the vendor's file says less
LOOK_S = 2.0  # for settings that were written anew


async def join_virtual_pbxs(
    frame: Frame, callers: CallerSearch, front: Front | None = None
) -> dict[str, VirtualPbx[Any]]:
    """Connect those that have a file in the connections' folder; none: nothing is opened.

    `front`: reception's parts, for a vendor that asks us what a caller hears.

    Raises:
        BadConnection: a file makes no sense.
        SpillUnusable: facts of an earlier start cannot be read.
        PortTaken: somebody else has the door's port.
    """
    folder = frame.settings.connections_folder
    files = {name: folder / f"{name}.json" for name in VENDORS}
    there = {name: file for name, file in files.items() if await asyncio.to_thread(file.exists)}
    if not there:
        return {}
    book = FactBook(frame.sessions)
    house = await _house(frame, callers, book, front)
    vendors: dict[str, VirtualPbx[Any]] = {}
    for name, file in there.items():
        kind = vendor_type(name)
        vendors[name] = kind(read_connection(file, kind.settings_type), house)
    jobs = JobQueue(frame.sessions)

    async def fetch_later(tapes: Sequence[Tape]) -> None:
        for tape in tapes:
            payload = {"tape_id": tape.tape_id, "call_id": tape.call_id, "at": tape.at.isoformat()}
            vendor = tape.call_id.partition("-")[0]
            await jobs.enqueue(TAPE_JOB, f"{vendor}:{tape.tape_id}", {**payload, "hint": tape.hint})

    teller = Teller(
        vendors, book, frame.book.events_of, frame.publish, frame.intake.settle, fetch_later, utc_now
    )
    intake = FactIntake(book.keep, teller.kept, frame.settings.data / "intake")
    frame.task("facts", intake.run())
    frame.task("teller", teller.run())
    for name, vendor in vendors.items():
        past = PastCalls(vendor, intake, book, frame.book.unfinished_calls, frame.publish)
        frame.task(f"past_calls_{name}", past.run())
    frame.task("connections", _follow(vendors, there))
    await _open(frame, vendors, intake)
    return vendors


async def _open(frame: Frame, vendors: dict[str, VirtualPbx[Any]], intake: FactIntake) -> None:
    settings = frame.settings
    door = FrontDoor(make_door(vendors, intake, frame.registry), settings.hooks_host, settings.hooks_port)
    await frame.open("hooks", door.start(), door.close)
    for vendor in vendors.values():
        frame.stack.push_async_callback(vendor.close)
    log.info("Virtual PBXs are connected.", action="hooks_open", vendors=sorted(vendors), port=door.port)


async def _house(frame: Frame, callers: CallerSearch, book: FactBook, front: Front | None) -> House:
    async def known(number: str) -> KnownCaller | None:
        try:
            async with asyncio.timeout(CUSTOMER_S):
                return await callers.find(number)
        except (TimeoutError, DatabaseTrouble):
            return None

    async def facts(call_id: str) -> list[Fact]:
        return (await book.of_calls([call_id])).get(call_id, [])

    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=VENDOR_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "PressZero"},
    )
    await frame.stack.enter_async_context(session)
    return House(frame.scenario, frame.normalise, utc_now, known, facts, session, front)


async def _follow(vendors: dict[str, VirtualPbx[Any]], files: dict[str, Path]) -> None:
    """Take over what `presszero connect` writes anew: a changed secret needs no restart."""
    seen = {name: await asyncio.to_thread(_age, file) for name, file in files.items()}
    while True:
        await asyncio.sleep(LOOK_S)
        for name, file in files.items():
            now = await asyncio.to_thread(_age, file)
            if now in (seen[name], None):
                continue
            seen[name] = now
            try:
                vendors[name].settings = await asyncio.to_thread(
                    read_connection, file, vendors[name].settings_type
                )
                log.info("A connection's settings were read anew.", action="connection_read", vendor=name)
            except BadConnection as error:
                log.error(str(error), action="connection_bad")  # noqa: TRY400  # the sentence says it all


def _age(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
