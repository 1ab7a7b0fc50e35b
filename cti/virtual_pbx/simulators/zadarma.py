"""Zadarma, simulated: its notifications, and its API with keys, limits, statistics and recordings."""

import asyncio
import hashlib
import hmac
import secrets
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from aiohttp import web
from pydantic import SecretStr

from cti.virtual_pbx.settings import Secret
from cti.virtual_pbx.simulators.port import SimulatedHook, Sound, beep
from cti.virtual_pbx.stories import LINE, Step, Story, What
from cti.virtual_pbx.vendors.zadarma.adapter import ZadarmaSettings
from cti.virtual_pbx.vendors.zadarma.records import QUIET, past_facts, tape_of
from cti.virtual_pbx.vendors.zadarma.words import SIGNED, signatures, zone_of
from tickets.facts import Fact
from tickets.vocabulary import Direction

_TOLD = {What.RINGS, What.OFFERED, What.ANSWERED, What.HANGS_UP, What.RECORDED, What.INTERNAL}
MINUTE_S = 60.0
MOST_CALLS = 10_000  # remembered, the newest


@dataclass(frozen=True, slots=True)
class _Happened:
    """A call as the vendor's records have it."""

    native: str
    story: Story  # as it can be told
    began: datetime
    answered: Step | None
    over: Step
    names: dict[Step, str]  # of the recordings, by what was recorded


class ZadarmaSimulator:
    """See `Simulator`. `vendor_side` knows the calls whose webhooks were made before it is asked."""

    vendor: ClassVar[str] = "zadarma"
    mute: ClassVar[frozenset[What]] = frozenset(What) - _TOLD

    def __init__(self) -> None:
        self.sound: Sound = beep
        self._happened: dict[str, _Happened] = {}
        self.called_back: list[tuple[str, str]] = []  # operator and number, as asked

    def invent(self, public_url: str, api: str) -> ZadarmaSettings:
        """See `Simulator.invent`."""
        secret = Secret(value=SecretStr(secrets.token_hex(16)))
        key = secrets.token_hex(10)
        return ZadarmaSettings(public_url=public_url, secrets=(secret,), key=key, timezone="UTC", api_url=api)

    def api(self, settings: ZadarmaSettings) -> str:
        """See `Simulator.api`."""
        return settings.api_url

    def hooks(
        self, story: Story, settings: ZadarmaSettings, start: datetime, native: str
    ) -> list[SimulatedHook]:
        """See `Simulator.hooks`."""
        call = _happened(story, start, native)
        self._happened[call.native] = call
        while len(self._happened) > MOST_CALLS:
            del self._happened[next(iter(self._happened))]
        about = {"call_start": _local(start, settings), "pbx_call_id": call.native}
        told = []
        for step in call.story.steps:
            if call.answered and step.what in {What.OFFERED, What.ANSWERED} and step.at > call.answered.at:
                continue  # what happens after a transfer is not told
            if step.what is What.RECORDED:
                fields = {"event": "NOTIFY_RECORD", "call_id_with_rec": call.names[step]}
            elif story.direction is Direction.INBOUND:
                fields = about | _inward(story, step, call.answered)
            else:
                fields = about | _outward(story, step, call.answered)
            if "event" not in fields:
                continue
            if fields["event"].endswith("_END"):
                fields["is_recorded"] = str(int(bool(call.names)))
                fields |= dict([("call_id_with_rec", name) for name in call.names.values()][:1])
            at = start + timedelta(seconds=step.at)
            told.append(_hook({"pbx_call_id": call.native, **fields}, settings, at))
        return told

    def records(self, story: Story, settings: ZadarmaSettings, start: datetime, native: str) -> list[Fact]:
        """See `Simulator.records`."""
        call = _happened(story, start, native)
        over = start + timedelta(seconds=call.over.at) + QUIET
        return past_facts(self.vendor, _rows(call, settings), zone_of(settings.timezone), over)

    def vendor_side(self, settings: ZadarmaSettings) -> web.Application:
        """See `Simulator.vendor_side`."""
        return _Api(self, settings).application()

    def rows(self, settings: ZadarmaSettings, since: str, until: str) -> list[dict[str, Any]]:
        """Lines of statistics of calls that began in that time, local times as they are written."""
        rows = []
        for call in self._happened.values():
            if since <= _local(call.began, settings) <= until:
                rows += _rows(call, settings)
        return rows

    def tape(self, name: str) -> bytes | None:
        """A recording, by its whole name or by the id within it."""
        for call in self._happened.values():
            for step, whole in call.names.items():
                if tape_of(name)[0] == tape_of(whole)[0]:
                    return self.sound(call.native, step)
        return None


