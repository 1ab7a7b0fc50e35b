"""Commands to Mango, what became of them, its statistics and its recordings.

A command is taken at once, and what became of it comes as a webhook, by the id that we gave it. Until then
nobody knows; the wait for it has a deadline.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from cti.virtual_pbx.contract import (
    CallBack,
    CallCommand,
    CommandLate,
    CommandRefused,
    CommandResult,
    HangUp,
    Method,
    NotYet,
    Route,
    StartRecording,
    Tape,
    Transfer,
    save,
)
from cti.virtual_pbx.vendors.mango.api import Answer, Api, LockedOut, MangoRefused
from cti.virtual_pbx.vendors.mango.codes import code_of
from cti.virtual_pbx.vendors.mango.legs import Leg, Role, operator_word, outgoing, role_of
from cti.virtual_pbx.vendors.mango.records import past_facts
from cti.virtual_pbx.vendors.mango.telling import Heard
from cti.virtual_pbx.vendors.mango.words import (
    APPEARED,
    COLUMNS,
    CONNECTED,
    IVR,
    ON_HOLD,
    QUEUE,
    LegNews,
    text,
)
from tickets.facts import Fact

if TYPE_CHECKING:
    from cti.virtual_pbx.vendors.mango import MangoSettings

COMMAND_S = 10.0  # from our turn to what became of it
STATISTICS_S = 120.0
LONGEST = timedelta(hours=4)  # a call of that length is in the statistics by its beginning, when it is over
MONTH = timedelta(days=29)  # most of one question
RECORDING_S = 300.0
HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_METHODS = {Method.BLIND: "blind", Method.ATTENDED: "hold"}


class Commands:
    """One connection's commands. Used from one event loop."""

    def __init__(
        self,
        settings: "Callable[[], MangoSettings]",
        session: aiohttp.ClientSession,
        *,
        command_s: float = COMMAND_S,
        poll_s: float = 5.0,
    ) -> None:
        """
        Args:
            command_s: within which a command has to have its result.
            poll_s: between two looks whether the statistics are ready; Mango wants five.
        """
        self._settings, self._session = settings, session
        self.command_s, self.poll_s = command_s, poll_s
        self.api = Api(settings, session)
        self._waiting: dict[str, asyncio.Future[str | None]] = {}

    def finished(self, result: CommandResult) -> None:
        """What became of a command; of one that nobody waits for it is no news."""
        waiting = self._waiting.get(result.command_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(result.refusal)

    async def command(self, command: CallCommand, heard: Heard) -> None:
        """See `VirtualPbx.command`."""
        match command:
            case Route(to=to):
                leg = _pick(heard, _waits, "The caller waits nowhere any more: transfer the call.")
                await self._send_on("commands/route", leg, to, {})
            case Transfer(to=to, operator=operator, method=method):
                leg = _pick(heard, self._is_with(operator), "That operator does not talk with the caller.")
                more = {"method": _METHODS[method], "initiator": operator_word(leg)}
                await self._send_on("commands/transfer", leg, to, more)
            case HangUp():
                leg = _pick(
                    heard, _can_be_ended, "The call is over, or waits in a queue, where Mango ends none."
                )
                await self._do("commands/call/hangup", {"call_id": leg.leg})
            case StartRecording() if heard.is_recorded:
                raise CommandRefused("The call is being recorded already.")
            case StartRecording(operator=operator):
                leg = _pick(heard, self._is_with(operator), "That operator does not talk with the caller.")
                party = operator_word(leg)
                await self._do("commands/recording/start", {"call_id": leg.leg, "call_party_number": party})

    async def call_back(self, command: CallBack) -> None:
        """See `VirtualPbx.call_back`."""
        told: dict[str, Any] = {
            "from": {"extension": self._word_of(command.operator)},
            "to_number": self._target(command.to),
        }
        await self._do("commands/callback", told)

    async def _send_on(self, path: str, leg: LegNews, to: str, more: Mapping[str, str]) -> None:
        target = self._target(to)
        if self.api.lock_out.refuses(target, _now()):
            raise CommandRefused(
                "Mango found that number wrong less than two minutes ago, and a second mistake would make "
                "it deaf to everything: correct the number."
            )
        await self._do(path, {"call_id": leg.leg, "to_number": target, **more}, target)

    async def _do(self, path: str, told: Mapping[str, Any], target: str = "") -> None:
        """Ask for it, and wait for what becomes of it.

        Raises:
            CommandRefused, CommandLate
        """
        command_id = f"presszero-{uuid.uuid4().hex}"
        deadline = _now() + self.command_s
        waiting: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[command_id] = waiting
        try:
            answer = await self.api.ask(path, {"command_id": command_id, **told}, deadline, target)
            _was_taken(answer)
            async with asyncio.timeout_at(deadline):
                refusal = await waiting
        except TimeoutError:
            raise CommandLate(
                "Mango took the command and did not say what became of it: look at the call."
            ) from None
        finally:
            del self._waiting[command_id]
        if refusal is not None:
            if (code := code_of(refusal)) is not None:
                self.api.found_wrong(code, target)
            raise CommandRefused(refusal)

    def _word_of(self, extension: str) -> str:
        """Mango's word for one of our operators."""
        words = {ours: theirs for theirs, ours in self._settings().operators.items() if "@" not in theirs}
        return words.get(extension, extension)

    def _target(self, to: str) -> str:
        """Mango's number for an extension, a queue, or a number outside.

        Raises:
            CommandRefused: Mango would find it wrong, and be deaf after the second of that kind.
        """
        groups = {queue: group for group, queue in self._settings().queues.items()}
        number = groups.get(to) or self._word_of(to).lstrip("+")
        if not number.startswith("sip:") and not (number.isascii() and number.isdecimal()):
            raise CommandRefused(
                "There is no such number at Mango. If it is a queue, name its group: "
                "`presszero connect mango --set queues=300=support`."
            )
        return number

    def _is_with(self, operator: str) -> Callable[[LegNews], bool]:
        extension = self._settings().operator

        def is_with(news: LegNews) -> bool:
            talks = news.state in {CONNECTED, ON_HOLD} and role_of(news) is Role.TALK
            return talks and extension(operator_word(news)) == operator

        return is_with

    async def past(self, vendor: str, since: datetime, until: datetime) -> list[Fact]:
        """See `VirtualPbx.past`."""
        facts: list[Fact] = []
        start = since - LONGEST
        while start < until:
            end = min(start + MONTH, until)
            csv = await self._statistics(start, end)
            facts += await asyncio.to_thread(past_facts, vendor, csv, until)  # a month is a second's work
            start = end
        return facts

    async def _statistics(self, start: datetime, end: datetime) -> str:
        deadline = _now() + STATISTICS_S
        asked = {
            "date_from": str(int(start.timestamp())),
            "date_to": str(int(end.timestamp()) + 1),
            "fields": ",".join(COLUMNS),
        }
        key = text((await self.api.ask("stats/request", asked, deadline)).told().get("key"))
        if not key:
            raise CommandLate("Mango did not begin with the statistics.")
        while _now() + self.poll_s < deadline:
            answer = await self.api.ask("stats/result", {"key": key}, deadline)
            if answer.status == 200:
                return answer.body.decode("utf-8", "replace")
            if answer.status != 204:
                raise CommandLate(f"Mango did not give the statistics (HTTP {answer.status}).")
            await asyncio.sleep(self.poll_s)
        raise CommandLate("Mango was not ready with the statistics in time.")

    async def fetch(self, tape: Tape, into: Path) -> None:
        """See `VirtualPbx.fetch`. The link that Mango gives works once, and is kept nowhere."""
        deadline = _now() + RECORDING_S
        asked = {"recording_id": tape.tape_id, "action": "download"}
        try:
            answer = await self.api.ask("queries/recording/post", asked, deadline)
        except LockedOut as error:
            raise CommandLate(str(error)) from None
        except MangoRefused as error:
            if str(error.code).startswith(("33", "5")):
                raise NotYet(str(error)) from None
            raise
        if answer.status not in _REDIRECTS:
            raise NotYet(f"Mango gives no recording yet (HTTP {answer.status}).")
        try:
            async with asyncio.timeout_at(deadline):
                await self._download(_link(self._settings().base_url, answer.headers), into)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise CommandLate(f"The recording did not come whole ({type(error).__name__}).") from None

    async def _download(self, url: str, into: Path) -> None:
        patience = aiohttp.ClientTimeout(total=RECORDING_S, sock_read=30.0)
        for _ in range(HOPS):
            async with self._session.get(url, allow_redirects=False, timeout=patience) as answer:
                if answer.status in _REDIRECTS:
                    url = _link(url, answer.headers)
                    continue
                kind = answer.content_type
                if answer.status != 200 or not kind.startswith(("audio/", "application/octet-stream")):
                    raise NotYet(f"Mango gives no sound there (HTTP {answer.status}).")
                return await save(answer, into)
        raise CommandRefused("Mango's link to the recording leads nowhere.")


def _link(asked: str, headers: Mapping[str, str]) -> str:
    """Where the recording is, once."""
    url = urljoin(asked, headers.get("Location", ""))
    parts = urlsplit(url)
    if parts.scheme not in {"https", urlsplit(asked).scheme} & {"http", "https"} or not parts.hostname:
        raise CommandRefused("Mango's link to the recording is none that we follow.")
    return url


def _was_taken(answer: Answer) -> None:
    if 400 <= answer.status < 500:
        raise CommandRefused(f"Mango did not take the command (HTTP {answer.status}).")
    if answer.status >= 300:
        raise CommandLate(f"Mango has a fault (HTTP {answer.status}): look at the call.")


def _pick(heard: Heard, fits: Callable[[LegNews], bool], nobody: str) -> LegNews:
    """The leg that a command is about: of those that go on, the newest that fits."""
    fitting = [leg.news[-1] for leg in _going_on(heard) if fits(leg.news[-1])]
    if not fitting:
        raise CommandRefused(nobody)
    return max(fitting, key=lambda news: (_RANKS.get(news.state, 0), news.at, news.leg))


def _going_on(heard: Heard) -> Iterable[Leg]:
    return (leg for leg in heard.legs.values() if not leg.is_over)


_RANKS = {CONNECTED: 1, ON_HOLD: 1}  # before one that only rings


def _waits(news: LegNews) -> bool:
    rings = news.state == APPEARED and role_of(news) is Role.TALK and not outgoing(news)
    return news.place in {IVR, QUEUE} or rings


def _can_be_ended(news: LegNews) -> bool:
    return news.place != QUEUE and role_of(news) is not Role.CONSULT


def _now() -> float:
    return asyncio.get_running_loop().time()
