"""Transcripts by background job, and the read side for the pages."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from recordings.audio import Samples
from recordings.intake import TRANSCRIBE
from recordings.shelf import RecordingShelf
from recordings.store import NotOnShelf
from recordings.transcriber import Ears, Transcriber
from recordings.transcript import Phrase, Word
from tests.fakes.tape_room import TapeRoom
from tests.fakes.wav_files import RATE, tone
from tickets.jobs import JobQueue

pytestmark = pytest.mark.integration

CALL = "pz-1763750000.1"


async def spoken_pitch(samples: Samples) -> Sequence[Phrase]:
    """A recogniser whose language is pitch: each second that sounds is a phrase, its word the hertz."""
    phrases = []
    for start in range(len(samples) // RATE):
        second = samples[start * RATE : (start + 1) * RATE].astype(float)
        if np.abs(second).max() > 1000:
            hertz = str(int(round(np.abs(np.fft.rfft(second)).argmax() / 10) * 10))
            word = Word(hertz, start, start + 1.0, 0.9)
            phrases.append(Phrase("caller", start, start + 1.0, hertz, 0.9, (word,)))
    return phrases


def transcriber(room: TapeRoom) -> Transcriber:
    async def ears_for(call_id: str) -> Ears:
        return Ears(spoken_pitch, "pitch", "en")

    return Transcriber(room.database.sessions, room.store(), ears_for, deadline_s=10)


def shelf(room: TapeRoom) -> RecordingShelf:
    return RecordingShelf(room.database.sessions, room.store(), deadline_s=10)


async def conversation(room: TapeRoom) -> int:
    """Bot 1 s, caller 1 s, operator 1 s; the operator answered at 1.9 s."""
    pause = np.zeros(RATE, dtype="<i2")
    await room.call(CALL, answered_after_s=1.9)
    room.record(
        CALL,
        np.concatenate([pause, tone(1.0, 440), pause]),
        np.concatenate([tone(1.0, 1000), pause, tone(1.0, 600)]),
    )
    return (await room.intake().take_in(CALL)).id


async def test_a_transcript_tells_who_spoke_when(room: TapeRoom) -> None:
    await conversation(room)
    queue = JobQueue(room.database.sessions, deadline_s=10)
    job = await queue.lease([TRANSCRIBE], 60)
    assert job is not None
    await transcriber(room).handle(job)
    view = await shelf(room).of_call(CALL)
    assert view is not None
    assert view.transcript is not None
    assert (view.transcript.engine, view.transcript.language) == ("pitch", "en")
    assert [(phrase.speaker, phrase.start_s, phrase.text) for phrase in view.transcript.phrases] == [
        ("bot", 0.0, "1000"),
        ("caller", 1.0, "440"),
        ("operator", 2.0, "600"),
    ]
    assert view.transcript.phrases[1].words == (Word("440", 1, 2.0, 0.9),)


async def test_without_an_operator_whatever_is_heard_is_the_bot(room: TapeRoom) -> None:
    await room.recorded_call(CALL)
    recording = await room.intake().take_in(CALL)
    await transcriber(room).transcribe(recording.id)
    view = await shelf(room).of_call(CALL)
    assert view is not None
    assert view.transcript is not None
    assert {phrase.speaker for phrase in view.transcript.phrases} == {"caller", "bot"}


async def test_transcribing_again_or_twice_at_once_changes_nothing(room: TapeRoom) -> None:
    recording_id = await conversation(room)
    await asyncio.gather(*(transcriber(room).transcribe(recording_id) for _ in range(3)))
    first = await shelf(room).of_call(CALL)
    await transcriber(room).transcribe(recording_id)
    assert await shelf(room).of_call(CALL) == first
    assert first is not None
    assert first.transcript is not None


async def test_a_call_without_audio_needs_no_transcript(room: TapeRoom) -> None:
    await room.call(CALL)
    recording = await room.intake().take_in(CALL)
    await transcriber(room).transcribe(recording.id)
    await transcriber(room).transcribe(999_999)
    view = await shelf(room).of_call(CALL)
    assert view is not None
    assert (view.transcript, view.seconds, view.bytes, view.peaks.caller) == (None, 0.0, 0, ())
    assert view.missing_reason
    with pytest.raises(NotOnShelf):
        await shelf(room).open_audio(recording.id)


async def test_a_recording_that_vanished_from_the_shelf_is_named(room: TapeRoom) -> None:
    recording_id = await conversation(room)
    await room.store().delete(f"2025/11/21/{CALL}.mp3")
    with pytest.raises(NotOnShelf):
        await transcriber(room).transcribe(recording_id)
    with pytest.raises(NotOnShelf):
        await shelf(room).open_audio(recording_id)


async def test_the_pages_get_audio_length_checksum_and_waveform(room: TapeRoom) -> None:
    recording_id = await conversation(room)
    view = await shelf(room).of_call(CALL)
    assert view is not None
    assert view == await shelf(room).by_id(recording_id)
    assert (view.call_id, view.seconds, view.transcript, view.missing_reason) == (CALL, 3.0, None, None)
    assert len(view.peaks.caller) == len(view.peaks.heard) <= 600
    third = len(view.peaks.caller) // 3
    assert max(view.peaks.caller[: third - 5]) == 0
    assert min(view.peaks.heard[5 : third - 5]) > 40
    audio = await shelf(room).open_audio(recording_id)
    assert (len(content(audio.path)), audio.bytes, audio.sha256) == (view.bytes, view.bytes, view.sha256)


async def test_an_unknown_call_has_no_recording(room: TapeRoom) -> None:
    assert await shelf(room).of_call("pz-1.1") is None
    assert await shelf(room).by_id(1) is None
    with pytest.raises(NotOnShelf):
        await shelf(room).open_audio(1)


def content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize(
    ("error", "said"), [("TranscriptLate: in vain", "too long"), ("RuntimeError: secret words", "log")]
)
async def test_it_says_why_there_will_be_no_transcript(room: TapeRoom, error: str, said: str) -> None:
    recording_id = await conversation(room)
    jobs = JobQueue(room.database.sessions, deadline_s=10)
    job = await jobs.lease([TRANSCRIBE], 60)
    assert job is not None
    await jobs.failed(job, error, retry_in_s=0)
    waiting = await shelf(room).by_id(recording_id)
    assert waiting is not None
    assert waiting.transcript_missing_reason is None
    job = await jobs.lease([TRANSCRIBE], 60)
    assert job is not None
    await jobs.failed(job, error, retry_in_s=None)
    given_up = await shelf(room).by_id(recording_id)
    assert given_up is not None
    assert said in (given_up.transcript_missing_reason or "")
    assert "secret" not in (given_up.transcript_missing_reason or "")
