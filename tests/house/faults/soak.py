"""A day at the house: many short calls of all kinds, faults in between, and the books compared at the end.

An hour of a call centre takes 45 s of real time; what is compressed is the time between calls and the talks,
not the PBX or the service. Faults that take the PBX's own records (Asterisk killed, disk full) have their
place in the matrix: here the CDR is the measure.
"""

import asyncio
import contextlib
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, select

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused
from cti.demo.network import CallerGaveUp, Leg
from recordings.tables import Recording
from tests.house.faults.catalogue import ON_SQLITE
from tests.house.faults.house import House
from tests.house.faults.injections import DiskFull, Fault, PbxRestarted
from tests.house.faults.ledger import all_calls, look, of_nobody
from tests.house.faults.moments import FINGER_S
from tests.house.faults.supervisor import own_memory_mib
from tickets.tables import TicketRow

HOUR_S = 45.0  # of real time
CALLS_AN_HOUR = 29
AT_ONCE = 12
PATIENCE_S = 30.0  # of a caller in the queue
BETWEEN_FAULTS_S = (6.0, 16.0)
FAULT_S = (3.0, 7.0)
DEADLY = ("killed", "frozen")  # the service starts anew: only in the first third, so that one life is long
BOOKS_S = 420.0  # a backlog of recordings on a busy machine included
WARM_UP_S = 60.0
GROWTH = 1.10  # a flat memory ends at most so much higher than it began


@dataclass
class Day:
    """What a day came to."""

    hours: float
    made: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    cdr: int = 0
    ledger: int = 0
    tickets: int = 0
    recorded: int = 0  # calls with a recording
    excused: int = 0  # calls whose ticket says why there is none
    differences: list[str] = field(default_factory=list)
    lives: int = 0  # of the service
    memory_began_mib: float = 0.0  # median of the first third of the longest life, its warm-up left out
    memory_ended_mib: float = 0.0  # median of its last third
    memory_most_mib: float = 0.0
    longest_life_s: float = 0.0
    took_s: float = 0.0

    @property
    def flat(self) -> bool:
        return 0 < self.memory_ended_mib <= self.memory_began_mib * GROWTH

    @property
    def holds(self) -> bool:
        return (
            not self.differences
            and self.flat
            and self.cdr == self.ledger == self.tickets == self.made
            and self.recorded + self.excused == self.made
        )

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "flat": self.flat, "holds": self.holds}, indent=1)


async def soak(house: House, hours: float, say: Callable[[str], None], seed: int = 3) -> Day:
    """Live through a day. `seed`: which calls and faults."""
    chance = random.Random(seed)
    day = Day(hours)
    began = time.monotonic()
    ends = began + hours * HOUR_S
    memory: list[tuple[int, float, float]] = []  # life, seconds, MiB
    helpers = [asyncio.create_task(_answer_phones(house, extension)) for extension in ("101", "102")]
    helpers.append(asyncio.create_task(_weigh(house, memory)))
    made: set[str] = set()
    kinds: Counter[str] = Counter()
    breaking = asyncio.create_task(_break(house, chance, began, ends, day, say))
    try:
        await _ring(house, chance, ends, round(hours * CALLS_AN_HOUR), made, kinds)
        await breaking
    finally:
        breaking.cancel()
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(breaking, *helpers, return_exceptions=True)
    await house.centre.exchange.network.hang_up_all()
    await house.at_work()
    say("The day is over; the books are compared.")
    day.made, day.kinds = len(made), dict(kinds)
    await _compare(house, made, day)
    day.lives = house.supervisor.lives
    _judge_memory(memory, day)
    day.took_s = time.monotonic() - began
    return day


# --- callers ---


async def _ring(
    house: House, chance: random.Random, ends: float, calls: int, made: set[str], kinds: Counter[str]
) -> None:
    lines = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as callers:
        for number in range(calls):
            kind = chance.choices(list(KINDS), weights=[weight for _, weight in KINDS.values()])[0]
            await lines.acquire()
            caller = random.Random(chance.random())
            task = callers.create_task(
                _one_call(house, KINDS[kind][0], f"+1202555{1000 + number % 9000:04}", caller, made)
            )
            task.add_done_callback(lambda _: lines.release())
            kinds[kind] += 1
            left = max(ends - time.monotonic(), 0.0)
            await asyncio.sleep(chance.expovariate(max(calls - number, 1) / max(left, 1.0)))


Story = Callable[[House, Leg, str, random.Random], Awaitable[None]]


async def _one_call(house: House, story: Story, number: str, chance: random.Random, made: set[str]) -> None:
    """Whatever becomes of it: in a house where things break, callers are hung up on, too."""
    leg: Leg | None = None
    with contextlib.suppress(CallerGaveUp, AssertionError, AmiRefused, AmiLate, AmiCut, TimeoutError):
        leg, call_id = await house.centre.call(number)
        made.add(call_id)
        async with asyncio.timeout(60):
            await asyncio.sleep(FINGER_S + chance.random())
            await story(house, leg, call_id, chance)
    if leg is not None:
        with contextlib.suppress(TimeoutError):
            await leg.hang_up()


