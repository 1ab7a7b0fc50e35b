"""The moments of a call: each a small function that brings a caller there. Knows no fault.

Some moments last (waiting, talking), some a few seconds (greeting, an answer of the bot), some no time at all
(ringing, joining the queue): callers of the last kind do their part at the instant of the fault. That all of
them are in place together takes a little order: a `Stage` tells who is there already.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import select

from cti.asterisk.events import OperatorConnected
from cti.demo.network import Leg
from tests.fakes.until import eventually
from tests.house.centre import any_phone
from tests.house.faults.house import House
from tickets.tables import CallEventRow
from tickets.vocabulary import EventKind

FINGER_S = 0.5  # nobody presses before they have heard anything
THERE = "there"
READY = "ready"  # has heard the bot's greeting


class Station(StrEnum):
    """Who has the caller: what a fault can make deaf."""

    RECEPTION = "reception"
    BOT = "bot"
    QUEUE = "queue"
    OPERATOR = "operator"
    GONE = "gone"


@dataclass(eq=False)
class Guest:
    """A caller of one run."""

    moment: str
    number: str
    leg: Leg | None = None  # None: rings only at the instant of the fault
    call_id: str = ""
    phone: Leg | None = None  # the operator's, ringing or talking


@dataclass
class Stage:
    """One run's callers, and what they wait for of each other."""

    house: House
    moments: frozenset[str]
    _reached: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)

    def is_there(self, moment: str, step: str = THERE) -> None:
        """The caller of this moment has got as far as others wait for."""
        self._reached.setdefault((moment, step), asyncio.Event()).set()

    async def wait_for(self, *moments: str, step: str = THERE) -> None:
        """Until the callers of these moments are there; those who do not take part are not waited for."""
        for moment in self.moments.intersection(moments):
            async with asyncio.timeout(60):
                await self._reached.setdefault((moment, step), asyncio.Event()).wait()


Bring = Callable[[Stage, Guest], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Moment:
    """`bring` ends when the caller is there; `instant` is done at the very moment of the fault."""

    name: str
    station: Station
    bring: Bring
    instant: Bring | None = None


async def _ring(stage: Stage, guest: Guest) -> None:
    guest.leg, guest.call_id = await stage.house.centre.call(guest.number)


async def _at_the_menu(stage: Stage, guest: Guest) -> Leg:
    await _ring(stage, guest)
    await stage.house.centre.stage(guest.call_id, "menu")
    await asyncio.sleep(FINGER_S)
    assert guest.leg is not None
    return guest.leg


async def _in_the_queue(stage: Stage, guest: Guest) -> None:
    leg = await _at_the_menu(stage, guest)
    await leg.press("0")
    await stage.house.centre.queued(guest.call_id)


async def _nobody_yet(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK)


async def _greeting(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK, "bot speaking")
    await _at_the_menu(stage, guest)


async def _menu(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK)
    leg = await _at_the_menu(stage, guest)
    await leg.press("2")  # a sub-menu, whose prompt and wait are longer than the others need


async def _with_the_bot(stage: Stage, guest: Guest) -> Leg:
    leg = await _at_the_menu(stage, guest)
    await leg.press("1")
    await stage.house.centre.stage(guest.call_id, "bot")
    await leg.wait_for_quiet(900)
    return leg


async def _listening(stage: Stage, guest: Guest) -> None:
    # Late, for the bot's patience with a silent caller has an end.
    await stage.wait_for(*DESK)
    await stage.wait_for("bot speaking", step=READY)
    await _with_the_bot(stage, guest)


async def _speaking(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK)
    leg = await _with_the_bot(stage, guest)
    await stage.wait_for("bot thinking", step=READY)
    stage.is_there("bot speaking", READY)
    await leg.say(stage.house.voices["winning"])
    await eventually(partial(_has_answered, stage, guest), 20, "the bot answers")
    stage.is_there("bot speaking")


async def _thinking(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK)
    leg = await _with_the_bot(stage, guest)
    stage.is_there("bot thinking", READY)
    await stage.wait_for("bot speaking")
    stage.house.levers.pull(recogniser="hold")
    await leg.say(stage.house.voices["next_draw"])
    await eventually(stage.house.levers.held, 10, "the recogniser is at work")


async def _has_answered(stage: Stage, guest: Guest) -> bool:
    """Whether the bot has begun to speak after the caller's words."""
    turns = (
        select(CallEventRow.data)
        .where(CallEventRow.call_id == guest.call_id, CallEventRow.kind == EventKind.BOT_TURN)
        .order_by(CallEventRow.id)
    )
    async with stage.house.database.sessions() as session:
        told = list(await session.scalars(turns))
    heard = next((at for at, data in enumerate(told) if '"caller"' in data), None)
    return heard is not None and any('"bot"' in data for data in told[heard + 1 :])


async def _talking(stage: Stage, guest: Guest) -> None:
    await _in_the_queue(stage, guest)
    guest.phone = await any_phone(stage.house.centre)
    await guest.phone.answer()
    await stage.house.centre.listener.wait(
        lambda e: isinstance(e, OperatorConnected) and e.uniqueid == guest.call_id
    )
    stage.is_there("talking")


async def _operator_rings(stage: Stage, guest: Guest) -> None:
    await stage.wait_for("talking")
    await _in_the_queue(stage, guest)
    guest.phone = await any_phone(stage.house.centre)
    stage.is_there("operator ringing")


async def _waiting(stage: Stage, guest: Guest) -> None:
    await stage.wait_for("talking", "operator ringing")
    await _in_the_queue(stage, guest)
    stage.is_there("waiting")


async def _leaving(stage: Stage, guest: Guest) -> None:
    await stage.wait_for(*DESK)
    await _at_the_menu(stage, guest)


async def _press_zero(stage: Stage, guest: Guest) -> None:
    assert guest.leg is not None
    await guest.leg.press("0")


async def _hang_up(stage: Stage, guest: Guest) -> None:
    assert guest.leg is not None
    await guest.leg.hang_up()


DESK = ("talking", "operator ringing", "waiting")

MOMENTS = (
    Moment("ringing", Station.RECEPTION, _nobody_yet, _ring),
    Moment("greeting", Station.RECEPTION, _greeting),
    Moment("menu", Station.RECEPTION, _menu),
    Moment("bot listening", Station.BOT, _listening),
    Moment("bot thinking", Station.BOT, _thinking),
    Moment("bot speaking", Station.BOT, _speaking),
    Moment("joining", Station.RECEPTION, _leaving, _press_zero),
    Moment("waiting", Station.QUEUE, _waiting),
    Moment("operator ringing", Station.QUEUE, _operator_rings),
    Moment("talking", Station.OPERATOR, _talking),
    Moment("after hang-up", Station.GONE, _leaving, _hang_up),
)
"""Along a call."""


def named(names: Iterable[str]) -> tuple[Moment, ...]:
    """Moments by their names, along a call."""
    wanted = set(names)
    return tuple(moment for moment in MOMENTS if moment.name in wanted)
