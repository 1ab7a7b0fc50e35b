"""Tapes that a PBX recorded for itself and hands over in parts, on both databases."""

import asyncio
import contextlib
import hashlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from recordings.audio import read_channel
from recordings.delivered import DeliveredTapes, Delivery, TapeChanged
from recordings.intake import CallUnknown
from recordings.shelf import RecordingShelf, RecordingView
from recordings.store import DiskStore
from recordings.transcriber import Ears, Transcriber
from recordings.wav import BadAudio
from tests.fakes.tape_room import RECEIVED, TapeRoom
from tests.fakes.wav_files import tone, wav_bytes
from tests.integration.recordings.test_shelf import spoken_pitch
from tickets.jobs import JobQueue

pytestmark = pytest.mark.integration

CALL = "mango-0123456789abcdef01234567"
LOW, HIGH = 440, 1000


def tapes(room: TapeRoom, store: DiskStore | None = None) -> DeliveredTapes:
    return DeliveredTapes(room.database.sessions, store or room.store(), room.news.append, deadline_s=10)


def delivery(
    room: TapeRoom, name: str, at_s: float, *hertz: float, seconds: float = 1.0, caller: int = 0
) -> Delivery:
    """One channel for each pitch."""
    sides = np.stack([tone(seconds, pitch) for pitch in hertz], axis=1).reshape(-1)
    sound = room.spool / name
    sound.write_bytes(wav_bytes(sides, channels=len(hertz)))
    return Delivery(name, RECEIVED + timedelta(seconds=at_s), sound, caller)


async def view(room: TapeRoom) -> RecordingView:
    found = await RecordingShelf(room.database.sessions, room.store(), deadline_s=10).of_call(CALL)
    assert found is not None
    return found


async def pitches(room: TapeRoom, channel: int) -> list[int]:
    """What sounds, second by second."""
    audio = await RecordingShelf(room.database.sessions, room.store(), deadline_s=10).open_audio(
        (await view(room)).id
    )
    samples = await asyncio.to_thread(read_channel, audio.path, channel)
    return [int(phrase.text) for phrase in await spoken_pitch(samples)]


async def transcribe(room: TapeRoom) -> RecordingView:
    async def ears_for(call_id: str) -> Ears:
        return Ears(spoken_pitch, "pitch", "en")

    transcriber = Transcriber(room.database.sessions, room.store(), ears_for, deadline_s=10)
    await transcriber.transcribe((await view(room)).id)
    return await view(room)


@pytest.mark.parametrize("caller", [0, 1])
async def test_the_caller_lies_on_the_left_whichever_way_the_pbx_has_it(room: TapeRoom, caller: int) -> None:
    await room.call(CALL)
    hertz = (LOW, HIGH) if caller == 0 else (HIGH, LOW)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, *hertz, caller=caller))
    assert (await pitches(room, 0), await pitches(room, 1)) == ([LOW], [HIGH])
    there = await view(room)
    assert not there.mixed
    assert there.seconds == pytest.approx(1.0, abs=0.01)
    assert len(room.shelved()) == 1


async def test_where_both_voices_are_mixed_nobody_is_named(room: TapeRoom) -> None:
    await room.call(CALL, answered_after_s=5.0)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW, seconds=2.0))
    there = await transcribe(room)
    assert there.mixed
    assert there.transcript is not None
    assert [(one.speaker, one.start_s) for one in there.transcript.phrases] == [
        ("unknown", 0.0),
        ("unknown", 1.0),
    ]


async def test_two_channels_with_the_same_sound_are_voices_that_are_mixed(room: TapeRoom) -> None:
    await room.call(CALL)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW, LOW))
    assert (await view(room)).mixed


