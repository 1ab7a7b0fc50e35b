"""Work at the desk in real browsers: a real call, the phone in the page, the ticket, the recording."""

import asyncio
import signal
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from cti.asterisk.events import KeyPressed
from cti.demo.network import Leg
from tests.browser.axe import grave_findings
from tests.browser.conftest import Open
from tests.browser.people import ALICE, BEN, SAM, VERA, VERAS_NUMBER, Seat, log_in, lose_the_answer, sit_down
from tests.browser.sounds import is_silent, resembles, seconds_of
from tests.fakes.until import eventually
from tests.house.centre import Centre
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import CallOutcome, EventKind, TicketStatus

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BENS_PHONE = "102"


async def become_ready(seat: Seat) -> None:
    """Choose the phone in the page, wait until it is known to the PBX, and take calls."""
    page = seat.page
    await page.get_by_role("button", name="Ready", exact=True).click()
    await page.get_by_role("radio", name="This page").click()
    await expect(page.locator("[data-health]")).to_have_text("Connected: calls ring in this tab.")
    await expect(page.get_by_role("radio", name="This page")).to_be_checked()
    await expect(page.locator("[data-status]")).to_have_text("Ready")  # another phone takes nobody away
    await expect(page.locator("[data-status-hint]")).to_have_text("Calls come to you.")


async def go_away(seat: Seat) -> None:
    """Take no more calls, on the phone of before."""
    page = seat.page
    await page.get_by_role("button", name="Away", exact=True).click()
    await expect(page.locator("[data-status]")).to_have_text("Away")
    await page.get_by_role("radio", name="My SIP phone").click()
    await expect(page.locator("[data-health]")).to_contain_text("ring on extension")


async def shows(page: Page, state: str) -> None:
    """The desk's call is in that state."""
    await expect(page.locator("[data-call-chip]")).to_have_text(state)


async def vera_rings(centre: Centre, tape: Path | None = None) -> tuple[Leg, str]:
    """Vera rings and presses zero; Ben takes no calls, so that it is Alice's."""
    await centre.pbx.action("QueuePause", Interface=f"PJSIP/{BENS_PHONE}", Paused="true")
    caller, call_id = await centre.call(VERAS_NUMBER, tape=tape)
    await caller.wait_for_quiet()
    await caller.press("0")
    return caller, call_id


async def louder(seat: Seat, than: float) -> float:
    """Wait until more has come out of the page's calls; how much in all."""

    async def look() -> float | None:
        heard = await seat.hears()
        return heard if heard > than + 0.01 else None

    return await eventually(look, 15, "the page hears the other side")


async def longer(tape: Path, by_s: float) -> tuple[float, float]:
    """Let the tape of what the caller hears run on; from which second to which."""
    begin = seconds_of(tape)

    async def look() -> bool:
        return seconds_of(tape) > begin + by_s

    await eventually(look, by_s + 15, "the tape runs")
    return begin, seconds_of(tape)


