"""The scenario's look-ups against real servers on loopback that behave, and others that do not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from aiohttp import web

from cti.customers.answers import LONGEST_ANSWER
from cti.customers.company import FAILURES
from cti.customers.lookups import LookupDesk
from tests.fakes.company_system import (
    Answer,
    CompanySystem,
    broken,
    dribbling,
    endless,
    html,
    open_system,
    saying,
    slow,
)
from voicebot.lookup import Answer as Told
from voicebot.lookup import Failed, Found, Lookup, Trouble, Unknown

pytestmark = pytest.mark.integration

TICKET, SECRET = "10203040", "c5b0-token"
WON = {"status": "won", "prize": {"amount": 120, "paid": None}, "drawn": "2026-11-21", "more": [1, 2]}
FIELDS = {
    "status": "status",
    "prize": "prize.amount",
    "paid": "prize.paid",
    "nowhere": "prize.amount.cents",
    "drawn": "drawn",
}
DEADLINE_S = 0.5


@pytest.fixture
async def office() -> AsyncIterator[CompanySystem]:
    """A company's system whose answer the test decides."""
    async with open_system(WON) as office:
        yield office


def lookups(elsewhere: str = "http://127.0.0.1:1") -> dict[str, Lookup]:
    common = {"fields": FIELDS, "deadline_s": DEADLINE_S, "otherwise": "x"}
    return {
        "ticket": Lookup.model_validate({"path": "tickets/{ticket}?full=yes", **common}),
        "elsewhere": Lookup.model_validate({"url": f"{elsewhere}/of/{{ticket}}", **common}),
    }


@pytest.fixture
async def desk(office: CompanySystem) -> AsyncIterator[LookupDesk]:
    async with LookupDesk.connected(f"{office.url}/v1/", SECRET, lookups(office.url), pause_s=0.0) as desk:
        yield desk


async def ask(desk: LookupDesk, name: str = "ticket", ticket: str = TICKET) -> Told:
    """Ask; fails where the deadline is not kept."""
    async with asyncio.timeout(4):
        return await desk.ask(name, {"ticket": ticket})


async def test_it_asks_below_the_address_with_the_token_and_reads_the_fields(
    desk: LookupDesk, office: CompanySystem
):
    assert await ask(desk) == Found({"status": "won", "prize": 120, "drawn": "2026-11-21"})
    [request] = office.asked
    assert request.raw_path == f"/v1/tickets/{TICKET}?full=yes"
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


async def test_it_never_sends_the_token_to_an_address_of_the_scenario(
    desk: LookupDesk, office: CompanySystem
):
    assert isinstance(await ask(desk, "elsewhere"), Found)
    assert office.asked[0].raw_path == f"/of/{TICKET}"
    assert "Authorization" not in office.asked[0].headers


async def test_no_value_leads_out_of_its_place(desk: LookupDesk, office: CompanySystem):
    await ask(desk, ticket="../a b?c=d#e%2f")
    assert office.asked[0].raw_path == "/v1/tickets/..%2Fa%20b%3Fc%3Dd%23e%252f?full=yes"


async def test_it_tells_what_the_company_does_not_know_from_a_failure(
    desk: LookupDesk, office: CompanySystem
):
    async def unknown(request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound

    office.answer = unknown
    for _ in range(FAILURES + 1):
        assert await ask(desk) == Unknown()


async def huge(request: web.Request) -> web.StreamResponse:
    return web.json_response(WON | {"note": "x" * LONGEST_ANSWER})


async def redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/elsewhere")


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise web.HTTPInternalServerError


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (slow, Trouble.LATE),
        (dribbling, Trouble.LATE),
        (endless, Trouble.UNFIT),
        (huge, Trouble.UNFIT),
        (html, Trouble.UNFIT),
        (redirect, Trouble.UNFIT),
        (broken, Trouble.UNFIT),
        (cut, Trouble.GONE),
        (saying(b"\xff{{{"), Trouble.UNFIT),
        (saying(b"[1, 2]"), Trouble.UNFIT),
        (saying(b'"won"'), Trouble.UNFIT),
        (saying(b'{"status": {"won": true}}'), Trouble.UNFIT),
        (saying(b'{"status": ["won"]}'), Trouble.UNFIT),
        (saying(b'{"status": "' + b"x" * 300 + b'"}'), Trouble.UNFIT),
        (saying(b'{"status": ' + b"9" * 5000 + b"}"), Trouble.UNFIT),
        (saying(b'{"status": NaN}'), Trouble.UNFIT),
        (saying(b"[" * 30000), Trouble.UNFIT),
    ],
)
async def test_it_says_why_a_bad_answer_is_none_and_asks_again(
    desk: LookupDesk, office: CompanySystem, answer: Answer, trouble: Trouble
):
    office.answer = answer
    with structlog.testing.capture_logs() as logs:
        assert await ask(desk) == Failed(trouble)
    assert [entry["action"] for entry in logs] == ["lookup_failed"]
    assert TICKET not in str(logs)
    assert "won" not in str(logs)
    assert SECRET not in str(logs)
    assert {request.path for request in office.asked} == {f"/v1/tickets/{TICKET}"}  # no redirect is followed
    office.answer = office.good
    assert isinstance(await ask(desk), Found)


async def test_it_takes_a_field_of_another_shape_for_missing_only_where_it_is_null(
    desk: LookupDesk, office: CompanySystem
):
    office.answer = saying(b'{"status": null, "prize": 7}')
    assert await ask(desk) == Found({})


async def test_it_says_that_nobody_is_there():
    async with LookupDesk.connected("http://127.0.0.1:1", "", lookups()) as desk:
        assert await ask(desk) == Failed(Trouble.GONE)


async def test_it_asks_nothing_without_the_values_for_it(desk: LookupDesk, office: CompanySystem):
    assert await desk.ask("ticket", {}) == Failed(Trouble.UNFIT)
    assert office.asked == []


async def test_it_says_that_nobody_told_where_to_ask():
    async with LookupDesk.connected("", "", lookups()) as desk:
        assert await ask(desk) == Failed(Trouble.NOT_SET_UP)


async def test_a_look_up_that_fails_again_and_again_rests_and_the_others_go_on(office: CompanySystem):
    office.answer = broken
    async with LookupDesk.connected(office.url, "", lookups(office.url), pause_s=3600.0) as desk:
        answers = [await ask(desk) for _ in range(FAILURES + 2)]
        assert answers == [Failed(Trouble.UNFIT)] * FAILURES + [Failed(Trouble.RESTING)] * 2
        assert len(office.asked) == FAILURES
        office.answer = office.good
        assert isinstance(await ask(desk, "elsewhere"), Found)
