"""Who is taken for alone in a room, and who is let be. Real rooms: `tests/house/test_nobody_trapped.py`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from cti.asterisk.ami import AmiCut, AmiLate, AmiReply
from cti.asterisk.events import AmiEvent, HungUp, ListedChannel
from cti.operators.rooms import RoomKeeper
from tests.fakes.pbx_with_calls import NOW, PbxWithCalls, channel

pytestmark = pytest.mark.unit

ALONE = channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,room", "room")
HOLDS = channel("PJSIP/101-2", "pz-1.2", "presszero-desk,wait")
HELD = {"PJSIP/101-2:PZ_DESK": ALONE.uniqueid}
SENT_BACK = {
    "Channel": ALONE.channel,
    "Context": "presszero-call",
    "Exten": "forsaken",
    "Priority": "1",
}


class Pbx(PbxWithCalls):
    """Counts the looks, and fails as many as it is told to."""

    looks = 0
    fails: Sequence[Exception] = ()

    async def list_action(self, name: str, /) -> list[AmiEvent]:
        self.looks += 1
        if self.fails:
            error, *self.fails = self.fails
            raise error
        return await super().list_action(name)

    async def action(self, name: str, /, **fields: str | Sequence[str]) -> AmiReply:
        reply = await super().action(name, **fields)
        if name == "Redirect":
            self.channels = [one for one in self.channels if one is not ALONE]
        return reply

    async def looked(self, times: int) -> None:
        """Wait for so many looks from now on."""
        until = self.looks + times
        async with asyncio.timeout(2):
            while self.looks < until:  # noqa: ASYNC110  # a fake that only counts
                await asyncio.sleep(0.001)


@asynccontextmanager
async def keeping(*channels: ListedChannel, **variables: str) -> AsyncIterator[tuple[RoomKeeper, Pbx]]:
    pbx = Pbx(list(channels), variables=variables)
    keeper = RoomKeeper(pbx, alone_s=0.005)
    pbx.hear.append(keeper.hear)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper, pbx
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):  # anything else is a death of the task
            await task


async def rest(pbx: Pbx) -> int:
    """The looks while nothing happens any more."""
    await asyncio.sleep(0.02)
    before = pbx.looks
    await asyncio.sleep(0.05)
    return pbx.looks - before


async def test_whom_nobody_holds_any_more_goes_back_to_the_operators_once() -> None:
    async with keeping(ALONE, HOLDS, **HELD) as (keeper, pbx):
        pbx.say("room")
        await pbx.looked(1)
        assert await rest(pbx) == 0  # somebody holds them: nothing to ask before the next news
        pbx.channels = [ALONE]
        keeper.hear([HungUp(NOW, "1", HOLDS.uniqueid, "pz-1.1", "", "", "", "normal")])
        await pbx.looked(3)
        assert pbx.did("Redirect") == [SENT_BACK]
        assert await rest(pbx) == 0


async def test_a_restart_in_between_forgets_nobody() -> None:
    async with keeping(ALONE) as (keeper, pbx):
        assert await rest(pbx) == 0
        keeper.wake()
        await pbx.looked(2)
        await asyncio.sleep(0.001)
        assert pbx.did("Redirect") == [SENT_BACK]


@pytest.mark.parametrize(
    "channels",
    [
        (ALONE, channel("PJSIP/101-2", "pz-1.2", "presszero-desk,talk", "room")),
        (ALONE, channel("Local/105@x-1;2", "pz-1.5", "presszero-phones,105", "room")),
        (ALONE, HOLDS),
        (channel("PJSIP/trunk-1", "pz-1.1", "presszero-call,operator"),),
    ],
    ids=["with an operator", "with somebody else", "held", "in the queue"],
)
async def test_who_is_not_forsaken_is_let_be(channels: tuple[ListedChannel, ...]) -> None:
    async with keeping(*channels, **HELD) as (_, pbx):
        for _ in range(3):
            pbx.say("room")
            await pbx.looked(1)
        assert pbx.did("Redirect") == []


async def test_who_is_alone_for_a_moment_between_two_places_is_let_be() -> None:
    async with keeping(ALONE, **HELD) as (_, pbx):
        pbx.say("room")
        await pbx.looked(1)
        pbx.channels = [ALONE, HOLDS]
        await pbx.looked(1)
        assert await rest(pbx) == 0
        assert pbx.did("Redirect") == []


async def test_a_phone_of_another_call_and_one_that_is_gone_hold_nobody() -> None:
    other = channel("PJSIP/102-7", "pz-7.2", "presszero-desk,wait")
    async with keeping(ALONE, HOLDS, other, **{"PJSIP/102-7:PZ_DESK": "pz-7.1"}) as (_, pbx):
        pbx.refuses.add("Getvar")
        pbx.say("room")
        await pbx.looked(2)
        await asyncio.sleep(0.001)
        assert pbx.did("Redirect") == [SENT_BACK]


async def test_it_asks_again_who_was_late_and_waits_for_a_link_that_is_cut() -> None:
    async with keeping(ALONE) as (keeper, pbx):
        pbx.fails = [AmiLate("late"), AmiCut("cut")]
        pbx.say("room")
        await pbx.looked(2)
        assert await rest(pbx) == 0
        keeper.wake()
        await pbx.looked(2)
        await asyncio.sleep(0.001)
        assert pbx.did("Redirect") == [SENT_BACK]


async def test_it_tries_again_when_the_pbx_does_not_send_them_on() -> None:
    async with keeping(ALONE) as (_, pbx):
        pbx.refuses.add("Redirect")
        pbx.say("room")
        await pbx.looked(3)
        pbx.refuses.clear()
        await pbx.looked(2)
        assert pbx.did("Redirect") == [SENT_BACK]


async def test_ends_of_calls_without_a_room_cost_the_pbx_nothing() -> None:
    async with keeping(HOLDS) as (keeper, pbx):
        keeper.hear([HungUp(NOW, "1", "pz-3.1", "pz-3.1", "", "", "", "normal")] * 50)
        assert await rest(pbx) == 0
        assert pbx.looks == 0
