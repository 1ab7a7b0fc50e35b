"""The company's own systems over HTTP: asked by number, with a deadline, left alone while they are broken.

The one door to them: `crm.py` and `orders.py` say what is asked and what an answer means. Whatever a system
does (be slow, be dead, talk garbage without end), the answer or `NotTold` comes in time, and no log line has
a caller's number.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import aiohttp
import structlog
from yarl import URL

from cti.customers.answers import LONGEST_ANSWER, BadAnswer
from cti.customers.breaker import Breaker

log = structlog.get_logger()

FAILURES = 3  # in a row, then it is left alone
PAUSE_S = 10.0
CONNECTIONS = 64
KEPT_OPEN_S = 60.0

T = TypeVar("T")


class NotTold(Exception):
    """The system did not answer, or not as it should, or is left alone just now."""


@dataclass(frozen=True, slots=True)
class System:
    """One system of the company's, in words for the log."""

    name: str  # "CRM"
    action: str  # begins the actions of its log lines: "crm" gives crm_failed, crm_rests, crm_back
    missing: str  # what its failing means: "did not tell who calls"
    instead: str  # what is done without it: "the local table has to do"
    setting: str  # "PRESSZERO_CRM", which has _URL and _TOKEN
    deadline_s: float  # of a question, connecting included


class Company(Generic[T]):
    """One system; made by `connected`, which also closes it. Used from one event loop."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        system: System,
        read: Callable[[int, str, bytes], T],
        breaker: Breaker,
    ) -> None:
        self._session, self._url = session, URL(url)
        self._system, self._read, self._breaker = system, read, breaker

    async def ask(self, e164: str) -> T:
        """What the system says of this number.

        Raises:
            NotTold: within the deadline; the log says why.
        """
        if not self._breaker.lets_through(time.monotonic()):
            raise NotTold
        try:
            async with asyncio.timeout(self._system.deadline_s):
                answer = await self._get(e164)
        except TimeoutError:
            reason = f"no answer within {self._system.deadline_s:g} s"
        except BadAnswer as error:
            reason = str(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Their messages hold the address that was asked, the caller's number included.
            reason = type(error).__name__
        else:
            if self._breaker.resting:
                log.info(f"The {self._system.name} answers again.", action=f"{self._system.action}_back")
            self._breaker.succeeded()
            return answer
        self._failed(reason)
        raise NotTold

    async def _get(self, e164: str) -> T:
        url = self._url.update_query(number=e164)
        # A redirect would take the token and the number to an address that nobody wrote into the settings.
        async with self._session.get(url, allow_redirects=False) as answer:
            body = bytearray()
            while len(body) <= LONGEST_ANSWER and (more := await answer.content.readany()):
                body += more
            return self._read(answer.status, answer.content_type, bytes(body))

    def _failed(self, reason: str) -> None:
        system = self._system
        was_resting = self._breaker.resting
        self._breaker.failed(time.monotonic())
        log.warning(f"The {system.name} {system.missing}.", action=f"{system.action}_failed", reason=reason)
        if self._breaker.resting and not was_resting:
            log.error(
                f"The {system.name} is left alone for now, {system.instead}. Check {system.setting}_URL and "
                f"{system.setting}_TOKEN, and that the {system.name} answers in time.",
                action=f"{system.action}_rests",
                try_every_s=PAUSE_S,
            )


@asynccontextmanager
async def connected(
    url: str,
    token: str,
    system: System,
    read: Callable[[int, str, bytes], T],
    *,
    failures: int = FAILURES,
    pause_s: float = PAUSE_S,
) -> AsyncIterator[Company[T]]:
    """Keep connections to the system at `url`; nothing is sent before the first question.

    `token`: sent as a bearer token; empty: none is sent. `read` makes something of status, type and body of
    an answer, or raises `BadAnswer`.
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
        yield Company(session, url, system, read, Breaker(failures=failures, pause_s=pause_s))
