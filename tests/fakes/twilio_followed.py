"""A whole call that follows our TwiML as Twilio would: the caller presses keys, talks to the bot, waits,
talks with operators, leaves a message, hangs up; every callback is signed and told.

Where our answer fails, the fallback address is asked, as it is set in Twilio's console.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import aiohttp

from cti.virtual_pbx.simulators.twilio import sid, signed
from cti.virtual_pbx.simulators.twilio_api import TwilioSide, tones, two_channels
from cti.virtual_pbx.vendors.twilio.addresses import Page
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from tests.fakes.twilio_stream import StreamedCall

PATIENCE_S = 10.0  # for our answer; Twilio waits 15
MOST_STEPS = 200
_HANG_UP = ET.Element("Hangup")


@dataclass(frozen=True, slots=True)
class Picks:
    """What happens to a phone that rings: it is answered, or not."""

    status: str = "completed"  # or "no-answer", "busy", "failed"
    rings_s: float = 0.0
    talks_s: float = 0.0
    caller: bytes = b""  # what is said while they talk: samples
    operator: bytes = b""


Following = tuple[str, dict[str, str]]
"""The address that Twilio asks next, and what it tells there."""

Talk = Callable[[StreamedCall], Awaitable[None]]
"""What a caller does who is with the bot; the stream goes on until the bot closes it, or they hang up."""


@dataclass(slots=True)
class Script:
    """What the caller and the operators do, in order."""

    keys: list[str] = field(default_factory=list)  # at each prompt that waits for one; "": none
    talk: Talk | None = None
    phones: dict[str, list[Picks]] = field(
        default_factory=dict
    )  # by address; one that is not named: no-answer
    message: bytes = b""
    message_ends: str = "hangup"  # or the key that ends it


class _Elsewhere(Exception):
    """A command took the call to another address; "" ends it."""

    def __init__(self, url: str) -> None:
        super().__init__("elsewhere")
        self.url = url


class FollowedCall:
    """One incoming call. What came of it stands in its fields."""

    def __init__(
        self,
        settings: TwilioSettings,
        session: aiohttp.ClientSession,
        side: TwilioSide,
        native: str,
        *,
        caller: str,
        line: str,
        door: str = "",
        hears: Callable[[bytes], None] = lambda frame: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Args:
            native: names the call.
            door: where ours is really found; empty: at the public address.
            hears: gets what the caller hears of the bot, 20 ms each.
        """
        self._settings, self._session, self._side, self._clock = settings, session, side, clock
        self._door = door or settings.public_url
        self.sid = sid("CA", native)
        self._about = {"AccountSid": settings.account_sid, "From": caller, "To": line,
                       "Direction": "inbound", "ApiVersion": "2010-04-01"}  # fmt: skip
        self.pages: list[str] = []  # that were asked for
        self.played: list[str] = []  # sounds that were fetched, without what changes in their names
        self.rung: list[str] = []  # addresses
        self._hears = hears
        self.failed: list[str] = []  # pages that failed
        self.in_talk = asyncio.Event()
        self._elsewhere: asyncio.Queue[str] = asyncio.Queue()
        self._status = "ringing"
        self._began = clock()

    async def ring(self, script: Script) -> None:
        """From the first ring to the end."""
        self._side.on_command.append(self._command)
        try:
            await self._go_through(script)
        finally:
            self._side.on_command.remove(self._command)
        self._status = "completed"
        length = int((self._clock() - self._began).total_seconds())
        await self._post(Page.STATUS, "", CallDuration=str(length), Timestamp=self._time())

    async def _go_through(self, script: Script) -> None:
        document = await self._ask(Page.VOICE, "")
        self._status = "in-progress"
        for _ in range(MOST_STEPS):
            try:
                following = await self._until_sent_on(self._follow(document, script))
            except _Elsewhere as elsewhere:
                following = (elsewhere.url, {}) if elsewhere.url else None
            if following is None:
                return
            url, fields = following
            document = await self._ask_url(url, fields)

    async def _until_sent_on(self, work: Coroutine[object, object, Following | None]) -> Following | None:
        doing = asyncio.ensure_future(work)
        sent = asyncio.ensure_future(self._elsewhere.get())
        try:
            await asyncio.wait([doing, sent], return_when=asyncio.FIRST_COMPLETED)
            if sent.done() and not doing.done():
                raise _Elsewhere(sent.result())
            return await doing
        finally:
            for task in (doing, sent):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing

    def _command(self, path: str, fields: dict[str, list[str]]) -> None:
        if path == f"Calls/{self.sid}.json":
            self._elsewhere.put_nowait(fields.get("Url", [""])[0])

    # --- verbs ---

    async def _follow(self, document: ET.Element, script: Script) -> Following | None:
        """Do what it says; the address that is asked next, and with what. None: the call is over."""
        for verb in document:
            match verb.tag:
                case "Play":
                    await self._play(verb)
                case "Pause":
                    await asyncio.sleep(float(verb.get("length", "1")))
                case "Redirect":
                    return verb.text or "", {}
                case "Hangup":
                    return None
                case "Gather":
                    for sound in verb:
                        await self._play(sound)
                    key = script.keys.pop(0) if script.keys else ""
                    if key == "hangup":
                        return None
                    return verb.get("action", ""), {"Digits": key}
                case "Connect":
                    if await self._stream(verb, script):
                        return None
                case "Dial":
                    return await self._dial(verb, script)
                case "Record":
                    return await self._record(verb, script)
        return None

    async def _play(self, verb: ET.Element) -> None:
        url = self._local(verb.text or "")
        async with self._session.get(url) as answer:
            answer.raise_for_status()
            await answer.read()
        self.played.append(urlsplit(url).path.rpartition("/")[2].partition(".")[0])

    async def _stream(self, verb: ET.Element, script: Script) -> bool:
        """Whether the caller has hung up meanwhile."""
        url = verb[0].get("url", "")
        local = f"ws{self._door.removeprefix('http')}{url.removeprefix('ws' + self._public)}"
        try:
            async with StreamedCall(local, self.sid, self._settings, self._hears) as call:
                if script.talk is not None:
                    talking = asyncio.ensure_future(script.talk(call))
                    closed = asyncio.ensure_future(call.closed.wait())
                    await asyncio.wait([talking, closed], return_when=asyncio.FIRST_COMPLETED)
                    if talking.done():
                        talking.result()
                    talking.cancel()
                    closed.cancel()
                    if not call.closed.is_set():
                        await call.hang_up()
                        return True
                await call.closed.wait()
        except (aiohttp.ClientError, TimeoutError):
            pass  # no stream: the next verb
        return False

    async def _dial(self, verb: ET.Element, script: Script) -> Following:
        legs = []
        for noun in verb:
            address = f"client:{noun.text}" if noun.tag == "Client" else noun.text or ""
            self.rung.append(address)
            picks = script.phones.get(address) or [Picks("no-answer")]
            pick = picks.pop(0) if len(picks) > 1 else picks[0]
            legs.append((noun, address, pick, sid("CA", self.sid, len(self.rung))))
        for noun, address, _, leg in legs:
            await self._leg(noun, leg, address, "initiated")
            await self._leg(noun, leg, address, "ringing")
        ready = [one for one in legs if one[2].status == "completed"]
        winner = min(ready, key=lambda one: one[2].rings_s, default=None)
        await asyncio.sleep(winner[2].rings_s if winner else max(one[2].rings_s for one in legs))
        for noun, address, pick, leg in legs:
            if winner is not None and leg != winner[3]:
                await self._leg(noun, leg, address, "canceled")
            elif winner is None:
                await self._leg(noun, leg, address, pick.status)
        if winner is None:
            return verb.get("action", ""), {"DialCallStatus": legs[-1][2].status}
        return await self._talk(verb, *winner)

    async def _talk(
        self, verb: ET.Element, noun: ET.Element, address: str, pick: Picks, leg: str
    ) -> Following:
        began = self._clock()
        await self._leg(noun, leg, address, "in-progress")
        self.in_talk.set()
        try:
            await asyncio.sleep(pick.talks_s)
        finally:
            length = str(round((self._clock() - began).total_seconds()))
            done = self._leg(noun, leg, address, "completed", CallDuration=length)
            recorded = self._recorded(verb, _sound_of(pick, int(length)), began, length)
            await asyncio.shield(asyncio.gather(done, recorded))
        return verb.get("action", ""), {"DialCallStatus": "completed", "DialCallDuration": length}

    async def _record(self, verb: ET.Element, script: Script) -> Following | None:
        length = str(max(1, len(script.message) // 16000))
        await self._recorded(verb, two_channels(script.message, b""), self._clock(), length)
        if script.message_ends == "hangup":
            self._status = "completed"
        return verb.get("action", ""), {"Digits": script.message_ends, "RecordingDuration": length}

    async def _recorded(self, verb: ET.Element, wav: bytes, began: datetime, length: str) -> None:
        callback = verb.get("recordingStatusCallback")
        if callback is None:
            return
        tape = sid("RE", self.sid, len(self._side.recordings))
        at = format_datetime(began)
        self._side.sounds[tape] = lambda: wav
        source = "RecordVerb" if verb.tag == "Record" else "DialVerb"
        record = {"sid": tape, "call_sid": self.sid, "status": "completed", "start_time": at}
        self._side.recordings.append({**record, "duration": length, "channels": "2", "source": source})
        told = {"RecordingSid": tape, "RecordingStatus": "completed", "RecordingDuration": length}
        told |= {"RecordingChannels": "2", "RecordingStartTime": at, "RecordingSource": source}
        await self._tell(callback, **told)

    # --- requests ---

    async def _leg(self, noun: ET.Element, leg: str, to: str, status: str, **more: str) -> None:
        about = {"CallSid": leg, "ParentCallSid": self.sid, "To": to, "CallStatus": status,
                 "Direction": "outbound-dial", "Timestamp": self._time(), **more}  # fmt: skip
        await self._tell(noun.get("statusCallback", ""), **about)

    async def _tell(self, url: str, **fields: str) -> None:
        page, query = self._page_of(url)
        await self._post(page, query, **fields)

    async def _ask_url(self, url: str, fields: dict[str, str]) -> ET.Element:
        page, query = self._page_of(url)
        return await self._ask(page, query, **fields)

    async def _ask(self, page: Page, query: str, **fields: str) -> ET.Element:
        """TwiML; where that fails, of the fallback, and then the call is cut."""
        try:
            return await self._twiml(page, query, **fields)
        except (aiohttp.ClientError, TimeoutError, ET.ParseError):
            self.failed.append(page.value)
        try:
            wrong = f"{self._settings.public_url}/twilio/{page.value}"
            return await self._twiml(Page.FALLBACK, "", ErrorCode="11200", ErrorUrl=wrong)
        except (aiohttp.ClientError, TimeoutError, ET.ParseError):
            self.failed.append(Page.FALLBACK.value)
            return ET.Element("Response")

    async def _twiml(self, page: Page, query: str, **fields: str) -> ET.Element:
        self.pages.append(page.value)
        text = await self._post(page, query, **fields)
        return ET.fromstring(text) if text else ET.Element("Response")  # noqa: S314  # our own

    async def _post(self, page: Page, query: str, **fields: str) -> str:
        about = {"CallSid": self.sid, **self._about, "CallStatus": self._status, **fields}
        hook = signed(self._settings, self._clock(), page, query, about)
        url = f"{self._door}/twilio{hook.path}"
        async with (
            asyncio.timeout(PATIENCE_S),
            self._session.post(url, data=hook.body, headers=hook.headers) as answer,
        ):
            answer.raise_for_status()
            return await answer.text()

    def _page_of(self, url: str) -> tuple[Page, str]:
        parts = urlsplit(url)
        return Page(parts.path.rpartition("/")[2]), parts.query

    def _local(self, url: str) -> str:
        return f"{self._door}{url.removeprefix(self._settings.public_url)}"

    def _time(self) -> str:
        return format_datetime(self._clock())

    @property
    def _public(self) -> str:
        return self._settings.public_url.removeprefix("http")


def _sound_of(pick: Picks, seconds: int) -> bytes:
    """What was said; where nothing was, a tone on each side."""
    if pick.caller or pick.operator:
        return two_channels(pick.caller, pick.operator)
    return tones(seconds)
