"""Taking in tapes that a PBX recorded for itself and hands over, one file or several a call.

Knows the shelf, the ledger's calls and how parts are laid; knows nothing of who delivers.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from recordings.audio import Cut, join, peaks, to_sides
from recordings.intake import TRANSCRIBE, CallUnknown, MergeLate
from recordings.naming import store_key
from recordings.parts import Part, from_json, laid, name_of, to_json
from recordings.store import Store
from recordings.tables import Recording, Transcript
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.events import CallEvent, Publish
from tickets.jobs import JobQueue
from tickets.tables import CallRow
from tickets.vocabulary import EventKind

log = structlog.get_logger()

_JOIN_DEADLINE_S = 1200.0  # hours of sound take a minute; longer, and something is stuck


class TapeChanged(Exception):
    """Another worker laid another part into this call's tape meanwhile: lay this one into that."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recording of a call, as it was handed over."""

    part_id: str
    at: datetime  # when it began
    sound: Path  # any sound file
    caller: int  # the caller's channel, where it has two


@dataclass(frozen=True, slots=True)
class _Known:
    """The call's tape as it is."""

    received_at: datetime
    key: str | None = None
    parts: tuple[Part, ...] = ()
    replaced: tuple[str, ...] = ()
    recording_id: int | None = None
    created_at: datetime | None = None


