"""Watches for a surge: counts the calls that come and the callers who wait, and keeps `state`.

Knows the ledger's changes and the live calls; no PBX, no web, no menu. Whoever acts on a surge reads
`SurgeWatch.state`: reception, the call-back offer, the live page.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from cti.live import LiveCalls
from cti.waiting.surge import Load, SurgeState, SurgeSwitch
from ivr.surge_rules import Surge
from tickets.ledger import CallChange
from tickets.vocabulary import CallState

log = structlog.get_logger()

MINUTE_S = 60.0
LOOK_EVERY_S = 1.0
# A ledger that was away tells of older calls in one breath: they are no rush of now.
STALE = timedelta(seconds=30)


class SurgeWatch:
    """One per service; without rules it is never on."""

    def __init__(
        self,
        rules: Surge | None,
        live: LiveCalls,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = SurgeState()
        self._switch = None if rules is None else SurgeSwitch(rules)
        self._live = live
        self._clock = clock
        self._monotonic = monotonic
        self._came: deque[float] = deque()
        self._calm = asyncio.Event()
        self._calm.set()

    def changed(self, changes: Iterable[CallChange]) -> None:
        """Take note of the calls that have just come."""
        for change in changes:
            call = change.call
            if change.first and not call.found_later and self._clock() - call.received_at < STALE:
                self._came.append(self._monotonic())

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def calm(self) -> None:
        """Wait for the end of a surge, however long it takes: for work that can."""
        await self._calm.wait()

    def look(self) -> None:
        """Bring `state` up to this moment."""
        now_s = self._monotonic()
        while self._came and now_s - self._came[0] >= MINUTE_S:
            self._came.popleft()
        if self._switch is None:
            return
        waiting = sum(call.state is CallState.QUEUED for call in self._live.calls())
        load = Load(waiting, len(self._came))
        on = self._switch.look(load, now_s)
        if on and not self.state.on:
            self.state = SurgeState(True, self._clock(), self._switch.why(load))
            self._calm.clear()
            log.warning("Surge: callers get the shorter way.", action="surge_on", why=self.state.why)
        elif self.state.on and not on:
            log.info("The surge is over.", action="surge_off", since=self.state.since)
            self.state = SurgeState()
            self._calm.set()
