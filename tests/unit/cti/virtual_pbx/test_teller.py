"""From facts to the ledger: each event once for who listens, nothing lost, nothing in the way of others."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from cti.virtual_pbx.contract import Tape, VirtualPbx, neutral_id
from cti.virtual_pbx.teller import AT_ONCE, LEFT_OVER, Teller
from cti.virtual_pbx.vendors.generic import GenericPush
from tests.fakes.until import until
from tests.fakes.virtual_pbx import START, house, settings_of
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.facts import Fact, FactBook
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit


def fact(native: str, kind: str, seconds: int = 0) -> Fact:
    data = {"callId": native, "from": "+12025550143", "to": "+18005550100", "direction": "in"}
    call_id, at = neutral_id("generic", native), START + timedelta(seconds=seconds)
    return Fact("generic", f"{kind}-{native}", call_id, kind, at, {"event": kind, **data})


class FakeFacts:
    """`FactBook`, in memory; kept long ago."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.told_ids: set[str] = set()
        self.trouble = 0  # questions that fail
        self.sweeps: list[Collection[str]] = []

    async def of_calls(self, call_ids: Collection[str]) -> dict[str, list[Fact]]:
        self._fail()
        found: dict[str, list[Fact]] = {}
        for one in self.facts:
            if one.call_id in call_ids:
                found.setdefault(one.call_id, []).append(one)
        return found

    async def untold(
        self, before: datetime, sources: Collection[str], but: Collection[str] = (), limit: int = 500
    ) -> list[Fact]:
        self._fail()
        assert before == START - LEFT_OVER
        self.sweeps.append(set(but))
        return [
            one
            for one in self.facts
            if one.fact_id not in self.told_ids and one.source in sources and one.call_id not in but
        ][:limit]

    async def told(self, facts: Sequence[Fact]) -> None:
        self._fail()
        self.told_ids |= {one.fact_id for one in facts}

    def _fail(self) -> None:
        if self.trouble:
            self.trouble -= 1
            raise DatabaseAway("gone")


class Stumbling(GenericPush):
    """Does not understand calls of which something stands in `riddles`."""

    riddles: frozenset[str] = frozenset()

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        if any(one.data["callId"] in self.riddles for one in facts):
            raise ValueError("+12025550143 is no number")
        return super().tell(facts)


class Room:
    def __init__(self, sweep_s: float = 0.02) -> None:
        self.book, self.vendor = FakeFacts(), Stumbling(settings_of("generic"), house())
        self.ledger: list[CallEvent] = []
        self.published: list[CallEvent] = []
        self.settles = True
        self.vendors: dict[str, VirtualPbx[Any]] = {"generic": self.vendor}
        self.teller = Teller(
            self.vendors,
            cast(FactBook, self.book),
            self._story,
            self.published.append,
            self._settled,
            self._tapes,
            lambda: START,
            sweep_s=sweep_s,
            retry_s=0.005,
        )

    async def _story(self, call_id: str) -> list[CallEvent]:
        return [event for event in self.ledger if event.call_id == call_id]

    async def _settled(self, deadline_s: float) -> bool:
        await asyncio.sleep(0)
        if self.settles:
            self.ledger += [event for event in self.published if event not in self.ledger]
        return self.settles

    async def _tapes(self, tapes: Sequence[Tape]) -> None:
        assert tapes

    def keep(self, *facts: Fact) -> None:
        self.book.facts += facts
        self.teller.kept(facts)

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.published]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.teller.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def all_told(self, *but: str) -> None:
        ids = {one.fact_id for one in self.book.facts if one.data["callId"] not in but}
        await until(lambda: ids <= self.book.told_ids)


async def test_listeners_hear_each_event_once_however_often_it_is_told() -> None:
    room = Room()
    async with room.open():
        room.keep(fact("a", "newCall"))
        await room.all_told()
        room.keep(fact("a", "answer", 5))
        room.teller.kept([fact("a", "newCall")])  # of another node, or told again
        await room.all_told()
        room.keep(fact("a", "hangup", 9))
        await room.all_told()
    assert room.kinds == [
        EventKind.RECEIVED,
        EventKind.OPERATOR_ANSWERED,
        EventKind.OPERATOR_LEFT,
        EventKind.ENDED,
    ]