class DeliveredTapes:
    """Lays what was delivered on the shelf. Several workers may do so at once, for the same call too."""

    def __init__(
        self,
        sessions: Sessions,
        store: Store,
        publish: Publish,
        *,
        clock: Callable[[], datetime] = utc_now,
        deadline_s: float = 1.0,
    ) -> None:
        """`deadline_s`: of each database use."""
        self._sessions, self._store, self._publish = sessions, store, publish
        self._clock, self._deadline_s = clock, deadline_s
        self._jobs = JobQueue(sessions)

    async def take_in(self, call_id: str, delivery: Delivery) -> None:
        """Make the recording a part of the call's tape. Repeating it changes nothing.

        Killed at any line, the next try ends the same: (1) a tape with the new part is made beside the old
        one, (2) put under a key of its own, which follows from its parts, (3) the row is switched to it and a
        transcript asked for, in one transaction which finds out whether another worker was quicker, (4) the
        tape of before is deleted, and then its name, (5) the news is published.

        Raises:
            CallUnknown: the ledger does not know the call yet.
            TapeChanged: begin anew.
            BadAudio: what was delivered is no sound.
            NotOnShelf: the tape of before is gone.
            ShelfUnwritable, ShelfLate, MergeLate, OSError, DatabaseTrouble: nothing is lost, try again.
        """
        known = await self._known(call_id)
        if known is None:
            raise CallUnknown(f"Call {call_id} is not in the ledger yet: its recording waits.")
        if known.key is not None and not known.parts:
            return  # a PBX of ours recorded it
        if all(part.part_id != delivery.part_id for part in known.parts):
            await self._lay(call_id, known, delivery)
            known = await self._known(call_id) or known
        for key in known.replaced:
            await self._store.delete(key)
        if known.replaced:
            await self._forget_replaced(known)
        if known.key is not None:
            self._tell(call_id, known)

    async def ready_for(self, call_id: str) -> None:
        """Return if a recording of this call could be laid now: to be asked before it is brought here.

        Raises:
            CallUnknown: the ledger does not know the call yet.
            ShelfUnwritable, ShelfLate, DatabaseTrouble: not now.
        """
        if await self._known(call_id) is None:
            raise CallUnknown(f"Call {call_id} is not in the ledger yet: its recording waits.")
        await self._store.check()

    async def has_tape(self, call_id: str) -> bool:
        """Whether there is something to hear. Raises `DatabaseTrouble`."""
        known = await self._known(call_id)
        return known is not None and known.key is not None

    @use_case
    async def note_missing(self, call_id: str, reason: str) -> None:
        """Say on the ticket why there is nothing to hear, unless there is; what comes later replaces it.

        Raises:
            CallUnknown, DatabaseTrouble
        """
        async with writing(self._sessions) as session:
            if await session.scalar(select(CallRow.call_id).where(CallRow.call_id == call_id)) is None:
                raise CallUnknown(f"Call {call_id} is not in the ledger yet.")
            there = await session.scalar(
                select(Recording).where(Recording.call_id == call_id).with_for_update()
            )
            if there is None:
                session.add(Recording(call_id=call_id, created_at=self._clock(), missing_reason=reason))
            elif there.key is None:
                there.missing_reason = reason
        log.info("no recording", action="recording_missing", call_id=call_id, missing=reason)

    async def _lay(self, call_id: str, known: _Known, delivery: Delivery) -> None:
        with tempfile.TemporaryDirectory(dir=delivery.sound.parent, prefix=".laying-") as name:
            folder = Path(name)
            before = await self._store.path(known.key) if known.key else None
            try:
                async with asyncio.timeout(_JOIN_DEADLINE_S):
                    made = await asyncio.to_thread(_make, known.parts, before, delivery, folder)
            except TimeoutError as error:
                raise MergeLate(f"Laying a recording took longer than {_JOIN_DEADLINE_S:.0f} s.") from error
            parts, columns, tape = made
            key = store_key(call_id, known.received_at.date(), name_of(parts))
            await self._store.put(key, tape)
        replaced = [one for one in (*known.replaced, known.key) if one and one != key]
        try:
            await self._keep(call_id, known, {"key": key, "replaced": replaced, **columns})
        except TapeChanged:
            now = await self._known(call_id)
            # A tape only grows: whoever began with the one of before is too late now.
            if now and now.key not in (known.key, key):
                await self._store.delete(key)
            raise

    @use_case
    async def _keep(self, call_id: str, known: _Known, columns: dict[str, Any]) -> None:
        mine = select(Recording).where(Recording.call_id == call_id).with_for_update()
        columns = {**columns, "created_at": self._clock(), "missing_reason": None}
        try:
            async with writing(self._sessions) as session:
                recording = await session.scalar(mine)
                if (recording.key if recording else None) != known.key:
                    raise TapeChanged("The call's tape has changed meanwhile.")
                if recording is None:
                    recording = Recording(call_id=call_id, **columns)
                    session.add(recording)
                for column, value in columns.items():
                    setattr(recording, column, value)
                await session.flush()
                await session.execute(delete(Transcript).where(Transcript.recording_id == recording.id))
                payload = {"recording_id": recording.id}
                await self._jobs.ask_again(TRANSCRIBE, call_id, payload, session)
        except IntegrityError as error:
            raise TapeChanged("Another worker kept the call's first tape.") from error
        log.info("recording kept", action="recording_kept", call_id=call_id, parts=len(columns["parts"]))

    @use_case
    async def _forget_replaced(self, known: _Known) -> None:
        """They are deleted. A worker who has switched the tape meanwhile named them anew and does so."""
        there = (Recording.id == known.recording_id, Recording.key == known.key)
        async with writing(self._sessions) as session:
            await session.execute(update(Recording).where(*there).values(replaced=[]))

    @use_case
    async def _known(self, call_id: str) -> _Known | None:
        wanted = (
            select(CallRow.received_at, Recording)
            .outerjoin(Recording, Recording.call_id == CallRow.call_id)
            .where(CallRow.call_id == call_id)
        )
        async with self._sessions() as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            return None
        received_at: datetime = row[0]
        recording: Recording | None = row[1]
        if recording is None:
            return _Known(received_at)
        parts, replaced = from_json(recording.parts or []), tuple(recording.replaced or ())
        return _Known(received_at, recording.key, parts, replaced, recording.id, recording.created_at)

    def _tell(self, call_id: str, known: _Known) -> None:
        source_id = f"{call_id}:recorded:{name_of(known.parts)}"
        data = {"recording_id": known.recording_id}
        at = known.created_at or self._clock()
        self._publish(CallEvent("recordings", source_id, call_id, at, EventKind.RECORDED, data))


def _make(
    parts: Sequence[Part], before: Path | None, delivery: Delivery, folder: Path
) -> tuple[tuple[Part, ...], dict[str, Any], Path]:
    """The call's tape with the new part in it, and what its row says. Blocking."""
    new = folder / "new.s16le"
    seconds, mixed = to_sides(delivery.sound, new, caller=delivery.caller)
    tape = laid([*parts, Part(delivery.part_id, delivery.at, seconds, mixed)])
    old = folder / "old.s16le"
    if before is not None:
        to_sides(before, old, caller=0)
    was = {part.part_id: part.from_s for part in parts}
    cuts = [
        Cut(old if part.part_id in was else new, was.get(part.part_id, 0.0), part.seconds, part.from_s)
        for part in tape
    ]
    out = folder / "call.mp3"
    join(cuts, out, mixed=all(part.mixed for part in tape))
    caller, heard = peaks(out)
    with out.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    columns = {
        "parts": to_json(tape), "seconds": tape[-1].from_s + tape[-1].seconds, "sha256": sha256,
        "bytes": out.stat().st_size, "peaks": {"caller": caller, "heard": heard},
    }  # fmt: skip
    return tape, columns, out
