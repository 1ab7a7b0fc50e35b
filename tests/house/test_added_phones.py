"""An operator who is added at the desk, in a PBX at work: known to it at once, and after its restart."""

import asyncio

import pytest

from cti.asterisk.events import QueueSeat
from cti.asterisk.queue_watch import QueueWatch
from cti.operators.phones import PhoneBook
from tests.fakes.until import eventually
from tests.house.centre import Centre

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]


async def seats_of(centre: Centre, extension: str) -> list[tuple[str, str, bool]]:
    """Queue, phone, and whether it is registered."""
    items = await centre.pbx.list_action("QueueStatus")
    seats = [item for item in items if isinstance(item, QueueSeat) and item.operator == extension]
    return sorted((seat.queue, seat.interface, seat.registered) for seat in seats)


async def state_of(centre: Centre, device: str) -> str:
    return (await centre.pbx.action("Getvar", Variable=f"DEVICE_STATE({device})")).fields["value"]


async def test_an_added_operator_s_phones_are_in_the_pbx_without_a_restart_and_after_one(
    centre: Centre,
) -> None:
    watch = QueueWatch(centre.pbx, every_s=1)
    folder = (centre.settings.data / "added-phones").absolute()
    pbx = centre.exchange.pbx
    book = PhoneBook({}, ["support"], folder, centre.pbx, watch, pbx.reload, "")
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(book.run())]
    wanted = [("support", "PJSIP/201", False), ("support", "PJSIP/201-web", False)]

    async def seated() -> bool:
        return await seats_of(centre, "201") == wanted

    async def on_the_line() -> bool:
        return centre.pbx.connected

    async def gone() -> bool:
        return not await seats_of(centre, "201")

    try:
        assert await state_of(centre, "PJSIP/201") == "INVALID"
        given = await book.provide("201", "Boris Ivanov", "s3cret", ["support"])
        assert given.to_do == ""
        assert await state_of(centre, "PJSIP/201") == "UNAVAILABLE"  # there, and nobody has signed in
        assert await state_of(centre, "PJSIP/201-web") == "UNAVAILABLE"
        await eventually(seated, 20, "both phones have their seats")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)  # with us away
        await pbx.stop_async()
        await pbx.start_async()
        await eventually(on_the_line, 20, "the PBX is on the line again")
        assert await seats_of(centre, "201") == wanted
        tasks = [asyncio.create_task(watch.run()), asyncio.create_task(book.run())]
        await book.withdraw("201")
        await eventually(gone, 20, "their seats are gone")
        assert "201" not in (folder / "pjsip_phones.conf").read_text()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await eventually(centre.phones_are_there, 60, "the other phones are registered again")
