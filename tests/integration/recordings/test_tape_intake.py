"""Taking tapes in, on both databases, with everything going wrong that can."""

import asyncio
import errno
import hashlib
import os
from pathlib import Path

import pytest

from recordings import intake as taking
from recordings.audio import read_channel
from recordings.intake import CallUnknown
from recordings.spool import SpoolTrouble, StillRecording
from recordings.store import DiskStore, ShelfUnwritable
from tests.fakes.tape_room import TapeRoom
from tests.fakes.wav_files import tone, wav_bytes
from tickets.jobs import JobQueue
from tickets.vocabulary import CallState

pytestmark = pytest.mark.integration

CALL = "pz-1763750000.1"
KEY = f"2025/11/21/{CALL}.mp3"
NO_SAMPLES = wav_bytes(tone(0.0))


async def test_it_puts_a_call_on_the_shelf(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    recording = await room.intake().take_in(CALL)
    stored = await room.store().path(KEY)
    assert (recording.key, recording.seconds, recording.missing_reason) == (KEY, 1.0, None)
    assert recording.sha256 == hashlib.sha256(content(stored)).hexdigest()
    assert recording.bytes == len(content(stored))
    assert recording.peaks is not None
    assert max(recording.peaks["caller"]) > 40
    assert room.spooled() == []
    assert room.told() == {(f"{CALL}:recorded", "recording.stored")}
    assert room.news[0].data == {"recording_id": recording.id}
    assert await room.transcript_jobs() == [(CALL, {"recording_id": recording.id})]


async def test_it_serves_as_the_handler_of_a_job(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    queue = JobQueue(room.database.sessions, deadline_s=10)
    await queue.enqueue(taking.INTAKE, CALL)
    job = await queue.lease([taking.INTAKE], 60)
    assert job is not None
    await room.intake().handle(job)
    assert room.shelved() == [KEY]


async def test_taking_a_call_in_again_changes_nothing_and_tells_the_same_news(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    first = await room.intake().take_in(CALL)
    again = await room.intake().take_in(CALL)
    assert (again.id, again.sha256, again.created_at) == (first.id, first.sha256, first.created_at)
    assert await room.rows() == 1
    assert len(await room.transcript_jobs()) == 1
    assert room.told() == {(f"{CALL}:recorded", "recording.stored")}


@pytest.mark.parametrize("side", [0, 1])
async def test_a_missing_side_is_silence(room: TapeRoom, side: int) -> None:
    sound = [tone(1.0), tone(1.0)]
    room.record(await room.call(CALL), *(None if n == side else sound[n] for n in (0, 1)))
    recording = await room.intake().take_in(CALL)
    assert recording.seconds == 1.0
    stored = await room.store().path(KEY)
    assert read_channel(stored, side).any() == False  # noqa: E712 - a numpy bool
    assert read_channel(stored, 1 - side).max() > 10_000


@pytest.mark.parametrize(
    ("caller", "heard", "reason", "left"),
    [
        (None, None, taking.NOTHING_LEFT, 0),
        (b"", None, taking.NO_SOUND, 0),
        (NO_SAMPLES, b"", taking.NO_SOUND, 0),
        (NO_SAMPLES, NO_SAMPLES[:30], taking.NOT_READABLE, 1),
        (b"garbage", b"\0" * 5000, taking.NOT_READABLE, 2),
    ],
)
async def test_a_call_without_sound_says_why(
    room: TapeRoom, caller: bytes | None, heard: bytes | None, reason: str, left: int
) -> None:
    room.record(await room.call(CALL), caller, heard)
    recording = await room.intake().take_in(CALL)
    assert (recording.missing_reason, recording.key, recording.seconds) == (reason, None, None)
    assert await room.transcript_jobs() == []
    assert room.told() == set()
    assert len(room.spooled()) == left
    assert all(name.startswith("unusable/") for name in room.spooled())
    again = await room.intake().take_in(CALL)
    assert again.id == recording.id


async def test_a_recording_that_comes_late_replaces_the_reason(room: TapeRoom) -> None:
    await room.call(CALL)
    missing = await room.intake().take_in(CALL)
    room.record(CALL, tone(1.0), tone(1.0))
    found = await room.intake().take_in(CALL)
    assert (found.id, found.key, found.missing_reason) == (missing.id, KEY, None)
    assert await room.rows() == 1
    assert await room.transcript_jobs() == [(CALL, {"recording_id": found.id})]


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF])
async def test_what_a_killed_pbx_left_is_used_by_its_real_length(room: TapeRoom, claimed: int) -> None:
    caller, heard = wav_bytes(tone(2.0), claimed=claimed), wav_bytes(tone(1.0), claimed=claimed)
    room.record(await room.call(CALL), caller, heard)
    assert (await room.intake().take_in(CALL)).seconds == 2.0


async def test_one_side_of_garbage_does_not_cost_the_other(room: TapeRoom) -> None:
    room.record(await room.call(CALL), b"garbage" * 100, tone(1.0))
    assert (await room.intake().take_in(CALL)).seconds == 1.0
    assert room.spooled() == [f"unusable/{CALL}-caller.wav"]


async def test_a_file_that_still_grows_is_left_alone(room: TapeRoom) -> None:
    room.record(await room.call(CALL), wav_bytes(tone(1.0), claimed=0), tone(1.0), age_s=0)
    with pytest.raises(StillRecording):
        await room.intake().take_in(CALL)
    assert len(room.spooled()) == 2
    assert await room.rows() == 0


async def test_a_full_disk_loses_nothing(room: TapeRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    await room.recorded_call(CALL)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(ShelfUnwritable, match="free some space"):
            await room.intake().take_in(CALL)
    assert (len(room.spooled()), room.shelved(), await room.rows(), room.news) == (2, [], 0, [])
    assert await room.intake().take_in_left_overs() == 1
    assert (room.spooled(), room.shelved(), await room.rows()) == ([], [KEY], 1)


async def test_a_spool_that_fills_up_while_merging_loses_nothing(
    room: TapeRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> float:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    await room.recorded_call(CALL)
    with monkeypatch.context() as broken:
        broken.setattr(taking, "merge_stereo", full)
        with pytest.raises(SpoolTrouble, match="No space left"):
            await room.intake().take_in(CALL)
        assert await room.intake().take_in_left_overs() == 0
    assert (len(room.spooled()), room.shelved(), await room.rows()) == (2, [], 0)
    assert await room.intake().take_in_left_overs() == 1


async def test_an_unwritable_shelf_is_told_by_the_check(room: TapeRoom) -> None:
    room.shelf.write_text("a file where the shelf should be")
    with pytest.raises(ShelfUnwritable, match="choose another folder"):
        await room.intake().check()


class MeetingStore(DiskStore):
    """Lets every worker get as far as the store before any of them goes on."""

    def __init__(self, root: Path, workers: int) -> None:
        super().__init__(root)
        self.met = asyncio.Barrier(workers)

    async def put(self, key: str, source: Path) -> None:
        await self.met.wait()
        await super().put(key, source)


async def test_three_workers_at_once_keep_one_recording(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    store = MeetingStore(room.shelf, 3)
    async with asyncio.timeout(60):
        kept = await asyncio.gather(*(room.intake(store).take_in(CALL) for _ in range(3)))
    assert len({recording.id for recording in kept}) == 1
    assert await room.rows() == 1
    assert len(await room.transcript_jobs()) == 1
    assert (room.spooled(), room.shelved()) == ([], [KEY])
    stored = content(await room.store().path(KEY))
    assert kept[0].sha256 == hashlib.sha256(stored).hexdigest()
    assert room.told() == {(f"{CALL}:recorded", "recording.stored")}


class OvertakenStore(DiskStore):
    """While this worker puts its file, another one does everything from beginning to end."""

    def __init__(self, room: TapeRoom) -> None:
        super().__init__(room.shelf)
        self._room = room

    async def put(self, key: str, source: Path) -> None:
        await self._room.intake().take_in(CALL)
        assert self._room.spooled() == [str(path.relative_to(self._room.spool)) for path in held(source)]
        await super().put(key, source)


async def test_a_worker_that_is_overtaken_puts_the_same_bytes(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    kept = await room.intake(OvertakenStore(room)).take_in(CALL)
    assert kept.sha256 == hashlib.sha256(content(await room.store().path(KEY))).hexdigest()
    assert await room.rows() == 1


async def test_a_call_that_the_ledger_does_not_know_is_told_and_waits(room: TapeRoom) -> None:
    room.record(CALL, tone(1.0), tone(1.0))
    with pytest.raises(CallUnknown):
        await room.intake().take_in(CALL)
    assert room.told() == {(f"{CALL}:found", "call.found")}
    assert room.news[0].data == {"how": "recording"}
    assert room.news[0].at.isoformat() == "2025-11-21T18:33:20+00:00"
    assert len(room.spooled()) == 2
    await room.call(CALL)
    assert await room.intake().take_in_left_overs() == 1
    assert room.shelved() == [KEY]


async def test_left_overs_are_old_and_of_no_living_call(room: TapeRoom) -> None:
    for name, state, age_s in (
        ("old", CallState.ENDED, 100.0),
        ("older", CallState.ENDED, 200.0),
        ("fresh", CallState.ENDED, 1.0),
        ("living", CallState.TALKING, 100.0),
        ("forgotten", CallState.TALKING, 4000.0),
    ):
        room.record(await room.call(name, state), tone(0.1), None, age_s)
    room.record("unknown", tone(0.1), None, 300.0)
    assert await room.intake().left_overs() == ["forgotten", "unknown", "older", "old"]


async def test_one_left_over_that_fails_does_not_stop_the_others(room: TapeRoom) -> None:
    room.record("unknown", tone(0.1), None)
    await room.recorded_call(CALL)
    assert await room.intake().take_in_left_overs() == 1
    assert room.shelved() == [KEY]


async def test_a_call_id_that_fits_no_file_is_a_call_without_recording(room: TapeRoom) -> None:
    await room.call("../../etc/passwd")
    recording = await room.intake().take_in("../../etc/passwd")
    assert recording.missing_reason == taking.NOTHING_LEFT


def content(path: Path) -> bytes:
    return path.read_bytes()


def held(source: Path) -> list[Path]:
    return sorted(path for path in source.parent.rglob("*") if path.is_file())
