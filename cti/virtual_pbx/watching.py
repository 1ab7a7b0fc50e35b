"""Looking over the door's shoulder: what `presszero connect` sees of the webhooks that arrive, and says of
them.

The door is the running service's, or our own; it is asked on this machine, by the key on its plate.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from cti.virtual_pbx.arrivals import Arrival
from cti.virtual_pbx.contract import VirtualPbx, Why
from cti.virtual_pbx.door_plate import DoorPlate, read_plate
from cti.virtual_pbx.settings import ConnectionSettings

TAKEN_UP_S = 120.0  # in which a service that may be starting takes up a connection's file
ASK_S = 2.0
LOOK_S = 0.3
LATE_S = 120.0  # behind our clock: still a webhook that was a while on its way
EARLY_S = 5.0  # ahead of it


class NotTakenUp(Exception):
    """The running service does not take the connection up; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the door tells."""

    vendors: dict[str, str]  # and what proves which settings count
    arrivals: list[Arrival]


async def look(plate: DoorPlate, after: int = 0) -> Seen | None:
    """The webhooks after that one; None: the door does not answer."""
    timeout = aiohttp.ClientTimeout(total=ASK_S)
    headers = {"Authorization": f"Bearer {plate.key}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(f"{plate.address}/-/arrivals", params={"after": str(after)}) as answer,
        ):
            told: Any = await answer.json()
            return Seen(dict(told["vendors"]), [Arrival.from_json(one) for one in told["arrivals"]])
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError):
        return None


async def taken_up(data: Path, vendor: str, connection: ConnectionSettings) -> DoorPlate:
    """The plate of the door, once it goes by these settings.

    Raises:
        NotTakenUp: it does not within some seconds.
    """
    try:
        async with asyncio.timeout(TAKEN_UP_S):
            while True:
                plate = read_plate(data)
                if plate is not None and plate.port is not None:
                    seen = await look(plate)
                    proof = plate.proof(connection.model_dump_json())
                    if seen is not None and seen.vendors.get(vendor) == proof:
                        return plate
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise NotTakenUp(
            f"The running service has not taken the connection up within {TAKEN_UP_S:g} s. Its log says why: "
            "most often another program has the port of PRESSZERO_HOOKS_PORT."
        ) from None


async def arriving(
    data: Path, vendor: str, since: datetime | None, within_s: float
) -> AsyncIterator[Arrival]:
    """Webhooks of that vendor since then, as they come, for so many seconds; None: those of before, too."""
    after = 0
    deadline, key = asyncio.get_running_loop().time() + within_s, ""
    while True:
        plate = read_plate(data)
        if plate is not None and key not in {plate.key, ""}:
            after = 0  # another door, which counts anew
        key = plate.key if plate is not None else key
        seen = await look(plate, after) if plate is not None and plate.port is not None else None
        for arrival in seen.arrivals if seen is not None else ():
            after = arrival.number
            if arrival.vendor == vendor and (since is None or arrival.at >= since):
                yield arrival
        if asyncio.get_running_loop().time() >= deadline:
            return
        await asyncio.sleep(LOOK_S)


def is_good(arrival: Arrival) -> bool:
    """Whether it told of a call and was kept."""
    return arrival.result in {"kept", "repeated"} and bool(arrival.kinds)


def in_words(arrival: Arrival) -> str:
    """What arrived."""
    what = ", ".join(arrival.kinds) if arrival.kinds else "a check, or news of no call"
    parts = [f"{arrival.at.astimezone():%H:%M:%S}"]
    if arrival.result in {"kept", "repeated"}:
        parts += [what, f"caller {arrival.caller}" if arrival.caller else ""]
        parts += ["known already" if arrival.result == "repeated" else "kept"]
    else:
        parts += [f"refused ({arrival.result})", arrival.reason]
    return "  ".join(part for part in parts if part)


def advice(arrival: Arrival, vendor: type[VirtualPbx[Any]]) -> str:
    """What is wrong with it, and what to do; empty: nothing is."""
    again = f"run `presszero connect {vendor.vendor}` again"
    match arrival.result:
        case Why.FORGED if vendor.secret_is_ours:
            return (
                f"The {vendor.cabinet_word} is not ours: paste the address into the cabinet as it stands "
                "above. Or a stranger knocked: then leave it."
            )
        case Why.FORGED:
            return (
                f"The {vendor.cabinet_word} in the cabinet is another one than here: {again} with the one "
                "that stands there. Or a stranger knocked: then leave it."
            )
        case Why.STALE:
            return "It is signed well and told too late: set this machine's clock (NTP), or somebody replays."
        case Why.UNFIT:
            return f"It is not what {vendor.title} is known to send: compare the address in the cabinet."
        case "unkept":
            return "Neither database nor disk takes it: free the disk, look after the database."
        case "late":
            return "We were too slow to answer: the database or the machine is overloaded."
        case "large" | "fault":
            return "We could not read it; the service's log says where. Please report it."
    return of_clock(arrival.behind_s)


def of_clock(behind_s: float | None) -> str:
    """What the vendor's time says of our clock; empty: nothing is wrong."""
    if behind_s is None or -EARLY_S <= behind_s <= LATE_S:
        return ""
    if behind_s < 0:
        return f"The vendor's time is {-behind_s:.0f} s ahead: set this machine's clock (NTP)."
    return (
        f"It tells of what was {behind_s:.0f} s ago: it was long on its way, or this machine's clock is "
        "fast (NTP)."
    )
