"""The demo's page /ring: open to all where the demo has asked for it, nowhere else; few calls a minute."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cti.web.ring_page import RINGS_AT_ONCE
from cti.web.services import GuestPhone
from tests.fakes.desk_day import MARCUS, Visit, answered, queued, to_bot, to_menu
from tests.fakes.web_room import GRACE, WebRoom
from tickets.database import Database, utc_now
from tickets.events import CallEvent
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

GUEST = GuestPhone("presszero-guest", "secret", "+12025550177", "+18005550100")
PBX = "ws://127.0.0.1:18088/ws"


@pytest.fixture
def demo(database: Database, tmp_path: Path) -> WebRoom:
    """A site as the demo has it."""
    room = WebRoom(database, tmp_path, utc_now(), {})
    room.services = replace(room.services, guest=GUEST, phone_url=PBX)
    return room


async def test_no_centre_but_the_demos_has_the_page(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {})
    async with room.open(), room.person() as stranger, room.person(GRACE) as grace:
        for method, path in (("GET", "/ring"), ("POST", "/ring/phone"), ("GET", "/ring/call")):
            async with grace.request(method, path) as answer:
                assert answer.status == 404
            async with stranger.request(method, path, allow_redirects=False) as answer:
                assert answer.status in {303, 401}


async def test_anybody_gets_the_page_and_what_it_rings_with(demo: WebRoom) -> None:
    async with demo.open(), demo.person() as stranger:
        async with stranger.get("/ring") as answer:
            assert answer.status == 200
            assert "microphone=(self)" in answer.headers["Permissions-Policy"]
            assert "connect-src 'self' ws://127.0.0.1:18088;" in answer.headers["Content-Security-Policy"]
            assert GUEST.secret not in await answer.text()
        async with stranger.post("/ring/phone") as answer:
            phone = await answer.json()
        assert (phone["url"], phone["user"], phone["secret"]) == (PBX, GUEST.user, GUEST.secret)
        async with stranger.get("/login") as answer:
            assert "microphone=()" in answer.headers["Permissions-Policy"]


async def test_it_lets_in_few_calls_a_minute_and_no_other_sites_page(demo: WebRoom) -> None:
    async with demo.open(), demo.person() as stranger:
        async with stranger.post("/ring/phone", headers={"Origin": "https://evil.example"}) as answer:
            assert answer.status == 403
        statuses = []
        for _ in range(int(RINGS_AT_ONCE) + 2):
            async with stranger.post("/ring/phone") as answer:
                statuses.append(answer.status)
        assert statuses[: int(RINGS_AT_ONCE)] == [200] * int(RINGS_AT_ONCE)
        assert statuses[-1] == 429


async def test_it_tells_of_the_demos_own_calls_alone(demo: WebRoom) -> None:
    async with demo.open(), demo.person() as stranger:
        await demo.happen(Visit(1, MARCUS, [*to_menu(), *to_bot(8)]))
        async with stranger.get("/ring/call") as answer:
            assert await answer.json() is None
        talk = Visit(2, GUEST.number, [*to_menu(), *queued(9, "pressed_zero"), *answered(20, "101", 11)])
        name = await demo.happen(talk)
        async with stranger.get("/ring/call") as answer:
            told = await answer.json()
        assert told == {"state": "talking", "words": "You talk with Grace Okafor.", "ticket": name}


async def test_it_tells_of_hold_and_of_who_is_next(demo: WebRoom) -> None:
    now = utc_now()

    def happens(number: int, kind: EventKind, **data: str) -> None:
        at = now + timedelta(seconds=number)
        demo.desks.centre.calls.hear(CallEvent("test", f"more-{number}", call_id, at, kind, dict(data)))

    async with demo.open(), demo.person() as stranger:

        async def told() -> str:
            async with stranger.get("/ring/call") as answer:
                return str((await answer.json())["words"])

        talk = Visit(2, GUEST.number, [*to_menu(), *queued(9, "pressed_zero"), *answered(20, "101", 11)])
        await demo.happen(talk)
        (call_id,) = demo.desks.centre.calls.kept
        assert await told() == "You talk with Grace Okafor."
        happens(1, EventKind.HOLD_STARTED, operator="101")
        assert await told() == "Grace Okafor has put you on hold. You hear music."
        happens(2, EventKind.HOLD_ENDED, operator="101")
        assert await told() == "You talk with Grace Okafor."
        happens(3, EventKind.TRANSFERRED, operator="101", to="102", how="blind")
        assert await told() == "You are put through to Tomas Lindqvist, whose phone rings."
