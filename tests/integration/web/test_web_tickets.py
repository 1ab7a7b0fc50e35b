"""Work on tickets over HTTP: the API with its versions, and the page's forms without script."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import PASSWORD, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

TALKED = VISITS[5]
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
async def name(desk: WebRoom) -> str:
    """A ticket that Grace may see."""
    return await desk.happen(TALKED)


async def read(browser: ClientSession, name: str) -> tuple[dict[str, Any], str]:
    """The ticket, and its ETag."""
    async with browser.get(f"/api/v1/tickets/{name}") as answer:
        assert answer.status == 200
        ticket: dict[str, Any] = (await answer.json())["ticket"]
        assert answer.headers["ETag"] == f'"{ticket["version"]}"'
        return ticket, answer.headers["ETag"]


async def patch(browser: ClientSession, name: str, edit: Any, etag: str | None) -> tuple[int, dict[str, Any]]:
    headers = {} if etag is None else {"If-Match": etag}
    async with browser.patch(f"/api/v1/tickets/{name}", json=edit, headers=headers) as answer:
        return answer.status, await answer.json()


async def page(browser: ClientSession, path: str) -> str:
    async with browser.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


def form_of(html: str) -> dict[str, str]:
    """The inputs of the ticket's form."""
    form = html[html.index('class="ticket-form"') :]
    inputs = re.findall(r"<input[^>]*>", form[: form.index("</form>")])
    found = [(re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)) for one in inputs]
    return {key[1]: unescape(value[1]) for key, value in found if key and value}


async def test_two_editors_do_not_overwrite_each_other(
    desk: WebRoom, grace: ClientSession, sofia: ClientSession, name: str
) -> None:
    _, seen = await read(grace, name)
    status, hers = await patch(sofia, name, {"subject": "Sofia's", "tags": ["Urgent"]}, seen)
    assert (status, hers["subject"], hers["tags"]) == (200, "Sofia's", ["urgent"])
    status, problem = await patch(grace, name, {"subject": "Grace's"}, seen)
    assert (status, problem["type"]) == (412, "urn:presszero:problem:conflict")
    assert problem["ticket"] == hers
    assert (await read(grace, name))[0] == hers
    status, now = await patch(grace, name, {"subject": "Grace's"}, f'"{hers["version"]}"')
    assert (status, now["subject"], now["tags"]) == (200, "Grace's", ["urgent"])


async def test_a_change_names_the_version_that_it_is_for(
    desk: WebRoom, grace: ClientSession, name: str
) -> None:
    before, _ = await read(grace, name)
    for etag, expected in ((None, 428), ("1", 412), ('W/"1"', 412), ('"1", "2"', 412), ("nonsense", 412)):
        assert (await patch(grace, name, {"subject": "x"}, etag))[0] == expected
    assert (await read(grace, name))[0] == before
    assert (await patch(grace, name, {"subject": "x"}, "*"))[0] == 200


@pytest.mark.parametrize(
    "edit",
    [
        {"subject": ""},
        {"subject": None},
        {"subject": "x" * 201},
        {"tags": ["x" * 65]},
        {"tags": [str(n) for n in range(21)]},
        {"tags": "refund"},
        {"fields": {"x": 1}},
        {"fields": {"": "x"}},
        {"fields": {str(n): "x" for n in range(31)}},
        {"customer_id": 99},
        {"status": "gone"},
        {"version": 1},
    ],
)
async def test_it_refuses_what_cannot_be_kept(
    desk: WebRoom, grace: ClientSession, name: str, edit: dict[str, Any]
) -> None:
    before, etag = await read(grace, name)
    assert (await patch(grace, name, edit, etag))[0] == 400
    assert (await read(grace, name))[0] == before


async def test_it_assigns_and_reminds(desk: WebRoom, grace: ClientSession, name: str) -> None:
    path = f"/api/v1/tickets/{name}"
    async with grace.put(f"{path}/assignment", json={"assignee": "tomas", "comment": "Yours."}) as answer:
        assert (answer.status, (await answer.json())["assignee"]) == (200, "tomas")
    at = desk.now + timedelta(hours=3)
    async with grace.put(f"{path}/reminder", json={"at": at.isoformat(), "text": "Ask."}) as answer:
        told = await answer.json()
    assert (told["remind_whom"], told["remind_text"]) == ("grace", "Ask.")
    async with grace.put(f"{path}/reminder", json={"at": desk.now.isoformat()}) as answer:
        assert answer.status == 400
    async with grace.get("/api/v1/tickets", params={"assigned": "me"}) as answer:
        assert (await answer.json())["items"] == []
    async with grace.delete(f"{path}/reminder") as answer:
        assert (await answer.json())["remind_at"] is None
    async with grace.get(path) as answer:
        kinds = [note["kind"] for note in (await answer.json())["notes"]]
    assert kinds == ["assigned", "reminder", "reminder"]


