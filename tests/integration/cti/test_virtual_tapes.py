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
    GIVEN_UP_AFTER,
    GIVES_NONE,
    MISSED_FOR,
    NO_SOUND,
    NO_TAPE_JOB,
    NOT_HANDED_OVER,
    NOTHING_RECORDED,
    PATIENCE,
    TAPE_JOB,
    Tapes,
)
from cti.virtual_pbx.vendors.generic import GenericPush
from recordings.delivered import DeliveredTapes
from recordings.shelf import RecordingShelf, RecordingView
from recordings.wav import BadAudio
from tests.fakes.tape_room import RECEIVED, TapeRoom
from tests.fakes.virtual_pbx import house, settings_of
from tests.fakes.wav_files import tone, wav_bytes
from tickets.database import Database
from tickets.facts import Fact
from tickets.jobs import Job, JobQueue, PutOff

pytestmark = pytest.mark.integration

CALL = neutral_id("generic", "a call")
SOUND = wav_bytes(tone(1.0))


class Recorder(GenericPush):
    """A vendor that records; what it answers next stands in `answers`."""

    def __init__(self, settings: ConnectionSettings) -> None:
        super().__init__(settings, house())
        self.answers: list[bytes | Exception] = []
        self.ready: list[Tape] = []

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
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

    async def _facts(self, call_id: str) -> list[Fact]:
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


async def test_a_recording_of_a_call_that_the_ledger_does_not_know_waits(
    archive: Archive, vendor: Recorder
) -> None:
    vendor.answers = [SOUND]
    await archive.tapes.ask([TAPE])
    with pytest.raises(PutOff):
        await archive.tapes.fetch(await archive.lease())


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
