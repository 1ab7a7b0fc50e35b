"""A caller over Twilio's media streams, and the door that Twilio finds the bot behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, cast
from uuid import UUID

import aiohttp
from aiohttp import web

from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from tests.fakes.audiosocket_client import AUDIO, Heard, Hearer
from tests.fakes.twilio_stream import StreamedCall
from tests.fakes.virtual_pbx import settings_of
from voicebot.twilio_lines import TwilioLines


class TwilioDoor:
    """An HTTP port that hands WebSockets to the lines."""

    def __init__(self) -> None:
        self.url = ""

    @asynccontextmanager
    async def open(self, lines: TwilioLines) -> AsyncIterator[Self]:
        """Serve while inside."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await lines.serve(request, UUID(request.match_info["call"]))

        app = web.Application()
        app.router.add_get("/{call}", serve)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


class TwilioCaller(Hearer):
    """`async with TwilioCaller(door, call) as it:` is a call; leaving the block hangs up."""

    def __init__(self, door: TwilioDoor, call: UUID) -> None:
        super().__init__()
        self._settings = cast(TwilioSettings, settings_of("twilio"))
        self._call = StreamedCall(f"{door.url}/{call}", "CA" + "1" * 32, self._settings, self._hear)
        self._to_say = self._call._to_say
        self._watch: asyncio.Task[None] | None = None
        self.refused = False

    async def __aenter__(self) -> Self:
        try:
            await self._call.__aenter__()
        except aiohttp.WSServerHandshakeError:
            self.refused = True
            self.closed.set()
            return self
        self._watch = asyncio.create_task(self._until_closed())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is None:
            return
        await self._call.__aexit__(kind, error, trace)
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch

    async def say(self, pcm: bytes) -> float:
        """See `StreamedCall.say`."""
        return await self._call.say(pcm)

    def press(self, digit: str) -> None:
        """See `StreamedCall.press`."""
        self._call.press(digit)

    @property
    def events(self) -> list[str]:
        """What the server sent."""
        return self._call.events

    @property
    def ended_properly(self) -> bool:
        """Whether Twilio goes on with the call's next step: after a good-bye, or where it got no stream."""
        return self.refused or self._call.close_code == 1000

    def _hear(self, frame: bytes) -> None:
        self.heard.append(Heard(asyncio.get_running_loop().time(), AUDIO, frame))
        self._news.set()

    async def _until_closed(self) -> None:
        await self._call.closed.wait()
        self.closed.set()
        self._news.set()
