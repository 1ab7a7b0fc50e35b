"""The company's CRM over HTTP: asked who calls, with a deadline, and left alone while it is broken.

Knows HTTP and nothing of calls; what an answer means is in `crm_answer.py`. Whatever the CRM does (be slow,
be dead, talk garbage without end), the answer is None in time, and no log line has a caller's number.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
import structlog
from yarl import URL

from cti.customers.breaker import Breaker
from cti.customers.crm_answer import LONGEST_ANSWER, BadAnswer, CrmCard, read_answer

log = structlog.get_logger()

CRM_S = 0.25  # connecting included; of a caller's 300 ms the rest is for keeping what the CRM said
FAILURES = 3  # in a row, then it is left alone
PAUSE_S = 10.0
CONNECTIONS = 64
KEPT_OPEN_S = 60.0


class Crm:
    """One CRM; made by `connected`, which also closes it. Used from one event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, breaker: Breaker) -> None:
        self._session = session
        self._url = URL(url)
        self._breaker = breaker

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, url: str, token: str, *, failures: int = FAILURES, pause_s: float = PAUSE_S
    ) -> AsyncIterator[Self]:
        """Keep connections to the CRM at `url`; nothing is sent before the first question.

        `token`: sent as a bearer token; empty: none is sent.
        """
        # No compression: a few bytes must not unpack into more than the limit.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "PressZero"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT_OPEN_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # ours is round the whole question
            auto_decompress=False,
            headers=headers,
            read_bufsize=LONGEST_ANSWER,
        )
        async with session:
            yield cls(session, url, Breaker(failures=failures, pause_s=pause_s))

    async def ask(self, e164: str) -> CrmCard | None:
        """Who calls from this number; None where the CRM does not know or does not answer as it should."""
        if not self._breaker.lets_through(time.monotonic()):
            return None
        try:
            async with asyncio.timeout(CRM_S):
                card = await self._get(e164)
        except TimeoutError:
            self._failed(f"no answer within {CRM_S:g} s")
            return None
        except BadAnswer as error:
            self._failed(str(error))
            return None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Their messages hold the address that was asked, the caller's number included.
            self._failed(type(error).__name__)
            return None
        if self._breaker.resting:
            log.info("The CRM answers again.", action="crm_back")
        self._breaker.succeeded()
        return card

    async def _get(self, e164: str) -> CrmCard | None:
        url = self._url.update_query(number=e164)
        # A redirect would take the token and the number to an address that nobody wrote into the settings.
        async with self._session.get(url, allow_redirects=False) as answer:
            body = bytearray()
            while len(body) <= LONGEST_ANSWER and (more := await answer.content.readany()):
                body += more
            return read_answer(answer.status, answer.content_type, bytes(body))

    def _failed(self, reason: str) -> None:
        was_resting = self._breaker.resting
        self._breaker.failed(time.monotonic())
        log.warning("The CRM did not tell who calls.", action="crm_failed", reason=reason)
        if self._breaker.resting and not was_resting:
            log.error(
                "The CRM is left alone for now, the local table has to do. Check PRESSZERO_CRM_URL "
                "and PRESSZERO_CRM_TOKEN, and that the CRM answers in time.",
                action="crm_rests",
                try_every_s=PAUSE_S,
            )
