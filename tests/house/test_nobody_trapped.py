"""Whoever puts the phone down when, no caller stays alone with the music of a room: in a real Asterisk."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti.asterisk.events import CallerJoined, ListedChannel, phone_of
from cti.demo.network import Leg
from cti.operators.controls import CallControls
from cti.operators.legs import By
from cti.operators.rooms import ALONE_S
from tests.fakes.until import eventually
from tests.house.centre import Centre
from tests.house.desk_view import outcome_of
from tests.house.test_call_controls import Talk, down, rings, talk
from tickets.vocabulary import EventKind

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

ALICE = By("101")
AT_ONCE_S = 4.0  # with no service at all


@pytest_asyncio.fixture(loop_scope="session")
async def controls(served: Centre) -> AsyncIterator[CallControls]:
    """The commands, over the test's own link: they need no service."""
    made = CallControls(served.pbx, "PJSIP/{}".format, lambda: ("101", "102"), ["support"])
    served.listener.also.append(made.hear)
    yield made
    served.listener.also.remove(made.hear)
    if served.service is None:
        await served.start_service()


async def legs(centre: Centre) -> dict[str, ListedChannel]:
    """Channels of operators' phones, by extension."""
    listed = await centre.pbx.list_action("CoreShowChannels")
    return {phone_of(one.channel) or "": one for one in listed if isinstance(one, ListedChannel)}


async def waits_again(centre: Centre, one: Talk, since: int, within_s: float) -> None:
    """The caller is in the queue anew."""
    await centre.listener.wait(
        lambda event: isinstance(event, CallerJoined) and event.uniqueid == one.call_id, within_s, since
    )


async def in_room(centre: Centre, one: Talk) -> bool:
    listed = await centre.pbx.list_action("CoreShowChannels")
    return any(
        isinstance(each, ListedChannel) and each.uniqueid == one.call_id and each.exten == "room"
        for each in listed
    )


async def asked(centre: Centre, controls: CallControls, one: Talk) -> Leg:
    """102 is asked, and has the phone in the hand."""
    await controls.consult(one.call_id, ALICE, "102")
    colleague = await rings(centre, "102")
    await colleague.answer()

    async def together() -> bool:
        phones = await legs(centre)
        return bool(phones["101"].bridge) and phones["101"].bridge == phones["102"].bridge

    await eventually(together, 5, "operator and colleague hear each other")
    return colleague


async def at_once(centre: Centre, channels: list[str], pause_ms: int) -> None:
    """Hang all up, `pause_ms` apart, without waiting for the PBX in between."""
    hanging = []
    for channel in channels:
        hanging.append(asyncio.ensure_future(centre.pbx.action("Hangup", Channel=channel)))
        await asyncio.sleep(pause_ms / 1000)
    await asyncio.wait(hanging, timeout=5)


async def slips_away(centre: Centre, extension: str) -> None:
    """The phone, which has the caller on hold, ends in a way that the dialplan does not see to."""

    async def holds() -> bool:
        listed = [
            one for one in await centre.pbx.list_action("CoreShowChannels") if isinstance(one, ListedChannel)
        ]
        phone_waits = any(phone_of(one.channel) == extension and one.application == "Wait" for one in listed)
        return phone_waits and any(one.exten == "room" and one.application == "ConfBridge" for one in listed)

    # On the way there the phone writes PZ_PLACE, and the caller looks whether anybody is there.
    await eventually(holds, 5, "the phone is where a held caller's phone is, and the caller hears music")
    phone = (await legs(centre))[extension]
    await centre.pbx.action("Setvar", Channel=phone.channel, Variable="PZ_PLACE", Value="bye")
    await centre.pbx.action("Hangup", Channel=phone.channel)


async def test_whoever_is_alone_in_a_room_all_the_same_is_sent_back_by_the_service(
    controls: CallControls, served: Centre, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550171", tmp_path)
    await controls.hold(one.call_id, ALICE, True)
    await asyncio.sleep(3 * ALONE_S)
    assert await in_room(served, one)  # held, and nobody's business
    since = len(served.listener.events)
    await slips_away(served, "101")
    await waits_again(served, one, since, 3 * ALONE_S)
    again = await rings(served, "101")
    await again.answer()
    await controls.hold(one.call_id, ALICE, True)
    await controls.hold(one.call_id, ALICE, False)
    await asyncio.sleep(1.2)  # they talk
    await again.hang_up()
    await down(one.caller)  # and are through
    assert (await outcome_of(served, one.call_id)).kinds().count(EventKind.QUEUE_JOINED) == 2


async def test_with_the_service_away_nobody_is_trapped_and_its_return_forgets_nobody(
    controls: CallControls, served: Centre, tmp_path: Path
) -> None:
    one = await talk(served, "+12025550172", tmp_path)
    served.signal_service(signal.SIGKILL)
    phone = one.phone
    # Who puts the phone down first, and by how many milliseconds: each way has its own order of events.
    for first, pause_ms in [
        ("101", 0),
        ("102", 0),
        ("101", 1),
        ("102", 1),
        ("102", 3),
        ("101", 8),
        ("102", 20),
    ]:
        colleague = await asked(served, controls, one)
        since = len(served.listener.events)
        phones = await legs(served)
        ways = [phones[extension].channel for extension in sorted(phones) if extension in ("101", "102")]
        await at_once(served, ways if first == "101" else ways[::-1], pause_ms)
        await down(phone)
        await down(colleague)
        await waits_again(served, one, since, AT_ONCE_S)
        phone = await rings(served, "101")
        await phone.answer()
    # A command whose other half finds the phone gone.
    (caller,) = [each.channel for each in (await legs(served)).values() if each.uniqueid == one.call_id]
    since = len(served.listener.events)
    await served.pbx.action("Redirect", Channel=caller, Context="presszero-call", Exten="room", Priority="1")
    await down(phone)
    await waits_again(served, one, since, AT_ONCE_S)
    phone = await rings(served, "101")
    await phone.answer()
    # However the dialplan is deceived: the service's first look finds who is trapped.
    await controls.hold(one.call_id, ALICE, True)
    since = len(served.listener.events)
    await slips_away(served, "101")
    await down(phone)
    await asyncio.sleep(2 * ALONE_S)
    assert await in_room(served, one)
    await served.start_service()
    await waits_again(served, one, since, 3 * ALONE_S)
    phone = await rings(served, "101")
    await phone.answer()
    await one.caller.hang_up()
    await down(phone)
    assert (await outcome_of(served, one.call_id)).call.operator == "101"
