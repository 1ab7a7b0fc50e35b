"""Who sits in front of the browsers, what is in their books, and how they look at a page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Playwright, Response, Route, expect

from cti.settings import Settings
from recordings.store import DiskStore
from tests.fakes import desk_day, web_room
from tests.fakes.desk_day import PRIZE_TAPE, Visit, answered, over, queued, to_menu
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import open_database, utc_now
from tickets.ledger import CallBook
from tickets.vocabulary import EventKind, Role

PASSWORD = "a long enough password"
PATIENCE_MS = 30_000  # a busy machine is no reason to fail

ARGUMENTS = (
    "--no-sandbox",  # containers have none; every page here is ours
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",  # a machine without any network has no other address
    "--disable-background-networking",
    "--autoplay-policy=document-user-activation-required",
)
ASKED_FOR_IT = "--use-fake-ui-for-media-stream"  # the microphone: yes, without a question


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    login: str
    name: str
    role: Role
    extension: str | None = None


ALICE = Person("alice", "Alice Rivera", Role.OPERATOR, "101")
BEN = Person("ben", "Ben Carter", Role.SUPERVISOR, "102")
SAM = Person("sam", "Sam Okafor", Role.SUPERVISOR)
ADA = Person("ada", "Ada Lindholm", Role.ADMINISTRATOR)
PEOPLE = (ALICE, BEN, SAM, ADA)
VERA, VERAS_NUMBER = "Vera Lindqvist", "+12025550133"
VERAS_VISIT = Visit(
    1500,
    VERAS_NUMBER,
    [*to_menu(), *queued(9, "pressed_zero", 10), *answered(20, "102", 11), *over(114, "102", 94)],
    PRIZE_TAPE,
)


async def seed(settings: Settings) -> None:
    """Accounts, and a morning of calls before the story begins."""
    database = open_database(settings.database_url)
    accounts, customers = AccountBook(database.sessions), CustomerBook(database.sessions)
    for person in PEOPLE:
        await accounts.add(person.login, PASSWORD, person.role, person.name, extension=person.extension)
    cards = await desk_day.add_customers(customers)
    cards[VERAS_NUMBER] = ((await customers.add(VERA, [VERAS_NUMBER], vip_level=2)).id, 2)
    now, book = utc_now(), CallBook(database.sessions, deadline_s=20)
    store = DiskStore(settings.recordings_folder)
    for visit in [*desk_day.VISITS, VERAS_VISIT]:
        if visit.steps[-1][1] is EventKind.ENDED:
            await book.record(visit.events(now, cards))
            await desk_day.add_recording(visit, now, database.sessions, store, settings.data)
    await database.close()


@asynccontextmanager
async def open_browser(driver: Playwright, program: Path, voice: Path | None) -> AsyncIterator[Browser]:
    """A Chromium without a window, of a fresh profile; its microphone plays the WAV file `voice` for ever.

    Without a voice its person lets no page have the microphone.
    """
    microphone = [f"{ASKED_FOR_IT}=deny"]
    if voice is not None:
        microphone = [ASKED_FOR_IT, f"--use-file-for-fake-audio-capture={voice}"]
    browser = await driver.chromium.launch(
        executable_path=program, args=[*ARGUMENTS, *microphone], chromium_sandbox=False
    )
    try:
        yield browser
    finally:
        await browser.close()


@dataclass(frozen=True, slots=True)
class Seat:
    """One tab of a browser."""

    page: Page
    faults: list[str]  # what the page's code did not catch, and what its policy forbade
    refused: list[int]  # statuses with which the API has refused something

    async def hears(self) -> float:
        """The energy (WebRTC's `totalAudioEnergy`) that has come out of the calls of this page so far."""
        return float(await self.page.evaluate(HEARD))


async def sit_down(browser: Browser, address: str, *, dark: bool = False) -> Seat:
    """A new person's tab, nobody logged in."""
    context = await browser.new_context(
        base_url=address,
        color_scheme="dark" if dark else "light",
        permissions=["microphone"],
        viewport={"width": 1440, "height": 900},
        locale="en-US",
        timezone_id="America/New_York",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    await context.add_init_script(LISTEN)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Security Policy" in said.text else None)
    refused: list[int] = []

    async def note_refusals(answer: Response) -> None:
        """Into the test's output too, for whoever looks why it failed."""
        if "/api/" not in answer.url or answer.status < 400:
            return
        refused.append(answer.status)
        print(answer.request.method, answer.url, answer.request.post_data, answer.status, await answer.text())

    page.on("response", note_refusals)
    return Seat(page, faults, refused)


async def lose_the_answer(route: Route) -> None:
    """What the page sends arrives, but the page never hears of it."""
    await route.fetch()
    await route.abort()


async def log_in(seat: Seat, person: Person, path: str = "/") -> None:
    """By the form, as people do; then to `path`."""
    page = seat.page
    await page.goto(f"/login?next={path}")
    await page.get_by_label("Login", exact=True).fill(person.login)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"**{path}")


async def sit_down_alone(
    desk: web_room.WebRoom, browser: Browser, login: str, path: str, **wishes: Any
) -> Page:
    """A person's own tab at that page of a site without a PBX, whose people and password are the room's."""
    context = await browser.new_context(
        base_url=desk.address, viewport={"width": 1440, "height": 1000}, locale="en-US", **wishes
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = await context.new_page()
    await page.goto(f"/login?next={path}")
    await page.get_by_label("Login", exact=True).fill(login)
    await page.get_by_label("Password", exact=True).fill(web_room.PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"**{path}")
    return page


async def first_of(seat: Seat, path: str) -> str:
    """The address of the first thing in the list at `path`."""
    await seat.page.goto(path.removesuffix("/"))
    link = seat.page.locator(f'main a[href^="{path}"]:not([href$="/new"])').first
    address = await link.get_attribute("href")
    assert address is not None
    return address


LISTEN = """
window.connections = [];
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""
HEARD = """async () => {
  let energy = 0;
  for (const connection of window.connections)
    for (const report of (await connection.getStats()).values())
      if (report.type === "inbound-rtp") energy += report.totalAudioEnergy ?? 0;
  return energy;
}"""
