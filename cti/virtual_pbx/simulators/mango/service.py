"""Mango's own side: takes commands and says later what became of them, keeps statistics and recordings, and
is as strict about signatures and limits as its documents say.

Knows the calls that the simulator has played, and their legs at this moment.
"""

import asyncio
import secrets
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from pydantic_core import from_json

from cti.virtual_pbx.simulators.mango.play import Play, SimulatedLeg, statistics
from cti.virtual_pbx.simulators.port import SimulatedHook, Sound
from cti.virtual_pbx.stories import Step, story
from cti.virtual_pbx.vendors.mango import MangoSettings
from cti.virtual_pbx.vendors.mango.signature import JSON, KEY, SIGN, sign, signed_form
from cti.virtual_pbx.vendors.mango.words import (
    APPEARED,
    COLUMNS,
    CONNECTED,
    IVR,
    PERSON,
    QUEUE,
    moment,
    part,
    text,
)
from recordings.audio import to_mp3

DONE, WRONG_SIGNATURE, MISSING, WRONG_FORM = 1000, 3102, 3103, 3104
WRONG_NUMBER, NO_RECORDING, NOT_ALLOWED, CALL_GONE = 3200, 3320, 4100, 4101
LOCKED_S = 120.0
_LIMITS = {
    "commands/callback": (4, 1.0),
    "commands/call/hangup": (4, 1.0),
    "commands/recording/start": (4, 1.0),
    "commands/route": (1, 2.0),
    "commands/transfer": (1, 2.0),
    "stats/request": (1, 2.0),
}
_WANTED = {
    "commands/callback": ("from", "to_number"),
    "commands/call/hangup": ("call_id",),
    "commands/recording/start": ("call_id", "call_party_number"),
    "commands/route": ("call_id", "to_number"),
    "commands/transfer": ("call_id", "to_number", "method", "initiator"),
}
_TOO_MUCH = {"name": "Service Unavailable", "message": "Rate limit exceeded.", "code": 0, "status": 429}
_PATIENCE = aiohttp.ClientTimeout(total=10.0)


class Played(Protocol):
    """What the service has to know of the simulator."""

    played: dict[str, Play]
    sound: Sound

    def play(self, play: Play, settings: MangoSettings) -> list[SimulatedHook]:
        """The webhooks of a call, which is remembered from now on."""


