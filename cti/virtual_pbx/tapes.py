"""Recordings of virtual PBXs: fetched when they are ready, laid on the tape shelf, or a reason noted why not.

A vendor has a recording ready a while after the call, and may be away just then: asking goes on, ever less
often, for a day. What is our own trouble, with the database or the disk, and a PBX that is not connected are
waited out. Knows the vendors' `tapes` and `fetch` and the shelf; knows no vendor.
"""

import asyncio
import errno
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

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
from cti.virtual_pbx.mishaps import place_of
from cti.virtual_pbx.patience import Patience
from recordings.delivered import DeliveredTapes, Delivery, TapeChanged
from recordings.intake import CallUnknown, MergeLate
from recordings.store import NotOnShelf, ShelfLate, ShelfUnwritable
from recordings.wav import BadAudio
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.facts import Fact
from tickets.jobs import Handler, Hopeless, Job, JobQueue, PutOff
from tickets.rows import key_of
from tickets.vocabulary import EventKind

log = structlog.get_logger()

TAPE_JOB = "pbx.tape"  # key: vendor and the vendor's id of the recording; payload: see `_payload`
NO_TAPE_JOB = "pbx.no_tape"  # key: call id; asked for when a call has ended

PATIENCE = timedelta(minutes=15)  # after a call's end, before it is said that nothing was recorded
MISSED_FOR = timedelta(minutes=3)  # … where nobody answered: there is little to record
GIVEN_UP_AFTER = timedelta(hours=24)  # of asking for a recording, as long as this service lives
LONGEST = timedelta(days=30)  # since it was asked for: no vendor keeps one much longer
REFUSED_FOR = timedelta(hours=1)  # a vendor that says no may yet be told to say yes
SOONEST_S, LATEST_S = 60.0, 600.0  # between two tries
FETCH_S = 900.0  # of one recording, whatever the vendor's file allows itself
UNKNOWN_S = 5.0  # until the ledger knows the call; at first
TRIES = 5  # of a recording that cannot be read
ROOM = 64 << 20  # bytes that a disk has free on which reading a recording cannot have failed for lack of them

_TO_RECORD = frozenset({EventKind.OPERATOR_ANSWERED, EventKind.VOICEMAIL_STARTED})

NOTHING_RECORDED = "The PBX has recorded nothing of this call."
GIVES_NONE = "This PBX gives no recordings."
NOT_HANDED_OVER = "The PBX has a recording of this call and did not hand it over: look in its cabinet."
NO_SOUND = "What the PBX handed over as this call's recording is no readable sound."
NO_CALL = "The ledger never came to know the call of this recording."
DISCONNECTED = "The connection to this call's PBX was removed before its recording was fetched."


