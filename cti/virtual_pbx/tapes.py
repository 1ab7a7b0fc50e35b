"""Recordings of virtual PBXs: fetched when they are ready, laid on the tape shelf, or a reason noted why not.

A vendor has a recording ready a while after the call, and may be away just then: asking goes on, ever less
often, for a day. Knows the vendors' `tapes` and `fetch` and the shelf; knows no vendor.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from cti.virtual_pbx.contract import (
    MOST_SOUND,
    CommandLate,
    CommandRefused,
    NotOffered,
    NotYet,
    Tape,
    VirtualPbx,
)
from recordings.delivered import DeliveredTapes, Delivery, TapeChanged
from recordings.intake import CallUnknown
from recordings.wav import BadAudio
from tickets.call_ids import vendor_of
from tickets.facts import Fact
from tickets.jobs import Job, JobQueue, PutOff
from tickets.rows import key_of
from tickets.vocabulary import EventKind

log = structlog.get_logger()

TAPE_JOB = "pbx.tape"  # key: vendor and the vendor's id of the recording; payload: see `_payload`
NO_TAPE_JOB = "pbx.no_tape"  # key: call id; asked for when a call has ended

PATIENCE = timedelta(minutes=15)  # after a call's end, before it is said that nothing was recorded
MISSED_FOR = timedelta(minutes=3)  # … where nobody answered: there is little to record
GIVEN_UP_AFTER = timedelta(hours=24)  # of asking for a recording
REFUSED_FOR = timedelta(hours=1)  # a vendor that says no may yet be told to say yes
SOONEST_S, LATEST_S = 60.0, 600.0  # between two tries
FETCH_S = 900.0  # of one recording, whatever the vendor's file allows itself
UNKNOWN_S = 5.0  # until the ledger knows the call
TRIES = 5  # of a recording that cannot be read

_TO_RECORD = frozenset({EventKind.OPERATOR_ANSWERED, EventKind.VOICEMAIL_STARTED})

NOTHING_RECORDED = "The PBX has recorded nothing of this call."
GIVES_NONE = "This PBX gives no recordings."
NOT_HANDED_OVER = "The PBX has a recording of this call and did not hand it over: look in its cabinet."
NO_SOUND = "What the PBX handed over as this call's recording is no readable sound."
DISCONNECTED = "The connection to this call's PBX was removed before its recording was fetched."


class _TooLarge(Exception):
    """The vendor sends without end."""


class Tapes:
    """Does the jobs. Used from one event loop; other nodes may do the same ones."""

    def __init__(
        self,
        vendors: Mapping[str, VirtualPbx[Any]],
        facts: Callable[[str], Awaitable[Sequence[Fact]]],
        jobs: JobQueue,
        delivered: DeliveredTapes,
        folder: Path,
        clock: Callable[[], datetime],
        *,
        hint: Callable[[], None] = lambda: None,
        patience: timedelta = PATIENCE,
        soonest_s: float = SOONEST_S,
    ) -> None:
        """
        Args:
            facts: all facts of a call, by our call id.
            folder: where recordings lie while they are fetched.
            hint: there is work.
        """
        self._vendors, self._facts, self._jobs, self._delivered = vendors, facts, jobs, delivered
        self._folder, self._clock, self._hint = folder, clock, hint
        self._patience, self._soonest_s = patience, soonest_s

    async def ask(self, tapes: Sequence[Tape]) -> None:
        """These are ready at their vendor's: fetch them some time. Asked again, nothing changes.

        Raises:
            DatabaseTrouble: ask again.
        """
        new = [
            await self._jobs.enqueue(
                TAPE_JOB, key_of(f"{vendor_of(tape.call_id)}:{tape.tape_id}"), _payload(tape)
            )
            for tape in tapes
        ]
        if any(new):
            self._hint()

    async def fetch(self, job: Job) -> None:
        """Handler of `TAPE_JOB`.

        Raises:
            PutOff: not ready, or not now.
            BadAudio, ShelfUnwritable, …: as `DeliveredTapes.take_in`; the job is tried again.
        """
        vendor, tape = await self._wanted(job)
        if vendor is None:
            await self._no_tape(tape.call_id, DISCONNECTED)
            return
        waited = self._clock() - job.created_at
        await asyncio.to_thread(self._folder.mkdir, 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".fetching-") as name:
            sound = Path(name) / "recording"
            try:
                await _within_bounds(vendor.fetch(tape, sound), sound)
                await self._delivered.take_in(
                    tape.call_id, Delivery(tape.tape_id, tape.at, sound, tape.caller)
                )
            except NotOffered:
                await self._no_tape(tape.call_id, GIVES_NONE)
            except (NotYet, CommandLate, TimeoutError, aiohttp.ClientError) as error:
                await self._later(tape, error, waited, GIVEN_UP_AFTER)
            except (CommandRefused, _TooLarge) as error:
                await self._later(tape, error, waited, REFUSED_FOR)
            except CallUnknown:
                raise PutOff(UNKNOWN_S) from None
            except TapeChanged:
                raise PutOff(1.0) from None
            except BadAudio:
                if job.attempts < TRIES:
                    raise
                await self._no_tape(tape.call_id, NO_SOUND)

    async def conclude(self, job: Job) -> None:
        """Handler of `NO_TAPE_JOB`: a call that had its time, and of which nothing was recorded, says so.

        Raises:
            PutOff: a recording may come yet.
        """
        call_id = job.key
        vendor = self._vendors.get(vendor_of(call_id) or "")
        if vendor is None:
            await self._no_tape(call_id, DISCONNECTED)
            return
        if type(vendor).fetch is VirtualPbx.fetch:
            await self._no_tape(call_id, GIVES_NONE)
            return
        facts = await self._facts(call_id)
        if facts and vendor.tapes(facts):
            return  # each of them has a job of its own, which comes to an end of its own
        talked = any(event.kind in _TO_RECORD for event in (vendor.tell(facts) if facts else ()))
        waits = job.created_at + (self._patience if talked else MISSED_FOR) - self._clock()
        if waits > timedelta(0):
            raise PutOff(waits.total_seconds())
        await self._no_tape(call_id, NOTHING_RECORDED)

    async def _wanted(self, job: Job) -> tuple[VirtualPbx[Any] | None, Tape]:
        """The recording as it is known now: more may have been told of it since it was asked for."""
        asked = job.payload
        at = datetime.fromisoformat(asked["at"]).astimezone(UTC)
        tape = Tape(asked["tape_id"], asked["call_id"], at, asked["hint"], int(asked.get("caller", 0)))
        vendor = self._vendors.get(vendor_of(tape.call_id) or "")
        if vendor is not None:
            facts = await self._facts(tape.call_id)
            told = vendor.tapes(facts) if facts else []
            tape = next((one for one in told if one.tape_id == tape.tape_id), tape)
        return vendor, tape

    async def _later(self, tape: Tape, error: Exception, waited: timedelta, most: timedelta) -> None:
        """Ask again, the longer it has been the later; or be done with it."""
        if waited >= most:
            log.error("A recording was not handed over.", action="tape_given_up", call_id=tape.call_id,
                      reason=_reason(error))  # fmt: skip
            await self._no_tape(tape.call_id, NOT_HANDED_OVER)
            return
        log.info("A recording is not here yet.", action="tape_waits", call_id=tape.call_id,
                 reason=_reason(error))  # fmt: skip
        raise PutOff(min(LATEST_S, max(self._soonest_s, waited.total_seconds() / 5)))

    async def _no_tape(self, call_id: str, reason: str) -> None:
        try:
            await self._delivered.note_missing(call_id, reason)
        except CallUnknown:
            raise PutOff(UNKNOWN_S) from None


def _payload(tape: Tape) -> dict[str, Any]:
    return {
        "tape_id": tape.tape_id, "call_id": tape.call_id, "at": tape.at.isoformat(), "hint": tape.hint,
        "caller": tape.caller,
    }  # fmt: skip


async def _within_bounds(fetching: Awaitable[None], sound: Path) -> None:
    """Whatever a vendor's file allows itself: a recording comes in time, and is not endless."""
    task = asyncio.ensure_future(fetching)
    try:
        async with asyncio.timeout(FETCH_S):
            while not task.done():
                await asyncio.wait([task], timeout=1.0)
                if await asyncio.to_thread(_size, sound) > MOST_SOUND:
                    raise _TooLarge
        task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])


def _size(sound: Path) -> int:
    try:
        return sound.stat().st_size
    except FileNotFoundError:
        return 0


def _reason(error: Exception) -> str:
    """A link's own words may hold an address that works once."""
    told = isinstance(error, NotYet | CommandLate | CommandRefused)
    return str(error) if told and str(error) else type(error).__name__
