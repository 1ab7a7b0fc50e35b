"""The transcript of a recording, made by a background job: each channel by itself, then one conversation.

Knows the shelf and who answered the call when; knows no recogniser: that one is handed in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from recordings.audio import Samples, read_channel
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
                heard = await ears.transcribe(await asyncio.to_thread(read_channel, path, HEARD))
        except TimeoutError as error:
            raise TranscriptLate(
                f"Recording {recording_id} was not transcribed in time: check the load of this machine."
            ) from error
        phrases = interleave(
            (replace(phrase, speaker="caller") for phrase in caller),
            (_heard(phrase, source.operator_from_s) for phrase in heard),
        )
        await self._keep(recording_id, ears, phrases)
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
        return _Source(recording.id, recording.call_id, recording.key, recording.seconds or 0.0, answered_s)

    @use_case
    async def _keep(self, recording_id: int, ears: Ears, phrases: Sequence[Phrase]) -> None:
        try:
            async with writing(self._sessions) as session:
                session.add(
                    Transcript(
                        recording_id=recording_id, language=ears.language, engine=ears.engine,
                        phrases=to_json(phrases), created_at=self._clock(),
                    )
                )  # fmt: skip
        except IntegrityError:
            # Another worker was there first; the same audio gave the same words.
            return


def _heard(phrase: Phrase, operator_from_s: float | None) -> Phrase:
    """Name who was heard: until an operator answers, menu and bot speak; from then on, the operator."""
    middle_s = (phrase.start_s + phrase.end_s) / 2
    by_operator = operator_from_s is not None and middle_s >= operator_from_s
    return replace(phrase, speaker="operator" if by_operator else "bot")
