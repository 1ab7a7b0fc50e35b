"""The event loop's heartbeat: told to the guard and to systemd, so that a frozen service does not stay.

Knows nothing of calls.
"""

import asyncio

from cti.process.guard import Guard
from cti.process.notify import Notifier

BEAT_S = 0.5


class Heartbeat:
    """Beats from `start` to `stop`. Before it nobody waits for a beat: loading models may take its time."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on a loop that stands still means the end of the process."""
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def stop(self) -> None:
        """Nobody watches any more. Harmless when it never began."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _beat(self) -> None:
        with Guard() as guard:
            while True:
                guard.beat()
                self._notifier.tell("WATCHDOG=1")
                await asyncio.sleep(BEAT_S)
