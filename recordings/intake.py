"""Taking a call's tape in: from the PBX's two files in the spool to one stereo MP3 on the shelf and its row.

Safe to be killed at any line and to be run by several workers at once; `take_in` says why. Knows the shelf,
the spool and the ledger's calls; knows no PBX and no web.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from recordings.audio import BadAudio, merge_stereo, peaks, usable_seconds
from recordings.naming import BadCallId, call_began, checked_call_id, store_key
from recordings.spool import Held, Spool, SpoolTrouble, StillRecording
from recordings.store import ShelfLate, ShelfUnwritable, Store
from recordings.tables import Recording
from tickets.database import DatabaseTrouble, Sessions, use_case, utc_now, writing
from tickets.events import CallEvent, Publish
from tickets.jobs import Job, JobQueue
from tickets.tables import CallRow
from tickets.vocabulary import CallState, EventKind

log = structlog.get_logger()

INTAKE = "recording.intake"
"""Kind of the job that asks for a call's tape to be taken in; its key is the call id."""

TRANSCRIBE = "recording.transcribe"
"""Kind of the job that asks for a transcript; its key is the call id, its payload {"recording_id": int}."""

NOTHING_LEFT = "The PBX left no recording of this call."
NO_SOUND = "The PBX recorded no sound of this call."
NOT_READABLE = "What the PBX left of this call is no readable sound; it was set aside in the spool."

_MERGE_DEADLINE_S = 1200.0  # hours of sound take a minute; longer, and something is stuck
# A left-over file touched more recently may belong to a job that is about to take it.
_LEFT_OVER_AFTER_S = 30.0
# The ledger believes the call to be alive, but nobody has written for so long: the ledger is wrong.
_ABANDONED_AFTER_S = 3600.0


class CallUnknown(Exception):
    """A recording of a call that the ledger does not know yet; the ledger has just been told. Try again."""


class MergeLate(Exception):
    """Merging took longer than it ever should; it may be tried again."""


@dataclass(frozen=True, slots=True)
class _Tape:
    """A merged file, not yet on the shelf."""

    path: Path
    seconds: float
    bytes: int
    sha256: str
    peaks: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of a call's files: a tape, or the reason why there is none."""

    tape: _Tape | None
    reason: str | None
    unusable: frozenset[str]  # file names that hold no sound, to be set aside


