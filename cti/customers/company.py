"""The company's own systems over HTTP: asked with a deadline, left alone while they are broken.

The one door to them: `crm.py`, `orders.py` and `lookups.py` say what is asked and what an answer means.
Whatever a system does (be slow, be dead, talk garbage without end), the answer or `NotTold` comes in time,
and no log line has what was asked: a caller's number, or what a caller has said.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
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


class Why(StrEnum):
    """Why a system has told nothing."""

    LATE = "late"
    GONE = "gone"  # nobody there, or cut off
    UNFIT = "unfit"  # an answer that is not what was agreed
    RESTING = "resting"  # left alone just now


class NotTold(Exception):
    """The system did not answer, or not as it should, or is left alone just now."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class System:
    """One system of the company's, in words for the log."""

    name: str  # "CRM"
    action: str  # begins the actions of its log lines: "crm" gives crm_failed, crm_rests, crm_back
    missing: str  # what its failing means: "did not tell who calls"
    instead: str  # what is done without it: "the local table has to do"
    settings: str  # where its address is: "PRESSZERO_CRM_URL and PRESSZERO_CRM_TOKEN"
    deadline_s: float  # of a question, connecting included


class Company(Generic[T]):
    """One system, or one kind of question to it. Used from one event loop."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        system: System,
        read: Callable[[int, str, bytes], T],
        breaker: Breaker,
    ) -> None:
        """`session`: see `guarded_session`. `read`: see `connected`."""
        self._session = session
        self._system, self._read, self._breaker = system, read, breaker

    async def ask(self, url: URL) -> T:
        """What the system says at this address, which it is never to be redirected from.

        Raises:
            NotTold: within the deadline; the log says why.
        """
        if not self._breaker.lets_through(time.monotonic()):
            raise NotTold(Why.RESTING)
        try:
            async with asyncio.timeout(self._system.deadline_s):
                answer = await self._get(url)
        except TimeoutError:
            why, reason = Why.LATE, f"no answer within {self._system.deadline_s:g} s"
        except BadAnswer as error:
            why, reason = Why.UNFIT, str(error)
        except (aiohttp.ClientError, OSError) as error:
            # Their messages hold the address that was asked, the caller's number included.
            why, reason = Why.GONE, type(error).__name__
        except ValueError as error:
            why, reason = Why.UNFIT, type(error).__name__
        else:
            if self._breaker.resting:
                log.info(f"The {self._system.name} answers again.", action=f"{self._system.action}_back")
            self._breaker.succeeded()
            return answer
        self._failed(reason)
        raise NotTold(why)

    async def _get(self, url: URL) -> T:
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
                f"The {system.name} is left alone for now, {system.instead}. Check {system.settings}, "
                f"and that the {system.name} answers in time.",
                action=f"{system.action}_rests",
                try_every_s=PAUSE_S,
            )


def guarded_session(token: str) -> aiohttp.ClientSession:
    """Connections to a company's systems; nothing is sent before the first question. To be closed.

    `token`: sent as a bearer token; empty: none is sent.
    """
    # No compression: a few bytes must not unpack into more than the limit.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "PressZero"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT_OPEN_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # ours is round the whole question
        auto_decompress=False,
        headers=headers,
        read_bufsize=LONGEST_ANSWER,
    )


@asynccontextmanager
async def connected(
    token: str,
    system: System,
    read: Callable[[int, str, bytes], T],
    *,
    failures: int = FAILURES,
    pause_s: float = PAUSE_S,
) -> AsyncIterator[Company[T]]:
    """Keep connections to the system while the block runs.

    `read` makes something of status, type and body of an answer, or raises `BadAnswer`.
    """
    async with guarded_session(token) as session:
        yield Company(session, system, read, Breaker(failures=failures, pause_s=pause_s))


def about_number(url: str, e164: str) -> URL:
    """Where a system is asked about a number."""
    return URL(url).update_query(number=e164)
