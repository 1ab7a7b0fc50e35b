"""Operators who are ready, pause and write up, at a real PBX: who is rung, and what outlives a restart."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import delete

from cti.asterisk.events import ListedChannel, OperatorCalled, OperatorConnected, QueueSeat
from cti.demo.network import Leg
from tests.fakes.until import eventually
from tests.house.centre import REACH_S, Centre, any_phone
from tickets.accounts import AccountBook, LoginTaken
from tickets.database import writing
from tickets.presence import OperatorState, PresenceBook
from tickets.tables import OperatorStateRow
from tickets.vocabulary import PhoneChoice, Presence, Role

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

ALICE, PASSWORD = "alice", "a long enough password"
OWN, PAGE = "PJSIP/101", "PJSIP/101-web"


@pytest_asyncio.fixture(loop_scope="session")
async def attended(served: Centre) -> AsyncIterator[Centre]:
    """Alice has an account. Afterwards nobody has ever set anything."""
    with contextlib.suppress(LoginTaken):  # by the test before
        await AccountBook(served.database.sessions).add(
            ALICE, PASSWORD, Role.OPERATOR, "Alice Rivera", extension="101"
        )
    yield served
    if await kept(served) is None:
        return  # and so it is
    await served.end_service()
    async with writing(served.database.sessions) as session:
        await session.execute(delete(OperatorStateRow))
    for extension in ("101", "102"):
        for end in ("", "-web"):
            device = f"DEVICE_STATE(Custom:presszero-{extension}{end})"
            await served.pbx.action("Setvar", Variable=device, Value="INVALID")
            await served.pbx.action("QueuePause", Interface=f"PJSIP/{extension}{end}", Paused="false")


@asynccontextmanager
async def alice_at_her_desk(centre: Centre) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(centre.address, timeout=aiohttp.ClientTimeout(total=20)) as browser:
        async with browser.post("/api/v1/session", json={"login": ALICE, "password": PASSWORD}) as answer:
            browser.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        yield browser


async def wants(browser: aiohttp.ClientSession, presence: str, reason: str | None = None) -> None:
    async with browser.post("/api/v1/presence", json={"presence": presence, "reason": reason}) as answer:
        assert answer.status == 204, await answer.text()


async def paused(centre: Centre) -> set[str]:
    """Which of Alice's phones the PBX would not ring."""
    seats = await centre.pbx.list_action("QueueStatus")
    return {seat.interface for seat in seats if isinstance(seat, QueueSeat) and seat.paused} & {OWN, PAGE}


async def becomes_paused(centre: Centre, phones: set[str], within_s: float = 20) -> None:
    async def so() -> bool:
        return await paused(centre) == phones

    await eventually(so, within_s, f"exactly {sorted(phones)} are paused")


async def kept(centre: Centre) -> OperatorState | None:
    return (await PresenceBook(centre.database.sessions, deadline_s=20).all()).get("101")


async def becomes(centre: Centre, presence: Presence, within_s: float = 20) -> OperatorState:
    async def so() -> OperatorState | None:
        state = await kept(centre)
        return state if state is not None and state.presence is presence else None

    return await eventually(so, within_s, f"Alice is {presence}")


async def waits(centre: Centre, number: str) -> tuple[Leg, str]:
    leg, call_id = await centre.call(number)
    await leg.press("0")
    await centre.queued(call_id, REACH_S)
    return leg, call_id


async def talks(centre: Centre, phone: Leg, call_id: str) -> None:
    await phone.answer()
    await centre.listener.wait(lambda e: isinstance(e, OperatorConnected) and e.uniqueid == call_id)


def rung_for(centre: Centre, call_id: str) -> list[str]:
    events = centre.listener.events
    return [one.operator for one in events if isinstance(one, OperatorCalled) and one.uniqueid == call_id]


async def test_who_never_set_anything_is_rung_as_ever_and_has_no_wrap_up(attended: Centre) -> None:
    for number in ("+12025550161", "+12025550162"):
        leg, call_id = await waits(attended, number)
        phone = await any_phone(attended)
        await talks(attended, phone, call_id)
        await leg.hang_up()
    assert await kept(attended) is None
    assert await paused(attended) == set()


async def test_a_caller_who_is_sent_to_a_feature_code_is_not_lost(attended: Centre) -> None:
    leg, call_id = await waits(attended, "+12025550168")
    phone = await any_phone(attended)
    await talks(attended, phone, call_id)
    channels = await attended.pbx.list_action("CoreShowChannels")
    caller = next(one for one in channels if isinstance(one, ListedChannel) and one.uniqueid == call_id)
    await attended.pbx.action(
        "Redirect", Channel=caller.channel, Context="presszero-phones", Exten="*12", Priority="1"
    )
    await talks(attended, await any_phone(attended), call_id)
    await leg.hang_up()


