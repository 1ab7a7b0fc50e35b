"""A company's CRM that answers well, slowly, with garbage, or not at all."""

import asyncio
from enum import StrEnum
from typing import Self

from aiohttp import web

SLOW_S = 5.0


class Mood(StrEnum):
    """How it answers."""

    WELL = "well"
    SLOW = "slow"
    GARBAGE = "garbage"
    AWAY = "away"  # the connection is broken before an answer


class FakeCrm:
    """On a port of its own while the block runs."""

    def __init__(self) -> None:
        self.mood = Mood.WELL
        self.asked = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/lookup", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/lookup"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        match self.mood:
            case Mood.SLOW:
                await asyncio.sleep(SLOW_S)
            case Mood.GARBAGE:
                rubbish = b'{"name": \xff\x00' + b"[" * 60_000
                return web.Response(body=rubbish, content_type="application/json")
            case Mood.AWAY:
                if request.transport is not None:
                    request.transport.abort()
        return web.json_response({"name": "Robin Park", "vip_level": 0})
