"""VIPs who wait at Mango are routed by its command, over real HTTP, and no more of them than it allows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cti.virtual_pbx.contract import neutral_id
from cti.virtual_pbx.steering import EVERY_S, Steering
from cti.virtual_pbx.stories import BEN, story
from ivr.reception import KnownCaller
from tests.fakes.mango_centre import IN_QUEUE, Centre, centre
from tests.fakes.virtual_pbx import START, arrive
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import EventKind, HandOver

pytestmark = pytest.mark.integration

VIP, STRANGER = "+12025550143", "+12025550199"


class Clock:
    """Moved on without a wait: the loop's, and one of our own that stands still in between."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._real, self.seconds = self._loop.time, 0.0
        self._loop.time = lambda: self._real() + self.seconds  # type: ignore[method-assign]

    def pass_s(self, seconds: float) -> None:
        self.seconds += seconds

    def give_back(self) -> None:
        self._loop.time = self._real  # type: ignore[method-assign]


@dataclass
class Desk:
    """Our side: steering, beside the adapter that commands Mango."""

    mango: Centre
    clock: Clock
    steering: Steering
    told: list[CallEvent]
    refused: list[str] = field(default_factory=list)  # paths of requests that Mango found too much

    async def waits(self, native: str, caller: str = VIP) -> None:
        """A caller has come through Mango's menu into its queue; return when all is done for them."""
        settings = self.mango.adapter.settings
        hooks = self.mango.simulator.hooks(replace(story("queued"), caller=caller), settings, START, native)
        self.mango.seconds = IN_QUEUE
        came = [arrive(one, "mango") for one in hooks if one.at <= self.mango.now()]
        facts = [fact for one in came for fact in self.mango.adapter.take(one, self.mango.now()).facts]
        self.mango.kept += facts
        for event in self.mango.adapter.tell(facts):
            self.steering.hear(event)
        while self.steering._tasks:
            await asyncio.gather(*self.steering._tasks)

    def routed(self) -> list[str]:
        """The calls that Mango has routed to Ben, by its own names for their legs."""
        asked = [told for path, told in self.mango.service.requests if path == "commands/route"]
        assert all(told["to_number"] == BEN for told in asked)
        natives = {leg.leg: name for name, play in self.mango.simulator.played.items() for leg in play.legs}
        return [natives[told["call_id"]] for told in asked]

    def handed_over(self) -> list[str]:
        handed = [event for event in self.told if event.kind is EventKind.HANDED_OVER]
        assert all(event.data == {"reason": HandOver.VIP.value, "to": BEN} for event in handed)
        return [event.call_id for event in handed]


@asynccontextmanager
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with centre(tmp_path) as mango:
        clock, told = Clock(), list[CallEvent]()

        async def facts(call_id: str) -> list[Fact]:
            return [fact for fact in mango.kept if fact.call_id == call_id]

        async def known(number: str) -> KnownCaller | None:
            return KnownCaller(7, 2) if number == VIP else None

        async def nobody(customer_id: int) -> str | None:
            return None

        adapter = mango.adapter
        adapter.settings = adapter.settings.model_copy(update={"vip_to": {1: BEN}})
        adapter.house = replace(adapter.house, facts=facts)
        steering = Steering(
            lambda: {"mango": adapter},
            known,
            nobody,
            lambda operator: True,
            lambda call_id: None,
            lambda: False,
            told.append,
            mango.now,
            lambda: clock.seconds,
        )
        ours = Desk(mango, clock, steering, told)
        too_much = mango.service._is_too_much

        def watched(path: str, now: float) -> bool:
            if too_much(path, now):
                ours.refused.append(path)
                return True
            return False

        mango.service._is_too_much = watched  # type: ignore[method-assign]
        try:
            yield ours
        finally:
            clock.give_back()


async def test_a_vip_who_waits_is_routed_and_nobody_else_is(tmp_path: Path) -> None:
    async with desk(tmp_path) as ours:
        await ours.waits("a stranger", STRANGER)
        assert ours.mango.service.requests == []
        await ours.waits("a vip")
        assert ours.routed() == ["a vip"]
        assert ours.handed_over() == [neutral_id("mango", "a vip")]


async def test_of_many_vips_at_once_one_is_routed_in_two_seconds_and_the_rest_are_left_to_the_scheme(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as ours:
        await asyncio.gather(*[ours.waits(f"at once {number}") for number in range(4)])
        assert len(ours.routed()) == 1
        ours.clock.pass_s(EVERY_S - 1)
        await ours.waits("too early")
        assert len(ours.routed()) == 1
        ours.clock.pass_s(1)
        await ours.waits("in time")
        assert ours.routed()[1:] == ["in time"]
        assert len(ours.handed_over()) == 2
        assert ours.refused == []  # Mango has never had to say that it was too much


async def test_what_mango_finds_wrong_leaves_the_caller_to_the_scheme(tmp_path: Path) -> None:
    async with desk(tmp_path) as ours:
        settings = ours.mango.adapter.settings
        ours.mango.adapter.settings = settings.model_copy(update={"vip_to": {1: "99"}})
        await ours.waits("a vip")
        assert [told["to_number"] for _, told in ours.mango.service.requests] == ["99"]
        assert ours.handed_over() == []