async def test_a_ready_operator_s_chosen_phone_rings_and_after_the_call_comes_the_wrap_up(
    attended: Centre,
) -> None:
    await attended.pbx.action("QueuePause", Interface="PJSIP/102", Paused="true")
    async with alice_at_her_desk(attended) as browser:
        await wants(browser, "ready")
        state = await becomes(attended, Presence.READY)
        assert state.phone is PhoneChoice.OWN  # hers is registered
        await becomes_paused(attended, {PAGE})
        first, first_id = await waits(attended, "+12025550163")
        phone = await attended.exchange.network.phone_rings("101")
        await talks(attended, phone, first_id)
        second, second_id = await waits(attended, "+12025550164")
        await first.hang_up()
        await becomes(attended, Presence.WRAP_UP)
        # All who are at work write up: who waits goes on waiting, and rings nobody.
        await asyncio.sleep(4)  # the queue looks for somebody once a second
        assert rung_for(attended, second_id) == []
        assert not second.hung_up.is_set()
        await wants(browser, "ready")
        phone = await attended.exchange.network.phone_rings("101", 5)
        await talks(attended, phone, second_id)
        await wants(browser, "paused", "lunch")  # in the middle of the call: for afterwards
        await second.hang_up()
        await becomes_paused(attended, {OWN, PAGE})
        assert (await becomes(attended, Presence.PAUSED)).reason == "lunch"


async def test_nobody_writes_up_for_ever_when_the_service_was_killed_meanwhile(attended: Centre) -> None:
    await attended.pbx.action("QueuePause", Interface="PJSIP/102", Paused="true")
    async with alice_at_her_desk(attended) as browser:
        await wants(browser, "ready")
        first, first_id = await waits(attended, "+12025550165")
        await talks(attended, await attended.exchange.network.phone_rings("101"), first_id)
        await wants(browser, "wrap_up")
        await first.hang_up()
        await becomes(attended, Presence.WRAP_UP)
    attended.signal_service(signal.SIGKILL)
    second, second_id = await attended.call("+12025550166")
    await attended.queued(second_id, REACH_S)
    await asyncio.sleep(3)  # the queue looks for somebody once a second
    assert rung_for(attended, second_id) == []
    await attended.pbx.action("Setvar", Variable="PZ_BUSY_101", Value="1")  # a minute has passed
    third, third_id = await attended.call("+12025550167")
    await attended.queued(third_id, REACH_S)
    phone = await attended.exchange.network.phone_rings("101", 10)
    await talks(attended, phone, second_id)
    await third.hang_up()
    await second.hang_up()


async def test_a_pause_outlives_the_service_and_the_pbx(attended: Centre) -> None:
    async with alice_at_her_desk(attended) as browser:
        await wants(browser, "paused", "lunch")
        await becomes_paused(attended, {OWN, PAGE})
    await attended.exchange.pbx.stop_async()
    await attended.exchange.pbx.start_async()

    async def on_the_line() -> bool:
        return attended.pbx.connected

    await eventually(on_the_line, 20, "the PBX is on the line again")
    await becomes_paused(attended, {OWN, PAGE})
    attended.signal_service(signal.SIGKILL)
    await attended.pbx.action("QueuePause", Interface=OWN, Paused="false")
    await attended.start_service()
    await becomes_paused(attended, {OWN, PAGE})
    assert (await becomes(attended, Presence.PAUSED)).reason == "lunch"
    await eventually(attended.phones_are_there, 60, "the phones are registered again")


async def test_feature_codes_work_and_are_known_also_when_we_were_away(attended: Centre) -> None:
    network = attended.exchange.network
    for code, presence, phones in (
        ("*12", Presence.PAUSED, {OWN, PAGE}),
        ("*11", Presence.READY, {PAGE}),
        ("*13", Presence.AWAY, {OWN, PAGE}),
    ):
        await network.dial("101", code)
        await becomes(attended, presence)
        await becomes_paused(attended, phones)
    attended.signal_service(signal.SIGKILL)
    await network.dial("101", "*11")
    await becomes_paused(attended, {PAGE})
    await attended.start_service()
    await becomes(attended, Presence.READY)
    assert await paused(attended) == {PAGE}
