"""The transcript of a recording, made by a background job: each channel by itself, then one conversation.

Where a PBX has mixed both voices into one track, nobody is named. Knows the shelf and who answered the call
when; knows no recogniser: that one is handed in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from recordings.audio import Samples, read_channel
from recordings.parts import Part, from_json, place
from recordings.store import Store
from recordings.tables import Recording, Transcript
from recordings.transcript import Phrase, interleave, to_json
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.jobs import Job
from tickets.tables import CallRow

log = structlog.get_logger()

Transcribe = Callable[[Samples], Awaitable[Sequence[Phrase]]]
"""Mono 8 kHz samples, shape (n,), to phrases with times from their beginning; the speaker is set here."""

CALLER, HEARD = 0, 1  # channels of the MP3: left, right


class TranscriptLate(Exception):
    """Recognition took far longer than the recording: it will be tried again."""


@dataclass(frozen=True, slots=True)
class Ears:
    """A recogniser for long audio."""

    transcribe: Transcribe
    engine: str  # its name as the transcript tells it
    language: str  # BCP 47


@dataclass(frozen=True, slots=True)
class _Source:
    """What has to be known to transcribe a recording."""

    recording_id: int
    call_id: str
    key: str
    seconds: float
    operator_from_s: float | None  # since when an operator could be heard; None: never
    parts: tuple[Part, ...]  # empty: both voices are apart from beginning to end

    @property
    def all_mixed(self) -> bool:
        """Whether one channel tells all there is."""
        return bool(self.parts) and all(part.mixed for part in self.parts)

    def mixed_at(self, seconds: float) -> bool:
        """Whether nobody knows who speaks there."""
        return any(part.mixed and part.from_s <= seconds < part.from_s + part.seconds for part in self.parts)


class Transcriber:
    """Makes transcripts, one recording at a time per call of `handle`."""

    def __init__(
        self,
        sessions: Sessions,
        store: Store,
        ears_for: Callable[[str], Awaitable[Ears]],
        *,
        clock: Callable[[], datetime] = utc_now,
        deadline_s: float = 1.0,
    ) -> None:
        """Hand in the parts.

        Args:
            ears_for: the recogniser for a call's language, by its call id.
            deadline_s: of each database use; recognition has its own, from the recording's length.
        """
        self._sessions = sessions
        self._store = store
        self._ears_for = ears_for
        self._clock = clock
        self._deadline_s = deadline_s

    async def handle(self, job: Job) -> None:
        """Handler of `recording.transcribe` jobs: payload {"recording_id": int}."""
        await self.transcribe(int(job.payload["recording_id"]))

    async def transcribe(self, recording_id: int) -> None:
        """Make the transcript of a recording, if it has audio and none yet. Repeating it changes nothing.

        Raises:
            NotOnShelf, BadAudio: the file is gone or damaged.
            TranscriptLate, ShelfLate, DatabaseTrouble: try again.
        """
        source = await self._source(recording_id)
        if source is None:
            return
        path, ears = await self._store.path(source.key), await self._ears_for(source.call_id)
        try:
            # Both channels together may take a few times as long as the call lasted, on a busy machine.
            async with asyncio.timeout(60.0 + 4.0 * source.seconds):
                caller = await ears.transcribe(await asyncio.to_thread(read_channel, path, CALLER))
                heard: Sequence[Phrase] = ()
                if not source.all_mixed:
                    heard = await ears.transcribe(await asyncio.to_thread(read_channel, path, HEARD))
        except TimeoutError as error:
            raise TranscriptLate(
                f"Recording {recording_id} was not transcribed in time: check the load of this machine."
            ) from error
        phrases = interleave(
            (_of_the_left(phrase, source) for phrase in caller),
            (
                _heard(phrase, source.operator_from_s)
                for phrase in heard
                if not source.mixed_at(_middle_s(phrase))  # the other side has said it
            ),
        )
        if not await self._keep(source, ears, phrases):
            return
        log.info("transcript kept", action="transcript_kept", call_id=source.call_id, phrases=len(phrases))

    @use_case
    async def _source(self, recording_id: int) -> _Source | None:
        """None: no such recording, no audio, or a transcript is there already."""
        wanted = (
            select(Recording, CallRow.received_at, CallRow.answered_at)
            .join(CallRow, CallRow.call_id == Recording.call_id)
            .outerjoin(Transcript, Transcript.recording_id == Recording.id)
            .where(
                Recording.id == recording_id, Recording.key.is_not(None), Transcript.recording_id.is_(None)
            )
        )
        async with self._sessions() as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            return None
        recording, received_at, answered_at = row
        if recording.key is None:
            return None
        # The dialplan starts the recording as the first thing that happens to a call.
        answered_s = (answered_at - received_at).total_seconds() if answered_at else None
        parts = from_json(recording.parts or [])
        if parts and answered_at:
            answered_s = place(parts, answered_at)
        seconds = recording.seconds or 0.0
        return _Source(recording.id, recording.call_id, recording.key, seconds, answered_s, parts)

    @use_case
    async def _keep(self, source: _Source, ears: Ears, phrases: Sequence[Phrase]) -> bool:
        """False: there is one already, or the tape has become another one; that one has a job of its own."""
        mine = select(Recording.key).where(Recording.id == source.recording_id).with_for_update()
        try:
            async with writing(self._sessions) as session:
                if await session.scalar(mine) != source.key:
                    return False
                session.add(
                    Transcript(
                        recording_id=source.recording_id, language=ears.language, engine=ears.engine,
                        phrases=to_json(phrases), created_at=self._clock(),
                    )
                )  # fmt: skip
        except IntegrityError:
            # Another worker was there first; the same audio gave the same words.
            return False
        return True


def _middle_s(phrase: Phrase) -> float:
    return (phrase.start_s + phrase.end_s) / 2


def _of_the_left(phrase: Phrase, source: _Source) -> Phrase:
    return replace(phrase, speaker="unknown" if source.mixed_at(_middle_s(phrase)) else "caller")


def _heard(phrase: Phrase, operator_from_s: float | None) -> Phrase:
    """Name who was heard: until an operator answers, menu and bot speak; from then on, the operator."""
    by_operator = operator_from_s is not None and _middle_s(phrase) >= operator_from_s
    return replace(phrase, speaker="operator" if by_operator else "bot")
