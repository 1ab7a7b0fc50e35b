"""Recordings of virtual PBXs: fetched when they are ready, and a reason where there is none."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cti.virtual_pbx.contract import (
    CommandLate,
    CommandRefused,
    NotYet,
    Tape,
    VirtualPbx,
    neutral_id,
)
from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.tapes import (
    DISCONNECTED,
    GIVEN_UP_AFTER,
    GIVES_NONE,
    LATEST_S,
    LONGEST,
    MISSED_FOR,
    NO_SOUND,
    NO_TAPE_JOB,
    NOT_HANDED_OVER,
    NOTHING_RECORDED,
    PATIENCE,
    TAPE_JOB,
    TRIES,
    Tapes,
)
from cti.virtual_pbx.vendors.generic import GenericPush
from recordings.delivered import DeliveredTapes
from recordings.shelf import RecordingShelf, RecordingView
from recordings.store import DiskStore, ShelfLate, ShelfUnwritable
from recordings.wav import BadAudio
from tests.fakes.tape_room import RECEIVED, TapeRoom
from tests.fakes.virtual_pbx import house, settings_of
from tests.fakes.wav_files import tone, wav_bytes
from tickets.database import Database, DatabaseAway, DatabaseLate
from tickets.facts import Fact
from tickets.jobs import Hopeless, Job, JobQueue, PutOff

pytestmark = pytest.mark.integration

CALL = neutral_id("generic", "a call")
SOUND = wav_bytes(tone(1.0))


class Recorder(GenericPush):
    """A vendor that records; what it answers next stands in `answers`."""

    def __init__(self, settings: ConnectionSettings) -> None:
        super().__init__(settings, house())
        self.answers: list[bytes | Exception] = []
        self.ready: list[Tape] = []

        self.riddle = False

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
        if self.riddle:
            raise KeyError("+12025550143")
        return self.ready

    async def fetch(self, tape: Tape, into: Path) -> None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        into.write_bytes(answer)  # noqa: ASYNC240 - a test


class Archive:
    """Everything around the tapes."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.room = TapeRoom(database, folder / "spool", folder / "shelf")
        self.now = RECEIVED + timedelta(minutes=5)
        self.vendor: VirtualPbx[Any] = Recorder(settings_of("generic"))
        self.jobs = JobQueue(database.sessions, lambda: self.now, deadline_s=10)
        delivered = DeliveredTapes(database.sessions, self.room.store(), self.room.news.append, deadline_s=10)
        self.facts = [Fact("generic", kind, CALL, kind, RECEIVED, {}) for kind in ("newCall", "answer")]
        self.vendors: dict[str, VirtualPbx[Any]] = {"generic": self.vendor}
        self.tapes = Tapes(
            self.vendors, self._facts, self.jobs, delivered, folder / "fetching", lambda: self.now
        )

        self.trouble: Exception | None = None  # of the database

    async def _facts(self, call_id: str) -> list[Fact]:
        if self.trouble is not None:
            raise self.trouble
        return self.facts

    async def lease(self) -> Job:
        job = await self.jobs.lease([TAPE_JOB, NO_TAPE_JOB], 60)
        assert job is not None
        return job

    async def view(self) -> RecordingView | None:
        return await RecordingShelf(self.room.database.sessions, self.room.store(), deadline_s=10).of_call(
            CALL
        )

    async def reason(self) -> str | None:
        view = await self.view()
        return view.missing_reason if view else "no row"


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Archive:
    return Archive(database, tmp_path)


@pytest.fixture
def vendor(archive: Archive) -> Recorder:
    assert isinstance(archive.vendor, Recorder)
    return archive.vendor


TAPE = Tape("tape/1", CALL, RECEIVED, "hint")


async def test_a_recording_is_fetched_and_laid_on_the_shelf(archive: Archive, vendor: Recorder) -> None:
    await archive.room.call(CALL)
    vendor.answers = [SOUND]
    await archive.tapes.ask([TAPE])
    await archive.tapes.ask([TAPE])
    await archive.tapes.fetch(await archive.lease())
    view = await archive.view()
    assert view is not None
    assert view.seconds == pytest.approx(1.0, abs=0.01)
    assert await archive.jobs.lease([TAPE_JOB], 60) is None  # asked for twice, it is one job
    assert list((archive.room.shelf.parent / "fetching").iterdir()) == []