_OURS = (DatabaseTrouble, ShelfUnwritable, ShelfLate, OSError)  # passes, however long it takes
_STUCK = (NotOnShelf, MergeLate)  # may pass


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
        self._waits = Patience(clock)
        self._missed: set[str] = set()  # vendors that are not connected, and of which it was said

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
            BadAudio: as `DeliveredTapes.take_in`; the job is tried again.
            Hopeless: the ledger never came to know the call, or its PBX is gone for good.
        """
        await self._unless_in_trouble(self._fetch, job)

    async def conclude(self, job: Job) -> None:
        """Handler of `NO_TAPE_JOB`: a call that had its time, and of which nothing was recorded, says so.

        Raises:
            PutOff: a recording may come yet.
        """
        await self._unless_in_trouble(self._conclude, job)

    async def _unless_in_trouble(self, handle: Handler, job: Job) -> None:
        """What is not the vendor's fault costs no attempt: nothing is lost, and the job is done later."""
        trouble: Exception
        try:
            await handle(job)
        except _OURS as error:
            waited, trouble = self._waits.waited(job.id, "the house"), error
        except _STUCK as error:
            waited, trouble = self._waits.waited(job.id, "the shelf"), error
            if self._is_over(job, waited, GIVEN_UP_AFTER):
                raise Hopeless(str(error)) from None
        else:
            self._waits.forget(job.id)
            return
        log.warning("A recording waits for the database or the disk.", action="tape_held_up",
                    kind=job.kind, error=type(trouble).__name__)  # fmt: skip
        raise _again(waited, self._soonest_s)

    async def _fetch(self, job: Job) -> None:
        vendor, tape = await self._wanted(job)
        if vendor is None:
            await self._unconnected(job, tape.call_id)
        try:
            await self._delivered.ready_for(tape.call_id)
        except CallUnknown:
            self._unknown(job, tape.call_id)
        await asyncio.to_thread(self._folder.mkdir, 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".fetching-") as name:
            sound = Path(name) / "recording"
            try:
                await _within_bounds(vendor.fetch(tape, sound), sound)
                await self._delivered.take_in(
                    tape.call_id, Delivery(tape.tape_id, tape.at, sound, tape.caller)
                )
            except NotOffered:
                await self._no_tape(job, tape.call_id, GIVES_NONE)
            except (NotYet, CommandLate, TimeoutError, aiohttp.ClientError, ConnectionError) as error:
                await self._later(job, tape, error, GIVEN_UP_AFTER)
            except (CommandRefused, _TooLarge) as error:
                await self._later(job, tape, error, REFUSED_FOR)
            except CallUnknown:
                self._unknown(job, tape.call_id)
            except TapeChanged:
                raise PutOff(1.0) from None
            except BadAudio:
                await asyncio.to_thread(_check_room, sound)
                if job.attempts < TRIES:
                    raise
                await self._no_tape(job, tape.call_id, NO_SOUND)

    async def _conclude(self, job: Job) -> None:
        call_id = job.key
        vendor = self._vendor_of(call_id)
        if vendor is None:
            if not await self._delivered.has_tape(call_id):
                await self._unconnected(job, call_id)
            return
        if type(vendor).fetch is VirtualPbx.fetch:
            await self._no_tape(job, call_id, GIVES_NONE)
            return
        facts = await self._facts(call_id)
        if facts and vendor.tapes(facts):
            return  # each of them has a job of its own, which comes to an end of its own
        talked = any(event.kind in _TO_RECORD for event in (vendor.tell(facts) if facts else ()))
        waits = job.created_at + (self._patience if talked else MISSED_FOR) - self._clock()
        if waits > timedelta(0):
            raise PutOff(waits.total_seconds())
        await self._no_tape(job, call_id, NOTHING_RECORDED)

    async def _wanted(self, job: Job) -> tuple[VirtualPbx[Any] | None, Tape]:
        """The recording as it is known now: more may have been told of it since it was asked for."""
        asked = job.payload
        at = datetime.fromisoformat(asked["at"]).astimezone(UTC)
        tape = Tape(asked["tape_id"], asked["call_id"], at, asked["hint"], int(asked.get("caller", 0)))
        vendor = self._vendor_of(tape.call_id)
        if vendor is not None:
            facts = await self._facts(tape.call_id)
            try:
                told = vendor.tapes(facts) if facts else []
            except Exception as error:  # a mistake of ours with later facts: what was asked for is known
                log.error("What was told of a recording makes no sense to us.", action="tape_unread",  # noqa: TRY400
                          call_id=tape.call_id, **place_of(error))  # fmt: skip
                told = []
            tape = next((one for one in told if one.tape_id == tape.tape_id), tape)
        return vendor, tape

    def _vendor_of(self, call_id: str) -> VirtualPbx[Any] | None:
        name = vendor_of(call_id) or ""
        vendor = self._vendors.get(name)
        if vendor is not None:
            self._missed.discard(name)
        return vendor

    async def _unconnected(self, job: Job, call_id: str) -> NoReturn:
        """Its PBX is connected no more, or elsewhere: wait for it. The ticket says so after a while."""
        vendor = vendor_of(call_id) or ""
        if vendor not in self._missed:
            self._missed.add(vendor)
            log.warning("Recordings wait for a virtual PBX that is not connected here: connect it again.",
                        action="tapes_unconnected", vendor=vendor)  # fmt: skip
        waited = self._waits.waited(job.id, "the connection")
        if waited >= self._patience and self._waits.first(job.id, "a note"):
            await self._no_tape(job, call_id, DISCONNECTED)
        if self._is_over(job, waited, LONGEST):
            raise Hopeless(DISCONNECTED)
        raise _again(waited, self._soonest_s)

    def _unknown(self, job: Job, call_id: str) -> NoReturn:
        """The ledger does not know the call: it will within a moment, or there is none."""
        waited = self._waits.waited(job.id, "the ledger")
        if self._is_over(job, waited, GIVEN_UP_AFTER):
            log.error("A recording's call never came to be known.", action="tape_given_up", call_id=call_id)
            raise Hopeless(NO_CALL)
        raise _again(waited, UNKNOWN_S)

    async def _later(self, job: Job, tape: Tape, error: Exception, most: timedelta) -> None:
        """Ask again, the longer it has been the later; or be done with it."""
        waited = self._waits.waited(job.id, "the vendor")
        if self._is_over(job, waited, most):
            log.error("A recording was not handed over.", action="tape_given_up", call_id=tape.call_id,
                      reason=_reason(error))  # fmt: skip
            await self._no_tape(job, tape.call_id, NOT_HANDED_OVER)
            return
        log.info("A recording is not here yet.", action="tape_waits", call_id=tape.call_id,
                 reason=_reason(error))  # fmt: skip
        raise _again(waited, self._soonest_s)

    async def _no_tape(self, job: Job, call_id: str, reason: str) -> None:
        try:
            await self._delivered.note_missing(call_id, reason)
        except CallUnknown:
            self._unknown(job, call_id)

    def _is_over(self, job: Job, waited: timedelta, most: timedelta) -> bool:
        return waited >= most or self._clock() - job.created_at >= LONGEST


def _again(waited: timedelta, soonest_s: float) -> PutOff:
    """The longer it has been, the later."""
    return PutOff(min(LATEST_S, max(soonest_s, waited.total_seconds() / 5)))


def _check_room(sound: Path) -> None:
    """What reads recordings says of a full disk too that they are no sound.

    Raises:
        OSError: the disk may have been full.
    """
    needed = max(ROOM, 20 * _size(sound))  # what it is unpacked to
    if shutil.disk_usage(sound.parent).free < needed:
        raise OSError(errno.ENOSPC, "There is too little room to read a recording.")


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