def _happened(story: Story, start: datetime, native: str) -> _Happened:
    outward = story.direction is not Direction.INBOUND
    if not native.startswith(("in_", "out_")):
        native = f"{'out' if outward else 'in'}_{native}"
    told = story.as_told(ZadarmaSimulator.mute)
    answered = next((step for step in told.steps if step.what is What.ANSWERED), None)
    over = next(step for step in told.steps if step.what is What.HANGS_UP)
    names = {
        step: _tape(start + timedelta(seconds=step.since), native)
        for step in told.steps
        if step.what is What.RECORDED
    }
    return _Happened(native, told, start, answered, over, names)


def _inward(story: Story, step: Step, answered: Step | None) -> dict[str, str]:
    caller = story.caller.removeprefix("+") or "Anonymous"
    about = {"caller_id": caller, "called_did": story.line.removeprefix("+")}
    match step.what:
        case What.RINGS:
            return {"event": "NOTIFY_START", **about}
        case What.OFFERED:
            return {"event": "NOTIFY_INTERNAL", **about, "internal": step.operator}
        case What.ANSWERED:
            operator = step.operator
            return {
                "event": "NOTIFY_ANSWER",
                "caller_id": caller,
                "destination": operator,
                "internal": operator,
            }
        case What.HANGS_UP:
            return {"event": "NOTIFY_END", **about, **_end(step, answered)}
    return {}


def _outward(story: Story, step: Step, answered: Step | None) -> dict[str, str]:
    operator, to = next(one.operator for one in story.steps if one.operator), story.caller.removeprefix("+")
    if story.direction is Direction.INTERNAL:
        operator, to = story.caller, story.line
    about = {"internal": operator, "destination": to, "caller_id": LINE.removeprefix("+")}
    match step.what:
        case What.RINGS:
            return {"event": "NOTIFY_OUT_START", **about}
        case What.ANSWERED:
            return {"event": "NOTIFY_ANSWER", **about}
        case What.HANGS_UP:
            end = _end(step, answered)
            return {"event": "NOTIFY_OUT_END", **about, **end, "internal": operator}
    return {}


def _end(step: Step, answered: Step | None) -> dict[str, str]:
    if answered is None:
        return {"duration": "0", "disposition": "no answer", "status_code": "19"}
    told = {"duration": str(step.at - answered.at), "disposition": "answered", "status_code": "16"}
    return told | {"internal": answered.operator}


def _hook(fields: dict[str, str], settings: ZadarmaSettings, at: datetime) -> SimulatedHook:
    secret = settings.secrets[0].value.get_secret_value()
    text = "".join(fields.get(name, "") for name in SIGNED[fields["event"]])
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Signature": signatures(secret, text)[0].decode(),
    }
    return SimulatedHook(at, "", headers, urlencode(fields).encode())


def _local(at: datetime, settings: ZadarmaSettings) -> str:
    return at.astimezone(zone_of(settings.timezone)).strftime("%Y-%m-%d %H:%M:%S")


def _tape(began: datetime, native: str) -> str:
    known = int(hashlib.sha256(native.encode()).hexdigest(), 16) % 10**6
    return f"1-{int(began.timestamp())}.{known:06}-100-{began:%Y-%m-%d-%H%M%S}"


