"""`MediaPort` over one AudioSocket connection: reads what the caller says, paces what the caller hears.

Asterisk tells nothing of what it has played, so the time of each frame is kept here, on the monotonic clock.
Silence goes out whenever nothing is played: newer Asterisk mutes the peer of a silent one (asterisk#2089).
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator, Iterable

import structlog

from voicebot.audiosocket import END, SILENCE, BadMessage, Decoder, Kind, Message, encode
from voicebot.media import FRAME_BYTES, FRAME_SECONDS, Audio, Digit, HungUp, MediaEvent

log = structlog.get_logger()

_KEPT_EVENTS = 250  # 5 s of audio for a reader that lags
_UNSENT_BYTES = 50 * len(SILENCE)  # 1 s: a peer that reads nothing must not fill our memory
_KEPT_DIGITS = 100  # nobody's finger is that fast
_FAREWELL_S = 0.5  # for the peer to take our END and to close its side
_BURST_BYTES = 1_000_000  # a minute of audio at once: what waits in the sockets after we stood still
_BYTES_PER_S = 40_000  # in the long run; a telephone's audio is 16,150
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
        self._events: deque[MediaEvent] = deque()
        self._news = asyncio.Event()
        self._unsent = bytearray()
        self._sent_s = 0.0  # since playing last began
        self._heard_at = asyncio.get_running_loop().time()
        self._allowed: float = _BURST_BYTES
        self._empty = asyncio.Event()
        self._empty.set()
        self._over = False  # hung up or closed: no more in either direction
        self._listening: asyncio.Task[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._take(already)

    def start(self) -> None:
        """Begin to listen and to send silence."""
        self._listening = asyncio.create_task(self._listen())
        self._speaking = asyncio.create_task(self._speak())

    async def __aiter__(self) -> AsyncIterator[MediaEvent]:
        while True:
            while self._events:
                event = self._events.popleft()
                yield event
                if isinstance(event, HungUp):
                    return
            if self._over:
                return
            self._news.clear()
            # No deadline: see `_listen`.
            await self._news.wait()

    def play(self, pcm: bytes) -> None:
        """Append; an incomplete last frame is filled with silence when its turn comes."""
        if self._over or not pcm:
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
        return math.inf if self._over else asyncio.get_running_loop().time() - self._heard_at

    async def drained(self) -> None:
        """Wait until nothing is left to play."""
        # No deadline of its own: `_speak` takes 20 ms a frame, and ending the call drops the rest.
        await self._empty.wait()

    async def close(self) -> None:
        """Say good-bye on the wire, so that the dialplan goes on, and let go."""
        here = not self._over
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

    def _end(self, *last: MediaEvent) -> None:
        self._over = True
        self._events.extend(last)
        self._fall_silent()
        self._news.set()

    async def _listen(self) -> None:
        """Read until the caller is gone, however that shows: END, end of file, reset, garbage.

        No deadline: a line without any audio is for the conversation to judge, which has a time limit.
        """
        reason = "closed"
        try:
            while data := await self._reader.read(4096):
                self._count(len(data))
                if self._take(self._decoder.feed(data)):
                    break
        except (OSError, BadMessage) as error:
            # A reset is how Asterisk tells a hang-up; the others are told to the conversation as one.
            reason = type(error).__name__
        if not self._over:
            log.debug("caller gone", action="audiosocket_hung_up", reason=reason)
            self._end(HungUp())

    def _count(self, size: int) -> None:
        """Raises BadMessage for more audio than a telephone has: it is some other program's flood."""
        before, self._heard_at = self._heard_at, asyncio.get_running_loop().time()
        refilled = self._allowed + (self._heard_at - before) * _BYTES_PER_S
        self._allowed = min(_BURST_BYTES, refilled) - size
        if self._allowed < 0:
            raise BadMessage("a flood of audio")

    def _take(self, messages: Iterable[Message]) -> bool:
        """Messages become events. True where the peer ended the call."""
        for message in messages:
            if self._over:
                continue  # we are only waiting for the peer to close
            if message.kind is Kind.AUDIO and message.payload:
                self._events.append(Audio(message.payload))
            elif message.kind is Kind.DIGIT:
                self._events.append(Digit(message.digit))
            elif message.kind in (Kind.END, Kind.ERROR):
                return True
        if len(self._events) > _KEPT_EVENTS:
            self._forget_old_audio()
        self._news.set()
        return False

    def _forget_old_audio(self) -> None:
        surplus = len(self._events) - _KEPT_EVENTS
        kept: deque[MediaEvent] = deque()
        for event in self._events:
            if surplus > 0 and isinstance(event, Audio):
                surplus -= 1
            else:
                kept.append(event)
        if len(kept) > _KEPT_EVENTS + _KEPT_DIGITS:
            raise BadMessage("a flood of digits")
        self._events = kept

    async def _speak(self) -> None:
        """A frame each 20 ms, of sound or of silence, on a schedule that does not drift."""
        clock = asyncio.get_running_loop().time
        due = clock()
        with contextlib.suppress(OSError):
            while not self._over:
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
