"""Threads that take the most urgent job first, from a bounded queue. Knows no engine and no event loop.

`concurrent.futures` has no priorities and waits for ever for a thread that hangs; everything else of it
(futures, cancelling) is used as it is.

    at work ──(longer than `stuck_s` on one job)──→ given up; another thread takes its place, `spares` times
       ↑                                                 │
       └───────(ends its job after all, and is needed)───┘
"""

import atexit
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

import structlog

from voicebot.recognizers.port import RecogniserBusy, RecogniserFailed

log = structlog.get_logger()

T = TypeVar("T")

STUCK_S = 8.0  # on one job: far beyond what a busy machine needs for the longest utterance
SPARES = 4  # threads that may hang and be replaced; each holds an engine's memory
_LAST_JOBS_S = 5.0  # for jobs at work when the program ends, all together

NO_EARS = "The recogniser hangs and cannot be replaced any more: restart the service."


class Urgency(IntEnum):
    """Lower goes first."""

    LIVE = 0
    BACKGROUND = 1


@dataclass(order=True)
class _Job:
    urgency: Urgency
    number: int  # first come, first served within one urgency
    work: Callable[[], Any] = field(compare=False)
    future: "Future[Any]" = field(compare=False)


class WorkRoom:
    """Started at once; `close` before the program ends."""

    def __init__(
        self, *, threads: int, waiting: int, name: str, stuck_s: float = STUCK_S, spares: int = SPARES
    ) -> None:
        """Start the threads.

        Args:
            threads: jobs done at the same time.
            waiting: jobs that may wait, per urgency, beside those at work.
            name: of the threads.
            stuck_s: how long one job may take; then its thread is given up and another one started.
            spares: how many threads may be given up. Work in the background may use up half of them.
        """
        self._wanted, self._waiting, self._name = threads, waiting, name
        self._stuck_s, self._spares = stuck_s, spares
        self._jobs: list[_Job] = []
        self._number = itertools.count()
        self._closed = False
        self._lock = threading.Lock()
        self._come = threading.Condition(self._lock)  # a job has come
        self._begun = threading.Condition(self._lock)  # a job was begun where none was at work
        self._at_work: dict[threading.Thread, tuple[float, _Job]] = {}  # monotonic time of its beginning
        self._given_up: set[threading.Thread] = set()
        self._hands = 0  # threads not given up
        self._threads: list[threading.Thread] = []
        with self._lock:
            for _ in range(threads):
                self._hire()
        threading.Thread(target=self._watch, name=f"{name}-watch", daemon=True).start()
        atexit.register(self._finish)

    @property
    def trouble(self) -> str | None:
        """Why nothing can be done here any more, in a sentence; None while something can."""
        return None if self._hands or self._closed else NO_EARS

    def submit(self, urgency: Urgency, work: Callable[[], T]) -> "Future[T]":
        """Queue a job.

        Raises:
            RecogniserBusy: too many wait already, or the room is closed.
            RecogniserFailed: too many threads hang.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RecogniserBusy("The recogniser is shutting down.")
            if not self._hands or (
                urgency is Urgency.BACKGROUND and len(self._given_up) * 2 >= self._spares > 0
            ):
                raise RecogniserFailed(NO_EARS)
            if (
                sum(job.urgency == urgency and not job.future.cancelled() for job in self._jobs)
                >= self._waiting
            ):
                raise RecogniserBusy(f"{self._waiting} utterances wait already: hand this caller over.")
            heapq.heappush(self._jobs, _Job(urgency, next(self._number), work, future))
            self._come.notify()
        return future

    def close(self) -> None:
        """Take no more jobs, cancel those that wait; one at work runs to its end. Harmless when repeated."""
        with self._lock:
            self._closed = True
            waiting, self._jobs = self._jobs, []
            self._come.notify_all()
            self._begun.notify_all()
        for job in waiting:
            job.future.cancel()

    def _finish(self) -> None:
        # Python ends daemons by unwinding them; within an engine's C++ that aborts the whole process.
        self.close()
        until = time.monotonic() + _LAST_JOBS_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _hire(self) -> None:
        # A daemon: an engine stuck in native code must not keep the service from ending for ever.
        thread = threading.Thread(target=self._labour, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        self._hands += 1
        thread.start()

    def _labour(self) -> None:
        me = threading.current_thread()
        while (job := self._take(me)) is not None:
            result, error = None, None
            try:
                result = job.work()
            except Exception as fault:
                error = fault
            given_up, needed = self._put_down(me)
            if error is not None and not given_up:
                job.future.set_exception(error)
            elif not given_up:
                job.future.set_result(result)
            del job, result, error  # an idle thread must not hold the last caller's audio
            if not needed:
                return

    def _take(self, me: threading.Thread) -> _Job | None:
        with self._lock:
            while True:
                while not self._jobs and not self._closed:
                    self._come.wait()
                if not self._jobs:
                    return None
                job = heapq.heappop(self._jobs)
                if job.future.set_running_or_notify_cancel():
                    break
                del job  # nobody wants it any more: nor must who waits for the next one hold it
            if not self._at_work:
                self._begun.notify()
            self._at_work[me] = (time.monotonic(), job)
            return job

    def _put_down(self, me: threading.Thread) -> tuple[bool, bool]:
        """The job is done: whether this thread had been given up meanwhile, and whether it is needed."""
        with self._lock:
            self._at_work.pop(me, None)
            if me not in self._given_up:
                return False, True
            self._given_up.remove(me)
            needed = self._hands < self._wanted
            self._hands += needed
            if not needed:
                self._threads.remove(me)
        log.warning("A recogniser that hung has come to its end.", action="recogniser_unstuck", needed=needed)
        return True, needed

    def _watch(self) -> None:
        """Give up who takes too long."""
        while True:
            with self._lock:
                if self._closed:
                    return
                first = min(self._at_work.items(), key=lambda entry: entry[1][0], default=None)
                if first is None:
                    self._begun.wait()
                    continue
                thread, (began, job) = first
                left = began + self._stuck_s - time.monotonic()
                if left > 0:
                    del first, job  # nor must whoever waits hold it
                    self._begun.wait(left)
                    continue
                lost = self._give_up(thread, job)
            while lost:
                lost.pop().future.set_exception(
                    RecogniserFailed(f"No end within {self._stuck_s:g} s: given up.")
                )
            del first, job

    def _give_up(self, thread: threading.Thread, job: _Job) -> list[_Job]:
        """Replace a thread, if there are spares left; the jobs that nobody will do."""
        del self._at_work[thread]
        self._given_up.add(thread)
        self._hands -= 1
        if len(self._given_up) <= self._spares:
            self._hire()
        left = self._spares - len(self._given_up)
        if self._hands:
            log.error("A recogniser hangs: another takes its place.", action="recogniser_stuck", spares=left)
            return [job]
        log.critical(NO_EARS, action="recogniser_lost")
        waiting, self._jobs = self._jobs, []
        return [job, *(each for each in waiting if each.future.set_running_or_notify_cancel())]
