"""Work for later that survives a crash: a table of jobs with leases, and the worker that does them.

A worker that dies leaves its lease behind; when that has run out, the next worker takes the job. One that is
cancelled gives it back at once. A handler must therefore be idempotent.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import Table, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.database import DatabaseTrouble, Sessions, insert_new, use_case, utc_now, writing
from tickets.rows import clean_text
from tickets.tables import JobRow, JobState

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A leased job."""

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    attempts: int  # this one included
    lease: str
    created_at: datetime  # when it was asked for


class PutOff(Exception):
    """A handler's word that it is too early: the job is due again later, and no attempt is lost."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Again in {seconds:.0f} s.")
        self.seconds = seconds


class Hopeless(Exception):
    """A handler's word that no further attempt can do it; the message says why, and is kept."""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that was given up."""

    key: str
    payload: Mapping[str, Any]
    error: str
    created_at: datetime


Handler = Callable[[Job], Awaitable[None]]

LONGEST_ERROR = 1000  # characters that are kept of what an attempt failed with
LONGEST_PAUSE_S = 600.0  # between two attempts
CLOCKS_APART_S = 60.0  # so far nodes' clocks may differ before one takes the other's times for nonsense


_jobs = cast(Table, JobRow.__table__)


async def enqueue_all(session: AsyncSession, kind: str, keys: Sequence[str], now: datetime) -> None:
    """Ask for one job per key in the session's transaction; those asked for before stay as they are."""
    if keys:
        await session.execute(insert_new(session, _jobs), [_new_row(kind, key, {}, now) for key in keys])


def _new_row(kind: str, key: str, payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": key,
        "payload": dict(payload),
        "state": JobState.WAITING,
        "due_at": now,
        "attempts": 0,
        "created_at": now,
    }


