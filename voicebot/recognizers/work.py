"""Threads that take the most urgent job first, from a bounded queue. Knows no engine and no event loop.

`concurrent.futures` has no priorities; everything else of it (futures, cancelling) is used as it is.
"""

import atexit
import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from voicebot.recognizers.port import RecogniserBusy

T = TypeVar("T")

_LAST_JOB_S = 5.0  # for a job at work when the program ends


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

    def __init__(self, *, threads: int, waiting: int, name: str) -> None:
        """`waiting`: jobs that may wait, per urgency, beside those at work."""
        self._waiting = waiting
        self._jobs: list[_Job] = []
        self._number = itertools.count()
        self._closed = False
        self._changed = threading.Condition()
        # Daemons: an engine stuck in native code must not keep the service from ending for ever.
        self._threads = [
            threading.Thread(target=self._labour, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self._finish)

    def submit(self, urgency: Urgency, work: Callable[[], T]) -> "Future[T]":
        """Queue a job.

        Raises:
            RecogniserBusy: too many wait already, or the room is closed.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise RecogniserBusy("The recogniser is shutting down.")
            if (
                sum(job.urgency == urgency and not job.future.cancelled() for job in self._jobs)
                >= self._waiting
            ):
                raise RecogniserBusy(f"{self._waiting} utterances wait already: hand this caller over.")
            heapq.heappush(self._jobs, _Job(urgency, next(self._number), work, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Take no more jobs, cancel those that wait; one at work runs to its end. Harmless when repeated."""
        with self._changed:
            self._closed = True
            waiting, self._jobs = self._jobs, []
            self._changed.notify_all()
        for job in waiting:
            job.future.cancel()

    def _finish(self) -> None:
        # Python ends daemons by unwinding them; within an engine's C++ that aborts the whole process.
        self.close()
        for thread in self._threads:
            thread.join(_LAST_JOB_S)

    def _labour(self) -> None:
        while (job := self._take()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                result = job.work()
            except Exception as error:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
            del job  # an idle thread must not hold the last caller's audio

    def _take(self) -> _Job | None:
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            return heapq.heappop(self._jobs) if self._jobs else None
