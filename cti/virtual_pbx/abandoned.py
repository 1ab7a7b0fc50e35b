"""The last resort for calls of virtual PBXs that nobody can be asked about any more: they are ended.

Whatever connections there are, and however they do: one that was taken away, or that does not answer, leaves
calls behind that would stand on the desk for ever. One that is there has the first word: it may not have been
asked yet. Knows no vendor.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from datetime import datetime

import structlog

from cti.virtual_pbx.silence import ABANDONED_AFTER, GIVEN_UP_AFTER, given_up, words_of
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.events import Publish
from tickets.facts import FactBook

log = structlog.get_logger()

LOOK_S = 600.0


class Abandoned:
    """Ends them. One per service."""

    def __init__(
        self,
        live: Callable[[], Iterable[Call]],
        unfinished: Callable[[], Awaitable[Sequence[Call]]],
        book: FactBook,
        publish: Publish,
        clock: Callable[[], datetime],
        connected: Container[str],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        """
        Args:
            live: the calls of this moment, as they are known without a question to the database.
            unfinished: the ledger's live calls, `CallBook.unfinished_calls`.
            connected: the vendors that can be asked; changes with the connections.
        """
        self._live, self._unfinished, self._book = live, unfinished, book
        self._publish, self._clock, self._look_s = publish, clock, look_s
        self._connected = connected
        self._met: dict[str, datetime] = {}  # when this service first took a call for abandoned

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            try:
                await self.look()
            except DatabaseTrouble as trouble:
                log.warning("Abandoned calls are looked for later.", action="abandoned_unread",
                            error=type(trouble).__name__)  # fmt: skip
            await asyncio.sleep(self._look_s)

    async def look(self) -> None:
        """End what is abandoned.

        Raises:
            DatabaseTrouble: the next time will do.
        """
        now = self._clock()
        if not self._old(self._live(), now):
            return
        calls = self._old(await self._unfinished(), now)
        told = words_of(calls, await self._book.of_calls([call.call_id for call in calls]))
        words = {call_id: word for call_id, word in told.items() if now - word.last >= ABANDONED_AFTER}
        self._met = {call_id: self._met.get(call_id, now) for call_id in words}
        for call_id, word in words.items():
            vendor = vendor_of(call_id) or ""
            if vendor in self._connected and now - self._met[call_id] < GIVEN_UP_AFTER:
                continue
            log.warning("A call of which nobody tells any more was ended.", action="call_abandoned",
                        call_id=call_id)  # fmt: skip
            self._publish(given_up(vendor, call_id, word))

    @staticmethod
    def _old(calls: Iterable[Call], now: datetime) -> list[Call]:
        return [
            call
            for call in calls
            if vendor_of(call.call_id) is not None and now - call.received_at >= ABANDONED_AFTER
        ]
