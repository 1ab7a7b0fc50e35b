"""The reconciler goes on, whatever a vendor's records look like, and gives a call up only when it may."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from cti.virtual_pbx.abandoned import Abandoned
from cti.virtual_pbx.contract import CommandLate, CommandRefused, NotOffered, neutral_id
from cti.virtual_pbx.intake import FactIntake
from cti.virtual_pbx.reconciler import FIRST_LOOK, OVERLAP, PastCalls
from cti.virtual_pbx.silence import ABANDONED_AFTER, GIVEN_UP_AFTER
from cti.virtual_pbx.vendors.generic import GenericPush
from tests.fakes.until import until
from tests.fakes.virtual_pbx import START, house, settings_of
from tickets.call import Call
from tickets.database import DatabaseAway
from tickets.events import CallEvent
from tickets.facts import Fact, FactBook
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

CALL, OTHER = neutral_id("generic", "a call"), neutral_id("mango", "of another")


def fact(fact_id: str, call_id: str = CALL, at: datetime = START) -> Fact:
    return Fact("generic", fact_id, call_id, "newCall", at)


class Archivist(GenericPush):
    """What it has of past calls stands in `records`, one answer after the other; the last one stays."""

    def __init__(self) -> None:
        super().__init__(settings_of("generic"), replace(house(), clock=lambda: self.now))
        self.now = START
        self.records: list[list[Fact] | Exception] = [[]]
        self.asked: list[datetime] = []

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        self.asked.append(since)
        answer = self.records.pop(0) if len(self.records) > 1 else self.records[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Facts:
    """`FactBook`, in memory."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.trouble: Exception | None = None

    async def keep(self, facts: Sequence[Fact]) -> list[Fact]:
        if self.trouble is not None:
            raise self.trouble
        known = {one.fact_id for one in self.facts}
        new = [one for one in facts if one.fact_id not in known]
        self.facts += new
        return new

    async def of_calls(self, call_ids: Collection[str]) -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = {}
        for one in self.facts:
            if one.call_id in call_ids:
                found.setdefault(one.call_id, []).append(one)
        return found


