"""Requests to Mango: signed, within its limits, each with a deadline.

Knows no call. No message of it holds a number, a key or an address.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic_core import from_json

from cti.virtual_pbx.contract import CommandLate, CommandRefused
from cti.virtual_pbx.pace import Pace
from cti.virtual_pbx.vendors.mango.codes import is_wrong_request, refusal_of
from cti.virtual_pbx.vendors.mango.limits import LockOut
from cti.virtual_pbx.vendors.mango.signature import signed_form
from cti.virtual_pbx.vendors.mango.words import whole

if TYPE_CHECKING:
    from cti.virtual_pbx.vendors.mango import MangoSettings

MOST_ANSWER = 64 << 20  # bytes; a month of statistics of a large centre has a few
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_BUSY = frozenset({429, 503, 4290})  # of HTTP, and of its own
_BUSY_S = 2.0  # how long to wait then: no limit is over more seconds


class LockedOut(CommandRefused):
    """Mango answers nothing for a while, because of wrong requests."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Mango answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def told(self) -> Mapping[str, Any]:
        """The JSON object in it; empty where there is none."""
        try:
            told = from_json(self.body, allow_inf_nan=False)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    @property
    def code(self) -> int | None:
        """Mango's result code, where it gives one."""
        told = self.told()
        return whole(told.get("result", told.get("code"))) or None


class Api:
    """One connection's requests. Used from one event loop."""

    def __init__(self, settings: "Callable[[], MangoSettings]", session: aiohttp.ClientSession) -> None:
        self._settings, self._session = settings, session
        self._all = Pace(10, 1.0)
        sending_on = Pace(1, 2.0)  # routes and transfers, together: whether apart would do, nobody says
        self._paces = {
            "commands/callback": Pace(4, 1.0),
            "commands/call/hangup": Pace(4, 1.0),
            "commands/recording/start": Pace(4, 1.0),
            "commands/route": sending_on,
            "commands/transfer": sending_on,
            "stats/request": Pace(1, 2.0),
        }
        self.lock_out = LockOut()

    async def ask(self, path: str, told: Mapping[str, Any], deadline: float, target: str = "") -> Answer:
        """Ask once it is our turn, and again while Mango is busy. `deadline`: of the loop's clock.

        Args:
            target: the number in it, which is not tried again soon if Mango finds the request wrong.

        Raises:
            CommandRefused: Mango found something wrong with the request, or listens to nobody.
            CommandLate: no turn and no answer in time.
        """
        while True:
            await self._turn(path, deadline)
            answer = await self._once(path, told, deadline)
            if answer.status not in _BUSY and answer.code not in _BUSY:
                break
            now = asyncio.get_running_loop().time()
            self._pace(path).rest(now, _BUSY_S)
            self._all.rest(now, _BUSY_S / 4)
        self._look(answer, target)
        return answer

    def _pace(self, path: str) -> Pace:
        return self._paces.get(path, self._all)

    async def _turn(self, path: str, deadline: float) -> None:
        self._listens()
        try:
            if path in self._paces:
                await self._paces[path].turn(deadline)
            await self._all.turn(deadline)
        except TimeoutError:
            raise CommandLate("Mango takes only so many requests a second: try again in a moment.") from None
        self._listens()

    def _listens(self) -> None:
        seconds = self.lock_out.seconds(_now())
        if seconds:
            raise LockedOut(
                "Mango answers nothing after two wrong requests: it listens again in "
                f"{math.ceil(seconds)} s, until then use the phone."
            )

    async def _once(self, path: str, told: Mapping[str, Any], deadline: float) -> Answer:
        settings = self._settings()
        salt = settings.secrets[0].value.get_secret_value()
        body = signed_form(settings.api_key.get_secret_value(), salt, told)
        url = f"{settings.base_url}/{path}"
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.post(url, data=body, headers=_FORM, allow_redirects=False) as response,
            ):
                return Answer(response.status, response.headers, await _read(response))
        except TimeoutError:
            raise CommandLate("Mango did not answer in time.") from None
        except aiohttp.ClientError as error:
            raise CommandLate(f"Mango cannot be reached ({type(error).__name__}).") from None

    def _look(self, answer: Answer, target: str) -> None:
        code = answer.code
        if code is not None and (refusal := refusal_of(code)) is not None:
            self.found_wrong(code, target)
            raise MangoRefused(refusal, code)
        if answer.status == 401:
            self.lock_out.shut(_now())
            self._listens()

    def found_wrong(self, code: int, target: str = "") -> None:
        """Mango gave that code: a second wrong request would lock us out."""
        if is_wrong_request(code) and not _is_about_recordings(code):
            self.lock_out.wrong(_now(), target)


class MangoRefused(CommandRefused):
    """Mango gave a code."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


def _is_about_recordings(code: int) -> bool:
    """Asking for a recording that is not ready cannot be what Mango calls a wrong request, we take it."""
    return str(code).startswith("332")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > MOST_ANSWER:
            raise CommandLate("Mango's answer has no end.")
    return bytes(body)
