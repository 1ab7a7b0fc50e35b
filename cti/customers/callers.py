"""Who is calling: the local table and the company's CRM asked at the same time, in the time reception gives.

The CRM's word wins and is kept in the table, so that the desk shows it and the next call needs no CRM.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from cti.customers.crm_answer import CrmCard
from ivr.reception import CUSTOMER_S, KnownCaller
from tickets.customers import Customer, CustomerBook
from tickets.database import DatabaseTrouble

log = structlog.get_logger()

AskCrm = Callable[[str], Awaitable[CrmCard | None]]
"""By E.164; answers in time and never raises, see `crm.Crm.ask`."""

KEEP_UNTIL_S = CUSTOMER_S - 0.02  # from the beginning; then the caller goes on, and the table takes its time


class CallerSearch:
    """Finds callers by their number. Used from one event loop."""

    def __init__(
        self, customers: CustomerBook, ask_crm: AskCrm | None, normalise: Callable[[str], str | None]
    ) -> None:
        """`ask_crm`: None where there is no CRM. `normalise` makes E.164 of a raw caller ID, or None."""
        self._customers = customers
        self._ask_crm = ask_crm
        self._normalise = normalise
        self._keeping: set[asyncio.Task[Customer]] = set()

    async def find(self, number: str) -> KnownCaller | None:
        """By the raw caller ID; None for somebody nobody knows.

        Raises:
            DatabaseTrouble: the table cannot be asked, and the CRM does not know the caller either.
        """
        e164 = self._normalise(number)
        if e164 is None:
            return None
        began = asyncio.get_running_loop().time()
        listed = asyncio.create_task(self._customers.by_number(e164))
        try:
            card = await self._ask_crm(e164) if self._ask_crm is not None else None
            if card is not None:
                known = await self._kept(e164, card, began + KEEP_UNTIL_S)
                return replace(known, language=card.language)
            found = await listed
        finally:
            listed.cancel()
            await asyncio.wait({listed})
            if not listed.cancelled():
                listed.exception()  # told already, or of no interest beside the CRM's word
        return KnownCaller(found[0].id, found[0].vip_level) if found else None

    async def _kept(self, e164: str, card: CrmCard, until: float) -> KnownCaller:
        """Put the CRM's word into the table; a slow table costs neither a VIP's place nor time."""
        keeping = asyncio.create_task(
            self._customers.keep_told(e164, card.name, card.vip_level, card.reference)
        )
        self._keeping.add(keeping)
        keeping.add_done_callback(self._done)
        left = until - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait({keeping}, timeout=max(0.0, left))
        if done and keeping.exception() is None:
            return KnownCaller(keeping.result().id, card.vip_level)
        return KnownCaller(None, card.vip_level)

    def _done(self, keeping: "asyncio.Task[Customer]") -> None:
        self._keeping.discard(keeping)
        if not keeping.cancelled() and (error := keeping.exception()) is not None:
            level = log.warning if isinstance(error, DatabaseTrouble) else log.error
            level("What the CRM said was not kept.", action="crm_not_kept", error=type(error).__name__)
