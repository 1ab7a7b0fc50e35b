"""One run: callers brought to their moments, a fault, what they got, and what is left of it in the ledger.

Knows neither which fault it is nor what the moments are.
"""

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from cti.asterisk.events import CallerJoined, HungUp, OperatorConnected
from cti.demo.network import CallerGaveUp
from tests.house.faults.house import House
from tests.house.faults.injections import Fault
from tests.house.faults.ledger import Kept, all_calls, look, of_nobody
from tests.house.faults.matrix import Cell, Matrix, Tape
from tests.house.faults.moments import FINGER_S, Guest, Moment, Stage, Station
from tests.house.faults.where import NEXT_CALLER, WATCH_S, Place, last_stage, next_call, where

REACTION_S = 0.2  # a caller's, who then presses zero
LEDGER_S = 100.0  # a job whose worker was killed waits for its lease to run out, a minute
TRIES = 3  # to bring everybody to their moments: on a busy machine the bot may be too slow for one of them
ADVANCE_S = 60.0  # to bring everybody to their moments


class NotBrought(Exception):
    """A caller did not come to their moment, so the fault was not tried; the message says who and where."""


async def run(house: House, fault: Fault, moments: Sequence[Moment]) -> Matrix:
    """Try a fault at these moments, all at once. What the harness could not do is told in `troubles`."""
    trouble = ""
    for _ in range(TRIES):
        try:
            cells, ghosts = await _run(house, fault, moments)
            return Matrix(tuple(cells), {fault.name: fault.remark(house)}, {}, {fault.name: ghosts})
        except Exception as error:  # told as a trouble of this fault; the others are still to be tried
            house.levers.pull(recogniser="pass", clock_s=0.0)
            trouble = _why(error)
            if not isinstance(_first(error), NotBrought):
                break
    return Matrix((), {}, {fault.name: trouble}, {})


async def _run(house: House, fault: Fault, moments: Sequence[Moment]) -> tuple[list[Cell], tuple[str, ...]]:
    await house.at_work()
    before = await all_calls(house.database.sessions)
    first = len(house.centre.listener.events)
    stage = Stage(house, frozenset(moment.name for moment in moments))
    guests = [Guest(moment.name, f"+12025550{120 + at}") for at, moment in enumerate(moments)]
    everybody = list(zip(moments, guests, strict=True))
    try:
        async with asyncio.timeout(ADVANCE_S), asyncio.TaskGroup() as callers:
            for moment, guest in everybody:
                callers.create_task(_bring(moment, stage, guest))
        instants = [
            asyncio.create_task(moment.instant(stage, guest)) for moment, guest in everybody if moment.instant
        ]
        await asyncio.sleep(0)
        fault_at = datetime.now(UTC)
        since = time.monotonic()
        await fault.inject(house)
        try:
            if house.levers.stand.recogniser == "hold":
                house.levers.pull(recogniser="pass")
            if fault.breaks_calls:
                places = dict.fromkeys((guest.moment for guest in guests), await next_call(house))
            else:
                await _settle_down(house, fault, everybody, since)
                places = {
                    guest.moment: await where(house, moment, guest, fault_at, first)
                    for moment, guest in everybody
                }
                await asyncio.sleep(max(0.0, fault.lasts_s - (time.monotonic() - since)))
        finally:
            await fault.lift(house)
        for result in await asyncio.gather(*instants, return_exceptions=True):
            if isinstance(result, Exception) and not (fault.breaks_calls or isinstance(result, CallerGaveUp)):
                raise result
    finally:
        await house.centre.exchange.network.hang_up_all()
    await house.at_work()
    calls = [guest.call_id for guest in guests if guest.call_id]  # a PBX that was gone never had the call
    kept = await _ledger(house, calls, before)
    known = {NEXT_CALLER}
    if fault.breaks_calls:
        # A phone that rang at the instant asks again, as SIP does: the new PBX has a call of theirs, too.
        known |= {guest.number for moment, guest in everybody if moment.instant}
    ghosts = await all_calls(house.database.sessions, but_of=known) - before - set(calls)
    cells = [
        _cell(fault, guest, places[guest.moment], kept[guest.call_id], fault_at)
        for guest in guests
        if guest.call_id
    ]
    return cells, tuple(sorted(ghosts))


async def _bring(moment: Moment, stage: Stage, guest: Guest) -> None:
    try:
        await moment.bring(stage, guest)
    except (AssertionError, CallerGaveUp, TimeoutError) as error:
        at = last_stage(stage.house, guest)
        raise NotBrought(f"not brought to {moment.name} (last seen at {at}): {error}") from error


async def _settle_down(
    house: House, fault: Fault, everybody: Sequence[tuple[Moment, Guest]], since: float
) -> None:
    """Callers who can be heard press zero; then wait until everybody is with people, or long enough."""
    await asyncio.sleep(REACTION_S)
    async with asyncio.TaskGroup() as fingers:
        for moment, guest in everybody:
            if moment.station in (Station.RECEPTION, Station.BOT) and moment.station not in fault.deaf:
                fingers.create_task(_zero(guest))
    wanted = {
        guest.call_id for moment, guest in everybody if moment.station in (Station.RECEPTION, Station.BOT)
    }
    while time.monotonic() - since < WATCH_S:
        there = {
            event.uniqueid
            for event in house.centre.listener.events
            if isinstance(event, CallerJoined | OperatorConnected | HungUp)
        }
        if all(guest.call_id for _, guest in everybody) and wanted <= there:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)  # who has just come must still be there


async def _zero(guest: Guest) -> None:
    with contextlib.suppress(CallerGaveUp, TimeoutError):
        async with asyncio.timeout(WATCH_S):
            while guest.leg is None or not guest.call_id:  # noqa: ASYNC110 -- the call is still coming up
                await asyncio.sleep(0.05)
            if guest.moment == "ringing":
                await asyncio.sleep(FINGER_S)  # hears something first
            if not guest.leg.hung_up.is_set():
                await guest.leg.press("0")


async def _ledger(house: House, calls: Sequence[str], before: Collection[str]) -> dict[str, Kept]:
    deadline = time.monotonic() + LEDGER_S
    while True:
        kept = await look(house.database.sessions, calls)
        # A call whose first events nobody heard is somebody's only once the CDR has told who called.
        nobodys = await of_nobody(house.database.sessions) - before
        if (not nobodys and all(one.complete for one in kept.values())) or time.monotonic() > deadline:
            return kept
        await asyncio.sleep(0.5)


def _cell(fault: Fault, guest: Guest, place: Place, kept: Kept, fault_at: datetime) -> Cell:
    began = _began(guest.call_id)
    wanted_s = max(0.0, (fault_at - began).total_seconds())
    return Cell(
        fault.name,
        guest.moment,
        place.got,
        place.after_s,
        place.words,
        kept.tickets,
        kept.ended,
        Tape(kept.seconds, wanted_s, kept.reason),
    )


def _began(call_id: str) -> datetime:
    """A call's id tells when it came: pz-1795304467.46."""
    return datetime.fromtimestamp(int(call_id.rpartition("-")[2].partition(".")[0]), UTC)


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _why(error: Exception) -> str:
    first = _first(error)
    return f"{type(first).__name__}: {first}"
