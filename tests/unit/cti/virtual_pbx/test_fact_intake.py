"""The way of facts into the database, with one that fails now and then and a disk that is full."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cti.spill import SpillUnusable
from cti.virtual_pbx.intake import FactIntake, NotKept
from tests.fakes.until import until
from tests.fakes.virtual_pbx import START
from tickets.database import DatabaseAway, DatabaseLate
from tickets.facts import Fact

pytestmark = pytest.mark.unit


def fact(number: int, kind: str = "call") -> Fact:
    return Fact("mango", f"fact-{number}", "mango-1", kind, START, {"from": "+12025550143", "name": "Zoë"})


class FakeFactBook:
    """`FactBook.keep`; fails as its next word says."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.batches: list[int] = []
        self.trouble: Exception | None = None
        self.most = 1_000_000  # facts that it takes in time
        self.refuses = "nothing"  # a kind

    async def keep(self, facts: Sequence[Fact]) -> list[Fact]:
        await asyncio.sleep(0)
        self.batches.append(len(facts))
        if self.trouble is not None:
            raise self.trouble
        if len(facts) > self.most:
            raise DatabaseLate("too many")
        if any(one.kind == self.refuses for one in facts):
            raise ValueError("+12025550143 is no number")
        new = [one for one in facts if one.fact_id not in self.facts]
        self.facts |= {one.fact_id: one for one in new}
        return new


class Place:
    """An intake, what it was told to keep, and whom it tells."""

    def __init__(self, folder: Path, batch: int = 400) -> None:
        self.folder = folder
        self.book, self.told = FakeFactBook(), list[Fact]()
        self.intake = FactIntake(
            self.book.keep, self.told.extend, folder, gather_s=0, batch=batch, retry_s=0.01
        )

    @property
    def file(self) -> Path:
        return self.folder / "waiting-facts.jsonl"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.intake.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settled(self) -> None:
        """Until nothing waits in the file."""
        await until(lambda: not self.file.exists())


async def test_many_who_come_at_once_share_a_transaction(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.open():
        new = await asyncio.gather(*(place.intake.keep([fact(number)]) for number in range(20)))
    assert new == [1] * 20
    assert place.book.batches == [20]
    assert place.told == [fact(number) for number in range(20)]


async def test_what_is_told_again_is_kept_and_told_on_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.open():
        assert await place.intake.keep([fact(1)]) == 1
        assert await place.intake.keep([fact(1)]) == 0
    assert place.told == [fact(1)]


async def test_while_the_database_is_away_a_file_keeps_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.book.trouble = DatabaseAway("gone")
    async with place.open():
        assert await place.intake.keep([fact(1), fact(2)]) == 2
        assert place.file.stat().st_mode & 0o777 == 0o600  # it holds numbers
        assert place.told == []
        place.book.trouble = None
        await place.settled()
    assert place.told == [fact(1), fact(2)]


async def test_it_says_why_as_long_as_something_waits_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.virtual_pbx.intake.BELIEVED_S", 0.0)
    place = Place(tmp_path)
    async with place.open():
        assert (place.intake.trouble, place.intake.behind) == (None, False)
        place.book.trouble = DatabaseAway("gone")
        await place.intake.keep([fact(1)])
        assert (place.intake.trouble, place.intake.behind) == ("gone", True)
        place.book.trouble = None
        await until(lambda: place.intake.trouble is None)
        assert not place.intake.behind


async def test_with_nothing_in_the_file_it_does_not_complain_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").touch()
    place = Place(tmp_path / "no-folder" / "intake")
    place.book.trouble = DatabaseAway("gone")
    async with place.open():
        with pytest.raises(NotKept):
            await place.intake.keep([fact(1)])
        assert place.intake.trouble == "gone"
        monkeypatch.setattr("cti.virtual_pbx.intake.BELIEVED_S", 0.0)
        await until(lambda: place.intake.trouble is None)


async def test_the_next_start_takes_up_the_file(tmp_path: Path) -> None:
    before = Place(tmp_path)
    before.book.trouble = DatabaseAway("gone")
    async with before.open():
        await before.intake.keep([fact(1)])
    with before.file.open("a") as file:
        file.write('{"source": "mango", "fact_id"')  # killed in the middle of a line
    after = Place(tmp_path)
    async with after.open():
        await after.settled()
    assert after.told == [fact(1)]


async def test_neither_database_nor_disk_is_said_to_whoever_tells(tmp_path: Path) -> None:
    (tmp_path / "no-folder").touch()
    place = Place(tmp_path / "no-folder" / "intake")
    place.book.trouble = DatabaseAway("gone")
    async with place.open() as task:
        with pytest.raises(NotKept):
            await place.intake.keep([fact(1)])
        place.book.trouble = None
        await until(lambda: _is_kept(place, fact(2)))
        assert not task.done()
    assert place.told == [fact(2)]


async def _is_kept(place: Place, one: Fact) -> bool:
    try:
        return await place.intake.keep([one]) >= 0
    except NotKept:
        return False


async def test_whoever_has_gone_meanwhile_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "no-folder").touch()
    place = Place(tmp_path / "no-folder" / "intake")
    place.book.trouble = DatabaseAway("gone")
    impatient = asyncio.create_task(place.intake.keep([fact(1)]))
    await asyncio.sleep(0)
    impatient.cancel()
    async with place.open() as task:
        with pytest.raises(NotKept):
            await place.intake.keep([fact(2)])
        assert not task.done()


async def test_one_that_the_database_refuses_goes_to_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    place.book.refuses = "poison"
    everything = [fact(1), fact(2, "poison"), fact(3)]
    async with place.open() as task:
        await asyncio.gather(*(place.intake.keep([one]) for one in everything))
        assert not task.done()
    assert place.told == [fact(1), fact(3)]
    refused = tmp_path / "refused-facts.jsonl"
    assert refused.read_bytes().count(b"\n") == 1
    assert refused.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    assert "facts_refused" in said
    assert "5550143" not in said  # the error's message has it


async def test_one_in_the_waiting_file_that_is_refused_does_not_stop_the_service(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.book.refuses, place.book.trouble = "poison", DatabaseAway("gone")
    async with place.open() as task:
        await place.intake.keep([fact(1), fact(2, "poison"), fact(3)])
        place.book.trouble = None
        await place.settled()
        assert not task.done()
    assert place.told == [fact(1), fact(3)]


async def test_a_slow_database_gets_the_file_in_smaller_pieces(tmp_path: Path) -> None:
    place = Place(tmp_path, batch=64)
    place.book.trouble = DatabaseAway("gone")
    async with place.open():
        await place.intake.keep([fact(number) for number in range(64)])
        place.book.trouble, place.book.most = None, 10
        await place.settled()
    assert len(place.told) == 64


async def test_who_still_waits_at_the_end_is_told_so(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.open() as task:
        await asyncio.sleep(0)
        task.cancel()
        waiting = asyncio.create_task(place.intake.keep([fact(1)]))
        with pytest.raises(NotKept):
            await waiting


def test_a_file_that_cannot_be_read_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "waiting-facts.jsonl").mkdir()
    with pytest.raises(SpillUnusable):
        Place(tmp_path)
