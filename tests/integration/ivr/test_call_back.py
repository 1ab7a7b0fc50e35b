"""The offer to be called back, over a real FastAGI socket, with a scripted caller."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest

from ivr.call_back import CallBackDesk
from ivr.call_back_rules import PROMPTS
from ivr.pieces import Rendered
from ivr.prompts import PromptBook
from ivr.server import FastAgiServer
from tests.fakes.agi_client import HANG_UP, AgiClient
from tickets.database import DatabaseLate
from tickets.events import CallEvent
from tickets.promise import NewPromise, Promise
from tickets.vocabulary import EventKind, PromiseSource, PromiseState

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
WAITING = {"PZ_LINE": "+18005550100", "PZ_QUEUE": "support", "PZ_SINCE": "1795190400", "PZ_NEXT": "operator"}
CONFIRM, PROMISED = "call_back_confirm", "call_back_promised"


class NoVoice:
    """A voice that is never asked: these prompts are ready."""

    async def render(self, text: str) -> Path:
        raise AssertionError

    async def render_all(self, texts: Any, progress: Any = None) -> list[Path]:
        raise AssertionError


class House:
    """The desk for call-backs behind a real door, and a promise list in memory."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.promises: list[NewPromise] = []
        self.list_is_there = asyncio.Event()
        self.list_is_there.set()
        self.fault: Exception | None = None
        sounds = {name: (Rendered(PurePath("/prompts") / name, 0.8),) for name in PROMPTS}
        quiet = {"quiet-4": (Rendered(PurePath("/prompts/quiet"), 1.0),) * 4}
        self.desk = CallBackDesk(
            PromptBook(sounds | quiet, NoVoice(), Path("/prompts")),
            self.store,
            lambda raw: raw if raw.startswith("+") else None,
            lambda call_id: 2,
            self.events.append,
            lambda: NOW,
        )
        self.server = FastAgiServer("127.0.0.1", 0, self.desk.serve)

    async def store(self, new: NewPromise) -> Promise:
        await self.list_is_there.wait()
        if self.fault is not None:
            raise self.fault
        self.promises.append(new)
        what = {field.name: getattr(new, field.name) for field in fields(NewPromise)}
        return Promise(
            **what, id=7, promised_at=NOW, state=PromiseState.OPEN, joined_to=None, due_at=NOW, attempts=0,
            ended_at=None, ended_by=None, reason=None, ended_in=None,
        )  # fmt: skip

    async def visit(self, keys: dict[str, str], **channel: Any) -> AgiClient:
        client = AgiClient(keys, variables=WAITING, script="call-back", **channel)
        await client.call(self.server.port)
        if not client.hung_up:
            assert client.fuses[-1] == 0, "the fuse must be out when the caller goes on"
        return client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.server.start()
    yield house
    await house.server.stop()


async def test_who_takes_it_is_promised_a_call_at_their_place_and_told_so(house: House) -> None:
    client = await house.visit({CONFIRM: "1"})
    assert client.played == [CONFIRM, PROMISED]
    assert client.variables["PZ_NEXT"] == "bye"
    (promise,) = house.promises
    assert promise == NewPromise(
        call_id="pz-1.1",
        number="+12125550123",
        line="+18005550100",
        queue="support",
        vip_level=2,
        place_since=datetime.fromtimestamp(1795190400, UTC),
        source=PromiseSource.QUEUE,
    )
    (event,) = house.events
    assert (event.kind, event.data) == (EventKind.CALL_BACK_PROMISED, {"promise": 7})


@pytest.mark.parametrize("keys", [{}, {CONFIRM: "0"}, {f"{CONFIRM}?": "0"}, {CONFIRM: "5"}])
async def test_whoever_does_not_take_it_goes_on_waiting(house: House, keys: dict[str, str]) -> None:
    client = await house.visit(keys)
    assert client.variables["PZ_NEXT"] == "operator"
    assert (house.promises, house.events) == ([], [])
    assert PROMISED not in client.played


async def test_it_may_be_taken_in_the_silence_after_the_question(house: House) -> None:
    client = await house.visit({f"{CONFIRM}?": "1"})
    assert client.variables["PZ_NEXT"] == "bye"


@pytest.mark.parametrize("caller", ["unknown", "anonymous", "101"])
async def test_nobody_without_a_number_is_asked(house: House, caller: str) -> None:
    client = await house.visit({CONFIRM: "1"}, caller=caller)
    assert client.played == []
    assert client.variables["PZ_NEXT"] == "operator"


async def test_nobody_is_told_of_a_promise_that_is_not_stored(house: House) -> None:
    house.fault = DatabaseLate("late")
    client = await house.visit({CONFIRM: "1"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert PROMISED not in client.played
    assert house.events == []


async def test_a_promise_list_that_does_not_answer_costs_a_second_at_most(house: House) -> None:
    house.list_is_there.clear()
    client = await house.visit({CONFIRM: "1"})
    assert client.variables["PZ_NEXT"] == "operator"
    assert PROMISED not in client.played


async def test_who_hangs_up_before_the_goodbye_is_still_called(house: House) -> None:
    client = await house.visit({CONFIRM: "1", PROMISED: HANG_UP})
    assert client.hung_up
    assert len(house.promises) == 1
    assert len(house.events) == 1


async def test_who_hangs_up_at_the_question_was_promised_nothing(house: House) -> None:
    client = await house.visit({CONFIRM: HANG_UP})
    assert client.hung_up
    assert house.promises == []
