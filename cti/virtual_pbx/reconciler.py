"""What a virtual PBX did not tell, or we did not hear, is asked for: its own records of past calls are facts
too.

At start, every few minutes, and soon after a call has fallen silent. A call of which nobody tells any
more, and which the vendor's records do not have, is ended by and by: it must not stand on the desk for
ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from cti.virtual_pbx.contract import CommandLate, CommandRefused, NotOffered, VirtualPbx
from cti.virtual_pbx.intake import FactIntake, NotKept
from cti.virtual_pbx.mishaps import place_of
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.events import CallEvent, Publish
from tickets.facts import FactBook
from tickets.vocabulary import EventKind

log = structlog.get_logger()

OVERLAP = timedelta(minutes=15)  # a call is in the records only when it is over
FIRST_LOOK = timedelta(hours=24)  # back, when we start: nobody was here to be told
GIVEN_UP_AFTER = timedelta(hours=4)  # without a word of a call
AT_ONCE = 200  # facts
NO_RECORD = "unknown: nobody told of the end"


class PastCalls:
    """One vendor's reconciler."""

    def __init__(
        self,
        vendor: VirtualPbx[Any],
        intake: FactIntake,
        book: FactBook,
        unfinished: Callable[[], Awaitable[Sequence[Call]]],
        publish: Publish,
        *,
        every_s: float = 300.0,
        silent_s: float = 90.0,
        look_s: float = 15.0,
    ) -> None:
        """
        Args:
            unfinished: the ledger's live calls, `CallBook.unfinished_calls`.
            every_s: between two questions that nothing has asked for.
            silent_s: after so long without a word of a live call its end may have been missed.
            look_s: how often to look for such calls.
        """
        self._vendor, self._intake, self._book = vendor, intake, book
        self._unfinished, self._publish = unfinished, publish
        self._every, self._silence, self._look_s = (
            timedelta(seconds=every_s),
            timedelta(seconds=silent_s),
            look_s,
        )
        self._asked: datetime | None = None  # up to when the vendor's records are known
        self._asked_of: set[str] = set()  # silent calls that were asked about
        self._trouble = ""  # why the vendor could not be compared the last time

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            try:
                await self.look()
            except (DatabaseTrouble, NotKept, CommandLate, CommandRefused) as error:
                if str(error) != self._trouble:  # it is asked every few seconds until it answers
                    log.warning("A virtual PBX cannot be compared now.", action="past_calls_failed",
                                vendor=self._vendor.vendor, reason=str(error))  # fmt: skip
                self._trouble = str(error)
            except Exception as error:  # a mistake of ours with its records must not end the service
                log.error("A virtual PBX's records make no sense to us.", action="past_calls_unread",  # noqa: TRY400
                          vendor=self._vendor.vendor, **place_of(error))  # fmt: skip
            else:
                self._trouble = ""
            await asyncio.sleep(self._look_s)

    async def look(self) -> None:
        """One round: ask, if it is time or a call is silent; give up calls of which nothing is known.

        Raises:
            DatabaseTrouble, NotKept, CommandLate, CommandRefused: the next round will do.
        """
        now = self._vendor.house.clock()
        mine = [call for call in await self._unfinished() if self._is_mine(call.call_id)]
        silent = await self._silent(mine, now)
        if self._asked is None or now - self._asked >= self._every or silent - self._asked_of:
            self._asked_of |= silent
            since = now - FIRST_LOOK if self._asked is None else self._asked - OVERLAP
            await self.ask(min([since, *(call.received_at for call in mine)]), now)
        self._asked_of &= silent

    async def ask(self, since: datetime, now: datetime) -> None:
        """Ask for the vendor's records of calls that began since then, and keep what they tell.

        Raises:
            NotKept, CommandLate, CommandRefused: nothing is known of that time yet.
        """
        try:
            facts = await self._vendor.past(since, now)
        except NotOffered:
            self._asked = now
            return
        new = 0
        for start in range(
            0, len(facts), AT_ONCE
        ):  # a day of a large centre is more than one transaction holds
            new += await self._intake.keep(facts[start : start + AT_ONCE])
        self._asked = now
        if new:
            log.info(
                "A virtual PBX's records told more.",
                action="past_calls",
                vendor=self._vendor.vendor,
                facts=new,
            )

    async def _silent(self, mine: Sequence[Call], now: datetime) -> set[str]:
        told = await self._book.of_calls([call.call_id for call in mine])
        latest = {call_id: max(fact.at for fact in facts) for call_id, facts in told.items()}
        for call_id, at in latest.items():
            if now - at >= GIVEN_UP_AFTER:
                data = {"cause": NO_RECORD}
                self._publish(
                    CallEvent(
                        self._vendor.vendor, f"given_up:{call_id}", call_id, at, EventKind.ENDED, data, 9
                    )
                )
        return {call_id for call_id, at in latest.items() if now - at >= self._silence}

    def _is_mine(self, call_id: str) -> bool:
        return vendor_of(call_id) == self._vendor.vendor
