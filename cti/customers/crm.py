"""The company's CRM: asked who calls, in a part of the time that reception gives.

What an answer means is in `crm_answer.py`; how a system of the company's is asked, in `company.py`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from cti.customers.company import FAILURES, PAUSE_S, Company, NotTold, System, about_number, connected
from cti.customers.crm_answer import CrmCard, read_answer

CRM_S = 0.25  # connecting included; of a caller's 300 ms the rest is for keeping what the CRM said
CRM = System(
    "CRM",
    "crm",
    "did not tell who calls",
    "the local table has to do",
    "PRESSZERO_CRM_URL and PRESSZERO_CRM_TOKEN",
    deadline_s=CRM_S,
)


class Crm:
    """One CRM; made by `connected`, which also closes it. Used from one event loop."""

    def __init__(self, company: Company[CrmCard | None], url: str) -> None:
        self._company, self._url = company, url

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, url: str, token: str, *, failures: int = FAILURES, pause_s: float = PAUSE_S
    ) -> AsyncIterator[Self]:
        """See `company.connected`."""
        async with connected(token, CRM, read_answer, failures=failures, pause_s=pause_s) as company:
            yield cls(company, url)

    async def ask(self, e164: str) -> CrmCard | None:
        """Who calls from this number; None where the CRM does not know or does not answer as it should."""
        try:
            return await self._company.ask(about_number(self._url, e164))
        except NotTold:
            return None
