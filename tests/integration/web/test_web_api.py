"""The API as programs meet it: what it answers, and what it answers to rubbish."""

import base64
import random
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from tests.fakes.desk_day import ELENA, VISITS
from tests.fakes.stories import event
from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind
from tests.integration.web.test_web_promises import promised
from tickets.call_backs import CallBackBook
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

LIVE_VIP, TALKED, BY_BOT, GONE = VISITS[0], VISITS[5], VISITS[6], VISITS[7]


async def get(program: ClientSession, path: str, status: int = 200) -> Any:
    async with program.get(path) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None)


async def test_it_lists_calls_and_tickets_piece_by_piece(desk: WebRoom, sofia: ClientSession) -> None:
    names = [await desk.happen(visit) for visit in (GONE, BY_BOT, TALKED, LIVE_VIP)]
    for kind, key in (("tickets", "ticket"), ("calls", "ticket")):
        seen: list[str] = []
        path = f"/api/v1/{kind}?limit=3"
        while path:
            piece = await get(sofia, path)
            seen += [item[key] for item in piece["items"]]
            cursor = piece["next_cursor"]
            path = f"/api/v1/{kind}?limit=3&cursor={cursor}" if cursor else ""
        assert seen == names[::-1]


async def test_it_tells_everything_of_a_call_and_its_ticket(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    ticket = await get(sofia, f"/api/v1/tickets/{name}")
    assert ticket["ticket"]["hand_over"] == "out_of_scope"
    assert ticket["ticket"]["status"] == "open"
    assert ticket["customer"]["name"] == "Nora Whitfield"
    assert ticket["recording_id"] is None
    assert [event["kind"] for event in ticket["events"]][:2] == ["call.received", "customer.found"]
    call = await get(sofia, f"/api/v1/calls/{TALKED.call_id(desk.now)}")
    assert call == ticket["call"]
    assert (call["hold_seconds"], call["talk_seconds"]) == (38, 50.9)
    assert call["received_at"].endswith("Z")


async def test_it_filters(desk: WebRoom, sofia: ClientSession) -> None:
    live, talked = await desk.happen(LIVE_VIP), await desk.happen(TALKED)
    for query, expected in (
        ("state=queued", [live]),
        ("operator=101", [talked]),
        (f"customer_id={desk.customers[ELENA][0]}", [live]),
        ("state=bot", []),
    ):
        found = await get(sofia, f"/api/v1/calls?{query}")
        assert [item["ticket"] for item in found["items"]] == expected


async def test_it_takes_notes_and_changes(desk: WebRoom, grace: ClientSession) -> None:
    path = f"/api/v1/tickets/{await desk.happen(TALKED)}"
    async with grace.post(f"{path}/notes", json={"text": "Called back."}) as answer:
        assert answer.status == 201
        assert (await answer.json())["author"] == "grace"
    async with grace.patch(path, json={"status": "closed"}, headers={"If-Match": '"1000"'}) as answer:
        assert answer.status == 412
    async with grace.patch(path, json={"status": "closed"}, headers={"If-Match": "*"}) as answer:
        assert (await answer.json())["closed_by"] == "grace"
    async with grace.patch(path, json={"status": "pending"}, headers={"If-Match": "*"}) as answer:
        assert answer.status == 409
        assert (await answer.json())["type"] == "urn:presszero:problem:not-allowed"
    notes = (await get(grace, path))["notes"]
    assert [(note["kind"], note["text"]) for note in notes] == [("note", "Called back."), ("changed", "")]


async def test_it_adds_customers_by_numbers_as_people_write_them(desk: WebRoom, sofia: ClientSession) -> None:
    numbers = ["(202) 555-0199", "+44 20 7946 0958"]
    async with sofia.post(
        "/api/v1/customers", json={"name": "Ann", "numbers": numbers, "vip_level": 1}
    ) as answer:
        assert answer.status == 201
        added = await answer.json()
    assert sorted(added["numbers"]) == ["+12025550199", "+442079460958"]
    assert await get(sofia, f"/api/v1/customers/{added['id']}") == added
    assert added in (await get(sofia, "/api/v1/customers"))["items"]
    async with sofia.post("/api/v1/customers", json={"name": "Ann", "numbers": ["ring me"]}) as answer:
        assert answer.status == 400
        assert (await answer.json())["errors"][0]["where"] == "body.numbers.0"


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("limit=1e3", "query.limit"),
        ("limit=5&limit=6", "query.limit"),
        ("customer_id=99999999999", "query.customer_id"),
        ("customer_id=-1", "query.customer_id"),
        ("operator=%00", "query.operator"),
        ("state=gone", "query.state"),
        ("stat=open", "query.stat"),
        ("cursor=" + "A" * 513, "query.cursor"),
    ],
)
async def test_it_names_the_part_that_is_wrong(
    desk: WebRoom, sofia: ClientSession, query: str, where: str
) -> None:
    problem = await get(sofia, f"/api/v1/calls?{query}", 400)
    assert problem["errors"][0]["where"] == where
    assert problem["status"] == 400


