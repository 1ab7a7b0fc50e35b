"""One run: callers brought to their moments, a fault, what they got, and what is left of it in the ledger.

Knows neither which fault it is nor what the moments are.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cti.asterisk.ami import AmiCut, AmiLate
from cti.asterisk.events import (
    CallerJoined,
    HungUp,
    ListedChannel,
    OperatorConnected,
    StageReached,
    WaitingCaller,
)
from cti.demo.network import CallerGaveUp
from tests.house.faults.house import House
from tests.house.faults.injections import Fault
from tests.house.faults.ledger import Kept, all_calls, look
from tests.house.faults.matrix import Cell, Got, Matrix, Tape
from tests.house.faults.moments import FINGER_S, Guest, Moment, Stage, Station

REACTION_S = 0.2  # a caller's, who then presses zero
WATCH_S = 12.0  # how long we look whether somebody comes after all
LEDGER_S = 100.0  # a job whose worker was killed waits for its lease to run out, a minute
NEXT_CALLER = "+12025550119"
ADVANCE_S = 60.0  # to bring everybody to their moments


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is at one instant, as the PBX says."""

    got: Got
    words: str


async def run(house: House, fault: Fault, moments: Sequence[Moment]) -> Matrix:
    """Try a fault at these moments, all at once. What the harness could not do is told in `troubles`."""
    try:
        cells, ghosts = await _run(house, fault, moments)
    except Exception as error:  # told as a trouble of this fault; the others are still to be tried
        house.levers.pull(recogniser="pass", clock_s=0.0)
        return Matrix((), {}, {fault.name: _why(error)}, {})
    return Matrix(tuple(cells), {fault.name: fault.remark(house)}, {}, {fault.name: ghosts})


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
                callers.create_task(moment.bring(stage, guest))
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
                arrivals, places = await _next_call(house, everybody)
            else:
                await _settle_down(house, fault, everybody, since)
                arrivals = {guest.call_id: _arrival(house, guest, fault_at, first) for guest in guests}
                places = {guest.call_id: await _place(house, moment, guest) for moment, guest in everybody}
                await asyncio.sleep(max(0.0, fault.lasts_s - (time.monotonic() - since)))
        finally:
            await fault.lift(house)
        for result in await asyncio.gather(*instants, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, CallerGaveUp):
                raise result
    finally:
        await house.centre.exchange.network.hang_up_all()
    await house.at_work()
    calls = [guest.call_id for guest in guests]
    kept = await _ledger(house, calls)
    known = await all_calls(house.database.sessions)
    ghosts = tuple(sorted(known - before - set(calls) - _extra(house, first)))
    cells = [
        _cell(fault, moment, guest, arrivals[guest.call_id], places[guest.call_id], kept, fault_at)
        for moment, guest in everybody
    ]
    return cells, ghosts


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


def _arrival(house: House, guest: Guest, fault_at: datetime, first: int) -> float | None:
    """Seconds from the fault until the caller came to people; None: never, or was there before."""
    for event in house.centre.listener.events[first:]:
        if isinstance(event, CallerJoined | OperatorConnected) and event.uniqueid == guest.call_id:
            return max(0.0, (event.at - fault_at).total_seconds())
    return None


async def _place(house: House, moment: Moment, guest: Guest) -> Place:
    if moment.station is Station.GONE:
        return Place(Got.LEFT, "had hung up")
    waiting, channels = await _pbx_view(house)
    listed = [channel for channel in channels if channel.uniqueid == guest.call_id]
    stays = moment.station in (Station.QUEUE, Station.OPERATOR)
    if not listed:
        return Place(Got.LOST, f"hung up, last seen at {_last_stage(house, guest)}")
    if guest.phone is not None and guest.phone.hung_up.is_set():
        return Place(Got.LOST, "the operator's phone fell silent")
    if guest.call_id in waiting:
        return Place(Got.STAYED if stays else Got.QUEUE, "waits for an operator")
    connected = any(
        isinstance(event, OperatorConnected) and event.uniqueid == guest.call_id
        for event in house.centre.listener.events
    )
    if connected and listed[0].bridge:
        return Place(Got.STAYED if stays else Got.OPERATOR, "talks to an operator")
    return Place(Got.ELSEWHERE, f"{_last_stage(house, guest)}, in {listed[0].application}")


