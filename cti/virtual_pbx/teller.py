"""From facts to the ledger: whenever more was told of a call, all of it is read, and what follows is
published.

Knows the vendors' `tell` and the ledger as callables. A fact counts as told on only when the ledger has
what follows from it, so that a service that is killed in between tells it at its next start.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from cti.virtual_pbx.contract import Tape, VirtualPbx
from cti.virtual_pbx.mishaps import place_of
from tickets.database import DatabaseLate, DatabaseTrouble
from tickets.events import CallEvent, Publish
from tickets.facts import Fact, FactBook

log = structlog.get_logger()

SETTLE_S = 5.0
LEFT_OVER = timedelta(seconds=15)  # untold for so long, nobody is about to tell it
REMEMBERED = 2_000  # calls
AT_ONCE = 200  # facts


class Teller:
    """Tells what was kept. Used from one event loop; other nodes may tell the same."""

    def __init__(
        self,
        vendors: Mapping[str, VirtualPbx[Any]],
        book: FactBook,
        story: Callable[[str], Awaitable[Sequence[CallEvent]]],
        publish: Publish,
        settled: Callable[[float], Awaitable[bool]],
        on_tapes: Callable[[Sequence[Tape]], Awaitable[None]],
        clock: Callable[[], datetime],
        *,
        sweep_s: float = 10.0,
        retry_s: float = 1.0,
    ) -> None:
        """
        Args:
            story: what the ledger has of a call, `CallBook.events_of`.
            settled: returns True once the ledger has what was published, False after so many seconds.
            on_tapes: is told of recordings that are ready, again and again; must not forget them.
            sweep_s: how often to look for facts that nobody has told.
        """
        self._vendors, self._book, self._story = vendors, book, story
        self._publish, self._settled, self._on_tapes, self._clock = publish, settled, on_tapes, clock
        self._sweep_s, self._retry_s = sweep_s, retry_s
        self._waiting: list[Fact] = []
        self._piece = AT_ONCE  # facts that are told at once
        self._unread = OrderedDict[str, None]()  # calls that we have failed to understand
        self._news = asyncio.Event()
        # Ids of what the ledger has or was told of, by call: listeners must not hear it twice.
        self._published: OrderedDict[str, set[str]] = OrderedDict()

    def kept(self, facts: Sequence[Fact]) -> None:
        """These are new, and kept."""
        self._waiting.extend(facts)
        self._news.set()

    async def run(self) -> None:
        """Tell, until cancelled. What is not told by then will be at the next start."""
        clock = asyncio.get_running_loop().time
        sweep_at = clock()  # what an earlier service kept, and did not live to tell
        while True:
            try:
                async with asyncio.timeout_at(sweep_at):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            try:
                if clock() >= sweep_at:
                    left = await self._left_over()
                    sweep_at = clock() + (self._sweep_s if len(left) < AT_ONCE else self._retry_s)
                    await self.tell(left)
                await self._tell_waiting()
            except DatabaseTrouble as trouble:
                log.warning("What virtual PBXs told waits.", action="facts_untold", why=str(trouble))
                if isinstance(trouble, DatabaseLate):
                    self._piece = max(1, self._piece // 2)  # a slow database may do fewer in time
                await asyncio.sleep(self._retry_s)
                self._news.set()

    async def _left_over(self) -> list[Fact]:
        before = self._clock() - LEFT_OVER
        return await self._book.untold(before, list(self._vendors), self._unread, limit=AT_ONCE)

    async def _tell_waiting(self) -> None:
        while self._waiting:
            piece = self._waiting[: self._piece]
            await self.tell(piece)
            del self._waiting[: len(piece)]
            self._piece = min(AT_ONCE, self._piece * 2)

    async def tell(self, facts: Sequence[Fact]) -> None:
        """Publish what follows from these, together with all that was told of their calls before.

        Raises:
            DatabaseTrouble: tell them again.
        """
        if not facts:
            return
        calls = await self._book.of_calls({fact.call_id for fact in facts})
        told = {call_id for call_id, known in calls.items() if await self._tell_of(call_id, known)}
        if told and await self._settled(SETTLE_S):
            await self._book.told([fact for fact in facts if fact.call_id in told])

    async def _tell_of(self, call_id: str, facts: list[Fact]) -> bool:
        """Whether all was told that follows; if not, its facts stay untold."""
        vendor = self._vendors.get(facts[0].source)
        if vendor is None:  # the connection was removed: they wait until it is back
            return False
        try:
            events, tapes = vendor.tell(facts), vendor.tapes(facts)
        except Exception as error:  # a mistake of ours with one call must not stop the others
            self._put_aside(call_id, error)
            return False
        self._unread.pop(call_id, None)
        known = await self._known(call_id)
        for event in events:
            if event.source_id not in known:
                known.add(event.source_id)
                self._publish(event)
        if tapes:
            await self._on_tapes(tapes)
        return True

    def _put_aside(self, call_id: str, error: Exception) -> None:
        """Its facts stay untold: a release that understands them tells them at its start."""
        log.error(
            "What was told of a call makes no sense to us.",
            action="facts_unread",
            call_id=call_id,
            **place_of(error),
        )
        self._unread[call_id] = None
        if len(self._unread) > REMEMBERED:
            self._unread.popitem(last=False)

    async def _known(self, call_id: str) -> set[str]:
        known = self._published.get(call_id)
        if known is None:
            known = {event.source_id for event in await self._story(call_id)}
            self._published[call_id] = known
            while len(self._published) > REMEMBERED:
                self._published.popitem(last=False)
        self._published.move_to_end(call_id)
        return known
