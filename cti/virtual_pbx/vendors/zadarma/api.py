"""Zadarma's API over HTTP: signed requests, its limits, its answers. Knows no call.

    GET https://api.zadarma.com/v1/statistics/pbx/?…      Authorization: <key>:<signature>
    signature = base64(hexdigits(HMAC-SHA1(secret, path + query + md5 of query)))

The query is sorted by name. 100 requests a minute, 3 of statistics; beyond that 429. Source: the vendor's
documents, its OpenAPI file and its clients, which all sign so; read, not run.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from pydantic_core import from_json
from yarl import URL

from cti.virtual_pbx.contract import CommandLate, CommandRefused, NotYet, save
from cti.virtual_pbx.pace import Pace
from cti.virtual_pbx.vendors.zadarma.words import signatures

REQUEST_S = 8.0  # of one request
TAPE_S = 120.0  # of a recording
MOST_ANSWER = 8 * 1024 * 1024  # bytes: 1000 lines of statistics have 300 kB
MINUTE_S = 60.0
REQUESTS, STATISTICS = 100, 3  # a minute
LINK_S = 180  # a recording's link lives as short as the vendor allows, and is kept nowhere


class ZadarmaApi:
    """The API as one account has it. Used from one event loop."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._requests, self._statistics = Pace(REQUESTS, MINUTE_S), Pace(STATISTICS, MINUTE_S)

    async def next_page(self) -> None:
        """Wait until statistics may be asked for more; a minute at most."""
        await asyncio.sleep(self._statistics.wait_s(_now()))

    async def get(
        self, base: str, key: str, secret: str, path: str, asked: Mapping[str, str]
    ) -> dict[str, Any]:
        """What the API says; `path`: "/v1/info/timezone/".

        Raises:
            CommandRefused, CommandLate
        """
        self._allow(self._requests)
        if path.startswith("/v1/statistics/"):
            self._allow(self._statistics)
        query = urlencode(sorted({**asked, "format": "json"}.items()))
        digest = hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()  # what the vendor asks for
        signature = signatures(secret, f"{path}{query}{digest}")[0].decode()
        try:
            async with (
                asyncio.timeout(REQUEST_S),
                self._session.get(
                    URL(f"{base}{path}?{query}", encoded=True),  # to the letter, as it was signed
                    headers={"Authorization": f"{key}:{signature}", "Accept": "application/json"},
                    allow_redirects=False,  # the signature goes nowhere else
                ) as answer,
            ):
                return _read(answer.status, await _body(answer))
        except TimeoutError:
            raise CommandLate(f"Zadarma did not answer within {REQUEST_S:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:  # their messages hold the address
            raise CommandLate(f"Zadarma cannot be reached ({type(error).__name__}).") from None

    async def download(self, base: str, link: str, into: Path) -> None:
        """Write what a recording's link gives into a file.

        Raises:
            NotYet, CommandRefused, CommandLate
        """
        if not _is_the_vendors(link, base):
            raise CommandRefused("Zadarma gave a link to somewhere else; it is not followed.")
        try:
            async with (
                asyncio.timeout(TAPE_S),
                self._session.get(
                    link, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=TAPE_S)
                ) as answer,
            ):
                if answer.status != 200:
                    raise NotYet("Zadarma has the recording not ready.")
                await save(answer, into)
        except TimeoutError:
            raise CommandLate(f"Zadarma did not give a recording within {TAPE_S:g} s.") from None
        except aiohttp.ClientError as error:
            raise CommandLate(f"Zadarma cannot be reached ({type(error).__name__}).") from None
        if not into.stat().st_size:  # noqa: ASYNC240  # of a file that was written just now
            raise NotYet("Zadarma has the recording not ready.")

    @staticmethod
    def _allow(pace: Pace) -> None:
        if wait_s := pace.take(_now()):
            raise CommandLate(f"Zadarma's limit of requests is used up: again in {wait_s:.0f} s.")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while len(body) <= MOST_ANSWER and (more := await answer.content.readany()):
        body += more
    return bytes(body)


def _read(status: int, body: bytes) -> dict[str, Any]:
    if status == 429:
        raise CommandLate("Zadarma's limit of requests is used up: again in a minute.")
    if status == 401:
        raise CommandRefused("Zadarma does not know the key, or it was signed with another secret: "
                             "run `presszero connect zadarma`.")  # fmt: skip
    if status >= 500:
        raise CommandLate(f"Zadarma has trouble of its own (HTTP {status}).")
    try:
        told = from_json(body, allow_inf_nan=False) if len(body) <= MOST_ANSWER else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise CommandRefused(f"Zadarma answered HTTP {status} and no JSON object.")
    if status >= 400 or told.get("status") == "error":
        raise CommandRefused(f"Zadarma does not do it (HTTP {status}).", str(told.get("message") or "")[:200])
    return told


def _is_the_vendors(link: str, base: str) -> bool:
    parts, own = urlsplit(link), urlsplit(base)
    if (parts.scheme, parts.hostname, parts.port) == (own.scheme, own.hostname, own.port):
        return True
    return parts.scheme == "https" and (parts.hostname or "").endswith(".zadarma.com") and parts.port is None
