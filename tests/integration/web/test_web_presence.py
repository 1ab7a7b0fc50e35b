"""Presence and the page's phone over HTTP: each operator their own."""

import pytest
from aiohttp import ClientSession

from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.vocabulary import PhoneChoice, Presence

pytestmark = pytest.mark.integration


async def test_an_operator_pauses_with_a_reason_and_is_ready_again(
    desk: WebRoom, grace: ClientSession
) -> None:
    async with grace.post("/api/v1/presence", json={"presence": "paused", "reason": "lunch"}) as answer:
        assert answer.status == 204
    state = desk.services.keeper.state_of("101")
    assert state is not None
    assert (state.presence, state.reason) == (Presence.PAUSED, "lunch")
    async with grace.post("/api/v1/presence", json={"presence": "ready"}) as answer:
        assert answer.status == 204
    state = desk.services.keeper.state_of("101")
    assert state is not None
    assert (state.presence, state.reason) == (Presence.READY, None)


async def test_an_operator_chooses_the_phone_that_rings(desk: WebRoom, grace: ClientSession) -> None:
    for phone in PhoneChoice:
        async with grace.put("/api/v1/presence/phone", json={"phone": phone.value}) as answer:
            assert answer.status == 204
        state = desk.services.keeper.state_of("101")
        assert state is not None
        assert state.phone is phone


async def test_an_operator_gets_their_own_page_s_phone(grace: ClientSession) -> None:
    async with grace.get("/api/v1/phone") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.json() == {
            "url": "wss://pbx.example:8089/ws",
            "uri": "sip:101-web@presszero.invalid",
            "user": "101-web",
            "secret": "page-101",
            "display_name": "Grace Okafor",
            "ice": [],
        }


async def test_who_has_no_extension_has_no_phone_and_no_presence(sofia: ClientSession) -> None:
    async with sofia.get("/api/v1/phone") as answer:
        assert answer.status == 409
    async with sofia.post("/api/v1/presence", json={"presence": "ready"}) as answer:
        assert (answer.status, (await answer.json())["type"]) == (409, "urn:presszero:problem:no-phone")


async def test_nobody_gets_a_phone_without_logging_in(desk: WebRoom) -> None:
    async with ClientSession(desk.address) as stranger, stranger.get("/api/v1/phone") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "body",
    [
        {"presence": "asleep"},
        {"presence": "paused", "reason": "x" * 101},
        {"presence": "paused", "reason": "a\x00b"},
        {"presence": "ready", "extension": "102"},
        {},
    ],
)
async def test_what_makes_no_sense_is_refused(grace: ClientSession, body: dict[str, str]) -> None:
    async with grace.post("/api/v1/presence", json=body) as answer:
        assert answer.status == 400


async def test_only_pages_with_a_phone_may_speak_with_the_pbx(grace: ClientSession) -> None:
    async with grace.get("/tickets") as answer:
        assert "wss://" not in answer.headers["Content-Security-Policy"]
        assert "microphone=()" in answer.headers["Permissions-Policy"]
    async with grace.get("/desk", allow_redirects=False) as answer:
        assert "connect-src 'self' wss://pbx.example:8089;" in answer.headers["Content-Security-Policy"]
        assert "microphone=(self)" in answer.headers["Permissions-Policy"]
