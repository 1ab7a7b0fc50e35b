"""The pages as a browser gets them."""

import re

import pytest
from aiohttp import ClientSession

from recordings.transcript import Phrase
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import TOMAS, WebRoom

pytestmark = pytest.mark.integration

LIVE_VIP, HANDED_OVER, TALKED, BY_BOT = VISITS[0], VISITS[1], VISITS[5], VISITS[6]
PHRASES = [
    Phrase("caller", 13.6, 15.4, "When is the <b>next</b> draw?", 0.9),
    Phrase("bot", 16.1, 21.3, "On Wednesday."),
]


async def page(browser: ClientSession, path: str, status: int = 200) -> str:
    async with browser.get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def test_it_shows_who_is_on_the_line_and_who_was(desk: WebRoom, sofia: ClientSession) -> None:
    assert "Nobody is on the line" in await page(sofia, "/")
    waiting, talked = await desk.happen(LIVE_VIP), await desk.happen(TALKED)
    html = await page(sofia, "/")
    live, last = html.split("Last calls")
    assert waiting in live
    assert "Elena Vasquez-Moore" in live
    assert "VIP 2" in live
    assert "Pressed zero" in live
    assert talked in last
    assert "Grace Okafor" in last
    assert waiting not in last


async def test_it_shows_a_ticket_with_its_tape_and_transcript(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(BY_BOT)
    tape = await desk.keep_tape(BY_BOT, b"sound" * 100, PHRASES)
    html = await page(sofia, f"/tickets/{name}")
    assert f'src="/api/v1/recordings/{tape}/audio"' in html
    assert "When is the &lt;b&gt;next&lt;/b&gt; draw?" in html
    assert 'data-start="13.6"' in html
    assert "understood as “Next draw”, 94%" in html
    assert "Answered by bot" in html


async def test_it_says_why_there_is_no_tape(desk: WebRoom, sofia: ClientSession) -> None:
    live, ended = await desk.happen(LIVE_VIP), await desk.happen(BY_BOT)
    assert "Being recorded" in await page(sofia, f"/tickets/{live}")
    assert "on its way to the shelf" in await page(sofia, f"/tickets/{ended}")
    await desk.keep_tape(BY_BOT, None)
    assert "It is lost." in await page(sofia, f"/tickets/{ended}")


async def test_it_plays_a_tape_to_the_operator_of_that_call_only(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    await desk.keep_tape(TALKED, b"sound" * 100, PHRASES)
    assert "<pz-player" in await page(grace, f"/tickets/{name}")
    async with desk.person(TOMAS) as tomas:
        html = await page(tomas, f"/tickets/{name}")
    assert "<pz-player" not in html
    assert "When is the" not in html
    assert "supervisors and the operator of that call" in html


async def test_it_shows_what_the_bot_heard_while_a_call_waits_and_then_with_the_tape(
    desk: WebRoom, grace: ClientSession
) -> None:
    waiting, talked = await desk.happen(HANDED_OVER), await desk.happen(TALKED)
    async with desk.person(TOMAS) as tomas:
        assert "somebody used my subscription" in await page(tomas, f"/tickets/{waiting}")
        assert "sent in my claim form" in await page(grace, f"/tickets/{talked}")
        for address in (f"/tickets/{talked}", f"/tickets/{talked}?fragment=heard"):
            html = await page(tomas, address)
            assert "claim form" not in html
            assert "The words go with the recording." in html


async def test_it_keeps_a_note_as_the_text_it_is(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    form = {"text": "<script>alert(1)</script>\nzweite Zeile ✓"}
    async with grace.post(f"/tickets/{name}/notes", data=form) as answer:
        assert answer.status == 200
        html = await answer.text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "zweite Zeile ✓" in html
    assert "<script>alert" not in html


async def test_it_closes_a_ticket_and_tells_who_comes_too_late(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    version = re.findall(r'name="version" value="(\d+)"', await page(grace, f"/tickets/{name}"))[0]
    form = {"status": "closed", "version": version}
    async with grace.post(f"/tickets/{name}/status", data=form) as answer:
        assert answer.status == 200
        assert "Open again" in await answer.text()
    async with grace.post(
        f"/tickets/{name}/status", data={"status": "pending", "version": version}
    ) as answer:
        assert answer.status == 412
        assert "changed meanwhile" in await answer.text()


async def test_it_lists_by_filter_and_page(desk: WebRoom, sofia: ClientSession) -> None:
    talked, by_bot = await desk.happen(TALKED), await desk.happen(BY_BOT)
    html = await page(sofia, "/tickets?status=closed")
    assert by_bot in html
    assert talked not in html
    assert "take a filter away" in await page(sofia, "/tickets?status=pending")
    assert talked in await page(sofia, "/calls?state=ended&utm_source=mail")
    fragment = await page(sofia, "/calls?state=ended&fragment=1")
    assert talked in fragment
    assert "<html" not in fragment


async def test_it_shows_customers_and_their_tickets(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    html = await page(sofia, "/customers")
    assert "Nora Whitfield" in html
    customer_id = desk.customers[TALKED.caller or ""][0]
    assert name in await page(sofia, f"/customers/{customer_id}")


@pytest.mark.parametrize(
    "path",
    [
        "/tickets/PZ-99999999",
        "/tickets/PZ-0000",
        "/tickets/7",
        "/tickets/PZ-9999999999",
        "/tickets/PZ-1001%00",
        "/customers/99999999999999",
        "/customers/0",
        "/no/such/page",
        "/static/..%2fsecurity.py",
        "/static/no.js",
    ],
)
async def test_it_answers_404_as_a_page_to_what_is_not_there(
    desk: WebRoom, sofia: ClientSession, path: str
) -> None:
    html = await page(sofia, path, 404)
    assert "<h1>Not Found</h1>" in html


@pytest.mark.parametrize("query", ["cursor=rubbish", "status=maybe", "cursor=" + "A" * 600, "cursor=%00"])
async def test_it_answers_400_as_a_page_to_a_wrong_query(
    desk: WebRoom, sofia: ClientSession, query: str
) -> None:
    assert "<h1>Bad Request</h1>" in await page(sofia, f"/tickets?{query}", 400)


async def test_it_loads_nothing_from_elsewhere_and_runs_nothing_inline(
    desk: WebRoom, sofia: ClientSession
) -> None:
    name = await desk.happen(BY_BOT)
    await desk.keep_tape(BY_BOT, b"sound", PHRASES)
    for path in ("/", "/calls", "/tickets", f"/tickets/{name}", "/customers", "/customers/1"):
        html = await page(sofia, path)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)
        inline = r'<script(?! type="application/json")(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+='
        assert not re.search(inline, html)
        for asset in set(re.findall(r'(?:src|href)="(/static/[^"#]+)', html)):
            async with sofia.get(asset) as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
