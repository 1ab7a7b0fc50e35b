"""Who watches which desk: wakes the streams of a desk when it has changed, at once or in its own time.

A stream is given the whole newest snapshot; whoever reads slowly misses those in between, and nothing else.
Knows no calls and no web. Used from one event loop.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

CALM_S = 1.0  # between two snapshots for things that may wait: figures of queues, colleagues

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Desk:
    version: int
    streams: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)  # replaced after each change
    drawn: tuple[int, str] | None = None  # the newest snapshot and its version


class Hub(Generic[K]):
    """The desks that somebody watches."""

    def __init__(self, draw: Callable[[K], str], *, calm_s: float = CALM_S) -> None:
        """`draw` gives a desk's snapshot of this moment, from memory."""
        self._draw = draw
        self._calm_s = calm_s
        self._desks: dict[K, _Desk] = {}
        # Versions go up over a restart too: a page never takes an old snapshot for a newer one.
        self._version = time.time_ns() // 1_000_000
        self._calm: set[K] = set()
        self._calm_at = 0.0  # the loop's time of the last calm round
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def streams(self) -> int:
        """How many are open."""
        return sum(desk.streams for desk in self._desks.values())

    def streams_of(self, key: K) -> int:
        """How many are open of one desk."""
        return desk.streams if (desk := self._desks.get(key)) else 0

    @property
    def watched(self) -> list[K]:
        """The desks that somebody watches."""
        return list(self._desks)

    @contextmanager
    def watching(self, key: K) -> Iterator[None]:
        """While inside, the desk is one of those that are woken."""
        desk = self._desks.setdefault(key, _Desk(self._next_version()))
        desk.streams += 1
        try:
            yield
        finally:
            desk.streams -= 1
            if not desk.streams:
                self._desks.pop(key, None)
                self._calm.discard(key)

    def changed(self, key: K) -> None:
        """Something that has to be seen now."""
        if (desk := self._desks.get(key)) is None:
            return
        desk.version = self._next_version()
        news, desk.news = desk.news, asyncio.Event()
        news.set()

    def changed_calmly(self, key: K) -> None:
        """Something that may wait for the next round."""
        if key not in self._desks:
            return
        self._calm.add(key)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._calm_at + self._calm_s), self._round)

    def _round(self) -> None:
        """Wake them one after the other: fifty desks drawn in one turn would keep a ringing call waiting."""
        loop = asyncio.get_running_loop()
        self._timer, self._calm_at = None, loop.time()
        calm, self._calm = self._calm, set()
        for number, key in enumerate(calm):
            loop.call_later(number * self._calm_s / 2 / len(calm), self.changed, key)

    async def newer(self, key: K, seen: int) -> tuple[int, str] | None:
        """Wait for a snapshot newer than version `seen` (0: any). Only within `watching`.

        None: the house closes.
        """
        desk = self._desks[key]
        while desk.version <= seen and not self._closed:
            await desk.news.wait()
        if self._closed:
            return None
        if desk.drawn is None or desk.drawn[0] != desk.version:
            desk.drawn = desk.version, self._draw(key)
        return desk.drawn

    def close(self) -> None:
        """Send everybody home."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for desk in self._desks.values():
            desk.news.set()

    def _next_version(self) -> int:
        self._version += 1
        return self._version
