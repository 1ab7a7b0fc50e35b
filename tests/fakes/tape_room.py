"""A spool, a shelf and a ledger with calls in it: what the tape shelf's tests stand in."""

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from recordings.intake import TRANSCRIBE, Intake
from recordings.naming import caller_name, heard_name
from recordings.store import DiskStore, Store
from recordings.tables import Recording
from tests.fakes.wav_files import tone, write_wav
from tickets.database import Database
from tickets.events import CallEvent
from tickets.tables import CallRow, JobRow
from tickets.vocabulary import CallState, Direction

RECEIVED = datetime(2025, 11, 21, 18, 33, 20, tzinfo=UTC)


@dataclass
class TapeRoom:
    """Everything around the intake, and what can be seen of its work."""

    database: Database
    spool: Path
    shelf: Path
    news: list[CallEvent] = field(default_factory=list)

    def store(self) -> DiskStore:
        return DiskStore(self.shelf)

    def intake(self, store: Store | None = None) -> Intake:
        return Intake(
            self.database.sessions, store or self.store(), self.spool, self.news.append,
            settle_deadline_s=0.0, appear_s=0.0, deadline_s=10.0,
        )  # fmt: skip

    async def call(
        self, call_id: str, state: CallState = CallState.ENDED, answered_after_s: float | None = None
    ) -> str:
        answered = None if answered_after_s is None else RECEIVED + timedelta(seconds=answered_after_s)
        async with self.database.sessions() as session:
            session.add(
                CallRow(
                    call_id=call_id, direction=Direction.INBOUND, caller_raw="", line="", vip_level=0,
                    state=state, priority=0, received_at=RECEIVED, answered_at=answered, bot_seconds=0.0,
                    hold_seconds=0.0, talk_seconds=0.0, found_later=False,
                )
            )  # fmt: skip
            await session.commit()
        return call_id

    def record(
        self,
        call_id: str,
        caller: NDArray[np.int16] | bytes | None,
        heard: NDArray[np.int16] | bytes | None,
        age_s: float = 600.0,
    ) -> None:
        """Leave both sides as the PBX does: samples, raw bytes, or not at all."""
        self.spool.mkdir(exist_ok=True)
        for name, content in ((caller_name(call_id), caller), (heard_name(call_id), heard)):
            if content is not None:
                path = self.spool / name
                path.write_bytes(content) if isinstance(content, bytes) else write_wav(path, content)
                then = time.time() - age_s
                os.utime(path, (then, then))

    async def recorded_call(self, call_id: str) -> str:
        """An ended call with a second of sound on both sides."""
        self.record(await self.call(call_id), tone(1.0, 440), tone(1.0, 1000))
        return call_id

    def spooled(self) -> list[str]:
        return sorted(str(path.relative_to(self.spool)) for path in self.spool.rglob("*") if path.is_file())

    def shelved(self) -> list[str]:
        return sorted(str(path.relative_to(self.shelf)) for path in self.shelf.rglob("*") if path.is_file())

    def told(self) -> set[tuple[str, str]]:
        return {(event.source_id, event.kind.value) for event in self.news}

    async def rows(self) -> int:
        async with self.database.sessions() as session:
            return await session.scalar(select(func.count()).select_from(Recording)) or 0

    async def transcript_jobs(self) -> list[tuple[str, dict[str, int]]]:
        async with self.database.sessions() as session:
            jobs = await session.scalars(select(JobRow).where(JobRow.kind == TRANSCRIBE).order_by(JobRow.key))
            return [(job.key, job.payload) for job in jobs]
