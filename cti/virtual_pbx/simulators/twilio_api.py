"""Twilio's API, simulated: records by pages, recordings, and commands with Twilio's refusals."""

import base64
import io
import json
import wave
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from aiohttp import web

from cti.virtual_pbx.stories import Step
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings

RATE = 8000
MOST_RECORDS = 10_000
LONGEST_TONE_S = 30


class TwilioSide:
    """What the account has. A test, or a caller who follows our TwiML, fills and reads it."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str | None]] = []
        self.recordings: list[dict[str, str]] = []
        self.sounds: dict[str, Callable[[], bytes]] = {}  # what makes a recording's WAV, by its id
        self.commands: list[tuple[str, dict[str, list[str]]]] = []  # path below the account, fields
        self.on_command: list[Callable[[str, dict[str, list[str]]], None]] = []  # calls that go on
        self.refusals: list[tuple[int, int]] = []  # HTTP status and Twilio's code of the next requests
        self.page_size = 0  # 0: as asked

    def remember(self, calls: Sequence[dict[str, str | None]], recordings: Sequence[dict[str, str]]) -> None:
        """These are in the records from now on; the oldest of very many are not."""
        # Of a story that is played anew.
        new = {one["sid"] for one in calls} | {one["sid"] for one in recordings}
        before = [call for call in self.calls if call["sid"] not in new]
        self.calls = [*before, *calls][-MOST_RECORDS:]
        kept = [tape for tape in self.recordings if tape["sid"] not in new]
        self.recordings = [*kept, *recordings][-MOST_RECORDS:]

    def application(self, settings: TwilioSettings) -> web.Application:
        """The API of one account."""
        account = f"/2010-04-01/Accounts/{settings.account_sid}"
        token = settings.secrets[0].value.get_secret_value()
        known = "Basic " + base64.b64encode(f"{settings.account_sid}:{token}".encode()).decode()

        @web.middleware
        async def knows(request: web.Request, handler: Any) -> web.StreamResponse:
            if request.headers.get("Authorization") != known:
                return _refusal(401, 20003)
            if self.refusals:
                return _refusal(*self.refusals.pop(0))
            answer: web.StreamResponse = await handler(request)
            return answer

        async def calls(request: web.Request) -> web.Response:
            return self._page(request, "calls", self.calls)

        async def recordings(request: web.Request) -> web.Response:
            return self._page(request, "recordings", self.recordings)

        async def sound(request: web.Request) -> web.Response:
            return self._sound(request.match_info["sid"].removesuffix(".wav"))

        async def command(request: web.Request) -> web.Response:
            form = await request.post()
            fields = {name: [str(value) for value in form.getall(name)] for name in form}
            path = request.path.removeprefix(f"{account}/")
            self.commands.append((path, fields))
            for obey in self.on_command:
                obey(path, fields)
            return web.json_response({"sid": "CA" + "1" * 32, "status": "queued"}, status=201)

        app = web.Application(middlewares=[knows])
        app.router.add_get(f"{account}/Calls.json", calls)
        app.router.add_get(f"{account}/Recordings.json", recordings)
        app.router.add_get(f"{account}/Recordings/{{sid}}", sound)
        app.router.add_post(f"{account}/{{path:Calls.*}}", command)
        return app

    def _page(self, request: web.Request, name: str, records: Any) -> web.Response:
        size = self.page_size or int(request.query.get("PageSize", "50"))
        page = int(request.query.get("Page", "0"))
        some = records[page * size : (page + 1) * size]
        more = len(records) > (page + 1) * size
        following = f"{request.path}?Page={page + 1}&PageSize={size}" if more else None
        return web.json_response({name: some, "next_page_uri": following, "page": page, "page_size": size})

    def _sound(self, sid: str) -> web.Response:
        known = next((one for one in self.recordings if one["sid"] == sid), None)
        if known is None:
            return _refusal(404, 20404)
        return web.Response(body=self.sounds[sid](), content_type="audio/x-wav")


def two_tones(native: str, step: Step) -> bytes:
    """A recording in which nobody says anything."""
    return tones(step.at - step.since)


def tones(seconds: int) -> bytes:
    """A WAV of two channels: one tone on each."""
    length = np.arange(RATE * max(1, min(seconds, LONGEST_TONE_S)))
    sides = [np.sin(2 * np.pi * tone * length / RATE) for tone in (440, 660)]
    return two_channels(*((8000 * side).astype("<i2").tobytes() for side in sides))


def two_channels(first: bytes, second: bytes) -> bytes:
    """A WAV of two sides, 16-bit samples of 8 kHz each; the shorter one is filled up with silence."""
    length = max(len(first), len(second))
    sides = [np.frombuffer(side.ljust(length, b"\0"), dtype="<i2") for side in (first, second)]
    out = io.BytesIO()
    with wave.open(out, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(np.stack(sides, axis=1).tobytes())
    return out.getvalue()


def _refusal(status: int, code: int) -> web.Response:
    told = {"code": code, "message": "Refused", "status": status,
            "more_info": f"https://www.twilio.com/docs/errors/{code}"}  # fmt: skip
    return web.Response(text=json.dumps(told), status=status, content_type="application/json")
