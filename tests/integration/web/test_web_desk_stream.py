"""The operator's desk over HTTP: the page, the stream, one snapshot for programs; who gets none of them."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from cti.web import desk_stream, streams
from tests.fakes import desk_day
from tests.fakes.desk_day import ELENA, Visit, over, queued, to_menu
from tests.fakes.web_room import TOMAS, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.database import utc_now
from tickets.events import CallEvent
from tickets.vocabulary import EventKind as K
from tickets.vocabulary import Presence

pytestmark = pytest.mark.integration

Json = dict[str, Any]


async def next_desk(stream: ClientResponse) -> tuple[int, Json]:
    """The next snapshot, with its number."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(10):
        while True:
            line = (await stream.content.readline()).decode()
            if line == "":
                raise EOFError
            if line == "\n":
                if fields.get("event") == "desk":
                    return int(fields["id"]), json.loads(fields["data"])
                fields = {}
            else:
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value


async def until(stream: ClientResponse, state: str | None) -> Json:
    """The first snapshot whose call is in that state; None: no call."""
    while True:
        _, desk = await next_desk(stream)
        if (desk["call"] or {"state": None})["state"] == state:
            return desk


def ring(desk: WebRoom, call_id: str, operator: str, kind: K = K.OPERATOR_RINGING, **data: Any) -> None:
    """The PBX tells something of an operator's phone."""
    said = {"operator": operator, **data}
    event = CallEvent("ami", f"{kind}:{call_id}:{operator}", call_id, utc_now(), kind, said, 99)
    desk.desks.centre.calls.hear(event)


def waiting(caller: str | None, minutes_ago: float = 0.5) -> Visit:
    return Visit(minutes_ago, caller, [*to_menu(), (5, K.MENU_CHOICE, {"menu": "main", "digit": "0"}),
                                       *queued(9, "pressed_zero", 3)])  # fmt: skip


async def test_the_pop_is_there_when_the_phone_rings_and_goes_on_with_the_call(
    desk: WebRoom, grace: ClientSession
) -> None:
    await desk.happen(Visit(50, ELENA, [*to_menu(), *queued(4, "asked"), *over(30)]))
    async with grace.get("/desk/stream") as stream:
        assert stream.content_type == "text/event-stream"
        first, empty = await next_desk(stream)
        assert empty["call"] is None
        assert empty["me"]["extension"] == "101"
        call_id = waiting(ELENA).call_id(desk.now)
        ticket = await desk.happen(waiting(ELENA))
        ring(desk, call_id, "101")
        shown = await until(stream, "ringing")
        while not (shown["call"]["customer"] and shown["call"]["ticket"]):
            shown = await until(stream, "ringing")
        call = shown["call"]
        assert (call["call_id"], call["ticket"], call["number"]) == (call_id, ticket, ELENA)
        assert call["customer"]["name"] == "Elena Vasquez-Moore"
        assert call["hand_over"] == "pressed_zero"
        assert call["path"] == ["main: 0"]
        assert [past["status"] for past in call["history"]] == ["open"]
        ring(desk, call_id, "101", K.OPERATOR_ANSWERED)
        await until(stream, "talking")
        ring(desk, call_id, "101", K.OPERATOR_LEFT)
        await until(stream, "wrap_up")
        desk.desks.presences.put("101", Presence.WRAP_UP)
        desk.desks.presences.put("101", Presence.READY)
        number, over_ = await next_desk(stream)
        while over_["call"] is not None:
            number, over_ = await next_desk(stream)
        assert number > first


async def test_a_colleagues_call_is_not_on_the_desk_but_the_colleague_talks(
    desk: WebRoom, grace: ClientSession
) -> None:
    async with grace.get("/desk/stream") as stream:
        await next_desk(stream)
        await desk.happen(waiting(ELENA))
        ring(desk, waiting(ELENA).call_id(desk.now), "102", K.OPERATOR_ANSWERED)
        _, shown = await next_desk(stream)
        assert shown["call"] is None
        assert [(one["extension"], one["talking"]) for one in shown["colleagues"]] == [("102", True)]


