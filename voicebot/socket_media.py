"""`MediaPort` over one AudioSocket connection: reads what the caller says, paces what the caller hears.

Asterisk tells nothing of what it has played, so the time of each frame is kept here, on the monotonic clock.
Silence goes out whenever nothing is played: newer Asterisk mutes the peer of a silent one (asterisk#2089).
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterable

import structlog

from voicebot.audiosocket import END, SILENCE, BadMessage, Decoder, Kind, Message, encode
from voicebot.inbox import Flood, Inbox
from voicebot.media import FRAME_BYTES, FRAME_SECONDS, Audio, Digit, HungUp, MediaEvent

log = structlog.get_logger()

_UNSENT_BYTES = 50 * len(SILENCE)  # 1 s: a peer that reads nothing must not fill our memory
_FAREWELL_S = 0.5  # for the peer to take our END and to close its side
_BEHIND_S = 0.2  # after a stall the schedule begins anew instead of sending a burst


class SocketMedia:
    """One connection. `start` begins to read and to send; `close` ends both. See `media.MediaPort`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        decoder: Decoder,
        already: Iterable[Message] = (),
    ) -> None:
        """`already`: messages that arrived behind the first one."""
        self._reader, self._writer, self._decoder = reader, writer, decoder
        self._inbox = Inbox(asyncio.get_running_loop().time())
        self._unsent = bytearray()
        self._sent_s = 0.0  # since playing last began
        self._empty = asyncio.Event()
        self._empty.set()
        self._listening: asyncio.Task[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._take(already)

    def start(self) -> None:
        """Begin to listen and to send silence."""
        self._listening = asyncio.create_task(self._listen())
        self._speaking = asyncio.create_task(self._speak())

    def __aiter__(self) -> AsyncIterator[MediaEvent]:
        return aiter(self._inbox)

    def play(self, pcm: bytes) -> None:
        """Append; an incomplete last frame is filled with silence when its turn comes."""
        if self._inbox.over or not pcm:
            return
        if not self._unsent:
            self._sent_s = 0.0
        self._unsent += pcm
        self._empty.clear()

    def stop_playing(self) -> float:
        """Drop what was not sent; how many seconds were."""
        sent_s = self._sent_s if self._unsent else 0.0
        self._fall_silent()
        return sent_s

    @property
    def playing(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._unsent)

    @property
    def unheard_s(self) -> float:
        """A telephone that is there sends a frame each 20 ms, words or none."""
        now = asyncio.get_running_loop().time()
        return math.inf if self._inbox.over else now - self._inbox.heard_at

    async def drained(self) -> None:
        """Wait until nothing is left to play."""
        # No deadline of its own: `_speak` takes 20 ms a frame, and ending the call drops the rest.
        await self._empty.wait()

    async def close(self) -> None:
        """Say good-bye on the wire, so that the dialplan goes on, and let go."""
        here = not self._inbox.over
        self._end()
        if self._speaking is not None:
            self._speaking.cancel()
        try:
            if here:
                async with asyncio.timeout(_FAREWELL_S):
                    await self._part()
        except OSError as error:  # a deadline that has passed is one too
            log.debug("no farewell", action="audiosocket_no_farewell", reason=type(error).__name__)
        finally:
            if self._listening is not None:
                self._listening.cancel()
            self._writer.close()

    async def _part(self) -> None:
        # Closing with audio of the peer unread makes the kernel send a reset, which can overtake the END:
        # so read on until the peer has taken it and closed.
        self._writer.write(END)
        await self._writer.drain()
        if self._listening is not None:
            await asyncio.wait([self._listening])

    def _fall_silent(self) -> None:
        self._unsent.clear()
        self._empty.set()

    def _end(self, *last: HungUp) -> None:
        self._inbox.end(*last)
        self._fall_silent()

    async def _listen(self) -> None:
        """Read until the caller is gone, however that shows: END, end of file, reset, garbage.

        No deadline: a line without any audio is for the conversation to judge, which has a time limit.
        """
        reason = "closed"
        try:
            while data := await self._reader.read(4096):
                self._inbox.count(len(data), asyncio.get_running_loop().time())
                if self._take(self._decoder.feed(data)):
                    break
        except (OSError, BadMessage, Flood) as error:
            # A reset is how Asterisk tells a hang-up; the others are told to the conversation as one.
            reason = type(error).__name__
        if not self._inbox.over:
            log.debug("caller gone", action="audiosocket_hung_up", reason=reason)
            self._end(HungUp())

    def _take(self, messages: Iterable[Message]) -> bool:
        """Messages become events. True where the peer ended the call."""
        for message in messages:
            if self._inbox.over:
                continue  # we are only waiting for the peer to close
            if message.kind is Kind.AUDIO and message.payload:
                self._inbox.put(Audio(message.payload))
            elif message.kind is Kind.DIGIT:
                self._inbox.put(Digit(message.digit))
            elif message.kind in (Kind.END, Kind.ERROR):
                return True
        return False

    async def _speak(self) -> None:
        """A frame each 20 ms, of sound or of silence, on a schedule that does not drift."""
        clock = asyncio.get_running_loop().time
        due = clock()
        with contextlib.suppress(OSError):
            while not self._inbox.over:
                if self._writer.transport.get_write_buffer_size() > _UNSENT_BYTES:
                    log.warning("peer reads nothing", action="audiosocket_stuck")
                    self._end(HungUp())
                    return
                self._writer.write(self._next_frame())
                due += FRAME_SECONDS
                if due < clock() - _BEHIND_S:
                    due = clock()
                await asyncio.sleep(max(0.0, due - clock()))

    def _next_frame(self) -> bytes:
        if not self._unsent:
            return SILENCE
        frame = bytes(self._unsent[:FRAME_BYTES])
        del self._unsent[:FRAME_BYTES]
        self._sent_s += FRAME_SECONDS
        if not self._unsent:
            self._empty.set()
        return encode(Kind.AUDIO, frame.ljust(FRAME_BYTES, b"\0"))
