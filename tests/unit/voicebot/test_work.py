"""Threads that hang: given up, replaced a few times, and taken back when they come to their end after all."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from voicebot.recognizers.port import RecogniserBusy, RecogniserFailed
from voicebot.recognizers.work import Urgency, WorkRoom

pytestmark = pytest.mark.unit

SOON_S = 10  # a deadline, not a wait


class Hanging:
    """Jobs that do not end before `end`."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.begun = threading.Semaphore(0)

    def job(self) -> str:
        self.begun.release()
        self.end.wait(60)
        return "late"

    def wait_for(self, number: int) -> None:
        for _ in range(number):
            assert self.begun.acquire(timeout=SOON_S)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    hanging = Hanging()
    yield hanging
    hanging.end.set()


def room(**settings: float) -> WorkRoom:
    options = {"threads": 1, "waiting": 16, "stuck_s": 0.05, "spares": 2} | settings
    return WorkRoom(name="test", **options)  # type: ignore[arg-type]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_it_works_on_after_a_thread_that_hangs(hanging: Hanging):
    work = room()
    stuck = work.submit(Urgency.LIVE, hanging.job)
    behind_it = work.submit(Urgency.LIVE, lambda: "done")
    with pytest.raises(RecogniserFailed, match=r"0\.05 s"):
        stuck.result(SOON_S)
    assert behind_it.result(SOON_S) == "done"
    assert work.trouble is None


def test_it_says_that_it_cannot_go_on_when_the_spares_are_used_up(hanging: Hanging):
    work = room(spares=2)
    stuck = [work.submit(Urgency.LIVE, hanging.job) for _ in range(3)]
    waiting = work.submit(Urgency.LIVE, lambda: "never")
    for future in (*stuck, waiting):
        with pytest.raises(RecogniserFailed):
            future.result(SOON_S)
    hanging.wait_for(3)
    assert work.trouble is not None
    with pytest.raises(RecogniserFailed, match="restart the service"):
        work.submit(Urgency.LIVE, lambda: "never")


def test_it_is_well_again_when_a_thread_comes_to_its_end_after_all(hanging: Hanging):
    work = room(spares=0)
    with pytest.raises(RecogniserFailed):
        work.submit(Urgency.LIVE, hanging.job).result(SOON_S)
    assert work.trouble is not None
    hanging.end.set()
    until(lambda: work.trouble is None)
    assert work.submit(Urgency.LIVE, lambda: "done").result(SOON_S) == "done"


def test_it_keeps_no_more_threads_than_it_was_told_when_one_comes_back(hanging: Hanging):
    work = room(spares=1)
    with pytest.raises(RecogniserFailed):
        work.submit(Urgency.LIVE, hanging.job).result(SOON_S)
    assert len(work._threads) == 2
    hanging.end.set()
    until(lambda: len(work._threads) == 1)
    assert work.submit(Urgency.LIVE, lambda: "done").result(SOON_S) == "done"


def test_it_lets_recordings_use_up_half_of_the_spares_only(hanging: Hanging):
    work = room(spares=2)
    with pytest.raises(RecogniserFailed):
        work.submit(Urgency.BACKGROUND, hanging.job).result(SOON_S)
    with pytest.raises(RecogniserFailed):
        work.submit(Urgency.BACKGROUND, lambda: "refused")
    assert work.submit(Urgency.LIVE, lambda: "done").result(SOON_S) == "done"


def test_it_gives_up_nobody_who_only_waits_for_work(hanging: Hanging):
    work = room(stuck_s=0.02)
    for _ in range(5):
        assert work.submit(Urgency.LIVE, lambda: "done").result(SOON_S) == "done"
        time.sleep(0.03)
    assert len(work._threads) == 1


def test_it_passes_over_a_job_that_nobody_wants_any_more(hanging: Hanging):
    work = room(stuck_s=60)
    first = work.submit(Urgency.LIVE, hanging.job)
    hanging.wait_for(1)
    unwanted = work.submit(Urgency.LIVE, lambda: "unwanted")
    unwanted.cancel()
    hanging.end.set()
    assert first.result(SOON_S) == "late"
    assert work.submit(Urgency.LIVE, lambda: "done").result(SOON_S) == "done"


class Heavy:
    """What an utterance keeps of its caller."""

    def job(self) -> None:
        return None


def test_who_waits_for_work_holds_nothing_of_a_job_that_nobody_wanted(hanging: Hanging):
    work = room(stuck_s=60)
    at_work = work.submit(Urgency.LIVE, hanging.job)
    hanging.wait_for(1)
    heavy = Heavy()
    gone = weakref.ref(heavy)
    unwanted = work.submit(Urgency.LIVE, heavy.job)
    unwanted.cancel()
    del heavy, unwanted
    hanging.end.set()
    assert at_work.result(SOON_S) == "late"
    until(lambda: gone() is None)
    work.close()


def test_it_takes_nothing_more_once_it_is_closed(hanging: Hanging):
    work = room()
    work.close()
    with pytest.raises(RecogniserBusy):
        work.submit(Urgency.LIVE, lambda: "never")
    until(lambda: not any(thread.is_alive() for thread in work._threads))
