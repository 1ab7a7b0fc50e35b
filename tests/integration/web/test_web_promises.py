"""The page and the API of promised call-backs."""

import re
from html import unescape
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import GRACE, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.call_backs import CallBackBook
from tickets.database import Database, utc_now
from tickets.promise import NewPromise, Promise
from tickets.vocabulary import AttemptResult, PromiseSource, PromiseState

pytestmark = pytest.mark.integration

TALKED = VISITS[5]
API = "/api/v1/promises"


async def promised(desk: WebRoom, call_id: str = "pz-1.1", number: str | None = "+12025550111") -> Promise:
    return await desk.services.promises.promise(
        NewPromise(
            call_id=call_id,
            number=number,
            line="+18005550100",
            queue="support",
            vip_level=2,
            place_since=desk.now,
            source=PromiseSource.QUEUE if number else PromiseSource.VOICEMAIL,
        )
    )


async def page(browser: ClientSession, path: str = "/promises") -> str:
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def post(browser: ClientSession, promise: Promise, **form: str) -> tuple[int, str]:
    async with browser.post(f"/promises/{promise.id}", data=form, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def test_it_shows_who_waits_for_a_call_and_what_was_tried(desk: WebRoom, grace: ClientSession) -> None:
    assert "Nobody waits for our call" in await page(grace)
    promise = await promised(desk)
    book = CallBackBook(desk.database.sessions, deadline_s=20)
    attempt = await book.begin(promise.id, "pz")
    assert attempt is not None
    assert "Being called" in await page(grace)
    await book.fail(attempt, AttemptResult.BUSY, None)
    html = await page(grace)
    assert "1 person waits" in html
    assert "Needs a person" in html
    assert "busy" in html
    assert "+1 202-555-0111" in html


async def test_a_person_says_that_they_talked_another_way(desk: WebRoom, grace: ClientSession) -> None:
    promise = await promised(desk)
    assert (await post(grace, promise, act="reached", reason="Met <b>her</b> at the shop."))[0] == 303
    assert "Nobody waits" in await page(grace)
    html = await page(grace, "/promises?show=over")
    assert "Reached another way" in html
    assert "Met &lt;b&gt;her&lt;/b&gt; at the shop." in html
    assert "by grace" in html


async def test_who_acts_on_a_later_page_stays_there(desk: WebRoom, grace: ClientSession) -> None:
    first = await promised(desk, "pz-0.1", "+12025550100")
    for number in range(1, 52):
        await promised(desk, f"pz-{number}.1", f"+120255501{number:02d}")
    older = re.search(r'href="(/promises\?[^"]*cursor=[^"]*)"', await page(grace))
    assert older is not None
    html = await page(grace, unescape(older[1]))
    action = re.search(rf'action="(/promises/{first.id}\?[^"]*)"', html)
    assert action is not None
    form = {"act": "reached", "reason": "At the shop."}
    async with grace.post(unescape(action[1]), data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        back = answer.headers["Location"]
    assert back.startswith("/promises?cursor=")
    assert "202-555-0101" in await page(grace, back)  # of the second page
    async with grace.post(unescape(action[1]), data=form) as answer:
        assert answer.status == 409
        assert "202-555-0101" in await answer.text()


async def test_a_joined_promise_leads_to_the_earlier_one_however_far_it_is(
    desk: WebRoom, grace: ClientSession
) -> None:
    first = await promised(desk, "pz-0.1", "+12025550100")
    for number in range(1, 52):
        await promised(desk, f"pz-{number}.1", f"+120255501{number:02d}")
    await promised(desk, "pz-99.1", "+12025550100")
    link = re.search(r'joined to <a href="([^"#]*)#([^"]*)"', await page(grace))
    assert link is not None
    assert link[2] == f"promise-{first.id}"
    assert f'id="promise-{first.id}"' in await page(grace, unescape(link[1]))


async def test_it_shows_alone_whom_nobody_but_a_person_sees_to(desk: WebRoom, grace: ClientSession) -> None:
    await promised(desk, "pz-1.1")
    await promised(desk, "pz-2.1")  # joined to the first
    assert "No call-backs" in await page(grace, "/promises?show=person")
    message = await promised(desk, "pz-3.1", None)
    html = await page(grace, "/promises?show=person")
    assert re.findall(r'id="promise-(\d+)"', html) == [str(message.id)]


async def test_an_excuse_needs_a_reason(desk: WebRoom, sofia: ClientSession) -> None:
    promise = await promised(desk)
    status, html = await post(sofia, promise, act="excused")
    assert (status, "not excused without a reason" in html) == (400, True)
    assert (await post(sofia, promise, act="excused", reason="Asked us not to call."))[0] == 303
    assert "Asked us not to call." in await page(sofia, "/promises?show=all")
    assert (await post(sofia, promise, act="reached"))[0] == 409


async def test_a_person_has_the_house_call(desk: WebRoom, grace: ClientSession) -> None:
    message = await promised(desk, "pz-1.1", None)
    assert "Call now" not in await page(grace)  # nobody knows the number
    assert (await post(grace, message, act="call"))[0] == 409
    promise = await promised(desk, "pz-2.1")
    book = CallBackBook(desk.database.sessions, deadline_s=20)
    attempt = await book.begin(promise.id, "pz")
    assert attempt is not None
    await book.fail(attempt, AttemptResult.NO_ANSWER, None)
    assert "Call now" in await page(grace)
    assert (await post(grace, promise, act="call"))[0] == 303
    assert [one.id for one in await book.due()] == [promise.id]


async def test_a_house_that_calls_nobody_says_so(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {}, calls_back=False)
    async with room.open(), room.person(GRACE) as browser:
        promise = await promised(room)
        status, html = await post(browser, promise, act="call")
    assert (status, "call the person yourself" in html) == (409, True)


async def test_nobody_but_the_desk_sees_or_ends_a_promise(desk: WebRoom) -> None:
    promise = await promised(desk)
    async with desk.person() as stranger:
        async with stranger.get("/promises", allow_redirects=False) as answer:
            assert answer.status == 303
        async with stranger.get(API) as answer:
            assert answer.status == 401
        assert (await post(stranger, promise, act="reached"))[0] == 401
    assert await desk.services.promises.standing() == 1


async def test_another_sites_page_ends_no_promise(desk: WebRoom, grace: ClientSession) -> None:
    promise = await promised(desk)
    elsewhere = {"Origin": "https://elsewhere.example"}
    async with grace.post(f"/promises/{promise.id}", data={"act": "reached"}, headers=elsewhere) as answer:
        assert answer.status == 403
    assert await desk.services.promises.standing() == 1


async def test_the_api_tells_the_same(desk: WebRoom, grace: ClientSession) -> None:
    first, second = await promised(desk, "pz-1.1"), await promised(desk, "pz-2.1")
    async with grace.get(API, params={"limit": "1"}) as answer:
        listed = await answer.json()
    assert listed["next_cursor"]
    assert (listed["items"][0]["id"], listed["items"][0]["joined_to"]) == (second.id, first.id)
    async with grace.post(f"{API}/{second.id}/end", json={"state": "reached"}) as answer:
        assert answer.status == 409
    async with grace.post(f"{API}/{first.id}/end", json={"state": "excused"}) as answer:
        assert answer.status == 400
    async with grace.post(f"{API}/{first.id}/end", json={"state": "excused", "reason": "No."}) as answer:
        ended = await answer.json()
    assert (ended["state"], ended["ended_by"], ended["reason"]) == ("excused", "grace", "No.")
    async with grace.get(f"{API}/{second.id}") as answer:
        assert (await answer.json())["state"] == "excused"
    async with grace.post(f"{API}/{first.id}/call") as answer:
        assert answer.status == 409
    async with grace.get(f"{API}/999") as answer:
        assert answer.status == 404


async def test_a_tickets_page_shows_the_connection(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    promise = await promised(desk, TALKED.call_id(desk.now))
    assert "Call-back" in await page(sofia, f"/tickets/{name}")
    await desk.services.promises.excuse(promise.id, "sofia", "Wrong number.")
    html = await page(sofia, f"/tickets/{name}")
    assert "Wrong number." in html
    assert f'href="/tickets/{name}"' in await page(sofia, "/promises?show=over")
    state = (await desk.services.promises.line(promise.id)).promise.state
    assert state is PromiseState.EXCUSED