class MangoService:
    """One product of Mango's. Used from one event loop."""

    def __init__(
        self, played: Played, settings: MangoSettings, clock: Callable[[], datetime], *, after_s: float = 0.05
    ) -> None:
        """`after_s`: how long after a command what became of it is told."""
        self._simulator, self._settings, self._clock, self._after_s = played, settings, clock, after_s
        self._asked: dict[str, deque[float]] = {}
        self._wrong: deque[float] = deque(maxlen=2)  # when requests were wrong
        self._statistics: dict[str, tuple[datetime, datetime, tuple[str, ...], bool]] = {}
        self._sought: set[str] = set()  # recordings that were asked for once
        self._links: dict[str, str] = {}  # token of a link that works once: recording
        self._running: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.requests: list[tuple[str, Mapping[str, Any]]] = []  # what was asked, for who looks on

    def application(self) -> web.Application:
        """What Mango serves."""
        below = urlsplit(self._settings.base_url).path.rstrip("/")
        app = web.Application()
        app.cleanup_ctx.append(self._while_it_runs)
        app.router.add_get(f"{below}/files/{{token}}", self._file)
        app.router.add_post(f"{below}/{{path:.+}}", self._serve)
        return app

    async def _while_it_runs(self, app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(timeout=_PATIENCE) as self._session:
            yield
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path, now = request.match_info["path"].strip("/"), asyncio.get_running_loop().time()
        if len(self._wrong) == 2 and now - self._wrong[0] < LOCKED_S:
            return web.Response(status=401)
        if self._is_too_much(path, now) or self._is_too_much("", now):
            return web.json_response(_TOO_MUCH, status=429)
        told = await self._proved(request)
        if isinstance(told, int):
            self._was_wrong(now)
            return web.json_response({"result": told}, status=400)
        self.requests.append((path, told))
        return await self._answer(request, path, told)

    async def _answer(self, request: web.Request, path: str, told: Mapping[str, Any]) -> web.StreamResponse:
        match path:
            case "stats/request":
                return self._begin_statistics(told)
            case "stats/result":
                return self._give_statistics(told)
            case "queries/recording/post":
                return self._recording(request, told)
            case _ if path in _WANTED:
                return self._command(path, told)
            case _:
                return web.json_response({"result": 4001}, status=404)

    def _is_too_much(self, path: str, now: float) -> bool:
        count, per_s = _LIMITS.get(path, (10, 1.0) if not path else (1 << 30, 1.0))
        asked = self._asked.setdefault(path, deque(maxlen=min(count, 64)))
        if count <= 64 and len(asked) == count and now - asked[0] < per_s * 0.95:
            return True
        asked.append(now)
        return False

    async def _proved(self, request: web.Request) -> dict[str, Any] | int:
        fields = await request.post()
        key, signature, told = (str(fields.get(name, "")) for name in (KEY, SIGN, JSON))
        good = {sign(key, told, salt) for salt in self._settings.good_secrets(self._clock())}
        if key != self._settings.api_key.get_secret_value() or signature not in good:
            return WRONG_SIGNATURE
        try:
            read = from_json(told)
        except ValueError:
            return WRONG_FORM
        return read if isinstance(read, dict) else WRONG_FORM

    def _was_wrong(self, now: float) -> None:
        if not self._wrong or now - self._wrong[0] >= LOCKED_S:
            self._wrong.clear()
        self._wrong.append(now)

    # Commands

    def _command(self, path: str, told: Mapping[str, Any]) -> web.StreamResponse:
        if not all(told.get(name) for name in _WANTED[path]):
            self._was_wrong(asyncio.get_running_loop().time())
            return web.json_response({"result": MISSING}, status=400)
        code = self._code(path, told)
        if str(code).startswith("3"):
            self._was_wrong(asyncio.get_running_loop().time())
        command_id = text(told.get("command_id"))
        self._later(self._tell_result(path.removeprefix("commands/"), command_id, code))
        if code == DONE and path == "commands/callback":
            self._later(self._call_back(told, command_id))
        return web.json_response({"result": DONE})

    def _code(self, path: str, told: Mapping[str, Any]) -> int:
        """What becomes of a command."""
        target = text(told.get("to_number"))
        if "to_number" in told and not self._is_number(target):
            return WRONG_NUMBER
        if path == "commands/callback":
            return DONE if text(part(told, "from").get("extension")) else MISSING
        now = self._clock()
        leg = self._leg(text(told["call_id"]))
        state = leg.was(now) if leg is not None else ""
        if leg is None or not state:
            return CALL_GONE
        allowed = {
            "commands/route": leg.place in {IVR, QUEUE} or state == APPEARED,
            "commands/transfer": leg.place == PERSON and state == CONNECTED,
            "commands/call/hangup": leg.place != QUEUE,
            "commands/recording/start": leg.place == PERSON and state == CONNECTED,
        }[path]
        if path == "commands/transfer" and told["initiator"] not in _sides(leg):
            return WRONG_NUMBER
        return DONE if allowed else NOT_ALLOWED

    def _is_number(self, target: str) -> bool:
        known = {*self._settings.queues, *self._settings.operators}
        return target in known or target.startswith("sip:") or (target.isdecimal() and 2 < len(target) < 16)

    def _leg(self, call_id: str) -> SimulatedLeg | None:
        legs = (leg for play in self._simulator.played.values() for leg in play.legs)
        return next((leg for leg in legs if leg.leg == call_id), None)

    async def _tell_result(self, name: str, command_id: str, code: int) -> None:
        await asyncio.sleep(self._after_s)
        await self._push(f"result/{name}", {"command_id": command_id, "result": str(code)})

    async def _call_back(self, told: Mapping[str, Any], command_id: str) -> None:
        """Ring the operator, then the number: as the story goes, from now on."""
        operator = self._settings.operator(text(part(told, "from").get("extension")))
        asked = story("call_back")
        steps = tuple(replace(step, operator=operator) if step.operator else step for step in asked.steps)
        played = replace(asked, steps=steps, caller=f"+{text(told['to_number'])}")
        play = Play(played, self._settings, self._clock(), secrets.token_urlsafe(12), command_id)
        for hook in self._simulator.play(play, self._settings):
            await asyncio.sleep(max(0.0, (hook.at - self._clock()).total_seconds()))
            await self._send(hook.path, hook.body)

    def _later(self, task: Coroutine[Any, Any, None]) -> None:
        running = asyncio.ensure_future(task)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _push(self, path: str, told: Mapping[str, Any]) -> None:
        key, salt = self._settings.api_key, self._settings.secrets[0].value
        await self._send(f"/{path}", signed_form(key.get_secret_value(), salt.get_secret_value(), told))

    async def _send(self, path: str, body: bytes) -> None:
        """Once, as Mango does: who is not there does not hear it."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with suppress(aiohttp.ClientError, TimeoutError):
            assert self._session is not None  # noqa: S101  # it serves
            url = f"{self._settings.public_url}/mango{path}"
            async with self._session.post(url, data=body, headers=headers) as answer:
                await answer.read()

    # Statistics

    def _begin_statistics(self, told: Mapping[str, Any]) -> web.StreamResponse:
        start, end = moment(told.get("date_from")), moment(told.get("date_to"))
        if start is None or end is None or not 0 <= (end - start).days <= 31:
            self._was_wrong(asyncio.get_running_loop().time())
            return web.json_response({"result": 3111}, status=400)
        columns = tuple(one.strip() for one in text(told.get("fields")).split(",")) or COLUMNS
        key = secrets.token_urlsafe(16)
        self._statistics[key] = (start, end, columns, False)
        return web.json_response({"key": key})

    def _give_statistics(self, told: Mapping[str, Any]) -> web.StreamResponse:
        key = text(told.get("key"))
        if key not in self._statistics:
            return web.Response(status=404)
        start, end, columns, ready = self._statistics[key]
        if not ready:
            self._statistics[key] = (start, end, columns, True)
            return web.Response(status=204)
        del self._statistics[key]
        rows = [
            row
            for play in self._simulator.played.values()
            for row in play.rows(self._clock())
            if int(start.timestamp()) <= int(row["start"]) <= int(end.timestamp())
        ]
        return web.Response(text=statistics(rows, columns), content_type="text/csv")

    # Recordings

    def _recording(self, request: web.Request, told: Mapping[str, Any]) -> web.StreamResponse:
        recording = text(told.get("recording_id"))
        found = self._found(recording)
        if found is None or recording not in self._sought:
            self._sought.add(recording)  # once is too early, whoever asks
            return web.json_response({"result": NO_RECORDING}, status=404)
        token = secrets.token_urlsafe(24)
        self._links[token] = recording
        base = str(request.url).removesuffix("queries/recording/post")
        return web.Response(status=302, headers={"Location": f"{base}files/{token}"})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        recording = self._links.pop(request.match_info["token"], "")
        found = self._found(recording)
        if found is None:
            raise web.HTTPNotFound(text="The link was used.")
        native, step = found
        sound = await asyncio.to_thread(self._simulator.sound, native, step)
        return web.Response(body=await asyncio.to_thread(as_mp3, sound), content_type="audio/mpeg")

    def _found(self, recording: str) -> tuple[str, Step] | None:
        now = self._clock()
        for play in self._simulator.played.values():
            step = play.recordings.get(recording)
            if step is not None and play.since(step) <= now:
                return play.native, step
        return None


def _sides(leg: SimulatedLeg) -> set[str]:
    return {
        side[name] for side in (leg.caller, leg.called) for name in ("extension", "number") if name in side
    }


def as_mp3(sound: bytes) -> bytes:
    """Any sound file as the MP3 that Mango gives."""
    with tempfile.TemporaryDirectory() as name:
        given, made = Path(name) / "given", Path(name) / "made.mp3"
        given.write_bytes(sound)
        to_mp3(given, made)
        return made.read_bytes()
