"""The one way into the ledger, with a ledger that fails now and then."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti.intake import Intake
from cti.spill import Spill, SpillUnusable, from_line, to_line
from tests.fakes.call_book import FakeCallBook
from tickets.database import DatabaseLate, DatabaseTrouble
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 11, 21, 20, tzinfo=UTC)


def event(number: int, call_id: str = "pz-1795293936.1") -> CallEvent:
    at = BEGAN + timedelta(seconds=number)
    return CallEvent("ami", f"event-{number}", call_id, at, EventKind.RECEIVED, {"caller_raw": "Zoë"}, number)


def intake_into(book: FakeCallBook, folder: Path, told: list[CallChange], **limits: int) -> Intake:
    return Intake(
        book.record, told.extend, folder, gather_s=0, retry_first_s=0.001, retry_most_s=0.002, **limits
    )


@asynccontextmanager
async def running(intake: Intake) -> AsyncIterator[Callable[[], asyncio.Task[None]]]:
    task = asyncio.create_task(intake.run())
    try:
        yield lambda: task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_records_what_is_published_and_tells_after_that(tmp_path: Path) -> None:
    book, told = FakeCallBook(), list[CallChange]()
    intake = intake_into(book, tmp_path, told)
    async with running(intake):
        for number in range(5):
            intake.publish(event(number))
        assert await intake.settle(5)
    assert (
        [change.event for change in told]
        == [event(number) for number in range(5)]
        == list(book.events.values())
    )
    assert len(book.batches) == 1
    assert (intake.recorded, intake.waiting, intake.lost) == (5, 0, 0)


async def test_it_keeps_batches_small_and_in_order(tmp_path: Path) -> None:
    book = FakeCallBook()
    intake = intake_into(book, tmp_path, [], batch=4)
    async with running(intake):
        for number in range(10):
            intake.publish(event(number))
        assert await intake.settle(5)
    assert [len(batch) for batch in book.batches] == [4, 4, 2]
    assert list(book.events.values()) == [event(number) for number in range(10)]


async def test_it_tells_of_a_repeated_event_once(tmp_path: Path) -> None:
    book, told = FakeCallBook(), list[CallChange]()
    intake = intake_into(book, tmp_path, told)
    async with running(intake):
        intake.publish(event(1))
        intake.publish(event(1))
        await intake.settle(5)
        intake.publish(event(1))
        await intake.settle(5)
    assert len(told) <= 2
    assert len(book.events) == 1


async def test_it_waits_while_the_database_is_away_and_loses_nothing(tmp_path: Path) -> None:
    book, told = FakeCallBook(), list[CallChange]()
    book.failures = [DatabaseTrouble("away")] * 3
    intake = intake_into(book, tmp_path, told)
    async with running(intake):
        for number in range(5):
            intake.publish(event(number))
        assert not told
        assert await intake.settle(5)
    assert [change.event for change in told] == [event(number) for number in range(5)]
    assert intake.trouble is None


async def test_it_puts_what_memory_cannot_hold_into_a_file_and_keeps_the_order(tmp_path: Path) -> None:
    book = FakeCallBook()
    intake = intake_into(book, tmp_path, [], hold=3, batch=2)
    for number in range(10):
        intake.publish(event(number))
    assert intake.waiting == 3
    file = tmp_path / "waiting-events.jsonl"
    assert len(file.read_bytes().splitlines()) == 7
    assert file.stat().st_mode & 0o077 == 0  # callers' numbers are in it
    async with running(intake):
        assert await intake.settle(5)
        intake.publish(event(10))
        assert await intake.settle(5)
    assert list(book.events.values()) == [event(number) for number in range(11)]
    assert not file.exists()


async def test_it_leaves_the_rest_for_the_next_start(tmp_path: Path) -> None:
    book = FakeCallBook()
    book.failures = [DatabaseTrouble("away")] * 1000
    first = intake_into(book, tmp_path, [])
    async with running(first):
        first.publish(event(1))
        assert not await first.settle(0.01)
        assert first.trouble == "away"
    book.failures = []
    second = intake_into(book, tmp_path, [])
    async with running(second):
        assert await second.settle(5)
    assert list(book.events.values()) == [event(1)]


async def test_it_passes_over_a_line_that_a_kill_left_half_written(tmp_path: Path) -> None:
    (tmp_path / "waiting-events.jsonl").write_bytes(to_line(event(1)) + to_line(event(2))[:20])
    book = FakeCallBook()
    intake = intake_into(book, tmp_path, [])
    intake.publish(event(3))
    async with running(intake):
        assert await intake.settle(5)
    assert list(book.events.values()) == [event(1), event(3)]


async def test_it_keeps_one_event_that_cannot_be_stored_from_holding_up_the_others(tmp_path: Path) -> None:
    book = FakeCallBook()
    book.poison = "event-3"
    intake = intake_into(book, tmp_path, [])
    async with running(intake):
        for number in range(8):
            intake.publish(event(number))
        assert await intake.settle(5)
    assert list(book.events.values()) == [event(number) for number in range(8) if number != 3]
    assert [from_line(line) for line in (tmp_path / "refused-events.jsonl").open("rb")] == [event(3)]


async def test_it_goes_on_when_a_listener_fails(tmp_path: Path) -> None:
    def fail(_: list[CallChange]) -> None:
        raise RuntimeError("a page")

    book = FakeCallBook()
    intake = Intake(book.record, fail, tmp_path, gather_s=0)
    async with running(intake) as task:
        intake.publish(event(1))
        assert await intake.settle(5)
        intake.publish(event(2))
        assert await intake.settle(5)
        assert not task().done()
    assert len(book.events) == 2


async def test_it_counts_what_not_even_the_disk_takes(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    intake = intake_into(FakeCallBook(), nowhere / "folder", [], hold=1)
    intake.publish(event(1))
    intake.publish(event(2))  # and does not raise
    assert intake.lost == 1


def test_it_keeps_whole_events_when_the_disk_fills_up_in_the_middle_of_one(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "spill.jsonl")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(to_line(event(1))) * 3 // 2, before[1]))
    try:
        spill.put(to_line(event(1)))
        with pytest.raises(OSError, match="too large"):
            spill.put(to_line(event(2)))  # half of it fits
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    spill.put(to_line(event(3)))
    assert [from_line(line) for line in spill.first(5)] == [event(1), event(3)]


async def test_it_goes_on_when_somebody_removes_the_file(tmp_path: Path) -> None:
    book = FakeCallBook()
    intake = intake_into(book, tmp_path, [], hold=1)
    intake.publish(event(1))
    intake.publish(event(2))
    (tmp_path / "waiting-events.jsonl").unlink()
    async with running(intake) as task:
        assert await intake.settle(5)
        intake.publish(event(3))
        assert await intake.settle(5)
        assert not task().done()
    assert list(book.events.values()) == [event(1), event(3)]
    assert intake.trouble is None


def test_it_says_at_once_that_waiting_events_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "waiting-events.jsonl").mkdir()
    with pytest.raises(SpillUnusable, match=r"waiting-events\.jsonl.*cannot be read and written"):
        intake_into(FakeCallBook(), tmp_path, [])


def test_it_writes_and_reads_an_event_without_loss(tmp_path: Path) -> None:
    assert from_line(to_line(event(1))) == event(1)
    spill = Spill(tmp_path / "deep" / "spill.jsonl")
    assert not spill
    spill.put(to_line(event(1)))
    spill.put(to_line(event(2)))
    assert [from_line(line) for line in spill.first(1)] == [event(1)]
    spill.close()
    again = Spill(spill.path)  # not settled: given out again
    assert [from_line(line) for line in again.first(5)] == [event(1), event(2)]
    again.settled()
    assert not spill.path.exists()


@pytest.mark.parametrize("line", [b"{", b"{}\n", b"[]\n", b"\n", b'{"kind": "nonsense"}\n'])
def test_it_knows_a_line_that_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


async def test_a_database_too_slow_for_many_events_at_once_gets_fewer(tmp_path: Path) -> None:
    book, told = FakeCallBook(), list[CallChange]()

    async def slow(events: Sequence[CallEvent]) -> list[CallChange]:
        if len(events) > 30:
            raise DatabaseLate("The database did not answer within 1 s: check its load.")
        return await book.record(events)

    intake = Intake(slow, told.extend, tmp_path, gather_s=0, retry_first_s=0.001, retry_most_s=0.002)
    async with running(intake):
        for number in range(500):
            intake.publish(event(number))
        assert await intake.settle(10)
    assert [change.event for change in told] == [event(number) for number in range(500)]
    assert (intake.recorded, intake.trouble) == (500, None)
