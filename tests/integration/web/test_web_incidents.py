"""Mass incidents at the desk: the page and the API."""

import asyncio
import re
from datetime import timedelta

import pytest
from aiohttp import ClientSession

from cti.waiting.room import Outlook
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import WebRoom
from tests.integration.web.test_web_pages import page
from tickets.database import utc_now

pytestmark = pytest.mark.integration
WORDS = "Tonight's draw is <postponed> to tomorrow."


async def switch_on(browser: ClientSession, **form: str) -> tuple[int, str]:
    """Send the form; status and page."""
    given = {"topic": "Draw postponed", "text": WORDS, **form}
    async with browser.post("/incidents", data=given) as answer:
        return answer.status, await answer.text()


async def announced(desk: WebRoom) -> asyncio.Task[None]:
    """Let the announcer work until callers hear it, or cannot."""
    task = asyncio.create_task(desk.announcer.run())
    for _ in range(1000):
        if desk.announcer.announced or desk.announcer.trouble:
            return task
        await asyncio.sleep(0.005)
    raise AssertionError("it was not announced")


async def test_a_supervisor_switches_it_on_and_off(desk: WebRoom, sofia: ClientSession) -> None:
    assert "Nothing is announced" in await page(sofia, "/incidents")
    status, html = await switch_on(sofia)
    assert status == 200
    assert "Being spoken" in html
    assert "Tonight&#39;s draw is &lt;postponed&gt; to tomorrow." in html
    assert "Switched on by sofia" in html
    task = await announced(desk)
    assert desk.spoken == ["incident-1"]
    assert "Callers hear it" in await page(sofia, "/incidents")
    assert "is announced to every caller" in await page(sofia, "/")
    async with sofia.post("/incidents/1/off") as answer:
        html = await answer.text()
    assert "Nothing is announced" in html
    assert "Draw postponed" in html.split("Before")[1]
    for _ in range(1000):
        if desk.announcer.incident is None:
            break
        await asyncio.sleep(0.005)
    assert desk.announcer.for_reception() is None
    task.cancel()
    await asyncio.wait([task])


async def test_a_voice_that_fails_is_told_to_the_supervisor(desk: WebRoom, sofia: ClientSession) -> None:
    desk.mute = True
    await switch_on(sofia)
    task = await announced(desk)
    for path in ("/incidents", "/"):
        assert "could not be spoken: the synthesiser is gone" in await page(sofia, path)
    task.cancel()
    await asyncio.wait([task])


async def test_what_cannot_be_announced_comes_back_as_it_was_typed(
    desk: WebRoom, sofia: ClientSession
) -> None:
    status, html = await switch_on(sofia, until="2020-01-01T10:00")
    assert status == 400
    assert "would be over already" in html
    assert "Tonight&#39;s draw is &lt;postponed&gt;" in html
    assert 'value="2020-01-01T10:00"' in html
    status, html = await switch_on(sofia, text="")
    assert status == 400
    assert "Give the incident a topic and the words" in html
    assert await desk.services.incidents.latest() == []


async def test_an_end_that_no_zone_can_show_is_refused(desk: WebRoom, sofia: ClientSession) -> None:
    for until in ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z"):
        body = {"topic": "Draw postponed", "text": WORDS, "until": until}
        async with sofia.post("/api/v1/incidents", json=body) as answer:
            assert answer.status == 400
    status, html = await switch_on(sofia, until="9999-12-31T23:59")
    assert (status, "more than a year" in html) == (400, True)
    status, html = await switch_on(sofia, until="tomorrow")
    assert (status, "Give the incident its end as a date and a time." in html) == (400, True)
    assert await desk.services.incidents.latest() == []


