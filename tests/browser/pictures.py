"""The pictures of docs/desk.md: `make pictures`. A real centre with real calls, looked at in a real Chromium.

Nobody in them is real; the day is that of tests/fakes/desk_day.py, the callers are the demo's.
"""

import asyncio
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from playwright.async_api import Browser, Page, async_playwright, expect
from rich.console import Console

from cti.app import Service, running
from cti.asterisk.install import Program, cache_folder, install_asterisk
from cti.demo.company import company
from cti.demo.exchange import Exchange, exchange, own_settings
from cti.demo.network import Leg
from cti.demo.story import CAST, FRANK, GRACE, LINE, VERA, rehearse
from cti.progress import progress_bar
from cti.settings import Settings
from cti.speech import choose_voice
from ivr.prompts import PromptBook
from ivr.scenario import Hours, Scenario
from ivr.scenario_file import load_scenario
from tests.browser.chromium import install_chromium
from tests.browser.people import ADA, ALICE, SAM, Seat, log_in, open_browser, seed, sit_down
from tests.fakes.bot_fortnight import live_through_a_fortnight
from tests.fakes.desk_day import ELENA
from tickets.database import migrate, open_database, utc_now

DOCS = Path(__file__).parents[2] / "docs"
LOTTERY = Path(__file__).parents[2] / "scenarios" / "lottery.yaml"
LARGEST = 250_000  # bytes of one picture
WAITS = re.compile("You wait for a person|rings for you")
NORA = "Nora Whitfield"  # whose recording is the most talkative of the day


@dataclass(frozen=True, slots=True)
class Studio:
    """All that a picture needs."""

    both: Exchange
    service: Service
    browser: Browser
    sounds: dict[str, Path]
    folder: Path

    async def sit(self, *, dark: bool = False) -> Seat:
        """A tab, sharp enough for print."""
        return await sit_down(self.browser, f"http://127.0.0.1:{self.service.http_port}", dark=dark)

    async def take(self, page: Page, name: str) -> None:
        """The window as it is, as docs/desk-`name`.png in few colours."""
        raw = self.folder / f"{name}.png"
        await page.mouse.move(0, 0)
        await page.wait_for_timeout(400)  # fonts and transitions have come to rest
        await page.screenshot(path=raw)
        await asyncio.to_thread(_compress, raw, DOCS / f"desk-{name}.png")


def _compress(raw: Path, picture: Path) -> None:
    """PNG with a palette of its own: a page has few colours."""
    filters = "split[a][b];[a]palettegen=max_colors=192:stats_mode=full[p];[b][p]paletteuse=dither=none"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", raw]
    subprocess.run([*command, "-vf", filters, "-compression_level", "100", picture], check=True, timeout=60)
    size = picture.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{picture.name} has {size} bytes: more than {LARGEST}.")


async def pictures(console: Console) -> None:
    """Set the stage, let it play, look at it."""
    with progress_bar(console) as report:
        program = await asyncio.to_thread(install_asterisk, report)
        chromium = await asyncio.to_thread(install_chromium, report)
        scenario = _by_day(load_scenario(LOTTERY))
        prompts = cache_folder() / "test-prompts"
        voice = choose_voice(scenario, prompts, program.espeak)
        await PromptBook.prepare(scenario, voice, prompts)
        sounds = await rehearse(voice)
    with tempfile.TemporaryDirectory(prefix="pz-") as name:
        folder = Path(name)
        settings = own_settings(folder, prompts=prompts, ring_page=True)
        await asyncio.to_thread(migrate, settings.database_url)
        await seed(settings)
        database = open_database(settings.database_url)
        await live_through_a_fortnight(utc_now(), database.sessions)
        await database.close()
        async with _studio(settings, scenario, program, chromium, sounds) as studio:
            await _quiet_pages(studio)
            await _at_work(studio)


def _by_day(scenario: Scenario) -> Scenario:
    return scenario.model_copy(update={"hours": Hours.always()})


@asynccontextmanager
async def _studio(
    settings: Settings, scenario: Scenario, program: Program, chromium: Path, sounds: dict[str, Path]
) -> AsyncIterator[Studio]:
    async with (
        company(CAST) as systems,
        exchange(program, scenario, settings) as both,
        running(
            settings.model_copy(update={"crm_url": systems.crm, "orders_url": systems.orders}), scenario
        ) as service,
        async_playwright() as driver,
        open_browser(driver, chromium, sounds["hello"]) as browser,
    ):
        yield Studio(both, service, browser, sounds, settings.data)
        await both.network.hang_up_all()


