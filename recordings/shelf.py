"""Reading from the tape shelf: what the ticket page and the API show of a call's recording.

Knows rows and the store; knows no web and nothing of how recordings come to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, and_, select

from recordings.intake import TRANSCRIBE
from recordings.parts import Part
from recordings.parts import from_json as parts_from_json
from recordings.store import NotOnShelf, Store
from recordings.tables import Recording, Transcript
from recordings.transcript import Phrase, from_json
from tickets.database import Sessions, use_case
from tickets.tables import JobRow, JobState

AUDIO_TYPE = "audio/mpeg"

# Why a transcript was given up, by the error that its job died of: sentences for the ticket page.
_GIVEN_UP = {
    "NotOnShelf": "The audio is gone from the shelf.",
    "BadAudio": "The audio is damaged.",
    "TranscriptLate": "Recognition took far too long each time: the machine had no time for it.",
}
_GIVEN_UP_OTHERWISE = "The recogniser failed on this recording each time; the service's log says how."


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """What was said."""

    language: str  # BCP 47
    engine: str
    phrases: tuple[Phrase, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Peaks:
    """A waveform: integers 0 … 100 (per cent of full scale), oldest first, equally many on both channels."""

    caller: tuple[int, ...] = ()
    heard: tuple[int, ...] = ()  # what the caller heard: bot, operator, music


@dataclass(frozen=True, slots=True)
class RecordingView:
    """A call's recording. With a `missing_reason` there is no audio: lengths are 0 and peaks empty."""

    id: int
    call_id: str
    seconds: float
    bytes: int
    sha256: str
    peaks: Peaks
    created_at: datetime
    missing_reason: str | None
    transcript: TranscriptView | None  # None: not made yet (or never, without audio)
    transcript_missing_reason: str | None  # why there will be none though there is audio, in a sentence
    parts: tuple[Part, ...] = ()  # what a PBX recorded for itself; empty: ours, from the call's beginning on

    @property
    def mixed(self) -> bool:
        """Whether both voices are on one track, all the time."""
        return bool(self.parts) and all(part.mixed for part in self.parts)


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording's file, to be read only; made for an answer with HTTP ranges."""

    path: Path
    bytes: int
    sha256: str  # hexadecimal
    content_type: str = AUDIO_TYPE


class RecordingShelf:
    """The read side of the recordings."""

    def __init__(self, sessions: Sessions, store: Store, *, deadline_s: float = 1.0) -> None:
        """`deadline_s`: of each database use."""
        self._sessions = sessions
        self._store = store
        self._deadline_s = deadline_s

    async def of_call(self, call_id: str) -> RecordingView | None:
        """A call's recording with its transcript; None while there is none (yet).

        Raises:
            DatabaseTrouble: try again.
            BadTranscript: the stored transcript is damaged.
        """
        return await self._view(Recording.call_id == call_id)

    async def by_id(self, recording_id: int) -> RecordingView | None:
        """The same by the recording's own number."""
        return await self._view(Recording.id == recording_id)

    async def open_audio(self, recording_id: int) -> Audio:
        """Where the recording's MP3 lies.

        Raises:
            NotOnShelf: no such recording, one without audio, or its file is gone.
            DatabaseTrouble, ShelfLate: try again.
        """
        recording = await self._recording(recording_id)
        if recording is None or recording.key is None or recording.sha256 is None:
            raise NotOnShelf(f"There is no audio of recording {recording_id}.")
        path = await self._store.path(recording.key)
        return Audio(path, await self._store.size(recording.key), recording.sha256)

    @use_case
    async def with_audio(self, call_ids: Sequence[str]) -> set[str]:
        """Which of these few calls have something to hear. Raises `DatabaseTrouble`."""
        wanted = select(Recording.call_id).where(
            Recording.call_id.in_(call_ids), Recording.missing_reason.is_(None)
        )
        async with self._sessions() as session:
            return set(await session.scalars(wanted))

    @use_case
    async def _recording(self, recording_id: int) -> Recording | None:
        async with self._sessions() as session:
            return await session.get(Recording, recording_id)

    @use_case
    async def _view(self, which: ColumnElement[bool]) -> RecordingView | None:
        joined = (
            select(Recording, Transcript, JobRow.error)
            .outerjoin(Transcript, Transcript.recording_id == Recording.id)
            .outerjoin(
                JobRow,
                and_(
                    JobRow.kind == TRANSCRIBE,
                    JobRow.key == Recording.call_id,
                    JobRow.state == JobState.DEAD,
                ),
            )
            .where(which)
        )
        async with self._sessions() as session:
            row = (await session.execute(joined)).one_or_none()
        return _view(row[0], row[1], row[2]) if row else None


def _view(recording: Recording, transcript: Transcript | None, died_of: str | None) -> RecordingView:
    peaks = recording.peaks or {}
    given_up = None
    if died_of is not None and transcript is None:
        given_up = _GIVEN_UP.get(died_of.partition(":")[0], _GIVEN_UP_OTHERWISE)
    return RecordingView(
        id=recording.id,
        call_id=recording.call_id,
        seconds=recording.seconds or 0.0,
        bytes=recording.bytes or 0,
        sha256=recording.sha256 or "",
        peaks=Peaks(tuple(peaks.get("caller", ())), tuple(peaks.get("heard", ()))),
        created_at=recording.created_at,
        missing_reason=recording.missing_reason,
        transcript_missing_reason=given_up,
        parts=parts_from_json(recording.parts or []),
        transcript=TranscriptView(
            transcript.language, transcript.engine, from_json(transcript.phrases), transcript.created_at
        )
        if transcript
        else None,
    )
