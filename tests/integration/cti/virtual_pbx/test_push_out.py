"""Our calls told to other help desks: real HTTP, both databases."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from cti.assembly.push import ended_since
from cti.virtual_pbx.push.sender import JOB, OLD, PushOutbox, PushSender
from cti.virtual_pbx.push.settings import PushSettings, Target
from cti.virtual_pbx.settings import Secret
from tests.fakes.standard_webhooks import is_signed
from tests.fakes.virtual_pbx import START
from tickets.call import replay
from tickets.database import Database
from tickets.desk import Desk
from tickets.events import CallEvent
from tickets.jobs import JobQueue, Worker
from tickets.ledger import CallBook, CallChange
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's example


@dataclass
class HelpDesk:
    """Somebody else's help desk: keeps what it was told, and answers as it is told to."""

    answers: list[int] = field(default_factory=list)  # statuses; then 200
    told: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 200
        self.headers.append(request.headers)
        self.bodies.append(body)
        if status == 200:
            self.told.append(json.loads(body))
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class House:
    """The sending side."""

    desk: HelpDesk
    jobs: JobQueue
    sender: PushSender
    outbox: PushOutbox
    clock: Clock
    settings: list[PushSettings]
    worker: Worker
    asked: asyncio.Event

    async def happens(self, *events: CallEvent) -> None:
        """The ledger has this; return once there are jobs of it."""
        self.asked.clear()
        self.outbox.changed(
            [CallChange(event, replay(events[: n + 1]), 1, n == 0) for n, event in enumerate(events)]
        )
        await asyncio.wait_for(self.asked.wait(), 10)

    async def work(self) -> int:
        """Do what is due now; how many jobs that were."""
        done = 0
        while (job := await self.jobs.lease([JOB], 30)) is not None:
            done += 1
            await self.worker._do(job)
        return done

    def events(self) -> list[str]:
        return [one["event"] for one in self.desk.told]


@asynccontextmanager
async def house(database: Database, **changes: Any) -> AsyncIterator[House]:
    desk, clock, asked = HelpDesk(), Clock(), asyncio.Event()
    app = web.Application()
    app.router.add_post("/{path:.*}", desk.take)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        desk.url = f"http://{server.host}:{server.port}/api/v1/cti/token"
        target = Target(url=SecretStr(desk.url), secrets=(Secret(value=SecretStr(SECRET)),), **changes)
        settings = [PushSettings(targets={"desk": target})]
        jobs = JobQueue(database.sessions, clock)
        outbox = PushOutbox(jobs, lambda: settings[0], lambda: {"101": "Anna Berg"}, asked.set, clock)
        seconds = lambda: clock.now.timestamp()  # noqa: E731
        sender = PushSender(jobs, lambda: settings[0], session, clock, seconds)
        worker = Worker(jobs, {JOB: sender.handle})
        running = asyncio.create_task(outbox.run())
        try:
            yield House(desk, jobs, sender, outbox, clock, settings, worker, asked)
        finally:
            running.cancel()
            await asyncio.wait([running])


def call(call_id: str = "pz-1", at: datetime = START) -> Sequence[CallEvent]:
    def event(kind: EventKind, at_s: float, **data: str) -> CallEvent:
        return CallEvent("ami", f"{call_id}{kind}", call_id, at + timedelta(seconds=at_s), kind, data)

    return (
        event(
            EventKind.RECEIVED, 0, caller="+12025550143", caller_raw="x", line="+1800", direction="inbound"
        ),
        event(EventKind.OPERATOR_ANSWERED, 5, operator="101"),
        event(EventKind.ENDED, 50, cause="16"),
    )


async def test_a_call_is_told_in_its_order_and_signed(database: Database) -> None:
    async with house(database) as we:
        await we.happens(*call())
        await we.work()
        while we.events() != ["newCall", "answer", "hangup"]:
            we.clock.pass_s(2)
            assert await we.work()
        for headers, body in zip(we.desk.headers, we.desk.bodies, strict=True):
            assert is_signed(headers, body, [SECRET], we.clock.now)
        assert len({headers["webhook-id"] for headers in we.desk.headers}) == 3


async def test_what_is_told_twice_is_sent_once(database: Database) -> None:
    async with house(database) as we:
        await we.happens(*call())
        await we.happens(*call())
        await we.outbox.catch_up([call()])
        await asyncio.wait_for(we.asked.wait(), 10)
        for _ in range(6):
            await we.work()
            we.clock.pass_s(5)
        assert we.events() == ["newCall", "answer", "hangup"]


async def test_a_desk_that_fails_is_asked_again_under_the_same_id_and_order_is_kept(
    database: Database,
) -> None:
    async with house(database) as we:
        we.desk.answers = [500, 302, 429]
        await we.happens(*call())
        for _ in range(12):
            await we.work()
            we.clock.pass_s(8)
        assert we.events() == ["newCall", "answer", "hangup"]
        first = [headers["webhook-id"] for headers in we.desk.headers[:4]]
        assert len(set(first)) == 1


async def test_the_pause_grows_with_the_age(database: Database) -> None:
    async with house(database) as we:
        we.desk.answers = [500] * 4
        await we.happens(*call()[:1])
        attempts = []
        for second in range(30):
            if await we.work():
                attempts.append(second)
            we.clock.pass_s(1)
        assert attempts == [0, 1, 2, 4, 8]


