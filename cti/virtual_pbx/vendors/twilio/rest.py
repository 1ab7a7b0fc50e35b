"""Twilio's own API: what we ask of it, each with a deadline, and its refusals as sentences.

    POST Calls.json                         call somebody
    POST Calls/<sid>.json                   take a call elsewhere (Url), end it (Status)
    GET  Calls.json, Recordings.json        records, by pages; a recording names the caller's call
    GET  Recordings/<sid>.wav               a recording, both channels

Basic authentication with the account's SID and token. An error is JSON with a `code`, which Twilio explains
at /docs/api/errors/<code>; its `message` may hold numbers, so only the code is told on.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from cti.virtual_pbx.contract import CommandLate, CommandRefused, NotYet, save
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings

ASK_S = 8.0
FETCH_S = 300.0  # an hour of two channels has 115 MB
MOST_PAGES = 200
PAGE_SIZE = 500
_SENTENCES = {
    20003: "Twilio does not know the account or its token: run `presszero connect twilio`.",
    20404: "Twilio has no such call any more.",
    20429: "Twilio takes no more requests for the moment: try again in a minute.",
    21220: "The call is over already.",
    21210: "Twilio shows only numbers of the account: correct `caller_id`.",
    21215: "The account may not call that country: allow it in Twilio's console (geographic permissions).",
    21219: "A trial account calls verified numbers only.",
}


Fields = Mapping[str, str] | Sequence[tuple[str, str]]
"""Of a form; as pairs where one comes more than once."""


class TwilioApi:
    """Asks. One per question is cheap: it keeps nothing."""

    def __init__(self, session: aiohttp.ClientSession, settings: TwilioSettings) -> None:
        self._session = session
        self._base = settings.api
        self._account = f"/2010-04-01/Accounts/{settings.account_sid}"
        token = settings.secrets[0].value.get_secret_value()
        self._headers = {"Authorization": aiohttp.encode_basic_auth(settings.account_sid, token)}

    async def post(self, path: str, fields: Fields) -> Any:
        """Do something; what Twilio answers.

        Raises:
            CommandRefused, CommandLate
        """
        return await self._ask("POST", f"{self._account}/{path}", fields)

    async def listed(self, what: str, name: str, filters: Mapping[str, str]) -> AsyncIterator[Any]:
        """Records, page by page: `Calls.json` has them under `calls`.

        Raises:
            CommandRefused, CommandLate
        """
        path: str | None = f"{self._account}/{what}"
        query: Mapping[str, str] | None = {**filters, "PageSize": str(PAGE_SIZE)}
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", path or "", None, query)
            records = page.get(name) if isinstance(page, dict) else None
            for record in records if isinstance(records, list) else ():
                if isinstance(record, dict):
                    yield record
            path, query = self._next(page), None
            if path is None:
                return

    async def fetch(self, recording: str, into: Path) -> None:
        """A recording's WAV, its two channels kept apart where it has them.

        Raises:
            NotYet, CommandRefused, CommandLate
            OSError: the file cannot be written.
        """
        url = f"{self._base}{self._account}/Recordings/{quote(recording, safe='')}.wav"
        try:
            async with (
                asyncio.timeout(FETCH_S),
                self._session.get(
                    url,
                    headers=self._headers,
                    params={"RequestedChannels": "2"},
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=FETCH_S, sock_read=ASK_S),
                ) as answer,
            ):
                if answer.status == 404:
                    raise NotYet("Twilio has no such recording yet.")
                if answer.status != 200:
                    raise _refusal(answer.status, await _told(answer))
                await save(answer, into)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _late(error) from error

    async def _ask(
        self,
        method: str,
        path: str,
        fields: Fields | None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            async with (
                asyncio.timeout(ASK_S),
                self._session.request(
                    method, f"{self._base}{path}", headers=self._headers, data=fields, params=query,
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                told = await _told(answer)
                if answer.status >= 300:
                    raise _refusal(answer.status, told)
                return told
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _late(error) from error

    def _next(self, page: Any) -> str | None:
        """The path of the page after this one; never anywhere else than below the account."""
        following = page.get("next_page_uri") if isinstance(page, dict) else None
        if not isinstance(following, str) or not following:
            return None
        parts = urlsplit(following)
        inside = not parts.scheme and not parts.netloc and parts.path.startswith(f"{self._account}/")
        return following if inside else None


async def _told(answer: aiohttp.ClientResponse) -> Any:
    try:
        return await answer.json(content_type=None)
    except ValueError:
        return None


def _refusal(status: int, told: Any) -> CommandRefused | CommandLate:
    code = told.get("code") if isinstance(told, dict) else None
    if status == 429 or status >= 500:
        return CommandLate(_SENTENCES[20429] if status == 429 else "Twilio is in trouble: try again.")
    if isinstance(code, int) and code in _SENTENCES:
        return CommandRefused(_SENTENCES[code])
    if status in (401, 403):
        return CommandRefused(_SENTENCES[20003])
    if status == 404:
        return CommandRefused(_SENTENCES[20404])
    if isinstance(code, int):
        return CommandRefused(f"Twilio refuses: https://www.twilio.com/docs/api/errors/{code}")
    return CommandRefused(f"Twilio refuses (HTTP {status}).")


def _late(error: Exception) -> CommandLate:
    reason = "in time" if isinstance(error, TimeoutError) else f"({type(error).__name__})"
    return CommandLate(f"Twilio did not answer {reason}: whether it was done is not known.")