def _rows(call: _Happened, settings: ZadarmaSettings) -> list[dict[str, Any]]:
    """A line for the talk, or for what came to nothing, and one for each further recording."""
    outward = call.story.direction is not Direction.INBOUND
    person = call.story.caller.removeprefix("+") or "Anonymous"
    first = next((step.operator for step in call.story.steps if step.operator), "100")
    operator = call.answered.operator if call.answered else first
    if call.story.direction is Direction.INTERNAL:
        first, person = call.story.caller, call.story.line
    names = [tape_of(name)[0] for name in call.names.values()]
    begins = [call.answered.at if call.answered else call.over.at]
    begins += [step.since for step in list(call.names)[1:]]
    return [
        {
            "call_id": float(names[number]) if names else call.began.timestamp(),
            "sip": first if outward else operator,
            "callstart": _local(call.began + timedelta(seconds=begin), settings),
            "clid": first if outward else person,
            "destination": person if outward else operator,
            "disposition": "answered" if call.answered else "no answer",
            "seconds": call.over.at - begin if call.answered else 0,
            "is_recorded": bool(names),
            "pbx_call_id": call.native,
        }
        for number, begin in enumerate(begins)
    ]


class _Api:
    """What the vendor's API is asked by us."""

    def __init__(self, calls: ZadarmaSimulator, settings: ZadarmaSettings) -> None:
        self._calls, self._settings = calls, settings
        self._asked: dict[bool, deque[float]] = {True: deque(), False: deque()}  # of statistics, of all

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/v1/statistics/pbx/", self._statistics)
        app.router.add_get("/v1/request/callback/", self._call_back)
        app.router.add_get("/v1/pbx/record/request/", self._record)
        app.router.add_get("/v1/pbx/record/download/{name}", self._download)
        app.router.add_get("/v1/info/timezone/", self._timezone)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse
        if "/record/download/" not in request.path:
            if not self._signed(request):
                return web.json_response({"status": "error", "message": "Not authorized"}, status=401)
            if not self._allowed("/statistics/" in request.path):
                return web.json_response({"status": "error", "message": "Limit"}, status=429)
        answer = await handler(request)
        return answer

    def _signed(self, request: web.Request) -> bool:
        query = request.rel_url.raw_query_string
        text = f"{request.path}{query}{hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()}"
        key, _, given = request.headers.get("Authorization", "").partition(":")
        good = signatures(self._settings.secrets[0].value.get_secret_value(), text)[0]
        return key == self._settings.key and hmac.compare_digest(given.encode(), good)

    def _allowed(self, statistics: bool) -> bool:
        now, asked = asyncio.get_running_loop().time(), self._asked[statistics]
        while asked and now - asked[0] >= MINUTE_S:
            asked.popleft()
        asked.append(now)
        return len(asked) <= (3 if statistics else 100)

    async def _statistics(self, request: web.Request) -> web.Response:
        asked = request.query
        rows = self._calls.rows(self._settings, asked.get("start", ""), asked.get("end", "9"))
        skip, limit = int(asked.get("skip", "0")), int(asked.get("limit", "1000"))
        told = {"status": "success", "version": 2, "stats": rows[skip : skip + limit]}
        return web.json_response(told)

    async def _call_back(self, request: web.Request) -> web.Response:
        operator, number = request.query.get("from", ""), request.query.get("to", "")
        if not number.isdecimal() or len(number) < 7:
            return web.json_response({"status": "error", "message": "Wrong number"}, status=400)
        self._calls.called_back.append((operator, number))
        return web.json_response({"status": "success", "from": operator, "to": number, "time": 0})

    async def _record(self, request: web.Request) -> web.Response:
        name = request.query.get("call_id", "")
        if self._calls.tape(name) is None:
            return web.json_response({"status": "error", "message": "File not found"}, status=404)
        link = str(request.url.origin() / "v1/pbx/record/download" / f"{name}.mp3")
        return web.json_response({"status": "success", "link": link, "lifetime_till": "2030-01-01 00:00:00"})

    async def _download(self, request: web.Request) -> web.Response:
        sound = self._calls.tape(request.match_info["name"].removesuffix(".mp3"))
        if sound is None:
            return web.Response(status=404)
        return web.Response(body=sound, content_type="audio/mpeg")

    async def _timezone(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "timezone": self._settings.timezone})
