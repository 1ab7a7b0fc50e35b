"""Keeps the ceiling of bot conversations in step with this machine, and shows it to whoever watches.

Joins `bot_capacity` (what follows from a measure) with `processor` (the measure) and the clock. Knows of
conversations only how many there are.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cti.bot.capacity import BotCapacity
from cti.bot.processor import Processor

log = structlog.get_logger()

LOOK_EVERY_S = 3.0


class BotLoad:
    """One per service. Used from the event loop only."""

    def __init__(self, talking: Callable[[], int], deadline_s: float, registry: CollectorRegistry) -> None:
        """`talking`: conversations now; `deadline_s`: of the recognition of one utterance."""
        self._talking = talking
        self._deadline_s = deadline_s
        self._processor = Processor()
        self._capacity = BotCapacity(self._processor.cores, time.monotonic())
        self._told = self._capacity.ceiling
        self._waits = Histogram(
            "presszero_recogniser_wait_seconds",
            "How long callers waited for the words of an utterance that had ended.",
            buckets=(0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0),
            registry=registry,
        )
        self._refused = Counter(
            "presszero_bot_refused",
            "Callers who got a person because the bot had no room.",
            registry=registry,
        )
        ceiling = Gauge("presszero_bot_ceiling", "Conversations that may be held at once.", registry=registry)
        ceiling.set_function(lambda: self._capacity.ceiling)
        held = Gauge("presszero_bot_conversations", "Conversations held now.", registry=registry)
        held.set_function(talking)

    def has_room(self, talking: int) -> bool:
        """Whether one more conversation may begin beside `talking` others."""
        room = self._capacity.has_room(talking)
        if not room:
            self._refused.inc()
        return room

    def waited(self, seconds: float) -> None:
        """A caller waited that long for the words of an utterance."""
        self._waits.observe(seconds)
        self._capacity.heard(seconds, self._deadline_s, self._talking(), time.monotonic())
        self._tell()

    async def run(self) -> None:
        """Look at the processor every few seconds, until cancelled."""
        self._processor.busy()  # what the start has cost is nothing to judge by
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._capacity.look(self._processor.busy(), self._talking(), time.monotonic())
            self._tell()

    def _tell(self) -> None:
        if self._told != self._capacity.ceiling:
            self._told = self._capacity.ceiling
            log.info("The bot's room has changed.", action="bot_ceiling", conversations=self._told)