async def test_what_the_ledger_has_already_is_not_published_again() -> None:
    room = Room()
    room.book.facts = [fact("a", "newCall"), fact("a", "hangup", 9)]
    room.ledger = room.vendor.tell(room.book.facts)[:1]
    async with room.open():
        await room.all_told()
    assert room.kinds == [EventKind.ENDED]


async def test_what_an_earlier_service_kept_and_did_not_tell_is_told_at_once() -> None:
    room = Room(sweep_s=3600)
    room.book.facts = [fact(str(number), "newCall") for number in range(AT_ONCE * 2 + 5)]
    async with room.open():
        await room.all_told()  # more than one sweep takes
    assert len(room.published) == AT_ONCE * 2 + 5


async def test_facts_count_as_told_only_when_the_ledger_has_what_follows() -> None:
    room = Room()
    room.settles = False
    async with room.open():
        room.keep(fact("a", "newCall"))
        await until(lambda: len(room.book.sweeps) >= 3)
        assert room.book.told_ids == set()
        room.settles = True
        await room.all_told()
    assert room.kinds == [EventKind.RECEIVED]


async def test_while_the_database_is_away_nothing_is_lost() -> None:
    room = Room()
    room.book.trouble = 7
    async with room.open() as task:
        room.keep(fact("a", "newCall"), fact("b", "newCall"))
        room.keep(fact("a", "hangup", 9))
        await room.all_told()
        assert not task.done()
    assert sorted(room.kinds) == [EventKind.ENDED, EventKind.RECEIVED, EventKind.RECEIVED]


async def test_a_busy_day_does_not_keep_left_over_facts_waiting() -> None:
    room = Room(sweep_s=0.03)
    async with room.open():
        room.keep(fact("first", "newCall"))
        await room.all_told()
        room.book.facts.append(fact("of-a-dead-node", "newCall"))
        async with asyncio.timeout(5):
            number = 0
            while "newCall-of-a-dead-node" not in room.book.told_ids:
                number += 1
                room.keep(fact(f"busy-{number}", "newCall"))
                await asyncio.sleep(0.002)


async def test_a_call_that_makes_no_sense_stops_nobody_and_is_told_once_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    room = Room()
    room.vendor.riddles = frozenset({"riddle"})
    async with room.open() as task:
        room.keep(fact("riddle", "newCall"), fact("clear", "newCall"))
        await room.all_told("riddle")
        await until(lambda: any(room.book.sweeps[-1:]))  # it is passed over by now
        assert not task.done()
    assert "newCall-riddle" not in room.book.told_ids
    said = capsys.readouterr().out
    assert "facts_unread" in said
    assert "5550143" not in said  # the error's message has it
    after = Room()  # a release that understands it
    after.book.facts = room.book.facts
    async with after.open():
        await after.all_told()
    assert len(after.published) == 2


async def test_facts_of_a_pbx_that_is_connected_elsewhere_are_left_to_those_who_know_it() -> None:
    room = Room()
    del room.vendors["generic"]
    room.book.facts = [fact("a", "newCall")]
    async with room.open():
        await until(lambda: len(room.book.sweeps) >= 3)
    assert room.book.told_ids == set()


async def test_what_was_told_of_a_connection_that_was_removed_waits_until_it_is_back() -> None:
    room = Room()
    async with room.open():
        del room.vendors["generic"]
        room.keep(fact("a", "newCall"))  # its webhook was at the door when the connection went
        await until(lambda: len(room.book.sweeps) >= 3)
        assert room.book.told_ids == set()
        room.vendors["generic"] = room.vendor
        await room.all_told()
    assert room.kinds == [EventKind.RECEIVED]