async def test_a_new_incident_is_not_said_to_be_heard_because_the_last_one_was(
    desk: WebRoom, sofia: ClientSession
) -> None:
    await switch_on(sofia)
    task = await announced(desk)
    task.cancel()  # the announcer has not read of the second one yet
    await asyncio.wait([task])
    _, html = await switch_on(sofia, topic="Shops closed")
    assert "Shops closed" in html
    assert "Being spoken" in html
    async with sofia.get("/api/v1/incidents") as answer:
        assert (await answer.json())["announced"] is False


async def test_a_new_incident_does_not_inherit_the_trouble_of_the_last_one(
    desk: WebRoom, sofia: ClientSession
) -> None:
    desk.mute = True
    await switch_on(sofia)
    task = await announced(desk)
    desk.mute = False
    _, html = await switch_on(sofia, topic="Shops closed")
    assert "could not be spoken" not in html
    for _ in range(1000):
        if desk.announcer.announced:
            break
        await asyncio.sleep(0.005)
    assert "Callers hear it" in await page(sofia, "/incidents")
    task.cancel()
    await asyncio.wait([task])


async def test_its_end_is_read_in_the_contact_centres_own_time(desk: WebRoom, sofia: ClientSession) -> None:
    until = (utc_now() + timedelta(days=1)).replace(second=0, microsecond=0)
    local = until.astimezone(desk.services.zone)
    status, _ = await switch_on(sofia, until=local.strftime("%Y-%m-%dT%H:%M"))
    assert status == 200
    [incident] = await desk.services.incidents.latest()
    assert incident.until == until


async def test_an_operator_reads_it_and_switches_nothing(
    desk: WebRoom, grace: ClientSession, sofia: ClientSession
) -> None:
    await switch_on(sofia)
    html = await page(grace, "/incidents")
    assert "Draw postponed" in html
    assert "<textarea" not in html
    assert "Switch off" not in html
    status, _ = await switch_on(grace)
    assert status == 403
    async with grace.post("/incidents/1/off") as answer:
        assert answer.status == 403
    async with grace.post("/api/v1/incidents", json={"topic": "x", "text": "x"}) as answer:
        assert answer.status == 403
    incident = await desk.services.incidents.current()
    assert incident is not None
    assert incident.on_by == "sofia"


async def test_the_api_switches_and_lists(sofia: ClientSession) -> None:
    until = (utc_now() + timedelta(hours=2)).replace(microsecond=0)
    body = {"topic": "Draw postponed", "text": WORDS, "until": until.isoformat()}
    async with sofia.post("/api/v1/incidents", json=body) as answer:
        assert answer.status == 201
        made = await answer.json()
    assert (made["is_on"], made["on_by"], made["off_at"]) == (True, "sofia", None)
    async with sofia.get("/api/v1/incidents") as answer:
        listed = await answer.json()
    assert listed == {"items": [made], "announced": False, "trouble": None}
    async with sofia.post(f"/api/v1/incidents/{made['id']}/off") as answer:
        assert (await answer.json())["off_by"] == "sofia"
    async with sofia.post("/api/v1/incidents/99/off") as answer:
        assert answer.status == 404
    async with sofia.post("/api/v1/incidents", json={**body, "text": "…"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["detail"] == "Give the incident a text in words."


async def test_the_live_page_tells_place_and_expected_wait(desk: WebRoom, sofia: ClientSession) -> None:
    waiting = VISITS[0]
    await desk.happen(waiting)
    assert re.search(r"place \d", await page(sofia, "/")) is None
    desk.outlooks[waiting.call_id(desk.now)] = Outlook(3, 290)
    assert "place 3, about 5 min" in await page(sofia, "/")
    desk.outlooks[waiting.call_id(desk.now)] = Outlook(1, 20)
    assert "place 1, about a minute" in await page(sofia, "/")
    desk.outlooks[waiting.call_id(desk.now)] = Outlook(22, 7200)
    assert "place 22, more than an hour" in await page(sofia, "/")
    desk.outlooks[waiting.call_id(desk.now)] = Outlook(2, None)
    assert "place 2<" in await page(sofia, "/")