async def test_from_ready_to_a_closed_ticket_and_the_supervisor_listens(
    served: Centre, voices: Voices, opened: Open, tmp_path: Path
) -> None:
    alice = await sit_down(await opened("hello"), served.address)
    desk = alice.page
    await log_in(alice, ALICE, "/desk")
    await become_ready(alice)
    tape = tmp_path / "caller.wav"
    caller, call_id = await vera_rings(served, tape)

    # The pop is there while it rings.
    pop = desk.get_by_role("region", name="Who is calling")
    await shows(desk, "Ringing")
    await expect(pop).to_contain_text(VERA)
    for fact in ("VIP 2", "Pressed zero", "Earlier"):
        await expect(pop).to_contain_text(fact)
    await expect(pop.locator('a[href^="/tickets/PZ-"]').first).to_be_visible()
    await shows(desk, "Ringing")
    assert await grave_findings(desk) == []
    await expect(desk.get_by_role("button", name="Answer")).to_be_visible()
    await desk.keyboard.press("Alt+a")
    await shows(desk, "Talking")

    # Both hear each other.
    await caller.say(voices["wish"])
    await louder(alice, 0.0)
    begin, end = await longer(tape, 5)
    assert resembles(tape, begin, end, voices["hello"])
    assert await grave_findings(desk) == []

    # The page's phone presses keys into the caller's line.
    since = len(served.listener.events)
    await desk.keyboard.press("Alt+k")
    for digit in "5#":
        await desk.keyboard.press(digit)
    await expect(desk.locator("[data-pressed]")).to_have_text("5#")
    for digit in "5#":
        await served.listener.wait(
            lambda event, key=digit: isinstance(event, KeyPressed) and event.key == key, 15, since
        )
    await desk.keyboard.press("Escape")

    # A colleague is brought in: all three hear each other, and two go on when he leaves.
    await desk.keyboard.press("Alt+f")
    await desk.get_by_label("Colleague or queue").fill("Ben")
    await desk.get_by_role("button", name="Bring in").click()
    ben, bens = await served.exchange.network.phone_rings(BENS_PHONE), tmp_path / "ben.wav"
    await ben.answer(tape=bens)
    begin, end = await longer(bens, 5)
    assert resembles(bens, begin, end, voices["hello"])
    since_s = seconds_of(tape)
    await ben.say(voices["message"])
    assert resembles(tape, since_s, seconds_of(tape), voices["message"])
    await ben.hang_up()
    await shows(desk, "Talking")

    # On hold the caller hears music instead.
    await desk.get_by_role("button", name="Hold").click()
    await shows(desk, "On hold")
    await longer(tape, 1)
    begin, end = await longer(tape, 5)
    assert not is_silent(tape, begin, end)
    assert not resembles(tape, begin, end, voices["hello"])
    await desk.get_by_role("button", name="Take back").click()
    await shows(desk, "Talking")
    await longer(tape, 1)
    begin, end = await longer(tape, 5)
    assert resembles(tape, begin, end, voices["hello"])

    # The ticket is written beside the call, and saves itself.
    await desk.get_by_label("Subject").fill("Vera changes her subscription")
    await expect(desk.locator("[data-saved]")).to_have_text("Saved")
    await desk.get_by_label("Note", exact=True).fill("She wants the <b>Saturday</b> draw as well.")
    await desk.route("**/notes", lose_the_answer)
    await desk.get_by_role("button", name="Add note").click()
    await expect(desk.get_by_text("not on the ticket yet, but kept here").first).to_be_attached()
    await desk.unroute("**/notes")
    await desk.get_by_role("button", name="Add note").click()
    notes = desk.get_by_role("list", name="Notes").get_by_role("listitem")
    await expect(notes).to_have_count(1)
    await expect(notes).to_contain_text("She wants the <b>Saturday</b> draw")

    # Ben is asked, and Alice comes back to the caller; then he gets the call.
    await desk.get_by_role("button", name="Transfer").click()
    await desk.get_by_label("Colleague or queue").fill(BENS_PHONE)
    await desk.get_by_role("button", name="Ask first").click()
    ben = await served.exchange.network.phone_rings(BENS_PHONE)
    await expect(desk.locator("[data-call-hint]")).to_contain_text("The phone of Ben Carter rings")
    await ben.answer()
    await shows(desk, "Asking Ben Carter")
    await expect(desk.locator("[data-call-hint]")).to_contain_text("Ben Carter has answered")
    await desk.get_by_role("button", name="Back to caller").click()
    await shows(desk, "Talking")
    await asyncio.wait_for(ben.hung_up.wait(), 15)
    await longer(tape, 1)
    begin, end = await longer(tape, 5)
    assert resembles(tape, begin, end, voices["hello"])
    await desk.keyboard.press("Alt+t")
    await desk.get_by_label("Colleague or queue").fill(BENS_PHONE)
    await desk.get_by_role("button", name="Send on at once").click()
    ben = await served.exchange.network.phone_rings(BENS_PHONE)
    await ben.answer()
    await ben.say(voices["hello"])
    await shows(desk, "Wrap-up")
    assert not caller.hung_up.is_set()
    await caller.say(voices["wish"])
    await caller.hang_up()
    await asyncio.wait_for(ben.hung_up.wait(), 15)

    # Closed while Alice wraps up; one ticket, one recording.
    await desk.get_by_role("button", name="Close ticket").click()
    await expect(desk.locator("[data-strip-status]")).to_have_text("Closed")
    await go_away(alice)
    assert alice.faults == []
    assert 412 not in alice.refused  # nobody else has changed the ticket
    await desk.context.close()
    outcome = await outcome_of(served, call_id, transcript=True, within_s=180)
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert outcome.ticket.status is TicketStatus.CLOSED
    assert outcome.ticket.subject == "Vera changes her subscription"
    assert {EventKind.HOLD_STARTED, EventKind.HOLD_ENDED, EventKind.TRANSFERRED} <= set(outcome.kinds())
    assert outcome.recording.missing_reason is None

    await listen(served, opened, outcome.ticket.name)