async def _pbx_view(house: House) -> tuple[set[str], list[ListedChannel]]:
    for _ in range(5):
        with contextlib.suppress(AmiCut, AmiLate):
            entries = await house.centre.pbx.list_action("QueueStatus")
            channels = await house.centre.pbx.list_action("CoreShowChannels")
            return (
                {entry.uniqueid for entry in entries if isinstance(entry, WaitingCaller)},
                [channel for channel in channels if isinstance(channel, ListedChannel)],
            )
        await asyncio.sleep(0.3)
    raise AssertionError("the PBX does not say who is on the line")


def _last_stage(house: House, guest: Guest) -> str:
    stages = [
        event.stage
        for event in house.centre.listener.events
        if isinstance(event, StageReached) and event.call_id == guest.call_id
    ]
    return stages[-1] if stages else "the door"


async def _next_call(
    house: House, everybody: Sequence[tuple[Moment, Guest]]
) -> tuple[dict[str, float | None], dict[str, Place]]:
    """The PBX is up again: somebody calls and presses zero, at once."""
    up_at = time.monotonic()
    after_s: float | None = None
    place = Place(Got.LOST, "the next call did not reach the queue")
    with contextlib.suppress(AssertionError, CallerGaveUp, TimeoutError):
        async with asyncio.timeout(WATCH_S):
            leg, call_id = await house.centre.call(NEXT_CALLER)
            await house.centre.stage(call_id, "menu", WATCH_S)
            await asyncio.sleep(FINGER_S)
            await leg.press("0")
            await house.centre.queued(call_id, WATCH_S)
            after_s = time.monotonic() - up_at
            place = Place(Got.NEXT_CALL, "the next call waits for an operator")
    left = Place(Got.LEFT, "had hung up")
    return (
        {guest.call_id: None if moment.station is Station.GONE else after_s for moment, guest in everybody},
        {guest.call_id: left if moment.station is Station.GONE else place for moment, guest in everybody},
    )


async def _ledger(house: House, calls: Sequence[str]) -> dict[str, Kept]:
    deadline = time.monotonic() + LEDGER_S
    while True:
        kept = await look(house.database.sessions, calls)
        if all(one.complete for one in kept.values()) or time.monotonic() > deadline:
            return kept
        await asyncio.sleep(0.5)


def _extra(house: House, first: int) -> set[str]:
    """Calls of this run that no guest made: the next call after a restart."""
    return {
        event.call_id
        for event in house.centre.listener.events[first:]
        if isinstance(event, StageReached) and event.stage == "menu"
    }


def _cell(
    fault: Fault,
    moment: Moment,
    guest: Guest,
    after_s: float | None,
    place: Place,
    kept: dict[str, Kept],
    fault_at: datetime,
) -> Cell:
    here = kept[guest.call_id]
    began = _began(guest.call_id) or fault_at
    wanted_s = max(0.0, (fault_at - began).total_seconds())
    return Cell(
        fault.name,
        moment.name,
        place.got,
        None if place.got in (Got.STAYED, Got.LEFT, Got.LOST, Got.ELSEWHERE) else after_s,
        place.words,
        here.tickets,
        here.ended,
        Tape(here.seconds, wanted_s, here.reason),
    )


def _began(call_id: str) -> datetime | None:
    """A call's id tells when it came: pz-1795304467.46."""
    stamp = call_id.rpartition("-")[2].partition(".")[0]
    return datetime.fromtimestamp(int(stamp), UTC) if stamp else None


def _why(error: BaseException) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
