"""Customers over HTTP: a card for somebody new, edits, the whole history; and the list of missed calls."""

import re
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.fakes.desk_day import NORA, VISITS, Visit
from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind
from tests.integration.tickets.test_timeline import MANY, long_history
from tickets.events import CallEvent
from tickets.vocabulary import EventKind as K

pytestmark = pytest.mark.integration

TALKED = VISITS[5]
HUNG_UP = VISITS[7]
STRANGER = "+13055550177"  # of that call


async def get(browser: ClientSession, path: str) -> Any:
    async with browser.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await (answer.json() if path.startswith("/api/") else answer.text())


async def test_who_was_unknown_gets_a_card_and_their_earlier_calls(
    desk: WebRoom, grace: ClientSession
) -> None:
    earlier = await desk.happen(Visit(90, STRANGER, [(5, K.ENDED, {})]))
    name = await desk.happen(HUNG_UP)
    assert f'href="/customers/new?ticket={name}"' in await get(grace, f"/tickets/{name}")
    assert STRANGER in await get(grace, f"/customers/new?ticket={name}")
    form = {"name": " Ivo  Kral ", "numbers": "(305) 555-0177\n+420 601 123 456", "ticket": name}
    async with grace.post("/customers", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"/tickets/{name}")
    for ticket in (earlier, name):
        told = await get(grace, f"/api/v1/tickets/{ticket}")
        assert told["customer"]["name"] == "Ivo Kral"
        assert told["customer"]["numbers"] == [STRANGER, "+420601123456"]
    history = await get(grace, f"/api/v1/customers/{told['customer']['id']}/timeline")
    assert [entry["ticket_name"] for entry in history["items"]] == [name, earlier]
    again = await desk.happen(Visit(1, STRANGER, [(5, K.ENDED, {})]))
    assert (await get(grace, f"/api/v1/tickets/{again}"))["ticket"]["customer_name"] == "Ivo Kral"


async def test_a_person_decides_whose_ticket_it_is_whatever_the_call_says_later(
    desk: WebRoom, grace: ClientSession
) -> None:
    name = await desk.happen(TALKED)
    body = {"name": "Nora's sister", "numbers": [], "ticket": name}
    async with grace.post("/api/v1/customers", json=body) as answer:
        assert answer.status == 201
    nora, call_id = desk.customers[NORA][0], TALKED.call_id(desk.now)
    later = CallEvent("test", "later", call_id, desk.now, K.CUSTOMER_FOUND, {"customer_id": nora})
    assert len(await desk.calls.record([later])) == 1
    assert (await get(grace, f"/api/v1/tickets/{name}"))["ticket"]["customer_name"] == "Nora's sister"


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"name": "Ivo", "numbers": "ring me"}, "“ring me” is no phone number"),
        ({"name": " ", "numbers": ""}, "needs a name"),
        ({"numbers": ""}, "name"),
        ({"name": "Ivo", "vip_level": "x"}, "vip_level"),
    ],
)
async def test_a_card_that_cannot_be_kept_comes_back(
    desk: WebRoom, sofia: ClientSession, form: dict[str, str], reason: str
) -> None:
    nora = desk.customers[NORA][0]
    for path in ("/customers", f"/customers/{nora}"):
        async with sofia.post(path, data=form) as answer:
            assert (answer.status, reason in await answer.text()) == (400, True)
    assert (await get(sofia, f"/api/v1/customers/{nora}"))["name"] == "Nora Whitfield"


async def test_a_card_is_edited_and_its_vip_level_by_supervisors_only(
    desk: WebRoom, grace: ClientSession, sofia: ClientSession
) -> None:
    path = f"/api/v1/customers/{desk.customers[NORA][0]}"
    async with grace.patch(path, json={"name": "Nora W.", "numbers": ["202 555 0199"]}) as answer:
        assert (await answer.json())["numbers"] == ["+12025550199"]
    for edit in ({"vip_level": 9}, {"name": "Nora", "vip_level": 1}):
        async with grace.patch(path, json=edit) as answer:
            assert answer.status == 403
    async with grace.post("/api/v1/customers", json={"name": "Me", "vip_level": 9}) as answer:
        assert answer.status == 403
    form = {"name": "Nora W.", "numbers": "", "vip_level": "9"}
    async with grace.post(path.removeprefix("/api/v1"), data=form) as answer:
        assert answer.status == 200
    assert (await get(grace, path))["vip_level"] == 1
    async with sofia.patch(path, json={"vip_level": 3}) as answer:
        assert (await answer.json()) == {"id": 1, "name": "Nora W.", "vip_level": 3, "numbers": []}


async def test_a_customer_with_ten_thousand_tickets_has_pages(desk: WebRoom, sofia: ClientSession) -> None:
    anna = await long_history(desk.database)
    html = await get(sofia, f"/customers/{anna}")
    assert html.count('<li class="call">') + html.count('<li class="entry note">') == 50
    older = re.search(r'href="(/customers/\d+\?cursor=[^"]*)"', html)
    assert older is not None
    assert f"PZ-{1000 + MANY}" in html
    assert f"PZ-{1000 + MANY}<" not in await get(sofia, older[1])
    piece = await get(sofia, f"/api/v1/customers/{anna}/timeline?limit=200")
    assert (len(piece["items"]), bool(piece["next_cursor"])) == (200, True)
    assert "PZ-" in await get(sofia, f"/tickets/PZ-{1000 + MANY}")


async def test_missed_calls_are_ticked_off_and_put_back(desk: WebRoom, grace: ClientSession) -> None:
    assert "No missed calls" in await get(grace, "/missed")
    names = [await desk.happen(Visit(m, f"+1202555010{m}", [(5, K.ENDED, {})])) for m in (3, 2, 1)]
    html = await get(grace, "/missed")
    assert "3 people are to be called back." in html
    assert [one["ticket"] for one in (await get(grace, "/api/v1/missed"))["items"]] == names[::-1]
    boxes = re.findall(r'type="checkbox" name="(pz-\d+)"', html)
    assert len(boxes) == 3
    async with grace.post("/missed", data={"act": "done", boxes[0]: "1", boxes[1]: "1"}) as answer:
        assert "1 person is to be called back." in await answer.text()
    assert "Grace Okafor" in await get(grace, "/missed?done=true")
    async with grace.post("/api/v1/missed/undone", json={"tickets": [names[2], "PZ-999999"]}) as answer:
        assert (await answer.json())["tickets"] == [names[2]]
    async with grace.post("/api/v1/missed/done", json={"tickets": []}) as answer:
        assert answer.status == 400
    for form in ({"one": "x"}, {"pz-": "1"}, {"one": "9" * 11}):
        async with grace.post("/missed", data=form) as answer:
            assert answer.status == 200
    async with grace.post("/missed", data={"one": str(2**31)}) as answer:
        assert answer.status == 400
    assert len((await get(grace, "/api/v1/missed"))["items"]) == 2
