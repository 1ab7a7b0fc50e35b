"""The ticket's page in a real Chromium: it saves by itself, loses nothing, and lets two people choose."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import grave_findings
from tests.browser.people import lose_the_answer
from tests.browser.people import sit_down_alone as sit_down
from tests.fakes.desk_day import VISITS, Visit
from tests.fakes.web_room import GRACE, SUPERVISOR, WebRoom
from tickets.vocabulary import EventKind as K
from tickets.vocabulary import NoteKind

pytestmark = pytest.mark.browser

TALKED = VISITS[5]
PATCHES = "**/api/v1/tickets/*"


async def test_what_is_typed_is_saved_by_itself(desk: WebRoom, browser: Browser) -> None:
    name = await desk.happen(TALKED)
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    await page.get_by_label("Subject").fill("Prize not paid")
    await page.get_by_label("Topic").fill("Payout")
    await page.get_by_label("Tags").fill("Refund")
    await page.keyboard.press("Enter")
    await page.keyboard.type("two words,")
    await page.get_by_label("Name of the field").last.fill("Order")
    await page.get_by_label("Value of the field").first.fill("17")
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    ticket = (await desk.services.desk.ticket(1)).ticket
    assert (ticket.subject, ticket.topic, ticket.fields) == ("Prize not paid", "Payout", {"Order": "17"})
    assert ticket.tags == ("refund", "two words")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Prize not paid")
    await expect(page.locator(".timeline .entry.done")).to_have_count(1)  # one line for all of it
    await page.get_by_label("Take away the tag refund").click()
    await expect(page.locator(".timeline ins").get_by_text("two words", exact=True)).to_be_visible()
    await page.wait_for_function("localStorage.length === 0")


async def test_notes_and_answers_are_added_by_keys(desk: WebRoom, browser: Browser) -> None:
    name = await desk.happen(TALKED)
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    await page.locator("#text").fill("She is angry.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".timeline .entry.note")).to_contain_text("She is angry.")
    await page.get_by_label("Answer to the customer").check()
    await page.locator("#text").fill("<b>We</b> have paid.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".timeline .entry.answer")).to_contain_text("<b>We</b> have paid.")
    kinds = [note.kind for note in (await desk.services.desk.ticket(1)).notes]
    assert kinds == [NoteKind.NOTE, NoteKind.ANSWER]
    await page.locator("#text").fill("Half a thou")
    await page.reload()
    await expect(page.locator("#text")).to_have_value("Half a thou")

    # The answer is lost on its way, and the page loaded anew: sent again, the note is there once.
    await page.route("**/notes", lose_the_answer)
    await page.locator("#text").fill("Half a thought more")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("It was not added: try again.")).to_be_visible()
    assert len((await desk.services.desk.ticket(1)).notes) == 3
    await page.unroute("**/notes")
    await page.reload()
    await expect(page.locator("#text")).to_have_value("Half a thought more")
    await page.locator("#text").focus()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Added", exact=True)).to_be_visible()
    await expect(page.locator("#text")).to_have_value("")
    assert len((await desk.services.desk.ticket(1)).notes) == 3


async def test_two_people_choose_whose_words_stay(desk: WebRoom, browser: Browser) -> None:
    name = await desk.happen(TALKED)
    graces = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    sofias = await sit_down(desk, browser, SUPERVISOR, f"/tickets/{name}")
    await sofias.get_by_label("Subject").fill("Sofia's subject")
    await sofias.get_by_label("Topic").fill("Sofia's topic")
    await expect(sofias.get_by_text("Saved", exact=True)).to_be_visible()
    await graces.get_by_label("Subject").fill("Grace's subject")
    notice = graces.locator(".conflict")
    await expect(notice).to_contain_text("Sofia's subject")
    assert (await desk.services.desk.ticket(1)).ticket.subject == "Sofia's subject"
    await expect(graces.get_by_label("Topic")).to_have_value("Sofia's topic")  # that did not conflict
    await notice.get_by_role("button", name="Yours").click()
    await expect(graces.get_by_text("Saved", exact=True)).to_be_visible()
    ticket = (await desk.services.desk.ticket(1)).ticket
    assert (ticket.subject, ticket.topic) == ("Grace's subject", "Sofia's topic")
    await sofias.get_by_label("Subject").fill("Sofia again")
    await sofias.locator(".conflict").get_by_role("button", name="Theirs").click()
    await expect(sofias.get_by_label("Subject")).to_have_value("Grace's subject")
    assert (await desk.services.desk.ticket(1)).ticket.subject == "Grace's subject"


async def test_people_who_touch_different_parts_are_not_asked(desk: WebRoom, browser: Browser) -> None:
    name = await desk.happen(TALKED)
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    await desk.services.tickets.change(1, {"tags": ["urgent"], "fields": {"Order": "17"}}, SUPERVISOR)
    await page.get_by_label("Subject").fill("Mine")
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    ticket = (await desk.services.desk.ticket(1)).ticket
    assert (ticket.subject, ticket.tags, ticket.fields) == ("Mine", ("urgent",), {"Order": "17"})
    await expect(page.locator("pz-tags li")).to_contain_text("urgent")
    await expect(page.locator(".conflict")).to_have_count(0)


async def test_what_was_typed_survives_a_service_that_is_away_and_a_crash(
    desk: WebRoom, browser: Browser
) -> None:
    name = await desk.happen(TALKED)
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    await page.route(PATCHES, lambda route: route.abort())
    await page.get_by_label("Subject").fill("Typed while it was away")
    await expect(page.get_by_text("Not saved: trying again")).to_be_visible()
    again = await page.context.new_page()  # as after a crash: that page never came to its end
    await again.goto(f"/tickets/{name}")
    assert (await desk.services.desk.ticket(1)).ticket.subject != "Typed while it was away"
    await expect(again.locator(".draft")).to_contain_text("Typed while it was away")
    await again.get_by_role("button", name="Take it back").click()
    await expect(again.get_by_text("Saved", exact=True)).to_be_visible()
    assert (await desk.services.desk.ticket(1)).ticket.subject == "Typed while it was away"
    await again.reload()
    await expect(again.locator(".draft")).to_have_count(0)


async def test_a_service_that_comes_back_gets_what_was_typed(desk: WebRoom, browser: Browser) -> None:
    name = await desk.happen(TALKED)
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}")
    await page.route(PATCHES, lambda route: route.fulfill(status=503, body="{}"))
    await page.get_by_label("Subject").fill("Typed meanwhile")
    await expect(page.get_by_text("Not saved: trying again")).to_be_visible()
    await page.unroute(PATCHES)
    await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert (await desk.services.desk.ticket(1)).ticket.subject == "Typed meanwhile"


async def test_missed_calls_are_ticked_off_all_at_once(desk: WebRoom, browser: Browser) -> None:
    for minutes in (3, 2, 1):
        await desk.happen(Visit(minutes, f"+1202555010{minutes}", [(5, K.ENDED, {})]))
    page = await sit_down(desk, browser, GRACE, "/missed")
    bulk = page.get_by_role("button", name="Mark the ticked as seen to")
    await expect(bulk).to_be_disabled()
    await page.get_by_role("checkbox", name="All", exact=True).check()
    await expect(page.get_by_text("3 ticked")).to_be_visible()
    await bulk.click()
    await expect(page.get_by_text("No missed calls")).to_be_visible()
    assert await desk.services.missed.count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(
    desk: WebRoom, browser: Browser, scheme: Any, tmp_path: Path
) -> None:
    name = await desk.happen(TALKED)
    await desk.happen(VISITS[7])
    book = desk.services.tickets
    await book.change(1, {"tags": ["refund"], "fields": {"Order": "17"}, "topic": "Payout"}, GRACE)
    await book.add_note(1, "She is angry.", GRACE)
    await book.add_note(1, "We have paid.", SUPERVISOR, NoteKind.ANSWER)
    await book.assign(1, GRACE, assignee=SUPERVISOR, comment="Knows the bank.")
    page = await sit_down(desk, browser, GRACE, f"/tickets/{name}", color_scheme=scheme)
    await page.locator(".composer input[value=answer]").check()
    paths = [f"/tickets/{name}", "/missed", "/missed?done=true", "/search?q=whitfield", "/customers/1"]
    findings = []
    for path in [*paths, "/customers/new?ticket=" + name, "/customers"]:
        if not page.url.endswith(path):
            await page.goto(path)
        await page.screenshot(
            path=tmp_path / f"{scheme}-{paths.index(path) if path in paths else 9}.png", full_page=True
        )
        findings += [f"{path}: {one}" for one in await grave_findings(page)]
    assert findings == []
