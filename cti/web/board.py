"""The picture of this moment that all open pages share: one for all who see and read the same.

A page that lost its connection gets the whole picture anew, so nothing has to be caught up with.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from cti.live import LiveCalls
from cti.waiting.surge import SurgeState
from tickets.call import Call
from tickets.desk import CallLine
from tickets.sight import Sight
from tickets.vocabulary import CallState

log = structlog.get_logger()

CALM_S = 0.25  # at least, between two readings
STALE_S = 5.0  # at most, while somebody watches: another node may have taken calls too


def stands_since(call: Call) -> datetime:
    """When the call came to where it is now."""
    since = {
        CallState.BOT: call.bot_started_at,
        CallState.QUEUED: call.queued_at,
        CallState.TALKING: call.answered_at,
        CallState.ENDED: call.ended_at,
    }
    return since.get(call.state) or call.received_at


@dataclass(frozen=True, slots=True)
class BoardView:
    """What the first page shows."""

    live: Sequence[CallLine]  # those who need somebody first, then by time there
    finished: Sequence[CallLine]  # newest first
    waiting: int
    talking: int
    with_bot: int
    in_menu: int
    longest_wait: float | None  # seconds; None: nobody waits
    surge: SurgeState


def board_view(
    live: Sequence[CallLine],
    finished: Sequence[CallLine],
    now: datetime,
    surge: SurgeState = SurgeState(),  # noqa: B008 -- frozen
    place_of: Callable[[str], int | None] = lambda call_id: None,
) -> BoardView:
    """Order and count.

    `place_of`: a waiting caller's place in their queue, by call id; None: the PBX has not told it.
    """
    order = [
        CallState.QUEUED,
        CallState.VOICEMAIL,
        CallState.BOT,
        CallState.MENU,
        CallState.RINGING,
        CallState.TALKING,
        CallState.ENDED,
    ]

    def rank(line: CallLine) -> tuple[int, float, int, datetime]:
        call = line.call
        place = place_of(call.call_id) if call.state is CallState.QUEUED else None
        # Who has just joined stands at the end until the next picture of the queues, VIPs before others.
        return order.index(call.state), place or float("inf"), -call.priority, stands_since(call)

    states = [line.call.state for line in live]
    waits = [
        (now - stands_since(line.call)).total_seconds()
        for line in live
        if line.call.state is CallState.QUEUED
    ]
    return BoardView(
        live=sorted(live, key=rank),
        finished=finished,
        waiting=states.count(CallState.QUEUED),
        talking=states.count(CallState.TALKING),
        with_bot=states.count(CallState.BOT),
        in_menu=states.count(CallState.MENU) + states.count(CallState.RINGING),
        longest_wait=max(waits, default=None),
        surge=surge,
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """Watchers to whom the same picture is shown."""

    sight: Sight
    language: str


class Board:
    """Keeps one picture fresh while anybody watches, and none while nobody does."""

    def __init__(
        self, live: LiveCalls, draw: Callable[[Set[Audience]], Awaitable[dict[Audience, str]]]
    ) -> None:
        """`draw`: the pictures for some audiences."""
        self._live = live
        self._draw = draw
        self._watchers = Counter[Audience]()  # → open streams
        self._somebody = asyncio.Event()
        self._wake = asyncio.Event()  # something may have changed
        self._news = asyncio.Condition()
        self._pictures: dict[Audience, str] = {}  # drawn for those who watch now
        self._version = 0
        self._closed = False

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return self._watchers.total()

    @contextmanager
    def watching(self, audience: Audience) -> Iterator[None]:
        """While inside, pictures are drawn for that audience."""
        self._watchers[audience] += 1
        self._somebody.set()
        self._wake.set()
        try:
            yield
        finally:
            self._watchers[audience] -= 1
            if not self._watchers[audience]:
                del self._watchers[audience]
                self._pictures.pop(audience, None)  # who comes next must not get one that is hours old
            if not self._watchers:
                self._somebody.clear()

    async def newer(self, seen: int, audience: Audience) -> tuple[int, str] | None:
        """Wait for a picture newer than version `seen` (0: any); a slow watcher misses those in between.

        Only within `watching` of the same audience. None: the house closes.
        """
        async with self._news:
            await self._news.wait_for(
                lambda: self._closed or (audience in self._pictures and self._version > seen)
            )
            return None if self._closed else (self._version, self._pictures[audience])

    async def close(self) -> None:
        """Send everybody home."""
        async with self._news:
            self._closed = True
            self._news.notify_all()

    async def run(self) -> None:
        """Redraw after every change of a call; runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                await self._somebody.wait()
                self._wake.clear()
                await self._redraw()
                await asyncio.sleep(CALM_S)
                with suppress(TimeoutError):  # then read anew all the same
                    async with asyncio.timeout(STALE_S):
                        await self._wake.wait()

    async def _listen(self) -> None:
        with self._live.subscribe(hold=1) as news:
            while True:
                await news.next()
                self._wake.set()

    async def _redraw(self) -> None:
        try:
            pictures = await self._draw(set(self._watchers))
        except Exception as error:  # the database is away: the old picture stays, the next try comes soon
            log.warning("the board could not be drawn", action="board_undrawn", error=type(error).__name__)
            return
        async with self._news:
            self._pictures = {one: drawn for one, drawn in pictures.items() if one in self._watchers}
            self._version += 1
            self._news.notify_all()