async def test_a_desk_that_fails_in_a_row_is_left_alone(database: Database) -> None:
    async with house(database) as we:
        we.desk.answers = [500] * 100
        for number in range(12):
            await we.happens(*call(f"pz-{number}")[:1])
        await we.work()
        assert len(we.desk.bodies) == 5
        we.clock.pass_s(31)
        await we.work()
        assert len(we.desk.bodies) == 6  # one, to see
        we.desk.answers = []
        we.clock.pass_s(100)
        await we.work()
        we.clock.pass_s(700)
        await we.work()
        assert len(we.desk.told) == 12


async def test_what_cannot_be_told_in_time_is_on_a_list_and_can_be_tried_again(database: Database) -> None:
    async with house(database, give_up_h=1) as we:
        we.desk.answers = [403] * 100
        await we.happens(*call()[:1])
        await we.work()
        we.clock.pass_s(3700)
        await we.work()
        (dead,) = await we.jobs.dead(JOB)
        assert dead.payload["event"] == "newCall"
        assert "token" in dead.error
        assert we.desk.url not in dead.error
        we.desk.answers = []
        assert await we.jobs.revive(JOB) == 1
        await we.work()
        assert we.events() == ["newCall"]
        assert await we.jobs.dead(JOB) == []


async def test_a_desk_that_was_removed_is_told_nothing_more(database: Database) -> None:
    async with house(database) as we:
        await we.happens(*call()[:1])
        we.settings[0] = PushSettings()
        await we.work()
        assert we.desk.bodies == []
        assert len(await we.jobs.dead(JOB)) == 1


async def test_a_desk_that_is_not_there_costs_a_sentence(database: Database) -> None:
    async with house(database, give_up_h=0.01) as we:
        away = Target(url=SecretStr("http://127.0.0.1:9/secret-token"), give_up_h=0.01)
        we.settings[0] = PushSettings(targets={"desk": away})
        await we.happens(*call()[:1])
        await we.work()
        we.clock.pass_s(60)
        await we.work()
        (dead,) = await we.jobs.dead(JOB)
        assert "cannot be reached" in dead.error
        assert "secret-token" not in dead.error


async def test_old_news_is_no_news(database: Database) -> None:
    async with house(database) as we:
        await we.outbox.catch_up([call("pz-old", START - timedelta(hours=5))])
        await we.happens(*call("pz-new")[:1])
        await we.work()
        assert [one["callId"] for one in we.desk.told] == ["pz-new"]


async def test_what_comes_before_the_beginning_of_its_call_is_held(database: Database) -> None:
    async with house(database) as we:
        received, answered, ended = call()
        await we.happens(answered)  # a vendor's webhooks come in any order
        await we.happens(ended)
        await we.work()
        assert we.desk.bodies == []
        await we.happens(received)
        for _ in range(8):
            await we.work()
            we.clock.pass_s(2)
        assert we.events() == ["newCall", "answer", "hangup"]


async def test_of_a_call_whose_beginning_was_never_told_nothing_else_is(database: Database) -> None:
    async with house(database) as we:
        await we.happens(*call()[1:])  # the target was added in between
        for _ in range(20):
            await we.work()
            we.clock.pass_s(600)
        assert we.desk.bodies == []
        assert {dead.payload["event"] for dead in await we.jobs.dead(JOB)} == {"answer", "hangup"}


async def test_of_a_call_whose_beginning_could_not_be_told_nothing_is_told_until_it_is_tried_again(
    database: Database,
) -> None:
    async with house(database, give_up_h=1) as we:
        we.desk.answers = [503] * 100
        await we.happens(*call()[:1])
        await we.work()
        we.clock.pass_s(3000)
        await we.work()
        await we.happens(*call())
        we.clock.pass_s(700)
        await we.work()
        we.desk.answers = []
        we.clock.pass_s(700)
        await we.work()
        assert we.desk.told == []
        assert await we.jobs.revive(JOB) == 3
        for _ in range(8):
            await we.work()
            we.clock.pass_s(60)
        assert we.events() == ["newCall", "answer", "hangup"]


async def test_all_calls_that_ended_lately_are_caught_up_with(database: Database) -> None:
    book, now = CallBook(database.sessions), START + timedelta(hours=5)
    lengths_s = {"one": 40, "two": 50, "three": 60, "long": 4 * 3600 - 120, "old": 45}
    for name, length_s in lengths_s.items():
        ended = now - (timedelta(minutes=70) if name == "old" else timedelta(minutes=55))
        received, _, last = call(f"pz-{name}", ended - timedelta(seconds=length_s))
        await book.record([received, replace(last, at=ended)])
    found = await ended_since(Desk(database.sessions), now - OLD, at_once=2)
    assert sorted(found) == ["pz-long", "pz-one", "pz-three", "pz-two"]


async def test_a_worker_that_was_killed_leaves_nothing_untold(database: Database) -> None:
    async with house(database) as we:
        await we.happens(*call()[:1])
        assert await we.jobs.lease([JOB], 30) is not None  # and its worker dies
        assert await we.work() == 0
        we.clock.pass_s(31)
        await we.work()
        assert we.events() == ["newCall"]


@pytest.mark.parametrize("call_id", ["generic-" + "0" * 24])
async def test_a_call_that_was_pushed_to_us_goes_nowhere(database: Database, call_id: str) -> None:
    async with house(database) as we:
        we.outbox.changed([CallChange(event, replay(call(call_id)), 1, False) for event in call(call_id)])
        await we.happens(*call("pz-2")[:1])
        await we.work()
        assert [one["callId"] for one in we.desk.told] == ["pz-2"]
