"""An utterance of a live call at an engine that computes while it listens.

Knows the engine's threads only as futures.
"""

import contextlib
import threading
from collections import deque
from concurrent.futures import Future

from recordings.transcript import Recognised
from voicebot.media import BYTES_PER_SECOND
from voicebot.recognizers.joining import joined
from voicebot.recognizers.live import Engine, Live, Start, Waited, text_of
from voicebot.recognizers.port import Listening, RecogniserBusy, RecogniserFailed

_AT_ONCE_BYTES = BYTES_PER_SECOND * 6 // 10  # smaller pieces cost more in errands than in work
_BEHIND_S = 0.8  # a streaming engine is always a piece behind
_APART_S = 0.5  # a shorter pause parts no sentence: it may lie within a word
_LONGEST_PART_S = 6.0  # to hear more than that twice would cost too much


class Streamed(Live):
    """For an engine that computes while it listens, in parts that longer pauses part.

    At each pause the part so far is closed, so that its words are there when the pause proves to be the end.
    If it does not, and was short, it may have been within a word: the part is heard once more, with what
    follows. (What an engine tells in between lacks the last words: it wants to hear what comes behind them.)
    """

    def __init__(self, engine: Engine, start: Start, waited: Waited) -> None:
        super().__init__(engine, start, waited)
        self._closed: list[Future[Recognised]] = []  # parts before the one in progress
        self._part = self._begin()
        self._at_work: Future[None] | None = None
        self._early: Future[Recognised] | None = None

    @property
    def so_far(self) -> str | None:
        """All words at a pause; in between those that the engine is already sure of."""
        last = text_of(self._early) if self._early is not None else self._part.partial
        texts = [*map(text_of, self._closed), last]
        return None if None in texts else " ".join(text for text in texts if text)

    def accept(self, pcm: bytes) -> None:
        self._part.put(pcm)
        if self._part.waiting >= _AT_ONCE_BYTES and (self._at_work is None or self._at_work.done()):
            with contextlib.suppress(RecogniserBusy, RecogniserFailed):  # the next frame asks again
                self._at_work = self._engine.submit(self._part.take_in)

    def paused(self) -> None:
        try:
            self._early = self._engine.submit(self._part.finish)
        except (RecogniserBusy, RecogniserFailed):
            self._early = None  # no harm yet: the end of the utterance asks again

    def resumed(self, quiet_s: float) -> None:
        if self._early is None:
            return
        if quiet_s >= _APART_S or self._part.seconds >= _LONGEST_PART_S:
            self._closed.append(self._early)
            self._part = self._begin()
        else:
            self._early.cancel()
            self._part = self._begin(self._part.heard)
        self._early = None

    async def _finished(self) -> Recognised:
        if self._early is None:
            self._early = self._engine.submit(self._part.finish)
        return joined([await self._engine.outcome(part) for part in (*self._closed, self._early)])

    def cancel(self) -> None:
        for job in (self._at_work, self._early, *self._closed):
            if job is not None:
                job.cancel()

    def _begin(self, heard: bytes = b"") -> "_Part":
        return _Part(self._start, heard)


class _Part:
    """A part of an utterance for an engine that streams.

    Belongs to the event loop, but for its jobs: they run on any thread, and whichever is first takes all that
    has come in by then, so that it stays in order.
    """

    def __init__(self, start: Start, heard: bytes) -> None:
        self._start = start
        self._all = bytearray(heard)
        self._unheard = deque([heard] if heard else [])
        self._at_it = threading.Lock()
        self._listening: Listening | None = None
        self._partial = ""
        self._taken_in = 0
        self._fault: Exception | None = None

    @property
    def heard(self) -> bytes:
        """All of it."""
        return bytes(self._all)

    @property
    def seconds(self) -> float:
        return len(self._all) / BYTES_PER_SECOND

    @property
    def waiting(self) -> int:
        """Bytes that no job has been asked to take in."""
        return len(self._all) - self._taken_in

    @property
    def partial(self) -> str | None:
        """None while the engine is behind."""
        return None if self.waiting / BYTES_PER_SECOND > _BEHIND_S else self._partial

    def put(self, pcm: bytes) -> None:
        self._all += pcm
        self._unheard.append(pcm)

    def take_in(self) -> None:
        """Work: hear what has come in."""
        with self._at_it:
            if pcm := self._new():
                try:
                    self._partial = self._ear().accept(pcm) or ""
                except Exception as fault:
                    self._fault = fault  # what is lost must not look like silence
                    raise

    def finish(self) -> Recognised:
        """Work: hear the rest; all the words."""
        with self._at_it:
            if self._fault is not None:
                raise self._fault
            if pcm := self._new():
                self._ear().accept(pcm)
            return self._ear().result()

    def _new(self) -> bytes:
        pieces = []
        while self._unheard:
            pieces.append(self._unheard.popleft())
        pcm = b"".join(pieces)
        self._taken_in += len(pcm)
        return pcm

    def _ear(self) -> Listening:
        # Made on the worker's thread: building a grammar's graph takes time.
        self._listening = self._listening or self._start()
        return self._listening
