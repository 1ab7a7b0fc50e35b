"""The lists of calls and tickets: filters that are addresses, and the table to take away."""

import asyncio
import csv
import io
import re
from typing import Any

import pytest
from aiohttp import ClientSession

from cti.web.export_page import as_csv
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.database import DatabaseAway
from tickets.desk import CallLine
from tickets.paging import Page

pytestmark = pytest.mark.integration

LIVE_VIP, TALKED, BY_BOT, ABANDONED = VISITS[0], VISITS[5], VISITS[6], VISITS[7]


async def page(browser: ClientSession, path: str, status: int = 200) -> str:
    async with browser.get(path) as answer:
        assert answer.status == status
        return await answer.text()


def rows(html: str) -> set[str]:
    """The tickets in a list's rows."""
    return set(re.findall(r'class="row" href="/tickets/(PZ-\d+)"', html))


async def test_it_narrows_a_list_by_its_address(desk: WebRoom, sofia: ClientSession) -> None:
    vip, talked, by_bot = [await desk.happen(visit) for visit in (LIVE_VIP, TALKED, BY_BOT)]
    assert rows(await page(sofia, "/calls")) == {vip, talked, by_bot}
    assert rows(await page(sofia, "/calls?vip=1&outcome=answered_by_operator")) == {talked}
    assert rows(await page(sofia, "/calls?outcome=answered_by_bot&fragment=1")) == {by_bot}
    assert rows(await page(sofia, "/calls?queue=&operator=&talked=30")) == {talked}
    assert rows(await page(sofia, "/tickets?status=open&assigned=nobody")) == {vip, talked}
    assert rows(await page(sofia, "/tickets?assigned=me")) == set()
    today = desk.now.date().isoformat()
    assert rows(await page(sofia, f"/calls?since={today}&until=2999-12-31&state=queued")) in ({vip}, set())
    assert rows(await page(sofia, "/calls?until=2020-01-01")) == set()


async def test_it_says_what_narrows_the_list_and_how_to_undo_it(desk: WebRoom, sofia: ClientSession) -> None:
    html = await page(sofia, "/calls?state=ended&operator=101&topic=no%20%3Csuch%3E&since=2026-11-01")
    assert "take a filter away" in html
    assert "<such>" not in html
    assert (
        'href="/calls?since=2026-11-01&amp;topic=no+%3Csuch%3E&amp;state=ended"' in html
    )  # without operator
    assert "Grace Okafor <span" in html
    assert "Nov 1, 2026" in html
    assert (
        'data-fragment="/calls?since=2026-11-01&amp;operator=101&amp;topic=no+%3Csuch%3E&amp;state=ended'
        in html
    )
    tabs = html.split('class="tabs"')[1].split("</nav>")[0]
    assert 'operator=101&amp;topic=no+%3Csuch%3E&amp;state=talking"' in tabs


@pytest.mark.parametrize(
    "query", ["since=yesterday", "outcome=nosuch", "talked=-1", "vip=perhaps", "since=9999-01-01"]
)
async def test_it_refuses_an_address_that_it_does_not_understand(
    desk: WebRoom, sofia: ClientSession, query: str
) -> None:
    await page(sofia, f"/calls?{query}", 400)
    await page(sofia, f"/calls.csv?{query}", 400)


async def test_it_narrows_the_api_in_the_same_way(desk: WebRoom, sofia: ClientSession) -> None:
    await desk.happen(TALKED)
    await desk.happen(BY_BOT)
    async with sofia.get("/api/v1/calls?outcome=answered_by_bot&until=2999-01-01") as answer:
        assert [call["outcome"] for call in (await answer.json())["items"]] == ["answered_by_bot"]
    async with sofia.get("/api/v1/tickets?recorded=true") as answer:
        assert (await answer.json())["items"] == []


async def test_it_gives_supervisors_a_table_and_writes_it_down(desk: WebRoom, sofia: ClientSession) -> None:
    talked, _ = await desk.happen(TALKED), await desk.happen(BY_BOT)
    async with sofia.get("/calls.csv?outcome=answered_by_operator") as answer:
        assert answer.content_type == "text/csv"
        assert re.search(r'filename="calls-[\d-]+\.csv"', answer.headers["Content-Disposition"])
        (row,) = csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig")))
    assert (row["ticket"], row["customer"], row["operator"]) == (talked, "Nora Whitfield", "101")
    assert (row["outcome"], row["hold_seconds"], row["caller"]) == (
        "answered_by_operator",
        "38",
        "+12025550143",
    )
    async with sofia.get("/tickets.csv") as answer:
        assert len(list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))) == 2
    written = (await desk.services.audit.page(login="sofia", actions=("list.exported",))).items
    assert [(entry.subject, dict(entry.detail)) for entry in written] == [
        ("tickets", {}),
        ("calls", {"outcome": "answered_by_operator"}),
    ]


async def test_it_gives_operators_no_table(desk: WebRoom, grace: ClientSession) -> None:
    for path in ("/calls.csv", "/tickets.csv"):
        await page(grace, path, 403)
    assert ".csv" not in await page(grace, "/calls")
    assert (await desk.services.audit.page(actions=("list.exported",))).items == []


async def test_it_tells_a_long_list_whole(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.web.export_page.LARGEST_PAGE", 2)
    for visit in VISITS[5:10]:
        await desk.happen(visit)
    async with sofia.get("/calls.csv") as answer:
        assert (await answer.read()).decode().count("\r\n") == 6
    monkeypatch.setattr("cti.web.export_page.MOST_ROWS", 3)
    async with sofia.get("/calls.csv") as answer:
        *rows, last = (await answer.read()).decode().splitlines()
    assert (len(rows), last) == (4, "Only the first 3 rows: narrow the filters to get the rest.")
    monkeypatch.setattr("cti.web.export_page.MOST_ROWS", 5)
    async with sofia.get("/calls.csv") as answer:
        assert "Only the first" not in (await answer.read()).decode()


async def test_a_table_that_breaks_off_is_not_taken_for_a_whole_one(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.web.export_page.LARGEST_PAGE", 2)
    for visit in VISITS[5:10]:
        await desk.happen(visit)
    (cookie,) = sofia.cookie_jar
    read = desk.services.desk.calls

    async def fails_later(*, cursor: str | None = None, **wanted: Any) -> Page[CallLine]:
        if cursor is not None:
            raise DatabaseAway("The database failed.")
        return await read(cursor=cursor, **wanted)

    monkeypatch.setattr(desk.services.desk, "calls", fails_later)
    # HTTP/1.0, as some proxies ask: the end of the connection alone tells the end of the table.
    reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.address.rpartition(":")[2]))
    writer.write(f"GET /calls.csv HTTP/1.0\r\nCookie: {cookie.key}={cookie.value}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionResetError):
            await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\tx", "'\tx"),
        ("+18005550123", "+18005550123"),
        (-7, "-7"),
        (None, ""),
        ("a,b", '"a,b"'),
    ],
)
def test_no_cell_of_a_table_is_a_formula(value: object, cell: str) -> None:
    assert as_csv([[value, 1]]) == f"{cell},1\r\n"
