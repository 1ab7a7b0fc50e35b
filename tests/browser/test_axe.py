"""Every page through axe, in light and dark: nothing serious, nothing critical."""

import pytest
from playwright.async_api import expect

from tests.browser.axe import grave_findings
from tests.browser.conftest import Open
from tests.browser.people import ADA, ALICE, SAM, Person, Seat, first_of, log_in, sit_down
from tests.house.centre import Centre

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OPEN = ("/login", "/ring")
OPERATORS = (
    "/desk",
    "/tickets",
    "/tickets/…",
    "/calls",
    "/customers",
    "/customers/new",
    "/customers/…",
    "/search?q=prize",
    "/missed",
    "/promises",
    "/account",
    "/account/second-factor",
)
SUPERVISORS = (
    "/",
    "/tickets",
    "/tickets/…",
    "/calls",
    "/customers/…",
    "/missed",
    "/incidents",
    "/bot",
    "/bot/untaught",
    "/bot/calls",
)
ADMINISTRATORS = (
    "/admin/people",
    "/admin/people/new",
    "/admin/people/…",
    "/admin/groups",
    "/admin/groups/new",
    "/admin/log",
)


async def look_through(seat: Seat, paths: tuple[str, ...]) -> list[str]:
    """What axe finds on these pages, and what their own code complains of."""
    found: list[str] = []
    for pattern in paths:
        path = await first_of(seat, pattern.removesuffix("…")) if pattern.endswith("…") else pattern
        answer = await seat.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        await expect(seat.page.locator("h1")).not_to_be_empty()
        found += [f"{path}: {finding}" for finding in await grave_findings(seat.page)]
        found += [f"{path}: {fault}" for fault in seat.faults]
        seat.faults.clear()
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("person", "paths"),
    [(None, OPEN), (ALICE, OPERATORS), (SAM, SUPERVISORS), (ADA, ADMINISTRATORS)],
    ids=["nobody", "operator", "supervisor", "administrator"],
)
async def test_axe_finds_nothing_serious(
    served: Centre, opened: Open, person: Person | None, paths: tuple[str, ...], dark: bool
) -> None:
    seat = await sit_down(await opened("hello"), served.address, dark=dark)
    if person is not None:
        await log_in(seat, person, "/account")
    assert await look_through(seat, paths) == []
    await seat.page.context.close()
