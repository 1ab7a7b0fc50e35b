"""The desk's page in a real Chromium, over a site without a PBX: what is meant for one call stays with it."""

import asyncio
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.people import sit_down_alone
from tests.fakes.desk_day import ELENA, MARCUS, Step, Visit, answered, queued, to_menu
from tests.fakes.web_room import GRACE, WebRoom
from tickets.database import utc_now
from tickets.events import CallEvent
from tickets.vocabulary import EventKind as K

pytestmark = pytest.mark.browser

GRACES_PHONE = "101"
TALKS = Visit(3, MARCUS, [*to_menu(), *queued(9, "pressed_zero"), *answered(20, GRACES_PHONE, 11)])
RINGS: Step = (14, K.OPERATOR_RINGING, {"operator": GRACES_PHONE})


def rings(minutes_ago: float, number: str) -> Visit:
    """Somebody for whom Grace's phone rings."""
    return Visit(minutes_ago, number, [*to_menu(), *queued(9, "pressed_zero"), RINGS])


def happens(room: WebRoom, visit: Visit, kind: K, **data: str) -> None:
    """Something more of that call, now."""
    call_id = visit.call_id(room.now)
    at = utc_now() + timedelta(seconds=1)
    event = CallEvent("test", f"{call_id}:{kind}", call_id, at, kind, dict(data), 99)
    room.desks.centre.calls.hear(event)


async def focused(page: Page) -> str:
    """What has the focus: `BUTTON`, `TEXTAREA` …"""
    return str(await page.evaluate("document.activeElement.tagName"))


async def test_what_is_meant_for_one_call_does_nothing_to_the_next(desk: WebRoom, browser: Browser) -> None:
    page = await sit_down_alone(desk, browser, GRACE, "/desk")
    commands: list[str] = []
    page.on("request", lambda sent: commands.append(sent.url) if sent.url.endswith("/commands") else None)
    chip, who = page.locator("[data-call-chip]"), page.locator("[data-call-name]")
    first = await desk.happen(TALKS)
    await expect(chip).to_have_text("Talking")
    await expect(page.locator("[data-status-hint]")).to_contain_text("You have a caller")

    # Whoever writes on the last call's ticket does not go on in the next one's, nor are the letters keys.
    await expect(page.locator("[data-strip-link]")).to_have_text(first)
    await page.get_by_label("Note", exact=True).fill("She wants")
    happens(desk, TALKS, K.ENDED)
    await expect(chip).to_have_text("Wrap-up")
    assert await focused(page) == "TEXTAREA"
    elena, other = rings(2, ELENA), rings(1, "+12025550189")
    second = await desk.happen(elena)
    await expect(page.locator("[data-strip-link]")).to_have_text(second)
    await page.keyboard.type("xx")
    await expect(page.locator("[data-toasts]")).to_contain_text(f"kept with {first}")
    await expect(page.get_by_label("Note", exact=True)).to_have_value("")
    await expect(chip).to_have_text("Ringing")

    # A focused button is not the next call's: the key that was on its way presses nothing.
    await page.get_by_role("button", name="Decline").focus()
    before = await who.text_content()
    happens(desk, elena, K.OPERATOR_MISSED, operator=GRACES_PHONE)
    await desk.happen(other)
    await expect(who).not_to_have_text(before or "")
    await expect(chip).to_have_text("Ringing")
    assert await focused(page) == "SECTION"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Space")

    # What she was writing is where it was.
    await page.goto("/desk")
    kept = await page.evaluate("Object.entries(localStorage).map(([key, value]) => key + value).join()")
    assert first in kept
    assert "She wants" in kept
    assert commands == []
    await page.context.close()


async def test_a_late_answer_takes_nothing_back_that_was_saved_meanwhile(
    desk: WebRoom, browser: Browser
) -> None:
    page = await sit_down_alone(desk, browser, GRACE, "/desk")
    first = await desk.happen(TALKS)
    await expect(page.locator("[data-strip-link]")).to_have_text(first)
    await expect(page.locator("[data-strip-status]")).to_have_text("Open")
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if route.request.method != "GET":
            await route.continue_()
            return
        answer = await route.fetch()
        asked.set()
        await may_come.wait()
        await route.fulfill(response=answer)

    await page.route(f"**/api/v1/tickets/{first}", late)
    await page.get_by_label("Note", exact=True).fill("She is angry.")
    await page.keyboard.press("Control+Enter")
    async with asyncio.timeout(15):
        await asked.wait()  # what is under way has the subject of before
    await page.get_by_label("Subject").fill("Prize not paid")
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    may_come.set()
    await expect(page.get_by_role("list", name="Notes")).to_contain_text("She is angry.")
    await expect(page.get_by_label("Subject")).to_have_value("Prize not paid")
    await page.context.close()