class JobQueue:
    """The jobs table."""

    def __init__(
        self, sessions: Sessions, clock: Callable[[], datetime] = utc_now, *, deadline_s: float = 1.0
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._deadline_s = deadline_s

    async def enqueue(
        self,
        kind: str,
        key: str,
        payload: Mapping[str, Any] | None = None,
        session: AsyncSession | None = None,
    ) -> bool:
        """Ask for a job once; True when it is new. With `session` it becomes part of that transaction."""
        if session is None:
            return await self._enqueue(kind, key, payload or {})
        return await self._insert(session, kind, key, payload or {})

    @use_case
    async def _enqueue(self, kind: str, key: str, payload: Mapping[str, Any]) -> bool:
        async with writing(self._sessions) as session:
            return await self._insert(session, kind, key, payload)

    async def _insert(self, session: AsyncSession, kind: str, key: str, payload: Mapping[str, Any]) -> bool:
        row = _new_row(kind, key, payload, self._clock())
        inserted = await session.execute(insert_new(session, _jobs).values(row).returning(_jobs.c.id))
        return inserted.first() is not None

    async def ask_again(self, kind: str, key: str, payload: Mapping[str, Any], session: AsyncSession) -> None:
        """Ask for a job in that transaction, also when it was done before; one at work is begun anew."""
        if await self._insert(session, kind, key, payload):
            return
        now, asked = self._clock(), and_(_jobs.c.kind == kind, _jobs.c.key == key)
        anew = {**_new_row(kind, key, payload, now), "lease": None, "error": None}
        await session.execute(update(_jobs).where(asked).values(anew))

    @use_case
    async def lease(self, kinds: Sequence[str], lease_s: float) -> Job | None:
        """Take the job of these kinds that is due longest, for `lease_s` seconds.

        Due is a waiting job whose time has come, and a leased one whose worker let the lease run out.
        """
        now = self._clock()
        first = and_(_jobs.c.state == JobState.WAITING, _jobs.c.attempts == 0)  # is never put off
        due = (
            select(_jobs.c.id)
            .where(
                _jobs.c.kind.in_(list(kinds)),
                _jobs.c.state.in_([JobState.WAITING, JobState.LEASED]),
                or_(_jobs.c.due_at <= now, first),
            )
            .order_by(_jobs.c.due_at, _jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this away
        )
        take = (
            update(_jobs)
            .where(_jobs.c.id == due.scalar_subquery())
            .values(
                state=JobState.LEASED,
                due_at=now + timedelta(seconds=lease_s),
                attempts=_jobs.c.attempts + 1,
                lease=secrets.token_hex(16),
            )
            .returning(
                _jobs.c.id,
                _jobs.c.kind,
                _jobs.c.key,
                _jobs.c.payload,
                _jobs.c.attempts,
                _jobs.c.lease,
                _jobs.c.created_at,
            )
        )
        async with writing(self._sessions) as session:
            for correction in _after_a_clock_set_back(kinds, now, lease_s):
                await session.execute(correction)
            row = (await session.execute(take)).first()
        return Job(**row._mapping) if row is not None else None

    async def extend(self, job: Job, lease_s: float) -> bool:
        """Keep a job longer; False when the lease was lost."""
        return await self._settle(job, {"due_at": self._clock() + timedelta(seconds=lease_s)})

    async def done(self, job: Job) -> bool:
        """The job's work is done; False when the lease was lost: another worker has it."""
        return await self._settle(job, {"state": JobState.DONE, "lease": None, "error": None})

    async def failed(self, job: Job, error: str, retry_in_s: float | None) -> bool:
        """The attempt failed: again in `retry_in_s`, `LONGEST_PAUSE_S` at most, or never (None: dead).

        False when the lease was lost.
        """
        error = clean_text(error)[:LONGEST_ERROR]
        if retry_in_s is None:
            return await self._settle(job, {"state": JobState.DEAD, "lease": None, "error": error})
        due_at = self._clock() + timedelta(seconds=min(retry_in_s, LONGEST_PAUSE_S))
        return await self._settle(
            job, {"state": JobState.WAITING, "due_at": due_at, "lease": None, "error": error}
        )

    async def put_off(self, job: Job, seconds: float) -> bool:
        """It was too early, and the attempt does not count. False when the lease was lost."""
        due_at = self._clock() + timedelta(seconds=min(seconds, LONGEST_PAUSE_S))
        attempts = max(1, job.attempts - 1)  # with none it would be due at once
        values = {"state": JobState.WAITING, "due_at": due_at, "attempts": attempts, "lease": None}
        return await self._settle(job, values)

    async def give_back(self, job: Job) -> bool:
        """The attempt was broken off and does not count: due at once. False when the lease was lost."""
        values = {"state": JobState.WAITING, "due_at": self._clock(), "attempts": job.attempts - 1}
        return await self._settle(job, {**values, "lease": None})

    @use_case
    async def states(self, kind: str, keys: Sequence[str]) -> dict[str, JobState]:
        """Where each of these jobs is, by key; one that was never asked for is not among them."""
        asked = select(_jobs.c.key, _jobs.c.state).where(_jobs.c.kind == kind, _jobs.c.key.in_(list(keys)))
        async with self._sessions() as session:
            return {row.key: JobState(row.state) for row in await session.execute(asked)}

    @use_case
    async def dead(self, kind: str, limit: int = 100) -> list[DeadJob]:
        """Jobs that were given up, the latest first."""
        columns = (_jobs.c.key, _jobs.c.payload, _jobs.c.error, _jobs.c.created_at)
        given_up = select(*columns).where(_jobs.c.kind == kind, _jobs.c.state == JobState.DEAD)
        async with self._sessions() as session:
            rows = await session.execute(given_up.order_by(_jobs.c.id.desc()).limit(limit))
            return [DeadJob(row.key, row.payload, row.error or "", row.created_at) for row in rows]

    @use_case
    async def revive(self, kind: str) -> int:
        """Ask anew for all that was given up; how many."""
        now = self._clock()
        anew = {"state": JobState.WAITING, "due_at": now, "created_at": now, "attempts": 0, "error": None}
        given_up = update(_jobs).where(_jobs.c.kind == kind, _jobs.c.state == JobState.DEAD)
        async with writing(self._sessions) as session:
            return len((await session.execute(given_up.values(anew).returning(_jobs.c.id))).all())

    @use_case
    async def _settle(self, job: Job, values: dict[str, Any]) -> bool:
        async with writing(self._sessions) as session:
            held = update(_jobs).where(_jobs.c.id == job.id, _jobs.c.lease == job.lease)
            result = await session.execute(held.values(values).returning(_jobs.c.id))
            return result.first() is not None


def _after_a_clock_set_back(kinds: Sequence[str], now: datetime, lease_s: float) -> list[Any]:
    """Bring back times that lie further in the future than they are ever set.

    A lease is shortened, not taken: whoever holds it may be alive, and will extend it.
    """
    return [
        update(_jobs)
        .where(
            _jobs.c.kind.in_(list(kinds)),
            _jobs.c.state == state,
            _jobs.c.due_at > now + timedelta(seconds=most_s + CLOCKS_APART_S),
        )
        .values(due_at=now + timedelta(seconds=most_s))
        for state, most_s in ((JobState.LEASED, lease_s), (JobState.WAITING, LONGEST_PAUSE_S))
    ]


class Worker:
    """Does jobs, a few at a time, until cancelled."""

    def __init__(
        self,
        queue: JobQueue,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 1,
        lease_s: float = 60.0,
        poll_s: float = 2.0,
        max_attempts: int = 5,
        retry_in_s: Callable[[int], float] = lambda attempts: min(LONGEST_PAUSE_S, 2.0**attempts),
    ) -> None:
        self._queue = queue
        self._handlers = dict(handlers)
        self._concurrency = concurrency
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._max_attempts = max_attempts
        self._retry_in_s = retry_in_s
        self._hint = asyncio.Event()

    def hint(self) -> None:
        """There may be a new job: look now rather than at the next poll."""
        self._hint.set()

    async def run(self) -> None:
        """Work until cancelled; the job at hand is then given back."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self._hint.clear()
            try:
                job = await self._queue.lease(list(self._handlers), self._lease_s)
            except DatabaseTrouble as trouble:
                log.warning("jobs cannot be read", action="jobs_unreadable", why=str(trouble))
                job = None
            if job is not None:
                await self._do(job)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._hint.wait()

    async def _do(self, job: Job) -> None:
        try:
            await self._while_leased(job)
        except DatabaseTrouble as trouble:
            # Nothing more can be written now. The lease runs out and the job is done again.
            log.warning("a job's end was not written", action="job_left", kind=job.kind, why=str(trouble))

    async def _while_leased(self, job: Job) -> None:
        if job.attempts > self._max_attempts:  # every attempt so far took its worker down with it
            await self._queue.failed(job, f"{job.attempts - 1} attempts did not come to an end", None)
            return
        keeper = asyncio.create_task(self._keep_lease(job))
        try:
            await self._handlers[job.kind](job)
        except PutOff as later:
            await self._put_off(job, later.seconds)
        except Hopeless as reason:
            log.warning("a job was given up", action="job_hopeless", kind=job.kind, why=str(reason))
            await self._queue.failed(job, str(reason), None)
        except Exception as error:
            final = job.attempts >= self._max_attempts
            log.exception(
                "a job failed", action="job_failed", kind=job.kind, attempts=job.attempts, final=final
            )
            retry = None if final else self._retry_in_s(job.attempts)
            await self._queue.failed(job, f"{type(error).__name__}: {error}", retry)
        except asyncio.CancelledError:
            with contextlib.suppress(DatabaseTrouble):  # then its lease has to run out
                await self._queue.give_back(job)
            raise
        else:
            await self._queue.done(job)
        finally:
            keeper.cancel()

    async def _put_off(self, job: Job, seconds: float) -> None:
        """With a lease that runs out the attempt would count: a database in trouble is worth some tries."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._lease_s
        while True:
            try:
                await self._queue.put_off(job, seconds)
            except DatabaseTrouble:
                if clock() >= until:
                    raise
                await asyncio.sleep(self._poll_s)
            else:
                return

    async def _keep_lease(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with contextlib.suppress(DatabaseTrouble):  # two more tries before the lease is lost
                await self._queue.extend(job, self._lease_s)
