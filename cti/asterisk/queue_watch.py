"""Keeps the picture of the queues fresh: asks `QueueStatus` after every change, and now and then without one.

Asking anew instead of counting joins and leaves: a place changes by priorities too, which no event tells, and
after a restart or a cut link there is nothing to catch up with. Knows AMI; what it is for, others know.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused
from cti.asterisk.events import (
    AmiEvent,
    CallerAbandoned,
    CallerJoined,
    CallerLeft,
    OperatorCompleted,
    OperatorConnected,
)
from cti.waiting.queues import QueuePicture, picture_of

log = structlog.get_logger()

_CHANGES = (CallerJoined, CallerLeft, CallerAbandoned, OperatorConnected, OperatorCompleted)


class ListsQueues(Protocol):
    """The part of `AmiLink` that is needed here; its own deadline holds."""

    async def list_action(self, name: str, /) -> list[AmiEvent]: ...


class QueueWatch:
    """`picture` is the newest, or None while the PBX cannot be asked."""

    def __init__(
        self,
        pbx: ListsQueues,
        *,
        every_s: float = 5.0,
        calm_s: float = 0.5,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`every_s`: no picture gets older; `calm_s`: between two questions, however much happens."""
        self._pbx = pbx
        self._every_s, self._calm_s, self._clock = every_s, calm_s, clock
        self._changed = asyncio.Event()
        self._asked = asyncio.Event()  # replaced after each question
        self.picture: QueuePicture | None = None

    def hear(self, events: Sequence[AmiEvent]) -> None:
        """Take what AMI tells; only whether the queues may have changed matters."""
        if any(isinstance(event, _CHANGES) for event in events):
            self._changed.set()

    def wake(self) -> None:
        """Ask soon: the link is up again, or somebody has changed a priority."""
        self._changed.set()

    async def next(self) -> QueuePicture | None:
        """Wait for the next question's answer; None: the PBX did not give it."""
        await self._asked.wait()
        return self.picture

    async def run(self) -> None:
        """Ask, until cancelled."""
        while True:
            self._changed.clear()
            try:
                items = await self._pbx.list_action("QueueStatus")
                self.picture = picture_of(items, self._clock())
            except (AmiCut, AmiLate, AmiRefused) as error:
                if self.picture is not None:
                    log.warning("The queues cannot be seen.", action="queues_unseen", reason=str(error))
                self.picture = None
            asked, self._asked = self._asked, asyncio.Event()
            asked.set()
            await asyncio.sleep(self._calm_s)
            try:
                async with asyncio.timeout(self._every_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
