"""The company's order system: what the caller has bought, for the operator's desk.

Asked while the caller waits; nobody's call waits for it. An answer serves for a minute, so that a caller who
is passed on, or rings again, is not asked for twice.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from cti.customers.company import FAILURES, PAUSE_S, Company, NotTold, System, about_number, connected
from cti.customers.orders_answer import CompanyWord, read_orders

ORDERS_S = 2.0  # connecting included
KEPT_S = 60.0
MOST_KEPT = 1000  # numbers
ORDERS = System(
    "order system",
    "orders",
    "did not tell a caller's orders",
    "desks show that they are not available",
    "PRESSZERO_ORDERS_URL and PRESSZERO_ORDERS_TOKEN",
    deadline_s=ORDERS_S,
)


class OrderDesk:
    """One order system; made by `connected`, which also closes it. Used from one event loop."""

    def __init__(
        self,
        company: Company[CompanyWord],
        url: str,
        clock: Callable[[], float],
        *,
        most_kept: int = MOST_KEPT,
    ) -> None:
        """`clock`: monotonic seconds."""
        self._company, self._url = company, url
        self._clock, self._most_kept = clock, most_kept
        self._kept: OrderedDict[str, tuple[float, CompanyWord]] = OrderedDict()  # number → until, word
        self._asking: dict[str, asyncio.Task[CompanyWord | None]] = {}

    @classmethod
    @asynccontextmanager
    async def connected(
        cls,
        url: str,
        token: str,
        *,
        failures: int = FAILURES,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        most_kept: int = MOST_KEPT,
    ) -> AsyncIterator[Self]:
        """See `company.connected`."""
        async with connected(token, ORDERS, read_orders, failures=failures, pause_s=pause_s) as company:
            desk = cls(company, url, clock, most_kept=most_kept)
            try:
                yield desk
            finally:
                await desk._close()

    async def ask(self, e164: str) -> CompanyWord | None:
        """What is known of this number; None: it cannot be told now. Never later than `ORDERS_S`."""
        kept = self._kept.get(e164)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        if e164 not in self._asking:  # several calls from one number are one question
            task = self._asking[e164] = asyncio.create_task(self._ask(e164))
            task.add_done_callback(lambda _: self._asking.pop(e164, None))
        return await asyncio.shield(self._asking[e164])

    async def _ask(self, e164: str) -> CompanyWord | None:
        try:
            word = await self._company.ask(about_number(self._url, e164))
        except NotTold:
            return None
        self._kept[e164] = (self._clock() + KEPT_S, word)
        self._kept.move_to_end(e164)
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return word

    async def _close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
