"""What a virtual PBX did not tell, or we did not hear, is asked for: its own records of past calls are facts
too.

At start, every few minutes, and soon after a call has fallen silent. A call of which nobody tells any
more, and which the vendor's records do not have, is ended by and by, but only after the vendor has been asked
in vain: it must not stand on the desk for ever. Where the vendor cannot be asked, see `abandoned`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from cti.virtual_pbx.contract import CommandLate, CommandRefused, NotOffered, VirtualPbx
from cti.virtual_pbx.intake import FactIntake, NotKept
from cti.virtual_pbx.mishaps import place_of
from cti.virtual_pbx.silence import Silences, Word, given_up, words_of
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.database import DatabaseTrouble
from tickets.events import Publish
from tickets.facts import FactBook

log = structlog.get_logger()

OVERLAP = timedelta(minutes=15)  # a call is in the records only when it is over
FIRST_LOOK = timedelta(hours=24)  # back, when we start: nobody was here to be told
LONGEST_PAUSE = 4  # times `every_s`, between two questions about the same silent call
AT_ONCE = 200  # facts


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
        gap_s: float = 60.0,
        look_s: float = 15.0,
    ) -> None:
        """
        Args:
            unfinished: the ledger's live calls, `CallBook.unfinished_calls`.
            every_s: between two questions that nothing has asked for.
            silent_s: after so long without a word of a live call its end may have been missed.
            gap_s: at least so long between two questions: in a busy centre some talk falls silent any moment.
            look_s: how often to look for such calls.
        """
        self._vendor, self._intake, self._book = vendor, intake, book
        self._unfinished, self._publish = unfinished, publish
        self._every_s, self._look_s = every_s, look_s
        self._every, self._silence = timedelta(seconds=every_s), timedelta(seconds=silent_s)
        self._gap = timedelta(seconds=gap_s)
        self._silences = Silences(self._silence, self._every * LONGEST_PAUSE)
        self._asked: datetime | None = None  # up to when the vendor's records are known
        self._trouble = ""  # what kept us from comparing the last time

    async def run(self) -> None:
        """Reconcile until cancelled."""
        pause_s = self._look_s
        while True:
            try:
                await self.look()
            except Exception as error:  # a mistake of ours with its records must not end the service
                self._say(error)
                pause_s = min(self._every_s, pause_s * 2)
            else:
                if self._trouble:
                    log.info("A virtual PBX is compared again.", action="past_calls_go_on",
                             vendor=self._vendor.vendor)  # fmt: skip
                self._trouble, pause_s = "", self._look_s
            await asyncio.sleep(pause_s)

    def _say(self, error: Exception) -> None:
        """Once, until it is another trouble: it is asked again and again. Its words may hold anything."""
        kind = type(error).__name__
        if kind == self._trouble:
            return
        self._trouble = kind
        if isinstance(error, DatabaseTrouble | NotKept | CommandLate | CommandRefused):
            log.warning("A virtual PBX cannot be compared now.", action="past_calls_failed",
                        vendor=self._vendor.vendor, **place_of(error))  # fmt: skip
        else:
            log.error("A virtual PBX's records make no sense to us.", action="past_calls_unread",
                      vendor=self._vendor.vendor, **place_of(error))  # fmt: skip

    async def look(self) -> None:
        """One round: give up calls that the vendor was asked about in vain; ask, if it is time.

        Raises:
            DatabaseTrouble, NotKept, CommandLate, CommandRefused: the next round will do.
        """
        now = self._vendor.house.clock()
        words = await self._words()
        if not self._intake.behind:  # else what the vendor told may be on its way to us yet
            for call_id in self._silences.lost(words):
                self._publish(given_up(self._vendor.vendor, call_id, words[call_id]))
        due = self._silences.due(words, now)
        if self._asked is None:
            since = now - FIRST_LOOK
        elif now - self._asked >= (self._gap if due else self._every):
            since = self._asked - OVERLAP
        else:
            return
        await self.ask(min([since, *(words[call_id].began for call_id in due)]), now)
        self._silences.asked(words, due, now)

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
        # A day of a large centre is more than one transaction holds.
        for start in range(0, len(facts), AT_ONCE):
            new += await self._intake.keep(facts[start : start + AT_ONCE])
        self._asked = now
        if new:
            log.info(
                "A virtual PBX's records told more.",
                action="past_calls",
                vendor=self._vendor.vendor,
                facts=new,
            )

    async def _words(self) -> dict[str, Word]:
        mine = [call for call in await self._unfinished() if vendor_of(call.call_id) == self._vendor.vendor]
        return words_of(mine, await self._book.of_calls([call.call_id for call in mine]))