class Room:
    """A vendor, its reconciler, and a ledger with one live call of it and one of somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.vendor, self.facts, self.told = Archivist(), Facts(), list[CallEvent]()
        self.facts.facts = [fact("began")]
        self.calls = [Call(call_id=call_id, received_at=START) for call_id in (CALL, OTHER)]
        self.intake = FactIntake(self.facts.keep, lambda new: None, folder, gather_s=0, retry_s=0.005)
        book = cast(FactBook, self.facts)
        self.past = PastCalls(
            self.vendor, self.intake, book, self.unfinished, self.told.append, every_s=300, look_s=0.002
        )
        self.connected = set[str]()
        self.abandoned = Abandoned(
            lambda: self.calls, self.unfinished, book, self.told.append, lambda: self.vendor.now,
            self.connected,
        )  # fmt: skip

    async def unfinished(self) -> list[Call]:
        return self.calls

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.intake.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def rounds(self, lasting: timedelta, step: timedelta = timedelta(seconds=15)) -> int:
        """Look as often as the service does; how often the vendor was asked."""
        before, end = len(self.vendor.asked), self.vendor.now + lasting
        while self.vendor.now < end:
            self.vendor.now += step
            try:
                await self.past.look()
            except (CommandLate, CommandRefused, DatabaseAway):
                continue
        return len(self.vendor.asked) - before


async def test_a_call_is_given_up_when_the_vendor_was_asked_about_it_in_vain(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.open():
        await room.rounds(GIVEN_UP_AFTER - timedelta(minutes=1))
        assert room.told == []
        await room.rounds(timedelta(minutes=25))
    ends = {event.source_id: event for event in room.told}
    assert list(ends) == [f"given_up:{CALL}"]
    [end] = ends.values()
    assert (end.kind, end.at, end.call_id) == (EventKind.ENDED, START, CALL)


@pytest.mark.parametrize("error", [CommandLate("Busy."), CommandRefused("No.")])
async def test_a_call_is_not_given_up_as_long_as_its_vendor_does_not_answer(
    tmp_path: Path, error: Exception
) -> None:
    room = Room(tmp_path)
    room.vendor.records = [[], error]
    async with room.open():
        await room.rounds(GIVEN_UP_AFTER * 2)
        assert room.told == []
        room.vendor.records = [[fact("ended", at=START + timedelta(minutes=3))]]  # it knew all the time
        await room.rounds(timedelta(seconds=60))
        assert room.told == []
        room.calls = room.calls[1:]  # and the teller has ended it
        await room.rounds(timedelta(hours=1))
    assert room.told == []


async def test_a_vendor_without_records_leaves_nothing_to_ask(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.vendor.records = [NotOffered()]
    async with room.open():
        await room.rounds(GIVEN_UP_AFTER + timedelta(minutes=25))
    assert {event.call_id for event in room.told} == {CALL}


async def test_what_the_vendor_told_and_the_database_does_not_have_yet_is_waited_for(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.vendor.now += GIVEN_UP_AFTER
    room.vendor.records = [[fact("ended")], []]
    room.facts.trouble = DatabaseAway("gone")
    async with room.open():
        await room.rounds(timedelta(seconds=60))
        assert (room.intake.behind, room.told) == (True, [])
        room.facts.trouble = None
        await until(lambda: not room.intake.behind)
        await room.rounds(timedelta(seconds=30))  # the teller has its time
    assert room.told == []


async def test_a_call_without_any_fact_is_given_up_too(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.facts.facts = []
    async with room.open():
        await room.rounds(GIVEN_UP_AFTER + timedelta(minutes=25))
    assert {event.call_id for event in room.told} == {CALL}


async def test_many_talks_that_fall_silent_one_by_one_do_not_make_many_questions(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.calls = [
        Call(call_id=neutral_id("generic", str(number)), received_at=START + timedelta(seconds=15 * number))
        for number in range(240)
    ]
    room.facts.facts = [fact(call.call_id, call.call_id, call.received_at) for call in room.calls]
    async with room.open():
        assert await room.rounds(timedelta(hours=1)) <= 60 + 1


async def test_a_long_talk_does_not_make_every_question_go_back_to_its_beginning(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.open():
        asked = await room.rounds(timedelta(hours=3))
    far = [since for since in room.vendor.asked[1:] if since == START]
    assert asked >= 36  # every five minutes all the same
    assert len(far) <= 6 + 3 * 3  # the call's own, ever less often


async def test_a_question_that_failed_is_asked_again_about_the_same_call(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.vendor.records = [[], CommandLate("Busy."), []]
    async with room.open():
        await room.rounds(timedelta(seconds=120))
    since = START + timedelta(seconds=15) - OVERLAP
    assert room.vendor.asked == [START + timedelta(seconds=15) - FIRST_LOOK, since, since]


async def test_the_same_trouble_is_said_once_whatever_its_words_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    room = Room(tmp_path)
    room.vendor.records = [
        *(CommandLate(f"+12025550143 waits {seconds} s.") for seconds in range(4)),
        *(CommandRefused(f"key-{number}") for number in range(2)),
        CommandLate("+12025550143"),
        [],
    ]
    room.past = PastCalls(
        room.vendor, room.intake, cast(FactBook, room.facts), room.unfinished, room.told.append,
        every_s=0.004, look_s=0.002,
    )  # fmt: skip
    async with room.open():
        task = asyncio.create_task(room.past.run())
        await until(lambda: len(room.vendor.asked) >= 8)
        await until(lambda: room.past._trouble == "")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    said = capsys.readouterr().out
    assert said.count("past_calls_failed") == 3
    assert said.count("past_calls_go_on") == 1
    assert "5550143" not in said
    assert "key-" not in said


async def test_records_that_make_no_sense_are_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    room = Room(tmp_path)
    room.vendor.records = [KeyError("+12025550143"), [fact("record-1")]]
    async with room.open():
        task = asyncio.create_task(room.past.run())
        await until(lambda: any(one.fact_id == "record-1" for one in room.facts.facts))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert room.vendor.asked[:2] == [START - FIRST_LOOK] * 2
    said = capsys.readouterr().out
    assert "past_calls_unread" in said
    assert "5550143" not in said


async def test_a_call_whose_pbx_is_connected_no_more_is_ended_after_a_day(tmp_path: Path) -> None:
    room = Room(tmp_path)
    own = Call(call_id="pz-1763750000.12", received_at=START)
    room.calls, room.facts.facts = [*room.calls, own], [fact("spoke", at=START + timedelta(hours=1))]
    room.vendor.now = START + ABANDONED_AFTER
    await room.abandoned.look()
    assert [event.call_id for event in room.told] == [OTHER]  # of the one more was told later
    room.vendor.now += timedelta(hours=1)
    await room.abandoned.look()
    assert {(event.call_id, event.source, event.kind) for event in room.told} == {
        (OTHER, "mango", EventKind.ENDED),
        (CALL, "generic", EventKind.ENDED),
    }


async def test_a_call_whose_pbx_is_connected_is_left_to_it_for_some_hours_more(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.connected.add("generic")
    room.vendor.now += ABANDONED_AFTER * 2  # so long nobody was here; now the vendor is about to be asked
    await room.abandoned.look()
    assert {event.call_id for event in room.told} == {OTHER}
    room.vendor.now += GIVEN_UP_AFTER - timedelta(minutes=1)
    await room.abandoned.look()
    assert {event.call_id for event in room.told} == {OTHER}
    room.vendor.now += timedelta(minutes=1)
    await room.abandoned.look()
    assert {event.call_id for event in room.told} == {OTHER, CALL}


async def test_looking_for_abandoned_calls_goes_on_when_the_database_does(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.vendor.now += ABANDONED_AFTER
    answers: list[Exception] = [DatabaseAway("gone")] * 2
    unfinished = room.unfinished

    async def troubled() -> list[Call]:
        if answers:
            raise answers.pop()
        return await unfinished()

    book = cast(FactBook, room.facts)
    abandoned = Abandoned(
        lambda: room.calls, troubled, book, room.told.append, lambda: room.vendor.now, (), look_s=0.002
    )
    task = asyncio.create_task(abandoned.run())
    await until(lambda: len(room.told) >= 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
