"""The first page: the supervisor's room, and what operators get instead."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession

from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.database import utc_now
from tickets.vocabulary import Presence

pytestmark = pytest.mark.integration

WAITING, TALKING, TALKED = VISITS[0], VISITS[3], VISITS[5]


async def page(browser: ClientSession, path: str) -> str:
    async with browser.get(path, allow_redirects=False) as answer:
        assert answer.status == 200
        return await answer.text()


def card(html: str, name: str) -> str:
    """A card of the room by the id of its heading."""
    return html.split(f'aria-labelledby="{name}"')[1].split("</section>")[0]


async def test_it_shows_who_waits_who_talks_and_who_is_at_work(desk: WebRoom, sofia: ClientSession) -> None:
    since = desk.now - timedelta(minutes=7)
    desk.states["101"] = SimpleNamespace(presence=Presence.PAUSED, reason="lunch", since=since, until=None)
    waiting, talking = await desk.happen(WAITING), await desk.happen(TALKING)
    html = await page(sofia, "/")
    assert waiting in card(html, "waiting")
    assert "VIP 2" in card(html, "waiting")
    talks = card(html, "talking")
    assert talking in talks
    assert "Tomas Lindqvist" in talks
    for command in ("listen", "whisper", "barge", "take_over"):
        assert f'data-call="{TALKING.call_id(desk.now)}" data-command="{command}"' in talks
    seats = card(html, "operators")
    assert seats.index("Tomas Lindqvist") < seats.index("Grace Okafor")
    assert "Lunch" in seats
    assert "7:0" in seats


async def test_it_shows_the_day(desk: WebRoom, sofia: ClientSession) -> None:
    await desk.happen(TALKING)
    today = card(await page(sofia, "/"), "today")
    assert "Service level" in today
    rang_today = (desk.now - timedelta(minutes=TALKING.minutes_ago)).date() == utc_now().date()
    assert ("1 call<" in today) is rang_today
    assert ('<rect class="going_on"' in today) is rang_today


async def test_it_sends_operators_to_their_desk_and_keeps_the_board_for_them(
    desk: WebRoom, grace: ClientSession
) -> None:
    async with grace.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/desk")
    name = await desk.happen(WAITING)
    html = await page(grace, "/now")
    assert name in html
    assert '<a href="/now" aria-current="page">' in html
    assert "data-command" not in html
    assert "containment" not in html


async def test_it_escapes_what_people_wrote(desk: WebRoom, sofia: ClientSession) -> None:
    desk.states["102"] = SimpleNamespace(
        presence=Presence.PAUSED, reason="<b>tea</b>", since=desk.now, until=None
    )
    html = await page(sofia, "/")
    assert "<b>tea" not in html
    assert "&lt;b&gt;tea" in html
