"""A server of bot calls, whichever its carrier, with conversations that only write down what happens."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

from tests.fakes.asterisk_legs import AsteriskLegs
from tests.fakes.twilio_caller import TwilioDoor
from voicebot.media import Attend, Attendant, Audio, Digit, MediaEvent, MediaPort
from voicebot.server import AudioSocketServer
from voicebot.twilio_lines import TwilioLines
from voicebot.websocket_lines import WebSocketLines

Part = Callable[[MediaPort], Awaitable[object]]


class Listener:
    """A conversation that only listens; `task` plays its part in the test first."""

    def __init__(self, task: Part | None = None) -> None:
        self.task = task
        self.events: list[MediaEvent] = []
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.media: MediaPort | None = None

    async def run(self, media: MediaPort) -> None:
        self.media = media
        self.began.set()
        try:
            if self.task is not None:
                await self.task(media)
            async for event in media:
                self.events.append(event)
        finally:
            self.ended.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what happens behind a socket has no event
                await asyncio.sleep(0.01)

    @property
    def digits(self) -> str:
        return "".join(event.digit for event in self.events if isinstance(event, Digit))

    @property
    def audio(self) -> bytes:
        return b"".join(event.pcm for event in self.events if isinstance(event, Audio))


Server = AudioSocketServer | WebSocketLines | TwilioLines
Serve = Callable[[Attend], Server]


class House:
    """A server and the conversations that expect a call."""

    def __init__(self, serve: Serve) -> None:
        self.expected: dict[UUID, Listener] = {}
        self.server = serve(self._attend)
        self.legs = AsteriskLegs()  # where the PBX's WebSockets are, if that is the carrier
        self.door = TwilioDoor()  # where Twilio comes to

    async def _attend(self, call: UUID) -> Attendant | None:
        return self.expected.pop(call, None)

    def expect(self, task: Part | None = None) -> tuple[UUID, Listener]:
        call, listener = uuid4(), Listener(task)
        self.expected[call] = listener
        return call, listener


def hung_up(media: MediaPort | None) -> bool:
    """Nothing can be played to a caller who is gone."""
    assert media is not None
    media.play(bytes(320))
    return not media.playing