async def _quiet_pages(studio: Studio) -> None:
    """What needs no call."""
    visitor = await studio.sit()
    await visitor.page.goto("/login")
    await studio.take(visitor.page, "login")
    sam = await studio.sit()
    page = sam.page
    await log_in(sam, SAM, "/tickets")
    await studio.take(page, "tickets")
    await page.goto(await _ticket_of(sam, NORA))
    await page.get_by_label("Subject").fill("Prize has not arrived: a digit is missing")
    await page.get_by_label("Topic").fill("Collect a prize")
    await page.locator("#text").fill("Secure form sent. The transfer goes out again tomorrow.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".timeline .entry.note")).to_be_visible()
    await expect(page.locator("[data-saved]")).to_have_text("Saved")
    await page.evaluate("scrollTo(0, 0)")
    await studio.take(page, "ticket")
    await page.locator(".transcript [data-at]", has_text="payout").last.click()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await studio.take(page, "player")
    await page.get_by_role("link", name=NORA).first.click()
    await page.wait_for_url("**/customers/*")
    await studio.take(page, "customer")
    for name, path in (("search", "/search?q=prize"), ("missed", "/missed"), ("calls", "/calls")):
        await page.goto(path)
        await studio.take(page, name)
    await _of_the_bot(studio, page)
    ada = await studio.sit()
    await log_in(ada, ADA, "/admin/people")
    await studio.take(ada.page, "people")
    await ada.page.goto("/admin/log")
    await studio.take(ada.page, "log")
    await ada.page.goto("/account")
    await studio.take(ada.page, "account")


async def _of_the_bot(studio: Studio, page: Page) -> None:
    """The voicebot's pages, as supervisors have them."""
    await page.set_viewport_size({"width": 1440, "height": 1150})
    await page.goto("/bot")
    await studio.take(page, "bot")
    await page.goto("/bot/untaught")
    await page.locator(".group summary").first.click()
    await studio.take(page, "bot-untaught")


async def _ticket_of(seat: Seat, customer: str) -> str:
    await seat.page.goto("/tickets")
    row = seat.page.get_by_role("row").filter(has_text=customer).first
    address = await row.locator('a[href^="/tickets/"]').first.get_attribute("href")
    assert address is not None
    return address


async def _asks_the_bot(studio: Studio, number: str) -> Leg:
    """Somebody whom the bot cannot help, on the way to a person."""
    caller = await studio.both.network.call(number, LINE)
    await caller.wait_for_quiet()
    await caller.press("1")
    await caller.wait_for_quiet()
    await caller.say(studio.sounds["unknown"])
    return caller


async def _presses_zero(studio: Studio, number: str) -> Leg:
    caller = await studio.both.network.call(number, LINE)
    await caller.wait_for_quiet()
    await caller.press("0")
    return caller


async def _at_work(studio: Studio) -> None:
    """A call from its ring to its talk; others wait meanwhile."""
    network = studio.both.network
    alice, dark, sam = await studio.sit(), await studio.sit(dark=True), await studio.sit()
    desk = alice.page
    await log_in(alice, ALICE, "/desk")
    await desk.get_by_role("radio", name="This page").click()
    await expect(desk.locator("[data-health]")).to_have_text("Connected: calls ring in this tab.")
    await studio.take(desk, "idle")
    # The colleague gets the first caller, so that the next one is Alice's, and who comes later waits.
    grace = await _presses_zero(studio, GRACE.number)
    ben = await network.phone_rings("102")
    await ben.answer()
    await desk.get_by_role("button", name="Ready", exact=True).click()
    vera = await _asks_the_bot(studio, VERA.number)
    await expect(desk.locator("[data-call-chip]")).to_have_text("Ringing")
    await expect(desk.get_by_text("subscription, 52 draws")).to_be_visible()
    await studio.take(desk, "ringing")
    await desk.get_by_role("button", name="Answer").click()
    await expect(desk.locator("[data-call-chip]")).to_have_text("Talking")
    other = await _presses_zero(studio, ELENA)
    frank = await _asks_the_bot(studio, FRANK.number)
    await vera.say(studio.sounds["vip_wish"])
    await desk.get_by_label("Subject").fill("Online account blocked after a new card")
    await desk.get_by_label("Topic").fill("Account")
    await desk.get_by_label("Note", exact=True).fill("Unblocked. She asks to be called on Monday.")
    await expect(desk.locator("[data-saved]")).to_have_text("Saved")
    await studio.take(desk, "call")
    await log_in(sam, SAM, "/")
    await expect(sam.page.locator("main")).to_contain_text(FRANK.name)
    await studio.take(sam.page, "room")
    await log_in(dark, ALICE, "/desk")
    await expect(dark.page.locator("[data-call-chip]")).to_have_text("Talking")
    await studio.take(dark.page, "call-dark")
    await desk.get_by_role("button", name="Transfer").click()
    await studio.take(desk, "transfer")
    await desk.keyboard.press("Escape")
    for leg in (grace, vera, other, frank):
        await leg.hang_up()
    await _ring(studio)


async def _ring(studio: Studio) -> None:
    """The demo's page, in a call."""
    visitor = await studio.sit()
    page = visitor.page
    await page.goto("/ring")
    await page.get_by_role("button", name="Call").click()
    await expect(page.get_by_role("log")).to_contain_text("The menu has answered")
    await page.get_by_role("button", name="0 a person").click()
    await expect(page.get_by_role("log")).to_contain_text(WAITS)
    await studio.take(page, "ring")


if __name__ == "__main__":
    asyncio.run(pictures(Console(stderr=True)))