@pytest.mark.parametrize("error", [NotYet(), CommandLate("Busy."), aiohttp.ClientError(), TimeoutError()])
async def test_what_is_not_ready_is_asked_for_again_and_given_up_after_a_day(
    archive: Archive, vendor: Recorder, error: Exception
) -> None:
    await archive.room.call(CALL)
    vendor.answers = [error, error, error]
    await archive.tapes.ask([TAPE])
    job, began = await archive.lease(), archive.now
    pauses = []
    for waited in (timedelta(0), timedelta(minutes=20)):
        archive.now = began + waited
        with pytest.raises(PutOff) as later:
            await archive.tapes.fetch(job)
        pauses.append(later.value.seconds)
    assert pauses == [60.0, 240.0]
    assert await archive.reason() == "no row"
    archive.now = began + GIVEN_UP_AFTER
    await archive.tapes.fetch(job)
    assert await archive.reason() == NOT_HANDED_OVER


async def test_a_no_may_yet_become_a_yes(archive: Archive, vendor: Recorder) -> None:
    await archive.room.call(CALL)
    vendor.answers = [CommandRefused("Recordings are not in your contract."), SOUND]
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.fetch(job)
    await archive.tapes.fetch(job)
    assert await archive.reason() is None


async def test_what_is_no_sound_is_tried_again_and_then_told(archive: Archive, vendor: Recorder) -> None:
    await archive.room.call(CALL)
    vendor.answers = [b"<html>"] * 2
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    with pytest.raises(BadAudio):
        await archive.tapes.fetch(job)
    await archive.tapes.fetch(Job(job.id, job.kind, job.key, job.payload, 5, job.lease, job.created_at))
    assert await archive.reason() == NO_SOUND