async def test_who_comes_back_sees_the_whole_truth_and_programs_see_the_same(
    desk: WebRoom, grace: ClientSession
) -> None:
    async with grace.get("/desk/stream") as stream:
        await next_desk(stream)
    await desk.happen(waiting(ELENA))
    ring(desk, waiting(ELENA).call_id(desk.now), "101")
    async with grace.get("/desk/stream") as stream:
        _, shown = await next_desk(stream)
    assert shown["call"]["state"] == "ringing"
    async with grace.get("/api/v1/desk") as answer:
        once = await answer.json()
    assert answer.status == 200
    assert {**once["call"], "since": 0} == {**shown["call"], "since": 0}


async def test_the_page_has_its_first_snapshot_and_a_name_full_of_script_stays_a_name(
    desk: WebRoom, grace: ClientSession
) -> None:
    evil = '</script><script>alert(1)</script><!-- "&'
    await desk.services.customers.add(evil, ["+12125550199"])
    await desk.happen(waiting("+12125550199"))
    ring(desk, waiting("+12125550199").call_id(desk.now), "101")
    async with asyncio.timeout(10), grace.get("/desk/stream") as stream:
        while (shown := (await next_desk(stream))[1])["call"]["customer"] is None:
            pass
    assert shown["call"]["customer"]["name"] == evil
    async with grace.get("/desk") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "<script>alert" not in page
    [data] = re.findall(r'<script type="application/json" id="snapshot">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["call"]["customer"]["name"] == evil


async def test_there_is_no_desk_without_an_extension_or_a_login(desk: WebRoom, sofia: ClientSession) -> None:
    for path in ("/desk/stream", "/api/v1/desk"):
        async with sofia.get(path) as answer:
            assert answer.status == 403
        async with ClientSession(desk.address) as stranger, stranger.get(path) as answer:
            assert answer.status == 401
    async with sofia.get("/desk", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")


async def test_the_stream_ends_with_the_login(
    desk: WebRoom, grace: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_S", 0.05)
    async with grace.get("/desk/stream") as stream:
        await next_desk(stream)
        async with grace.delete("/api/v1/session") as answer:
            assert answer.status == 204
        with pytest.raises(EOFError):
            await until(stream, "never")


async def test_one_account_cannot_take_all_streams(
    desk: WebRoom, grace: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_stream, "ACCOUNT_LIMIT", 1)
    async with grace.get("/desk/stream") as stream:
        await next_desk(stream)
        async with grace.get("/desk/stream") as refused:
            assert refused.status == 503
        async with desk.person(TOMAS) as tomas, tomas.get("/desk/stream") as other:
            await next_desk(other)


async def test_the_keeper_of_presence_knows_which_desks_are_open(
    desk: WebRoom, grace: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_S", 0.05)  # a cut link is met with the next thing that is said
    async with grace.get("/desk/stream") as stream:
        await next_desk(stream)
        assert desk.desks.presences.open == ["101"]
    async with asyncio.timeout(10):
        while desk.desks.presences.open:  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.01)


async def test_a_customer_of_ten_thousand_tickets_shows_ten(desk: WebRoom, grace: ClientSession) -> None:
    begun = desk.now - timedelta(days=9)
    story: list[tuple[K, dict[str, Any]]] = [
        (K.RECEIVED, {"caller": ELENA, "caller_raw": ELENA, "line": desk_day.LINE}),
        (K.ENDED, {"cause": "16"}),
    ]
    for start in range(0, 10_000, 1000):
        await desk.calls.record(
            [
                CallEvent("test", f"{n}:{part}", f"old-{n}", begun + timedelta(seconds=n), kind, data, part)
                for n in range(start, start + 1000)
                for part, (kind, data) in enumerate(story)
            ]
        )  # fmt: skip
    await desk.happen(waiting(ELENA))
    ring(desk, waiting(ELENA).call_id(desk.now), "101")
    async with grace.get("/desk/stream") as stream:
        while not (shown := (await next_desk(stream))[1])["call"]["history"]:
            pass
    past = [one["ticket"] for one in shown["call"]["history"]]
    assert past == [f"PZ-{11_000 - n}" for n in range(10)]