async def test_the_form_writes_what_was_typed_and_nothing_else(
    desk: WebRoom, grace: ClientSession, name: str
) -> None:
    form = form_of(await page(grace, f"/tickets/{name}"))
    typed = form | {
        "topic": "Payout",
        "tags": "Refund, urgent",
        "field-0-name": "Order",
        "field-0-value": "17",
    }
    async with grace.post(f"/tickets/{name}", data=typed, allow_redirects=False) as answer:
        assert answer.status == 303
    ticket, _ = await read(grace, name)
    assert (ticket["topic"], ticket["tags"], ticket["fields"]) == (
        "Payout",
        ["refund", "urgent"],
        {"Order": "17"},
    )
    assert ticket["subject"] == form["subject"]
    html = await page(grace, f"/tickets/{name}")
    assert "Changed" in html
    assert form_of(html)["field-0-value"] == "17"


async def test_forms_of_two_people_meet_only_where_both_typed(
    desk: WebRoom, grace: ClientSession, sofia: ClientSession, name: str
) -> None:
    form = form_of(await page(grace, f"/tickets/{name}"))
    await patch(sofia, name, {"subject": "Sofia's"}, "*")
    async with grace.post(
        f"/tickets/{name}", data=form | {"topic": "Grace's"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    ticket, _ = await read(grace, name)
    assert (ticket["subject"], ticket["topic"]) == ("Sofia's", "Grace's")
    async with grace.post(f"/tickets/{name}", data=form | {"subject": f"Mine {SCRIPT}"}) as answer:
        assert answer.status == 412
        html = await answer.text()
    assert "Somebody else has changed the same part" in html
    assert "Theirs: Sofia&#39;s" in html
    assert SCRIPT not in html
    again = form_of(html)
    assert again["subject"] == f"Mine {SCRIPT}"
    assert (await read(grace, name))[0]["subject"] == "Sofia's"
    async with grace.post(f"/tickets/{name}", data=again, allow_redirects=False) as answer:
        assert answer.status == 303
    assert (await read(grace, name))[0]["subject"] == f"Mine {SCRIPT}"


@pytest.mark.parametrize("was", ["", "{}", "[]", "null", '{"version": "x"}', "1"])
async def test_a_form_that_is_not_ours_is_refused(
    desk: WebRoom, grace: ClientSession, name: str, was: str
) -> None:
    before, _ = await read(grace, name)
    async with grace.post(f"/tickets/{name}", data={"was": was, "subject": "x"}) as answer:
        assert answer.status == 400
    assert (await read(grace, name))[0] == before


async def test_what_cannot_be_kept_comes_back_to_the_form(
    desk: WebRoom, grace: ClientSession, name: str
) -> None:
    form = form_of(await page(grace, f"/tickets/{name}"))
    async with grace.post(f"/tickets/{name}", data=form | {"subject": " ", "topic": "Kept"}) as answer:
        assert answer.status == 400
        html = await answer.text()
    assert "needs a subject" in html
    assert form_of(html)["topic"] == "Kept"


async def test_script_in_a_name_a_tag_a_note_a_field_is_only_text(
    desk: WebRoom, sofia: ClientSession, name: str
) -> None:
    body = {"name": SCRIPT, "numbers": ["+12025550177"], "ticket": name}
    async with sofia.post("/api/v1/customers", json=body) as answer:
        assert answer.status == 201
    evil = {"subject": IMAGE, "topic": IMAGE, "tags": [SCRIPT, "x'y"], "fields": {SCRIPT: IMAGE}}
    assert (await patch(sofia, name, evil, "*"))[0] == 200
    for kind in ("note", "answer"):
        async with sofia.post(f"/api/v1/tickets/{name}/notes", json={"text": SCRIPT, "kind": kind}) as answer:
            assert answer.status == 201
    assignment = {"assignee": "grace", "comment": IMAGE}
    async with sofia.put(f"/api/v1/tickets/{name}/assignment", json=assignment) as answer:
        assert answer.status == 200
    customer = (await read(sofia, name))[0]["customer_id"]
    for path in (f"/tickets/{name}", f"/customers/{customer}", "/search?q=script", "/missed", "/tickets"):
        html = await page(sofia, path)
        assert SCRIPT not in html
        assert "<img src=x" not in html
    assert unescape(json.loads(form_of(await page(sofia, f"/tickets/{name}"))["was"])["subject"]) == IMAGE


async def test_notes_and_answers_look_different(desk: WebRoom, grace: ClientSession, name: str) -> None:
    for kind, text in (("note", "She is angry."), ("answer", "We have paid.")):
        form = {"text": text, "kind": kind}
        async with grace.post(f"/tickets/{name}/notes", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
    html = await page(grace, f"/tickets/{name}?fragment=timeline")
    assert re.search(r'class="entry answer">.*Answer to the customer.*We have paid', html, re.DOTALL)
    assert re.search(r'class="entry note">.*Internal note.*She is angry', html, re.DOTALL)


async def test_the_page_assigns_reminds_and_shows_it(desk: WebRoom, grace: ClientSession, name: str) -> None:
    forms = [
        ("assignment", {"assignee": "tomas", "comment": "Knows the bank."}, "Assigned to Tomas Lindqvist"),
        (
            "reminder",
            {"at": f"{desk.now + timedelta(days=1):%Y-%m-%dT%H:%M}", "whom": "grace"},
            "Reminder for",
        ),
        ("reminder", {"act": "clear"}, "taken away"),
    ]
    for form, values, shown in forms:
        async with grace.post(f"/tickets/{name}/{form}", data=values) as answer:
            assert (answer.status, shown in await answer.text()) == (200, True)
    async with grace.post(f"/tickets/{name}/assignment", data={"assignee": "nobody"}) as answer:
        assert (answer.status, "no such person" in await answer.text()) == (400, True)


@pytest.mark.parametrize("form", ["", "/notes", "/assignment", "/reminder", "/status"])
async def test_another_queues_ticket_is_not_there(desk: WebRoom, form: str) -> None:
    prizes = [
        (at, kind, data | {"queue": "prizes"} if "queue" in data else data) for at, kind, data in TALKED.steps
    ]
    name = await desk.happen(replace(TALKED, steps=prizes))
    async with desk.person("tomas") as tomas:
        values = {"was": "{}", "text": "x", "assignee": "tomas", "act": "clear", "status": "closed"}
        async with tomas.post(f"/tickets/{name}{form}", data=values) as answer:
            assert answer.status == 404
        async with tomas.get(f"/api/v1/tickets/{name}") as answer:
            assert answer.status == 404
        assert (await patch(tomas, name, {"subject": "x"}, "*"))[0] == 404
    assert (await desk.services.desk.ticket(1)).notes == []


async def test_a_choice_of_customers_where_several_share_the_number(
    desk: WebRoom, grace: ClientSession, name: str
) -> None:
    caller = TALKED.caller
    assert caller is not None
    mother = await desk.services.customers.add("Mother Whitfield", [caller])
    html = await page(grace, f"/tickets/{name}")
    assert "Mother Whitfield" in html
    choice = {"was": form_of(html)["was"], "customer": str(mother.id)}
    async with grace.post(f"/tickets/{name}", data=choice, allow_redirects=False) as answer:
        assert answer.status == 303
    ticket, _ = await read(grace, name)
    assert (ticket["customer_name"], ticket["fields"]) == ("Mother Whitfield", {})


async def test_who_is_to_be_reminded_can_open_the_ticket(desk: WebRoom, sofia: ClientSession) -> None:
    await desk.services.accounts.add("mei", PASSWORD, Role.OPERATOR, "Mei", extension="109")
    name = await desk.happen(TALKED)
    async with desk.person("mei") as mei:
        async with mei.get(f"/api/v1/tickets/{name}") as answer:
            assert answer.status == 404
        at = (desk.now + timedelta(hours=1)).isoformat()
        async with sofia.put(f"/api/v1/tickets/{name}/reminder", json={"at": at, "whom": "mei"}) as answer:
            assert answer.status == 200
        async with mei.get(f"/api/v1/tickets/{name}") as answer:
            assert answer.status == 200
        # Once it is seen to, it is not theirs any more: the page does not lead to what is not there.
        async with mei.post(f"/tickets/{name}/reminder", data={"act": "clear"}) as answer:
            assert (answer.status, answer.url.path) == (200, "/tickets")
        async with mei.get(f"/api/v1/tickets/{name}") as answer:
            assert answer.status == 404
