"""Another group's tickets, calls, recordings and promises, by list and by address: they are not there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import ClientSession

from recordings.transcript import Phrase
from tests.fakes.desk_day import NORA, VISITS
from tests.fakes.web_room import PASSWORD, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tests.integration.web.test_web_live import next_event
from tickets.promise import NewPromise
from tickets.vocabulary import PromiseSource, Role

pytestmark = pytest.mark.integration

WAITING, TALKED = VISITS[0], VISITS[5]
MEI = "mei"

BELONGS_TO_SOMEBODY = ("{ticket}", "{call_id}", "{recording_id}", "{promise_id}")
ADDRESSES: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/api/v1/calls/{call_id}"): {},
    ("POST", "/api/v1/calls/{call_id}/commands"): {"json": {"command": "hang_up"}},
    ("GET", "/api/v1/promises/{promise_id}"): {},
    ("POST", "/api/v1/promises/{promise_id}/call"): {},
    ("POST", "/api/v1/promises/{promise_id}/end"): {"json": {"state": "reached"}},
    ("GET", "/api/v1/recordings/{recording_id}"): {},
    ("GET", "/api/v1/recordings/{recording_id}/audio"): {},
    ("GET", "/api/v1/recordings/{recording_id}/peaks"): {},
    ("GET", "/api/v1/recordings/{recording_id}/transcript"): {},
    ("GET", "/api/v1/recordings/{recording_id}/transcript.vtt"): {},
    ("GET", "/api/v1/tickets/{ticket}"): {},
    ("PATCH", "/api/v1/tickets/{ticket}"): {"json": {"subject": "mine"}, "headers": {"If-Match": "*"}},
    ("PUT", "/api/v1/tickets/{ticket}/assignment"): {"json": {"assignee": MEI}},
    ("POST", "/api/v1/tickets/{ticket}/notes"): {"json": {"text": "mine"}},
    ("PUT", "/api/v1/tickets/{ticket}/reminder"): {"json": {"at": "2030-01-01T00:00:00Z"}},
    ("DELETE", "/api/v1/tickets/{ticket}/reminder"): {},
    ("GET", "/tickets/{ticket}"): {},
    ("POST", "/tickets/{ticket}"): {"data": {"was": "{}", "subject": "mine"}},
    ("POST", "/tickets/{ticket}/status"): {"data": {"status": "closed"}},
    ("POST", "/tickets/{ticket}/notes"): {"data": {"text": "mine"}},
    ("POST", "/tickets/{ticket}/assignment"): {"data": {"to": MEI, "assignee": MEI}},
    ("POST", "/tickets/{ticket}/reminder"): {"data": {"act": "clear"}},
    ("POST", "/promises/{promise_id}"): {"data": {"act": "reached"}},
}
"""Every address that names what belongs to somebody, with something that would do harm."""


@dataclass
class Belongings:
    """What the queue `support` has, and Mei does not."""

    mei: ClientSession
    ticket: str
    call_id: str
    recording_id: int
    promise_id: int
    customer_id: int

    def at(self, pattern: str) -> str:
        names = {"ticket": self.ticket, "call_id": self.call_id}
        return pattern.format(recording_id=self.recording_id, promise_id=self.promise_id, **names)


@pytest.fixture
async def theirs(desk: WebRoom) -> AsyncIterator[Belongings]:
    """Mei is logged in, with a phone of another queue."""
    await desk.services.accounts.add(MEI, PASSWORD, Role.OPERATOR, "Mei Tanaka", extension="103")
    ticket, call_id = await desk.happen(TALKED), TALKED.call_id(desk.now)
    recording_id = await desk.keep_tape(TALKED, b"sound" * 100, [Phrase("caller", 0, 1, "secret words", 0.9)])
    promise = await desk.services.promises.promise(
        NewPromise(
            call_id=call_id,
            number=NORA,
            line="+18005550100",
            queue="support",
            vip_level=0,
            place_since=desk.now,
            source=PromiseSource.QUEUE,
        )
    )
    async with desk.person(MEI) as mei:
        yield Belongings(mei, ticket, call_id, recording_id, promise.id, desk.customers[NORA][0])


async def test_no_address_is_forgotten(desk: WebRoom) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in desk.site.router.routes()
        if route.resource is not None
    }
    owned = {
        (method, path)
        for method, path in routes
        if method != "HEAD" and any(part in path for part in BELONGS_TO_SOMEBODY)
    }
    assert owned == ADDRESSES.keys()


async def test_another_groups_things_are_not_there(theirs: Belongings, desk: WebRoom) -> None:
    for (method, pattern), given in ADDRESSES.items():
        async with theirs.mei.request(method, theirs.at(pattern), allow_redirects=False, **given) as answer:
            assert answer.status == 404, (method, pattern, answer.status)
            body = await answer.text()
        for secret in ("Whitfield", "secret words", "claim form", NORA[-7:]):
            assert secret not in body, (method, pattern)
    untouched = await desk.services.desk.ticket(int(theirs.ticket.removeprefix("PZ-")) - 1000)
    assert (untouched.ticket.version, untouched.notes) == (1, [])
    assert (await desk.services.promises.line(theirs.promise_id)).promise.ended_at is None
    assert (await desk.services.audit.page(login=MEI)).items == []


async def test_it_reads_the_same_as_what_does_not_exist(theirs: Belongings) -> None:
    nowhere = replace(theirs, ticket="PZ-9876", call_id="none", recording_id=99, promise_id=99)
    for (method, pattern), given in ADDRESSES.items():
        if not pattern.startswith("/api/"):
            continue
        async with theirs.mei.request(method, theirs.at(pattern), **given) as answer:
            there = (await answer.text()).replace(theirs.ticket, "")
        async with theirs.mei.request(method, nowhere.at(pattern), **given) as answer:
            assert (await answer.text()).replace("PZ-9876", "") == there, pattern


async def test_lists_searches_and_histories_leave_it_out(theirs: Belongings, desk: WebRoom) -> None:
    await desk.happen(WAITING)
    for path in ("/api/v1/tickets", "/api/v1/calls", "/api/v1/missed", "/api/v1/promises"):
        async with theirs.mei.get(path) as answer:
            assert (await answer.json())["items"] == [], path
    for path in (
        "/tickets",
        "/calls",
        "/missed",
        "/promises",
        "/now",
        f"/customers/{theirs.customer_id}",
        f"/api/v1/customers/{theirs.customer_id}/timeline",
        f"/search?q={theirs.ticket}",
        "/search?q=secret",
        f"/api/v1/search?q={theirs.ticket}",
        "/api/v1/search?q=secret",
    ):
        async with theirs.mei.get(path) as answer:
            assert answer.status == 200, path
            body = await answer.text()
        assert f'/tickets/{theirs.ticket}"' not in body, path
        assert not path.startswith("/api/") or theirs.ticket not in body, path
        assert "claim form" not in body, path
        assert "secret words" not in body, path
    for path in ("/tickets.csv", "/calls.csv"):  # whole lists are for supervisors
        async with theirs.mei.get(path) as answer:
            assert answer.status == 403


async def test_the_live_board_leaves_it_out(theirs: Belongings, desk: WebRoom, sofia: ClientSession) -> None:
    await desk.happen(WAITING)
    async with theirs.mei.get("/live") as mine, sofia.get("/live") as hers:
        assert "Elena" in await next_event(hers)
        assert "Elena" not in await next_event(mine)


async def test_a_group_opens_its_queues_and_assignment_one_ticket(theirs: Belongings, desk: WebRoom) -> None:
    people, groups, path = desk.services.people, desk.services.groups, f"/api/v1/tickets/{theirs.ticket}"
    mei = await people.by_login(MEI)

    async def status(path: str) -> int:
        async with theirs.mei.get(path) as answer:
            return answer.status

    number = int(theirs.ticket.removeprefix("PZ-")) - 1000
    await desk.services.tickets.assign(number, "sofia", assignee=MEI)
    assert await status(path) == 200
    assert await status(f"/api/v1/recordings/{theirs.recording_id}") == 403  # seen, but not heard
    await desk.services.tickets.assign(number, "sofia")
    assert await status(path) == 404
    group = await groups.create("ada", "Claims", ["support"], [mei.id])
    assert await status(path) == 200
    assert await status(f"/api/v1/recordings/{theirs.recording_id}") == 403
    await people.change("ada", mei.id, replace((await people.by_login(MEI)).rights, hears_group=True))
    assert await status(f"/api/v1/recordings/{theirs.recording_id}") == 200
    await groups.delete("ada", group.id)
    assert await status(path) == 404
    assert await status(f"/api/v1/recordings/{theirs.recording_id}") == 404