async def test_a_later_recording_is_laid_behind_the_first_and_an_earlier_one_before(room: TapeRoom) -> None:
    await room.call(CALL, answered_after_s=5.0)
    shelf = tapes(room)
    await shelf.take_in(CALL, delivery(room, "second", 8, LOW, HIGH))
    assert (await transcribe(room)).transcript is not None
    await shelf.take_in(CALL, delivery(room, "third", 10, 600, 700))
    assert (await view(room)).transcript is None  # it was of the tape of before
    await shelf.take_in(CALL, delivery(room, "first", 5, 500))
    there = await transcribe(room)
    assert there.seconds == pytest.approx(6.0, abs=0.05)
    assert there.transcript is not None
    assert [(one.speaker, one.start_s, one.text) for one in there.transcript.phrases] == [
        ("unknown", 0.0, "500"),
        ("caller", 3.0, "440"),
        ("operator", 3.0, "1000"),
        ("caller", 5.0, "600"),
        ("operator", 5.0, "700"),
    ]
    assert len(room.shelved()) == 1
    assert len({event.source_id for event in room.news}) == 3


class CountingShelf(DiskStore):
    """Remembers what was deleted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.deleted: list[str] = []

    async def delete(self, key: str) -> None:
        self.deleted.append(key)
        await super().delete(key)


async def test_a_tape_of_before_is_deleted_once_however_many_parts_come(room: TapeRoom) -> None:
    await room.call(CALL)
    shelf = CountingShelf(room.shelf)
    for number in range(4):
        await tapes(room, shelf).take_in(CALL, delivery(room, f"part-{number}", 5 + number, LOW))
    assert len(shelf.deleted) == len(set(shelf.deleted)) == 3


async def test_taking_one_in_again_changes_nothing(room: TapeRoom) -> None:
    await room.call(CALL)
    for _ in range(2):
        await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW))
    assert (await view(room)).seconds == pytest.approx(1.0, abs=0.01)
    assert len({event.source_id for event in room.news}) == 1
    assert len(await room.transcript_jobs()) == 1


async def test_a_transcript_that_was_done_is_asked_for_anew(room: TapeRoom) -> None:
    await room.call(CALL)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW))
    queue = JobQueue(room.database.sessions, deadline_s=10)
    job = await queue.lease(["recording.transcribe"], 60)
    assert job is not None
    await queue.done(job)
    await tapes(room).take_in(CALL, delivery(room, "two", 8, LOW))
    assert await queue.lease(["recording.transcribe"], 60) is not None


async def test_a_reason_gives_way_to_a_recording_and_never_the_other_way_round(room: TapeRoom) -> None:
    await room.call(CALL)
    shelf = tapes(room)
    await shelf.note_missing(CALL, "Nothing was recorded.")
    assert (await view(room)).missing_reason == "Nothing was recorded."
    await shelf.take_in(CALL, delivery(room, "one", 5, LOW))
    await shelf.note_missing(CALL, "Nothing was recorded.")
    assert (await view(room)).missing_reason is None


async def test_of_two_workers_at_once_none_loses_its_part(room: TapeRoom) -> None:
    await room.call(CALL)

    async def until_in(delivery: Delivery) -> None:
        for _ in range(10):
            with contextlib.suppress(TapeChanged):
                await tapes(room).take_in(CALL, delivery)
                return
        pytest.fail("It never came in.")

    parts = [delivery(room, f"part-{number}", 5 + 2 * number, 500 + 100 * number) for number in range(3)]
    await asyncio.gather(*map(until_in, parts))
    assert [one.part_id for one in (await view(room)).parts] == ["part-0", "part-1", "part-2"]
    assert await pitches(room, 0) == [500, 600, 700]
    assert len(room.shelved()) == 1


async def test_what_is_no_sound_or_of_no_call_is_told_so(room: TapeRoom, tmp_path: Path) -> None:
    with pytest.raises(CallUnknown):
        await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW))
    await room.call(CALL)
    page = tmp_path / "page"
    page.write_bytes(b"<html>Please log in</html>")
    with pytest.raises(BadAudio):
        await tapes(room).take_in(CALL, Delivery("one", RECEIVED, page, 0))
    assert await room.rows() == 0


async def test_the_row_tells_of_the_file_on_the_shelf(room: TapeRoom) -> None:
    await room.call(CALL)
    await tapes(room).take_in(CALL, delivery(room, "one", 5, LOW, HIGH))
    await tapes(room).take_in(CALL, delivery(room, "two", 9, LOW, HIGH))
    there = await view(room)
    [stored] = [room.shelf / name for name in room.shelved()]
    assert there.sha256 == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert there.bytes == stored.stat().st_size
    assert len(there.peaks.caller) == len(there.peaks.heard) > 100
