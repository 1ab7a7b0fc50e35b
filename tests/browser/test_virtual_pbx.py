"""A call of a virtual PBX in a real Chromium, with no Asterisk."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cti.assembly import virtual_pbx
from cti.virtual_pbx.stories import Ending, Step, Story, What
from cti.virtual_pbx.tapes import Tapes
from cti.virtual_pbx.way import Way
from tests.browser.axe import grave_findings
from tests.browser.people import ALICE, PASSWORD, SAM, VERA, VERAS_NUMBER, log_in, sit_down
from tests.fakes.mango_house import RECORDED_AFTER_S, mango_house
from tests.house.centre import eventually
from tickets.vocabulary import CallOutcome

pytestmark = pytest.mark.browser

CALL = Story(
    "popped", "Alice answers",
    (Step(0, What.RINGS), Step(1, What.OFFERED, "101"), Step(8, What.ANSWERED, "101"),
     Step(24, What.HANGS_UP, "101", word="caller"), Step(27, What.RECORDED, since=8)),
    Ending(CallOutcome.ANSWERED_BY_OPERATOR, "101", 16, recordings=1), caller=VERAS_NUMBER,
    line="18005550100",
)  # fmt: skip


async def test_a_call_pops_on_the_desk_takes_commands_and_plays_on_its_ticket(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_pbx, "Tapes", partial(Tapes, soonest_s=RECORDED_AFTER_S))
    async with mango_house(tmp_path, Way(1)) as (service, player):
        for one in (ALICE, SAM):
            await service.accounts.add(one.login, PASSWORD, one.role, one.name, extension=one.extension)
        await service.customers.add(VERA, [VERAS_NUMBER], vip_level=2)
        address = f"http://127.0.0.1:{service.http_port}"
        alice = await sit_down(browser, address)
        await log_in(alice, ALICE, "/desk")
        playing = asyncio.create_task(player.play(CALL, "the-call"))

        pop = alice.page.get_by_role("region", name="Who is calling")
        await expect(pop).to_contain_text(VERA)
        await expect(pop).to_contain_text("VIP 2")
        record = alice.page.get_by_role("button", name="Record", exact=True)
        await record.click()  # Mango records by itself here, and says so
        await expect(alice.page.locator(".toast")).to_have_text("The call is being recorded already.")
        assert await grave_findings(alice.page) == []
        told = await playing
        assert set(told.answers) == {200}
        assert alice.faults == []

        [ticket] = (await service.desk.tickets()).items

        async def has_a_tape() -> bool:
            tape = await service.shelf.of_call(ticket.call_id)
            return tape is not None and tape.missing_reason is None

        await eventually(has_a_tape, 60, "the recording is on the shelf")
        sam = await sit_down(browser, address)
        await log_in(sam, SAM, f"/tickets/{ticket.name}")
        await expect(sam.page.get_by_text(VERA).first).to_be_visible()
        await sam.page.get_by_role("button", name="Play", exact=True).click()

        async def plays() -> bool:
            return bool(await sam.page.evaluate("document.querySelector('audio').currentTime > 0.5"))

        await eventually(plays, 30, "the recording plays")
        assert await grave_findings(sam.page) == []
        assert sam.faults == []
