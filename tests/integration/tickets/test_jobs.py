"""The jobs table and its worker on real databases."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests.fakes.stories import START
from tickets.database import Database, DatabaseAway, writing
from tickets.jobs import Job, JobQueue, PutOff, Worker
from tickets.tables import JobRow, JobState

pytestmark = pytest.mark.integration

LIMIT_S = 20  # of a wait in these tests; they end long before


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(database: Database, clock: Clock) -> JobQueue:
    return JobQueue(database.sessions, clock, deadline_s=5)


async def states(database: Database) -> dict[str, JobState]:
    async with database.sessions() as session:
        return {row.key: row.state for row in await session.scalars(select(JobRow))}


@asynccontextmanager
async def at_work(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(LIMIT_S):
            yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await condition():  # noqa: ASYNC110 - the table tells nobody when it changes
            await asyncio.sleep(0.01)


async def test_a_job_is_asked_for_once(queue: JobQueue, database: Database) -> None:
    assert await queue.enqueue("merge", "a", {"n": 1})
    assert not await queue.enqueue("merge", "a", {"n": 2})
    assert await queue.enqueue("transcribe", "a")
    job = await queue.lease(["merge"], 60)
    assert job
    assert (job.kind, job.key, job.payload, job.attempts) == ("merge", "a", {"n": 1}, 1)
    await queue.done(job)
    assert not await queue.enqueue("merge", "a")  # not even when it is done


async def test_a_job_can_be_part_of_a_transaction(queue: JobQueue, database: Database) -> None:
    async def fail() -> None:
        async with writing(database.sessions) as session:
            assert await queue.enqueue("merge", "a", session=session)
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        await fail()
    assert await states(database) == {}


async def test_a_leased_job_is_nobody_elses(queue: JobQueue) -> None:
    await queue.enqueue("merge", "a")
    assert await queue.lease(["merge"], 60)
    assert await queue.lease(["merge"], 60) is None
    assert await queue.lease(["other"], 60) is None


async def test_the_one_due_longest_comes_first(queue: JobQueue, clock: Clock) -> None:
    for key in "abc":
        await queue.enqueue("merge", key)
        clock.pass_by(1)
    jobs = [await queue.lease(["merge"], 60) for _ in range(4)]
    assert [job and job.key for job in jobs] == ["a", "b", "c", None]


async def test_a_dead_workers_job_is_taken_up_by_the_next(queue: JobQueue, clock: Clock) -> None:
    await queue.enqueue("merge", "a")
    lost = await queue.lease(["merge"], 60)
    clock.pass_by(60)
    taken = await queue.lease(["merge"], 60)
    assert lost
    assert taken
    assert taken.attempts == 2
    assert not await queue.extend(lost, 60)
    assert not await queue.done(lost)
    assert not await queue.failed(lost, "late", 1)
    assert await queue.extend(taken, 120)
    clock.pass_by(119)
    assert await queue.lease(["merge"], 60) is None
    assert await queue.done(taken)
    clock.pass_by(1000)
    assert await queue.lease(["merge"], 60) is None


async def test_a_failed_job_comes_again_later_or_never(
    queue: JobQueue, clock: Clock, database: Database
) -> None:
    await queue.enqueue("merge", "a")
    job = await queue.lease(["merge"], 60)
    assert job
    assert await queue.failed(job, "no space", 30)
    assert await queue.lease(["merge"], 60) is None
    clock.pass_by(30)
    job = await queue.lease(["merge"], 60)
    assert job
    assert await queue.failed(job, "no space", None)
    clock.pass_by(10_000)
    assert await queue.lease(["merge"], 60) is None
    assert await states(database) == {"a": JobState.DEAD}


async def test_a_clock_that_was_set_back_keeps_no_job_waiting(
    queue: JobQueue, clock: Clock, database: Database
) -> None:
    clock.pass_by(3600)
    for key in ("new", "left", "failed"):
        await queue.enqueue(key, key)
    left, failed = await queue.lease(["left"], 60), await queue.lease(["failed"], 60)
    assert left
    assert failed
    assert await queue.failed(failed, "no space", 6000)
    clock.pass_by(-3600)
    assert await queue.lease(["new"], 60)
    assert await queue.lease(["left"], 60) is None  # its worker may be alive
    assert await queue.lease(["failed"], 60) is None
    clock.pass_by(60)
    assert await queue.lease(["left"], 60)
    clock.pass_by(540)
    assert await queue.lease(["failed"], 60)


async def test_a_worker_whose_clock_was_set_back_keeps_its_lease(queue: JobQueue, clock: Clock) -> None:
    clock.pass_by(3600)
    await queue.enqueue("merge", "a")
    job = await queue.lease(["merge"], 60)
    assert job
    clock.pass_by(-3600)
    assert await queue.lease(["merge"], 60) is None
    clock.pass_by(40)
    assert await queue.extend(job, 60)
    clock.pass_by(40)
    assert await queue.lease(["merge"], 60) is None


async def test_many_at_once_share_the_jobs_without_doubling(queue: JobQueue) -> None:
    for number in range(12):
        await queue.enqueue("merge", str(number))

    async def take() -> list[str]:
        taken = []
        while job := await queue.lease(["merge"], 60):
            taken.append(job.key)
        return taken

    taken = await asyncio.gather(take(), take(), take())
    assert sorted(itertools.chain(*taken), key=int) == [str(number) for number in range(12)]


async def test_a_worker_does_what_is_there_and_what_comes(queue: JobQueue, database: Database) -> None:
    done = Counter[str]()

    async def handle(job: Job) -> None:
        done[job.key] += 1

    await queue.enqueue("merge", "before")
    worker = Worker(queue, {"merge": handle}, poll_s=LIMIT_S * 10)
    async with at_work(worker):
        await until(lambda: all_done(database, 1))
        await queue.enqueue("merge", "after")
        worker.hint()  # no poll comes within the test
        await until(lambda: all_done(database, 2))
    assert done == {"before": 1, "after": 1}


async def all_done(database: Database, count: int) -> bool:
    return list((await states(database)).values()).count(JobState.DONE) == count


async def test_a_worker_tries_again_and_then_gives_up(queue: JobQueue, database: Database) -> None:
    tried = Counter[str]()

    async def handle(job: Job) -> None:
        tried[job.key] += 1
        if job.key == "always" or tried[job.key] < 2:
            raise OSError("no space")

    for key in ("always", "once"):
        await queue.enqueue("merge", key)
    worker = Worker(queue, {"merge": handle}, poll_s=0.01, max_attempts=3, retry_in_s=lambda attempts: 0)

    async def settled() -> bool:
        return set((await states(database)).values()) <= {JobState.DONE, JobState.DEAD}

    async with at_work(worker):
        await until(settled)
    assert tried == {"always": 3, "once": 2}
    assert await states(database) == {"always": JobState.DEAD, "once": JobState.DONE}


async def test_no_words_of_an_error_stop_the_worker(queue: JobQueue, database: Database) -> None:
    async def handle(job: Job) -> None:
        raise ValueError("\0 is no text to a database")

    await queue.enqueue("merge", "a")
    async with at_work(Worker(queue, {"merge": handle}, poll_s=0.01, max_attempts=1)):
        await until(lambda: is_dead(database))


async def test_a_job_that_kills_its_workers_is_not_tried_for_ever(
    queue: JobQueue, clock: Clock, database: Database
) -> None:
    await queue.enqueue("merge", "a")
    for _ in range(3):
        assert await queue.lease(["merge"], 60)
        clock.pass_by(60)

    async def handle(job: Job) -> None:
        raise AssertionError("it must not be tried again")

    async with at_work(Worker(queue, {"merge": handle}, poll_s=0.01, max_attempts=3)):
        await until(lambda: is_dead(database))


async def is_dead(database: Database) -> bool:
    return JobState.DEAD in (await states(database)).values()


class Stumbling(JobQueue):
    """Its database is away for the first few times that a job is put off."""

    away = 3

    async def put_off(self, job: Job, seconds: float) -> bool:
        if self.away:
            self.away -= 1
            raise DatabaseAway("gone")
        return await super().put_off(job, seconds)


async def test_a_job_that_is_put_off_while_the_database_is_away_loses_no_attempt(
    database: Database, clock: Clock
) -> None:
    queue = Stumbling(database.sessions, clock, deadline_s=5)
    handled: list[int] = []

    async def handle(job: Job) -> None:
        handled.append(job.attempts)
        raise PutOff(60)

    await queue.enqueue("merge", "a")
    async with at_work(Worker(queue, {"merge": handle}, poll_s=0.01)):
        await until(lambda: is_waiting_again(database))
    assert handled == [1]
    clock.pass_by(60)
    job = await queue.lease(["merge"], 60)
    assert job is not None
    assert job.attempts == 2  # the one before is counted once, however often it is put off


async def is_waiting_again(database: Database) -> bool:
    async with database.sessions() as session:
        row = (await session.scalars(select(JobRow))).one()
    return row.state is JobState.WAITING and row.attempts == 1


async def test_a_worker_keeps_its_lease_while_the_handler_works(database: Database) -> None:
    queue = JobQueue(database.sessions, deadline_s=5)  # the real clock
    started, finish = asyncio.Event(), asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        await finish.wait()

    await queue.enqueue("merge", "a")
    async with at_work(Worker(queue, {"merge": handle}, lease_s=0.6)):
        await started.wait()
        first = await due_at(database)
        await until(lambda: is_later(database, first))
        assert await queue.lease(["merge"], 60) is None
        finish.set()
        await until(lambda: all_done(database, 1))


async def due_at(database: Database) -> datetime:
    async with database.sessions() as session:
        return (await session.scalars(select(JobRow.due_at))).one()


async def is_later(database: Database, than: datetime) -> bool:
    return await due_at(database) > than


async def test_a_worker_that_is_told_to_end_gives_its_job_back_at_once(database: Database) -> None:
    queue = JobQueue(database.sessions, deadline_s=5)  # the real clock
    started = asyncio.Event()

    async def handle(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    await queue.enqueue("merge", "a")
    async with at_work(Worker(queue, {"merge": handle})):
        await started.wait()
    job = await queue.lease(["merge"], 60)
    assert job is not None
    assert job.attempts == 1  # what was broken off does not count