class Intake:
    """Takes tapes in. One per process; its methods may run side by side."""

    def __init__(
        self,
        sessions: Sessions,
        store: Store,
        spool: Path,
        publish: Publish,
        *,
        clock: Callable[[], datetime] = utc_now,
        quiet_s: float = 5.0,
        settle_deadline_s: float = 20.0,
        appear_s: float = 2.0,
        deadline_s: float = 1.0,
    ) -> None:
        """`quiet_s`, `settle_deadline_s`, `appear_s`: see `Spool`; `deadline_s`: of each database use."""
        self._sessions = sessions
        self._store = store
        self._spool = Spool(spool, quiet_s=quiet_s, deadline_s=settle_deadline_s, appear_s=appear_s)
        self._publish = publish
        self._clock = clock
        self._deadline_s = deadline_s
        self._jobs = JobQueue(sessions)

    async def handle(self, job: Job) -> None:
        """Handler of `recording.intake` jobs."""
        await self.take_in(job.key)

    async def take_in(self, call_id: str) -> Recording:
        """Put a call's recording on the shelf, or note why there is none. Repeating it changes nothing.

        The order makes it safe: (1) the spool's files are linked aside, (2) only then the row is looked
        for, (3) the merged file goes to a key that follows from the call, (4) the row and the job for the
        transcript are committed, (5) only then the spool is cleared, (6) the news is published. Killed
        before 4, the next one does the same again over the same key. A second worker at 1 either has all
        files, since they are cleared only after the row, or finds the row at 2.

        Raises:
            StillRecording: the PBX still writes.
            CallUnknown: no such call yet; `call.found` was published.
            ShelfUnwritable, ShelfLate, SpoolTrouble, MergeLate, BadAudio, DatabaseTrouble: nothing is
                lost, try again.
        """
        received_at = await self._received_at(call_id)
        if received_at is None:
            self._tell_found(call_id)
            raise CallUnknown(f"Call {call_id} is not in the ledger yet: its recording waits in the spool.")
        try:
            checked_call_id(call_id)
        except BadCallId:
            return await self._keep(_missing(call_id, NOTHING_LEFT, self._clock()))
        await self._spool.settle(call_id)
        unusable: frozenset[str] = frozenset()
        async with self._spool.hold(call_id) as held:
            recording = await self._recording(call_id)
            if recording is None or recording.key is None:
                made = await self._merge(held)
                unusable = made.unusable
                if made.tape:
                    recording = await self._keep(await self._put(call_id, received_at, made.tape))
                else:
                    recording = await self._keep(_missing(call_id, made.reason, self._clock()))
        await asyncio.to_thread(self._spool.clear, call_id, unusable)
        self._tell_recorded(recording)
        return recording

    async def left_overs(self) -> list[str]:
        """Calls whose files lie in the spool though no job will come for them any more, oldest first."""
        ages = await asyncio.to_thread(self._spool.left_overs)
        alive = await self._alive(list(ages))
        old = {
            call_id: age
            for call_id, age in ages.items()
            if age >= (_ABANDONED_AFTER_S if call_id in alive else _LEFT_OVER_AFTER_S)
        }
        return sorted(old, key=lambda call_id: (-old[call_id], call_id))

    async def take_in_left_overs(self) -> int:
        """Take in what crashes, full disks and dead jobs left in the spool; give the number taken in.

        To be run at start and every few minutes. One call that fails does not stop the others.
        """
        taken = 0
        for call_id in await self.left_overs():
            try:
                await self.take_in(call_id)
                taken += 1
            except (
                CallUnknown, StillRecording, MergeLate, BadAudio,
                ShelfUnwritable, ShelfLate, SpoolTrouble, DatabaseTrouble,
            ) as error:  # fmt: skip
                log.warning("left-over recording not taken in", action="left_over_waits", call_id=call_id,
                            reason=str(error))  # fmt: skip
        return taken

    async def check(self) -> None:
        """Try whether recordings could be taken in now.

        Raises:
            ShelfUnwritable, ShelfLate, SpoolTrouble: no; the message is a sentence that says what to do.
        """
        await self._store.check()
        await asyncio.to_thread(self._spool.check)

    async def _merge(self, held: Held) -> _Made:
        try:
            async with asyncio.timeout(_MERGE_DEADLINE_S):
                with self._spool.telling_what_to_do():
                    return await asyncio.to_thread(_make, held)
        except TimeoutError as error:
            raise MergeLate(f"Merging a recording took longer than {_MERGE_DEADLINE_S:.0f} s.") from error

    async def _put(self, call_id: str, received_at: datetime, tape: _Tape) -> Recording:
        key = store_key(call_id, received_at.date())
        await self._store.put(key, tape.path)
        return Recording(
            call_id=call_id, key=key, sha256=tape.sha256, seconds=tape.seconds, bytes=tape.bytes,
            peaks=tape.peaks, created_at=self._clock(), missing_reason=None,
        )  # fmt: skip

    @use_case
    async def _keep(self, recording: Recording) -> Recording:
        """Commit the row and the job for its transcript; another worker's tape of the same call wins."""
        mine = select(Recording).where(Recording.call_id == recording.call_id)
        try:
            async with writing(self._sessions) as session:
                there = await session.scalar(mine.with_for_update())
                if there and (there.key or not recording.key):
                    return there
                if there:  # the PBX's files came after all
                    for column in (
                        "key",
                        "sha256",
                        "seconds",
                        "bytes",
                        "peaks",
                        "created_at",
                        "missing_reason",
                    ):
                        setattr(there, column, getattr(recording, column))
                    recording = there
                else:
                    session.add(recording)
                await session.flush()
                if recording.key:
                    payload: dict[str, Any] = {"recording_id": recording.id}
                    await self._jobs.enqueue(TRANSCRIBE, recording.call_id, payload, session=session)
        except IntegrityError:
            async with self._sessions() as session:
                return (await session.scalars(mine)).one()
        log.info("recording kept", action="recording_kept", call_id=recording.call_id,
                 seconds=recording.seconds, missing=recording.missing_reason)  # fmt: skip
        return recording

    @use_case
    async def _received_at(self, call_id: str) -> datetime | None:
        async with self._sessions() as session:
            received_at: datetime | None = await session.scalar(
                select(CallRow.received_at).where(CallRow.call_id == call_id)
            )
            return received_at

    @use_case
    async def _recording(self, call_id: str) -> Recording | None:
        async with self._sessions() as session:
            found: Recording | None = await session.scalar(
                select(Recording).where(Recording.call_id == call_id)
            )
            return found

    @use_case
    async def _alive(self, call_ids: list[str]) -> set[str]:
        async with self._sessions() as session:
            alive = select(CallRow.call_id).where(CallRow.state != CallState.ENDED)
            # No list in the statement: after a long outage it could be longer than a database takes.
            return set(await session.scalars(alive)).intersection(call_ids)

    def _tell_found(self, call_id: str) -> None:
        self._publish(
            CallEvent(
                source="recordings", source_id=f"{call_id}:found", call_id=call_id,
                at=call_began(call_id) or self._clock(), kind=EventKind.FOUND, data={"how": "recording"},
            )
        )  # fmt: skip

    def _tell_recorded(self, recording: Recording) -> None:
        if recording.key is None:
            return
        self._publish(
            CallEvent(
                source="recordings", source_id=f"{recording.call_id}:recorded", call_id=recording.call_id,
                at=recording.created_at, kind=EventKind.RECORDED, data={"recording_id": recording.id},
            )
        )  # fmt: skip


def _missing(call_id: str, reason: str | None, at: datetime) -> Recording:
    return Recording(call_id=call_id, created_at=at, missing_reason=reason)


def _make(held: Held) -> _Made:
    """Merge what is usable of a call's files. Blocking."""
    sides = {"caller": held.caller, "heard": held.heard}
    unusable = set()
    for name, side in sides.items():
        try:
            if side and usable_seconds(side) == 0.0:
                sides[name] = None
        except BadAudio as error:
            log.warning("a side of a recording is no sound", action="side_unusable", reason=str(error))
            unusable.add(side.name if side else "")
            sides[name] = None
    if not any(sides.values()):
        left = NO_SOUND if held.caller or held.heard else NOTHING_LEFT
        return _Made(None, NOT_READABLE if unusable else left, frozenset(unusable))
    out = held.folder / "call.mp3"
    seconds = merge_stereo(sides["caller"], sides["heard"], out)
    caller, heard = peaks(out)
    with out.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    tape = _Tape(out, seconds, out.stat().st_size, sha256, {"caller": caller, "heard": heard})
    return _Made(tape, None, frozenset(unusable))