async def _operator(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await leg.press("0")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await leg.hung_up.wait()  # the operator ends the talk


async def _bot(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await leg.press("1")
    await leg.wait_for_quiet()
    await leg.say(house.voices["next_draw"])
    await leg.wait_for_quiet()


async def _listen(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await leg.press("3")
    await asyncio.sleep(2 + 3 * chance.random())


async def _leave(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await asyncio.sleep(chance.random() * 2)


async def _give_up(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await leg.press("0")
    await asyncio.sleep(0.5 + chance.random())


async def _message(house: House, leg: Leg, call_id: str, chance: random.Random) -> None:
    await leg.press("4")
    await leg.wait_for_quiet(700)
    await leg.say(house.voices["message"])


KINDS: dict[str, tuple[Story, int]] = {
    "operator": (_operator, 35),
    "bot": (_bot, 15),
    "announcement": (_listen, 15),
    "left in the menu": (_leave, 15),
    "left in the queue": (_give_up, 10),
    "voicemail": (_message, 10),
}
"""What callers do, and how often in a hundred."""


async def _answer_phones(house: House, extension: str) -> None:
    """An operator: answers, talks a little, hangs up."""
    while True:
        with contextlib.suppress(CallerGaveUp, AmiRefused, AmiLate, AmiCut, TimeoutError):
            phone = await house.centre.exchange.network.phone_rings(extension)
            await phone.answer()
            await phone.say(house.voices["hello"])
            await phone.hang_up()


# --- faults ---


def gentle_to_the_books(faults: Sequence[Fault] = ON_SQLITE) -> list[Fault]:
    """Those that leave the PBX its own records."""
    return [fault for fault in faults if not isinstance(fault, PbxRestarted | DiskFull)]


async def _break(
    house: House,
    chance: random.Random,
    began: float,
    ends: float,
    day: Day,
    say: Callable[[str], None],
) -> None:
    happened: Counter[str] = Counter()
    every = gentle_to_the_books()
    mild = [fault for fault in every if not any(word in fault.name for word in DEADLY)]
    while time.monotonic() < ends - 10:
        await asyncio.sleep(chance.uniform(*BETWEEN_FAULTS_S))
        early = time.monotonic() < began + (ends - began) / 3
        fault = chance.choice(every if early else mild)
        await fault.inject(house)
        try:
            await asyncio.sleep(chance.uniform(*FAULT_S))
        finally:
            await fault.lift(house)
        happened[fault.name] += 1
        day.faults = dict(happened)
        hour = (time.monotonic() - began) / HOUR_S
        say(f"{hour:4.1f} h  {fault.name}")


# --- the books ---


async def _compare(house: House, made: set[str], day: Day) -> None:
    deadline = time.monotonic() + BOOKS_S
    while True:
        kept = await look(house.database.sessions, made)
        nobodys = await of_nobody(house.database.sessions)
        if (not nobodys and all(one.complete for one in kept.values())) or time.monotonic() > deadline:
            break
        await asyncio.sleep(1.0)
    in_cdr = _cdr_calls(house)
    in_ledger = await all_calls(house.database.sessions)
    async with house.database.sessions() as session:
        ticketed = list(await session.scalars(select(TicketRow.call_id)))
        day.recorded = (
            await session.scalar(
                select(func.count()).select_from(Recording).where(Recording.key.is_not(None))
            )
            or 0
        )
        day.excused = (
            await session.scalar(
                select(func.count()).select_from(Recording).where(Recording.missing_reason.is_not(None))
            )
            or 0
        )
    day.cdr, day.ledger, day.tickets = len(in_cdr), len(in_ledger), len(ticketed)
    for name, calls in (("the CDR", in_cdr), ("the ledger", in_ledger), ("the tickets", set(ticketed))):
        day.differences += [f"{call} is not in {name}" for call in sorted(made - calls)]
        day.differences += [f"{call} is in {name} and nobody made it" for call in sorted(calls - made)]
    day.differences += [f"{call} has {n} tickets" for call, n in Counter(ticketed).items() if n != 1]
    day.differences += [f"nobody knows who called in {call}" for call in sorted(nobodys)]
    day.differences += [f"{call} never ended" for call, one in kept.items() if not one.ended]
    day.differences += [f"{call} has no recording, no reason" for call, one in kept.items() if not one.taped]


def _cdr_calls(house: House) -> set[str]:
    lines = house.settings.cdr_file.read_text(errors="replace").splitlines()
    return {line.split(",")[0].strip('"') for line in lines if line}


# --- memory ---


async def _weigh(house: House, memory: list[tuple[int, float, float]]) -> None:
    while True:
        pid = house.supervisor.pid
        if pid is not None and house.supervisor.serving.is_set():
            weight = await asyncio.to_thread(own_memory_mib, pid)
            memory.append((house.supervisor.lives, time.monotonic(), weight))
        await asyncio.sleep(5)


def _judge_memory(memory: Sequence[tuple[int, float, float]], day: Day) -> None:
    if not memory:
        return
    day.memory_most_mib = max(mib for _, _, mib in memory)
    life, _ = Counter(number for number, _, _ in memory).most_common(1)[0]
    weighed = [(at, mib) for number, at, mib in memory if number == life]
    began = weighed[0][0]
    day.longest_life_s = weighed[-1][0] - began
    warm = [mib for at, mib in weighed if at - began > WARM_UP_S]
    if len(warm) >= 6:
        third = len(warm) // 3
        day.memory_began_mib = statistics.median(warm[:third])
        day.memory_ended_mib = statistics.median(warm[-third:])