async def test_it_takes_no_cursor_but_its_own(desk: WebRoom, sofia: ClientSession) -> None:
    for visit in (GONE, BY_BOT, TALKED):
        await desk.happen(visit)
    own = (await get(sofia, "/api/v1/calls?limit=1"))["next_cursor"]
    luck = random.Random(7)
    rubbish = [base64.urlsafe_b64encode(luck.randbytes(luck.randrange(40))).decode() for _ in range(40)]
    shortened = [own[:length] for length in range(1, len(own), 3)]
    turned = [own[:at] + luck.choice("AZaz09-_=.%") + own[at + 1 :] for at in range(0, len(own), 2)]
    plain = [
        base64.urlsafe_b64encode(text.encode()).decode()
        for text in ("[]", "{}", "[1,2]", '["x","y"]', "null")
    ]
    statuses = set()
    for kind in ("calls", "tickets", "customers"):
        for cursor in [*rubbish, *shortened, *turned, *plain, "", " ", "\u2603", "'; DROP TABLE calls; --"]:
            async with sofia.get(f"/api/v1/{kind}", params={"cursor": cursor}) as answer:
                statuses.add(answer.status)
                assert answer.status in {200, 400}, (kind, cursor)
    assert 400 in statuses


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/calls/nobody",
        "/api/v1/calls/%2e%2e%2fetc",
        "/api/v1/calls/a%00b",
        "/api/v1/calls/" + "a" * 300,
        "/api/v1/tickets/PZ-4000000000",
        "/api/v1/tickets/PZ-1000",
        "/api/v1/tickets/1001",
        "/api/v1/tickets/PZ-%D9%A1%D9%A0%D9%A0%D9%A1",
        "/api/v1/customers/0",
        "/api/v1/customers/2147483648",
        "/api/v1/recordings/999",
        "/api/v1/recordings/-1/audio",
        "/api/v1/nothing",
    ],
)
async def test_it_answers_404_to_ids_that_nothing_has(desk: WebRoom, sofia: ClientSession, path: str) -> None:
    assert (await get(sofia, path, 404))["title"] == "Not Found"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"text": 5}',
        b'{"text": ""}',
        b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}',
        b'{"text": "x", "more": 1}',
        b"\xff\xfe",
        b"[" * 30_000,
        b'{"text": "' + b"x" * 10_001 + b'"}',
    ],
)
async def test_it_refuses_bodies_that_are_no_note(desk: WebRoom, grace: ClientSession, body: bytes) -> None:
    path = f"/api/v1/tickets/{await desk.happen(TALKED)}/notes"
    async with grace.post(path, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"


async def test_it_refuses_bodies_beyond_its_limit(desk: WebRoom, grace: ClientSession) -> None:
    path = f"/api/v1/tickets/{await desk.happen(TALKED)}/notes"
    async with grace.post(path, json={"text": "x" * 70_000}) as answer:
        assert answer.status == 413


async def test_it_refuses_bodies_that_cannot_be_unpacked(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with grace.post(f"/api/v1/tickets/{name}/notes", data=b"not gzip", headers=packed) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("card", [{"name": "  "}, {"name": "A", "numbers": ["+49 111111111111111"]}])
async def test_it_refuses_cards_that_cannot_be_kept(
    desk: WebRoom, sofia: ClientSession, card: dict[str, Any]
) -> None:
    async with sofia.post("/api/v1/customers", json=card) as answer:
        assert answer.status == 400


async def test_it_finds_every_call_that_it_lists(desk: WebRoom, sofia: ClientSession) -> None:
    for call_id in ("pbx two-1763750000.12", "x" * 300):
        await desk.calls.record([event(EventKind.RECEIVED, 0, call_id=call_id, source_id=call_id)])
    for item in (await get(sofia, "/api/v1/calls"))["items"]:
        assert await get(sofia, f"/api/v1/calls/{quote(item['call_id'], safe='')}") == item


async def test_it_says_which_methods_a_path_has(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.put("/api/v1/calls", json={}) as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
        assert answer.content_type == "application/problem+json"


async def test_it_answers_with_what_its_document_promises(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    document = await get(sofia, "/api/v1/openapi.json")
    promise = await promised(desk)
    attempt = await CallBackBook(desk.database.sessions, deadline_s=20).begin(promise.id, "pz")
    assert attempt is not None
    async with sofia.post("/api/v1/incidents", json={"topic": "Draw", "text": "Not tonight."}) as answer:
        assert answer.status == 201
    for path, real in (
        ("/api/v1/calls", "/api/v1/calls"),
        ("/api/v1/tickets", "/api/v1/tickets"),
        ("/api/v1/tickets/{ticket}", f"/api/v1/tickets/{name}"),
        ("/api/v1/customers", "/api/v1/customers"),
        ("/api/v1/promises", "/api/v1/promises"),
        ("/api/v1/promises/{promise_id}", f"/api/v1/promises/{promise.id}"),
        ("/api/v1/incidents", "/api/v1/incidents"),
    ):
        described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        _check(await get(sofia, real), described, document)


def _check(value: Any, schema: Any, document: Any) -> None:
    """As much of JSON Schema as our document uses for answers."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in schema:
        fits = [one for one in schema["anyOf"] if (one.get("type") == "null") == (value is None)]
        return _check(value, fits[0], document) if value is not None else None
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
    }
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
    if "enum" in schema:
        assert value in schema["enum"]
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"])
        for name, inner in value.items():
            _check(inner, schema["properties"][name], document)
    if isinstance(value, list):
        for inner in value:
            _check(inner, schema["items"], document)
    return None