async def position(page: Page) -> float:
    """Where in the recording the player is, in seconds."""
    return float(await page.evaluate("document.querySelector('audio').currentTime"))


async def plays_on(page: Page, since: float) -> None:
    """The player moves on from there."""

    async def look() -> bool:
        return await position(page) > since + 0.3

    await eventually(look, 15, "the recording plays")


async def listen(centre: Centre, opened: Open, ticket: str) -> None:
    """The supervisor plays the recording and seeks by a word of its transcript."""
    sam = await sit_down(await opened("hello"), centre.address)
    page = sam.page
    await log_in(sam, SAM, f"/tickets/{ticket}")
    await page.get_by_role("button", name="Play", exact=True).click()
    await plays_on(page, 0.0)
    word = page.locator(".transcript [data-at]", has_text="subscription").last
    start = float(await word.get_attribute("data-at") or "nan")
    assert start > 1
    await word.click()
    at = await position(page)
    assert start - 0.3 < at < start + 2
    await plays_on(page, at)
    assert await grave_findings(page) == []
    assert sam.faults == []
    await page.context.close()


async def test_the_service_is_killed_and_started_during_a_call_and_nothing_typed_is_lost(
    served: Centre, voices: Voices, opened: Open
) -> None:
    alice = await sit_down(await opened("hello"), served.address)
    desk = alice.page
    await log_in(alice, ALICE, "/desk")
    await become_ready(alice)
    caller, call_id = await vera_rings(served)
    await shows(desk, "Ringing")
    await desk.get_by_role("button", name="Answer").click()
    await shows(desk, "Talking")
    await caller.say(voices["hello"])
    heard = await louder(alice, 0.0)
    await desk.get_by_label("Note", exact=True).fill("Typed before")

    served.signal_service(signal.SIGKILL)
    await expect(desk.locator("[data-link]")).to_have_text("Reconnecting …")
    await desk.get_by_label("Note", exact=True).fill("Typed before, and while the service was away")
    await desk.get_by_label("Subject").fill("Typed into the void")
    await caller.say(voices["wish"])  # the call goes on
    await louder(alice, heard)

    await served.start_service()  # returns when it answers
    began = asyncio.get_running_loop().time()
    await expect(desk.locator("[data-link]")).to_have_text("Live", timeout=3000)
    await shows(desk, "Talking")
    assert asyncio.get_running_loop().time() - began < 3.0
    await expect(desk.get_by_role("region", name="Who is calling")).to_contain_text(VERA)
    note = desk.get_by_label("Note", exact=True)
    await expect(note).to_have_value("Typed before, and while the service was away")
    await expect(desk.locator("[data-saved]")).to_have_text("Saved")
    await desk.get_by_role("button", name="Add note").click()
    await expect(desk.get_by_role("list", name="Notes")).to_contain_text("while the service was away")
    await expect(note).to_have_value("")

    assert not caller.hung_up.is_set()
    await desk.get_by_role("button", name="Hang up").click()
    await asyncio.wait_for(caller.hung_up.wait(), 15)
    await shows(desk, "Wrap-up")
    await go_away(alice)
    outcome = await outcome_of(served, call_id)
    assert outcome.ticket.subject == "Typed into the void"
    assert outcome.call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    await desk.context.close()