async def test_a_recording_of_a_call_that_the_ledger_does_not_know_is_not_fetched_before_it_does(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.tapes.ask([TAPE])
    job, began, pauses = await archive.lease(), archive.now, []
    for waited in (timedelta(0), timedelta(minutes=5), timedelta(hours=5)):
        archive.now = began + waited
        with pytest.raises(PutOff) as later:  # the vendor has no answer ready: it is not asked
            await archive.tapes.fetch(job)
        pauses.append(later.value.seconds)
    assert pauses == [5.0, 60.0, LATEST_S]
    await archive.room.call(CALL)
    vendor.answers = [SOUND]
    await archive.tapes.fetch(job)
    assert await archive.reason() is None


async def test_a_recording_of_a_call_that_the_ledger_never_knows_is_given_up(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.fetch(job)
    archive.now += GIVEN_UP_AFTER
    with pytest.raises(Hopeless):
        await archive.tapes.fetch(job)


@pytest.mark.parametrize("trouble", [DatabaseAway("gone"), DatabaseLate("slow")])
async def test_while_the_database_is_in_trouble_a_recording_waits_however_long_that_is(
    archive: Archive, vendor: Recorder, trouble: Exception
) -> None:
    await archive.room.call(CALL)
    await archive.tapes.ask([TAPE])
    job, archive.trouble = await archive.lease(), trouble
    for _ in range(TRIES + 1):
        with pytest.raises(PutOff) as later:
            await archive.tapes.fetch(job)
        assert 0 < later.value.seconds <= LATEST_S
        archive.now += timedelta(hours=10)
    archive.trouble, vendor.answers = None, [NotYet(), SOUND]
    with pytest.raises(PutOff):  # the vendor was not asked meanwhile: its day begins now
        await archive.tapes.fetch(job)
    await archive.tapes.fetch(job)
    assert await archive.reason() is None


async def test_what_is_said_at_the_end_of_a_call_waits_for_the_database_too(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.room.call(CALL)
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    job, archive.trouble = await archive.lease(), DatabaseAway("gone")
    with pytest.raises(PutOff):
        await archive.tapes.conclude(job)


@pytest.mark.parametrize("trouble", [ShelfUnwritable("full"), ShelfLate("slow"), OSError(28, "full")])
async def test_while_the_shelf_takes_nothing_a_recording_stays_at_its_vendors(
    archive: Archive, vendor: Recorder, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    async def check(shelf: DiskStore) -> None:
        raise trouble

    await archive.room.call(CALL)
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    with monkeypatch.context() as patched:
        patched.setattr(DiskStore, "check", check)
        for _ in range(TRIES + 1):
            with pytest.raises(PutOff):  # the vendor has no answer ready: it is not asked
                await archive.tapes.fetch(job)
            archive.now += timedelta(hours=10)
    vendor.answers = [SOUND]
    await archive.tapes.fetch(job)
    assert await archive.reason() is None


async def test_a_disk_that_is_full_while_it_is_fetched_is_waited_out(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.room.call(CALL)
    vendor.answers = [OSError(28, "No space left on device"), SOUND]
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.fetch(job)
    await archive.tapes.fetch(job)
    assert await archive.reason() is None


async def test_on_a_full_disk_it_is_not_said_that_a_recording_is_no_sound(
    archive: Archive, vendor: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.room.call(CALL)
    vendor.answers = [b"<html>"]
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    last = Job(job.id, job.kind, job.key, job.payload, TRIES, job.lease, job.created_at)
    monkeypatch.setattr("cti.virtual_pbx.tapes.ROOM", 1 << 60)  # more than this disk has
    with pytest.raises(PutOff):
        await archive.tapes.fetch(last)
    assert await archive.reason() == "no row"


async def test_facts_that_make_no_sense_keep_no_recording_back_that_was_asked_for(
    archive: Archive, vendor: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    await archive.room.call(CALL)
    vendor.answers, vendor.riddle = [SOUND], True
    await archive.tapes.ask([TAPE])
    await archive.tapes.fetch(await archive.lease())
    assert await archive.reason() is None
    said = capsys.readouterr().out
    assert "tape_unread" in said
    assert "5550143" not in said


async def test_a_recording_whose_tape_of_before_is_gone_is_not_tried_for_ever(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.room.call(CALL)
    vendor.answers = [SOUND] * 3
    await archive.tapes.ask([TAPE])
    await archive.tapes.fetch(await archive.lease())
    for path in archive.room.shelf.rglob("*.mp3"):
        path.unlink()
    await archive.tapes.ask([Tape("tape/2", CALL, RECEIVED + timedelta(seconds=30))])
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.fetch(job)
    archive.now += GIVEN_UP_AFTER
    with pytest.raises(Hopeless):
        await archive.tapes.fetch(job)


async def test_recordings_wait_for_a_pbx_that_is_not_connected_and_it_is_said_once(
    archive: Archive, vendor: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    await archive.room.call(CALL)
    await archive.tapes.ask([TAPE])
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    fetching, concluding = await archive.lease(), await archive.lease()
    del archive.vendors["generic"]
    for _ in range(2):
        with pytest.raises(PutOff):
            await archive.tapes.fetch(fetching)
        with pytest.raises(PutOff):
            await archive.tapes.conclude(concluding)
        archive.now += timedelta(seconds=30)
    assert await archive.reason() == "no row"  # another node may have it
    archive.now += timedelta(days=3)
    for _ in range(2):
        with pytest.raises(PutOff):
            await archive.tapes.fetch(fetching)
    assert await archive.reason() == DISCONNECTED
    assert capsys.readouterr().out.count("tapes_unconnected") == 1
    archive.vendors["generic"], vendor.answers = vendor, [NotYet(), SOUND]
    with pytest.raises(PutOff):
        await archive.tapes.fetch(fetching)
    await archive.tapes.fetch(fetching)
    assert await archive.reason() is None
    del archive.vendors["generic"]
    await archive.tapes.conclude(concluding)  # there is nothing to wait for


async def test_a_pbx_that_is_never_connected_again_is_not_waited_for_without_end(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.room.call(CALL)
    await archive.tapes.ask([TAPE])
    job = await archive.lease()
    del archive.vendors["generic"]
    archive.now += LONGEST
    with pytest.raises(Hopeless):
        await archive.tapes.fetch(job)


async def test_it_is_not_said_that_nothing_was_recorded_before_the_recording_had_its_chance(
    archive: Archive, vendor: Recorder
) -> None:
    await archive.room.call(CALL)
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.conclude(job)
    assert await archive.reason() == "no row"
    archive.now += PATIENCE
    await archive.tapes.conclude(job)
    assert await archive.reason() == NOTHING_RECORDED


async def test_of_a_call_that_nobody_answered_it_is_said_sooner(archive: Archive, vendor: Recorder) -> None:
    await archive.room.call(CALL)
    archive.facts = archive.facts[:1]
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    job = await archive.lease()
    with pytest.raises(PutOff):
        await archive.tapes.conclude(job)
    archive.now += MISSED_FOR
    await archive.tapes.conclude(job)
    assert await archive.reason() == NOTHING_RECORDED


async def test_a_recording_on_its_way_is_waited_for(archive: Archive, vendor: Recorder) -> None:
    await archive.room.call(CALL)
    vendor.ready = [TAPE]
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    job = await archive.lease()
    archive.now += PATIENCE
    await archive.tapes.conclude(job)
    assert await archive.reason() == "no row"


async def test_a_vendor_without_recordings_is_not_waited_for(archive: Archive) -> None:
    await archive.room.call(CALL)
    archive.vendors["generic"] = GenericPush(settings_of("generic"), house())
    await archive.jobs.enqueue(NO_TAPE_JOB, CALL)
    await archive.tapes.conclude(await archive.lease())
    assert await archive.reason() == GIVES_NONE
