"""Where callers are after a fault, as the PBX says. Knows AMI's answers; nothing of faults and tickets."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from datetime import datetime

from cti.asterisk.ami import AmiCut, AmiLate
from cti.asterisk.events import CallerJoined, ListedChannel, OperatorConnected, StageReached, WaitingCaller
from cti.demo.network import CallerGaveUp
from tests.house.faults.house import House
from tests.house.faults.matrix import REACH_S, Got
from tests.house.faults.moments import FINGER_S, Guest, Moment, Station

WATCH_S = 12.0  # how long we look whether somebody comes after all
NEXT_CALLER, LINE = "+12025550119", "+18005550100"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is at one instant, as the PBX says."""

    got: Got
    words: str
    after_s: float | None = None  # from the fault until they came there; None: were there before


async def where(house: House, moment: Moment, guest: Guest, fault_at: datetime, first: int) -> Place:
    """Where a caller is, and since when. `first`: number of the run's first event."""
    place = await _found(house, moment, guest)
    if place.got in (Got.QUEUE, Got.OPERATOR):
        return replace(place, after_s=_arrival(house, guest, fault_at, first))
    return place


async def _found(house: House, moment: Moment, guest: Guest) -> Place:
    """Who waits may be hearing an announcement and is then back in the queue."""
    deadline = time.monotonic() + REACH_S
    while True:
        place = await _place(house, moment, guest)
        if place.got is not Got.ELSEWHERE or time.monotonic() > deadline:
            return place
        await asyncio.sleep(0.3)


async def _place(house: House, moment: Moment, guest: Guest) -> Place:
    if moment.station is Station.GONE:
        return Place(Got.LEFT, "had hung up")
    waiting, channels = await pbx_view(house)
    listed = [channel for channel in channels if channel.uniqueid == guest.call_id]
    stays = moment.station in (Station.QUEUE, Station.OPERATOR)
    if not listed:
        return Place(Got.LOST, f"hung up, last seen at {last_stage(house, guest)}")
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
    return Place(Got.ELSEWHERE, f"{last_stage(house, guest)}, in {listed[0].application}")


def _arrival(house: House, guest: Guest, fault_at: datetime, first: int) -> float | None:
    """Seconds from the fault until the caller came to people; None: never, or was there before."""
    for event in house.centre.listener.events[first:]:
        if isinstance(event, CallerJoined | OperatorConnected) and event.uniqueid == guest.call_id:
            return max(0.0, (event.at - fault_at).total_seconds())
    return None


async def next_call(house: House) -> Place:
    """The PBX is up again: somebody calls and presses zero, at once."""
    up_at = time.monotonic()
    with contextlib.suppress(AssertionError, CallerGaveUp, TimeoutError):
        async with asyncio.timeout(WATCH_S):
            leg = await house.centre.exchange.network.call(NEXT_CALLER, LINE)
            await asyncio.sleep(FINGER_S)
            await leg.press("0")
            # Asked, not told: our own link to the PBX may come back later than the caller.
            while not (await pbx_view(house))[0]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            words = "this call was broken, the next one waits for an operator"
            return Place(Got.NEXT_CALL, words, time.monotonic() - up_at)
    _, channels = await pbx_view(house)
    seen = sorted({channel.application for channel in channels}) or ["nowhere"]
    return Place(Got.LOST, f"the next call did not reach the queue, it is in {', '.join(seen)}")


async def pbx_view(house: House) -> tuple[set[str], list[ListedChannel]]:
    for _ in range(20):
        with contextlib.suppress(AmiCut, AmiLate):
            entries = await house.centre.pbx.list_action("QueueStatus")
            channels = await house.centre.pbx.list_action("CoreShowChannels")
            return (
                {entry.uniqueid for entry in entries if isinstance(entry, WaitingCaller)},
                [channel for channel in channels if isinstance(channel, ListedChannel)],
            )
        await asyncio.sleep(0.3)
    raise AssertionError("the PBX does not say who is on the line")


def last_stage(house: House, guest: Guest) -> str:
    stages = [
        event.stage
        for event in house.centre.listener.events
        if isinstance(event, StageReached) and event.call_id == guest.call_id
    ]
    return stages[-1] if stages else "the door"
