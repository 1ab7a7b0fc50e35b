"""Ring us from the browser: the demo's page, a microphone, and the real menu."""

from pathlib import Path

import pytest
from playwright.async_api import Playwright, expect

from cti.asterisk.embedded import GUEST_NUMBER
from cti.asterisk.events import StageReached
from tests.browser.conftest import Open
from tests.browser.people import open_browser, sit_down
from tests.fakes.until import eventually
from tests.house.centre import REACH_S, Centre, any_phone
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_who_refuses_the_microphone_is_told_what_to_do(
    served: Centre, playwright: Playwright, chromium: Path
) -> None:
    async with open_browser(playwright, chromium, None) as browser:
        visitor = await sit_down(browser, served.address)
        page = visitor.page
        await page.goto("/ring")
        await page.get_by_role("button", name="Call").click()
        await expect(page.get_by_role("alert")).to_contain_text("allow it beside the page's address")
        await expect(page.get_by_role("button", name="Call")).to_be_enabled()  # to try again
        assert visitor.faults == []


async def test_a_caller_in_the_browser_reaches_the_menu_and_with_zero_a_person(
    served: Centre, voices: Voices, opened: Open
) -> None:
    visitor = await sit_down(await opened("wish"), served.address)
    page = visitor.page
    since = len(served.listener.events)
    await page.goto("/ring")
    await page.get_by_role("button", name="Call").click()
    steps = page.get_by_role("log")
    await expect(steps).to_contain_text("The menu has answered")
    reached = await served.listener.wait(
        lambda e: isinstance(e, StageReached) and e.stage == "menu" and e.number == GUEST_NUMBER, since=since
    )
    assert isinstance(reached, StageReached)
    call_id = reached.call_id

    async def speaks() -> bool:
        return await visitor.hears() > 0.01

    await eventually(speaks, 15, "the caller hears the menu")
    await page.get_by_role("button", name="0 a person").click()
    await served.queued(call_id, REACH_S)
    phone = await any_phone(served)
    await phone.answer()
    await expect(steps).to_contain_text("You talk with")
    before = await visitor.hears()
    await phone.say(voices["hello"])
    assert await visitor.hears() > before + 0.01
    await phone.hang_up()
    await expect(steps).to_contain_text("The call is over.")

    outcome = await outcome_of(served, call_id, transcript=True)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.recording.transcript is not None
    said = " ".join(one.text for one in outcome.recording.transcript.phrases if one.speaker == "caller")
    assert "subscription" in said  # the microphone was heard
    assert f"Ticket {outcome.ticket.name}" in await steps.inner_text()
    assert visitor.faults == []