async def test_two_who_write_on_one_ticket_overwrite_nothing_in_silence_and_a_third_steps_in(
    served: Centre, voices: Voices, opened: Open, tmp_path: Path
) -> None:
    alice, sam = [await sit_down(await opened("hello"), served.address) for _ in range(2)]
    desk, page = alice.page, sam.page
    await log_in(alice, ALICE, "/desk")
    await become_ready(alice)
    tape = tmp_path / "caller.wav"
    caller, _ = await vera_rings(served, tape)
    await shows(desk, "Ringing")
    await desk.get_by_role("button", name="Answer").click()
    await shows(desk, "Talking")
    ticket = await desk.locator("[data-strip-link]").get_attribute("href")
    assert ticket is not None
    await log_in(sam, SAM, ticket)

    sams_turn = asyncio.Event()

    async def slowly(route: Route) -> None:
        if route.request.method == "PATCH":
            await sams_turn.wait()
        await route.continue_()

    # What Alice types is under way when Sam's words arrive.
    await desk.route("**/api/v1/tickets/*", slowly)
    await desk.get_by_label("Subject").fill("What Alice wrote")
    await expect(desk.locator("[data-saved]")).to_have_text("Saving …")
    await page.get_by_label("Subject").fill("What Sam wrote")
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    sams_turn.set()
    asked = desk.get_by_role("alert").filter(has_text="Somebody else has changed")
    await expect(asked).to_contain_text("What Sam wrote")
    await expect(desk.get_by_label("Subject")).to_have_value("What Alice wrote")
    await page.reload()
    await expect(page.get_by_label("Subject")).to_have_value("What Sam wrote")
    assert await grave_findings(desk) == []

    await asked.get_by_role("button", name="Keep mine").click()
    await expect(desk.locator("[data-saved]")).to_have_text("Saved")
    await page.reload()
    await expect(page.get_by_label("Subject")).to_have_value("What Alice wrote")

    await step_in(served, opened, voices, alice, tape, tmp_path)
    await caller.hang_up()
    await go_away(alice)
    assert alice.faults == sam.faults == []
    for seat in (alice, sam):
        await seat.page.context.close()


async def step_in(
    centre: Centre, opened: Open, voices: Voices, alice: Seat, tape: Path, folder: Path
) -> None:
    """From the room a supervisor, whose phone is Ben's, listens, whispers and takes the caller over."""
    boss, network = await sit_down(await opened("hello"), centre.address), centre.exchange.network
    page = boss.page
    await log_in(boss, BEN, "/")

    await page.get_by_role("button", name="Listen: Alice Rivera").click()
    await expect(page.locator("[data-said]")).to_contain_text("Your phone 102 rings")
    phone, hears = await network.phone_rings(BENS_PHONE), folder / "listens.wav"
    await phone.answer(tape=hears)
    begin, end = await longer(hears, 5)
    assert resembles(hears, begin, end, voices["hello"])  # Alice
    before, quiet_from = await alice.hears(), seconds_of(tape)
    await phone.say(voices["message"])
    assert await alice.hears() < before + 0.01
    await phone.hang_up()

    await page.get_by_role("button", name="Whisper: Alice Rivera").click()
    phone = await network.phone_rings(BENS_PHONE)
    await phone.answer()
    before = await alice.hears()
    await phone.say(voices["message"])
    assert await alice.hears() > before + 0.01
    assert not resembles(tape, quiet_from, seconds_of(tape), voices["message"])  # nothing for the caller
    await phone.hang_up()

    page.on("dialog", lambda asked: asked.accept())
    await page.get_by_role("button", name="Take over: Alice Rivera").click()
    phone = await network.phone_rings(BENS_PHONE)
    await phone.answer()
    await shows(alice.page, "Wrap-up")
    since_s = seconds_of(tape)
    await phone.say(voices["message"])
    assert resembles(tape, since_s, seconds_of(tape), voices["message"])
    await expect(page.get_by_role("button", name="Listen: Ben Carter")).to_be_visible()
    assert boss.faults == []
    await page.context.close()
