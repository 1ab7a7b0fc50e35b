"""Work for later that survives a crash: a table of jobs with leases, and the worker that does them.

A worker that dies leaves its lease behind; when that has run out, the next worker takes the job.
A handler must therefore be idempotent.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tickets.database import Sessions, utc_now


@dataclass(frozen=True, slots=True)
class Job:
    """A leased job."""

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    attempts: int  # this one included
    lease: str


Handler = Callable[[Job], Awaitable[None]]


class JobQueue:
    """The jobs table."""

    def __init__(
        self, sessions: Sessions, clock: Callable[[], datetime] = utc_now, *, deadline_s: float = 1.0
    ) -> None: ...

    async def enqueue(
        self,
        kind: str,
        key: str,
        payload: Mapping[str, Any] | None = None,
        session: AsyncSession | None = None,
    ) -> bool:
        """Ask for a job once; True when it is new. With `session` it becomes part of that transaction."""
        raise NotImplementedError

    async def lease(self, kinds: Sequence[str], lease_s: float) -> Job | None:
        """Take the job that is due longest, for `lease_s` seconds."""
        raise NotImplementedError

    async def extend(self, job: Job, lease_s: float) -> bool:
        """Keep a job longer; False when the lease was lost."""
        raise NotImplementedError

    async def done(self, job: Job) -> None:
        """The job's work is done."""
        raise NotImplementedError

    async def failed(self, job: Job, error: str, retry_in_s: float | None) -> None:
        """The attempt failed: again in `retry_in_s` seconds, or never (None: dead)."""
        raise NotImplementedError


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
    ) -> None: ...

    async def run(self) -> None:
        """Work until cancelled."""
        raise NotImplementedError

    def hint(self) -> None:
        """There may be a new job: look now rather than at the next poll."""
