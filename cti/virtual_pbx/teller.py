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
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent, Publish
from tickets.facts import Fact, FactBook

log = structlog.get_logger()

SETTLE_S = 5.0
LEFT_OVER = timedelta(seconds=15)  # untold for so long, nobody is about to tell it
REMEMBERED = 2_000  # calls


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
        self._news = asyncio.Event()
        # Ids of what the ledger has or was told of, by call: listeners must not hear it twice.
        self._published: OrderedDict[str, set[str]] = OrderedDict()

    def kept(self, facts: Sequence[Fact]) -> None:
        """These are new, and kept."""
        self._waiting.extend(facts)
        self._news.set()

    async def run(self) -> None:
        """Tell, until cancelled. What is not told by then will be at the next start."""
        while True:
            try:
                async with asyncio.timeout(self._sweep_s):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            facts, self._waiting = self._waiting, []
            try:
                await self.tell(facts or await self._book.untold(self._clock() - LEFT_OVER))
            except DatabaseTrouble as trouble:
                log.warning("What virtual PBXs told waits.", action="facts_untold", why=str(trouble))
                await asyncio.sleep(self._retry_s)
                self._waiting[:0] = facts
                self._news.set()

    async def tell(self, facts: Sequence[Fact]) -> None:
        """Publish what follows from these, together with all that was told of their calls before.

        Raises:
            DatabaseTrouble: tell them again.
        """
        if not facts:
            return
        calls = await self._book.of_calls({fact.call_id for fact in facts})
        for call_id, told in calls.items():
            await self._tell_of(call_id, told)
        if await self._settled(SETTLE_S):
            await self._book.told(facts)

    async def _tell_of(self, call_id: str, facts: list[Fact]) -> None:
        vendor = self._vendors.get(facts[0].source)
        if vendor is None:  # a connection that was removed
            return
        try:
            events, tapes = vendor.tell(facts), vendor.tapes(facts)
        except Exception:  # a mistake of ours with one call must not stop the others; the facts stay
            log.exception(
                "What was told of a call makes no sense to us.", action="facts_unread", call_id=call_id
            )
            return
        known = await self._known(call_id)
        for event in events:
            if event.source_id not in known:
                known.add(event.source_id)
                self._publish(event)
        if tapes:
            await self._on_tapes(tapes)

    async def _known(self, call_id: str) -> set[str]:
        known = self._published.get(call_id)
        if known is None:
            known = {event.source_id for event in await self._story(call_id)}
            self._published[call_id] = known
            while len(self._published) > REMEMBERED:
                self._published.popitem(last=False)
        self._published.move_to_end(call_id)
        return known
