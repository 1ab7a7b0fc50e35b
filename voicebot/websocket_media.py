"""`MediaPort` over one WebSocket, of Asterisk's chan_websocket or Twilio's media streams: reads the caller,
keeps the PBX in sound.

Both are the same but for their words (`Wire`); what is said here of Asterisk holds of either. Asterisk paces
what it plays, so sound is sent a little ahead of its time (a moment's stall here is no gap there), and taken
back by a flush when the caller speaks. It tells when a mark has been played; where that word does not come,
our own clock has to do. To Asterisk silence goes out whenever nothing is played: a line without packets is
cut by some telephone networks, and by home routers.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Protocol

import structlog
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType, web

from voicebot import chan_websocket as wire
from voicebot.inbox import Flood, Inbox
from voicebot.media import BYTES_PER_SECOND, FRAME_BYTES, Audio, Digit, HungUp, MediaEvent

log = structlog.get_logger()

_MESSAGE_BYTES = 10 * FRAME_BYTES  # 200 ms; Asterisk drops what is left beyond whole frames
_MESSAGE_S = _MESSAGE_BYTES / BYTES_PER_SECOND
_AHEAD_S = 1.0  # so much has Asterisk before its time; its queue holds 18 s
_LOW_S = 0.4  # below that it gets more
_LATE_S = 1.0  # after its time a mark counts as played, though nobody said so
_TAKEN_S = 2.0  # a peer that takes nothing for so long is gone
_FAREWELL_S = 0.5  # for the peer to answer our good-bye
_OVERHEAD = 10  # bytes: messages of a byte each are a flood too
_FULL_S = 0.5  # between two looks while Asterisk's queue is full


class Wire(Protocol):
    """How the other side puts things."""

    @property
    def sounds_while_quiet(self) -> bool:
        """Whether it wants silence to be sent."""

    def read(self, message: str | bytes) -> wire.Told | Audio | None:
        """What came; None: nothing that matters here. Raises `chan_websocket.BadText`: close it."""

    def sound(self, pcm: bytes) -> str | bytes:
        """Whole frames, to be played."""

    def flush(self) -> str:
        """Take back what has not been played, marks included."""

    def mark(self, number: int) -> str:
        """Have us told when all that was sent before has been played."""


class WebSocketMedia:
    """One connection. `start` begins to read and to send; `close` ends both. See `media.MediaPort`."""

    def __init__(
        self, socket: ClientWebSocketResponse | web.WebSocketResponse, words: Wire | None = None
    ) -> None:
        """`socket`: connected; `words`: of the other side, None: Asterisk's."""
        self._socket = socket
        self._wire = words or wire.ChanWebSocket()
        self._clock = asyncio.get_running_loop().time
        self._inbox = Inbox(self._clock())
        self._wake = asyncio.Event()  # there is something to do before its time
        self._unsent = bytearray()
        self._mark = 0  # of the sound handed to `play` last
        self._awaited: int | None = None  # the mark at whose word nothing is left to hear; None: not playing
        self._marked = False  # whether that mark has been sent
        self._flush = False  # take back what Asterisk has: it is silence, or unwanted
        self._full = False  # Asterisk's queue
        self._until = 0.0  # when Asterisk will have played what it has
        self._sent_s = 0.0  # since playing last began
        self._empty = asyncio.Event()
        self._empty.set()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin to listen and to send silence."""
        self._tasks = (asyncio.create_task(self._listen()), asyncio.create_task(self._speak()))

    def __aiter__(self) -> AsyncIterator[MediaEvent]:
        return aiter(self._inbox)

    def play(self, pcm: bytes) -> None:
        """Append; an incomplete last frame is filled with silence when its turn comes."""
        if self._inbox.over or not pcm:
            return
        if self._awaited is None:
            self._sent_s = 0.0
            # Of the silence that would come first.
            self._flush = self._flush or self._wire.sounds_while_quiet
        self._mark += 1
        self._awaited, self._marked = self._mark, False
        self._unsent += pcm
        self._empty.clear()
        self._wake.set()

    def stop_playing(self) -> float:
        """Drop what was not heard; how many seconds were."""
        if self._awaited is None:
            return 0.0
        heard_s = self._sent_s - max(0.0, self._until - self._clock())
        self._fall_silent()
        self._flush = True
        self._wake.set()
        return max(0.0, heard_s)

    @property
    def playing(self) -> bool:
        """Whether something is still to be heard."""
        return self._awaited is not None

    @property
    def unheard_s(self) -> float:
        """A telephone that is there sends a frame each 20 ms, words or none."""
        return math.inf if self._inbox.over else self._clock() - self._inbox.heard_at

    async def drained(self) -> None:
        """Wait until nothing is left to hear."""
        # No deadline of its own: `_speak` has one for Asterisk's word, and ending the call drops the rest.
        await self._empty.wait()

    async def close(self) -> None:
        """Say good-bye on the wire, so that the dialplan goes on, and let go."""
        self._end()
        listening, *others = self._tasks or (None,)
        for task in others:
            task.cancel()
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self._socket.close()
        except (OSError, RuntimeError) as error:  # a deadline that has passed is an OSError too
            log.debug("no farewell", action="bot_websocket_no_farewell", reason=type(error).__name__)
        finally:
            if listening is not None:
                listening.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end(self, *last: HungUp) -> None:
        self._inbox.end(*last)
        self._fall_silent()
        self._wake.set()

    def _fall_silent(self) -> None:
        self._unsent.clear()
        self._awaited = None
        self._empty.set()

    # --- listening ---

    async def _listen(self) -> None:
        """Read until the caller is gone, however that shows: a close, a reset, garbage."""
        reason = "closed"
        try:
            while self._take(await self._socket.receive()):
                pass
        except (OSError, RuntimeError) as error:
            reason = type(error).__name__
        except (wire.BadText, Flood) as error:
            reason = str(error)
            log.warning("not a WebSocket channel", action="bot_websocket_garbage", reason=reason)
        if not self._inbox.over:
            log.debug("caller gone", action="bot_websocket_hung_up", reason=reason)
            self._end(HungUp())

    def _take(self, message: WSMessage) -> bool:
        """A message becomes events. False where the peer has ended the call."""
        if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            return False
        self._inbox.count(len(message.data) + _OVERHEAD, self._clock())
        told = self._wire.read(message.data)
        self._told(told)
        return not isinstance(told, wire.Stopped)

    def _told(self, told: wire.Told | Audio | None) -> None:
        match told:
            case Audio():
                self._inbox.put(told)
            case wire.Pressed(digit):
                self._inbox.put(Digit(digit))
            case wire.Played(mark) if mark == str(self._awaited):
                self._fall_silent()
                self._wake.set()
            case wire.Full(full):
                self._full = full
                self._wake.set()

    # --- speaking ---

    async def _speak(self) -> None:
        """Keep Asterisk in sound, or in silence, and sleep in between."""
        try:
            while not self._inbox.over:
                self._wake.clear()
                async with asyncio.timeout(_TAKEN_S):
                    await self._send_what_is_due()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle_s()):
                        await self._wake.wait()
        except TimeoutError:
            log.warning("peer reads nothing", action="bot_websocket_stuck")
            self._end(HungUp())
        except (OSError, RuntimeError):
            pass  # `_listen` says so

    async def _send_what_is_due(self) -> None:
        if self._flush:
            self._flush = False
            self._until = self._clock()
            await self._socket.send_str(self._wire.flush())
        while self._unsent and self._runs_low(_AHEAD_S):
            frames = bytes(self._unsent[:_MESSAGE_BYTES])
            del self._unsent[:_MESSAGE_BYTES]
            frames = frames.ljust(math.ceil(len(frames) / FRAME_BYTES) * FRAME_BYTES, b"\0")
            self._sent_s += len(frames) / BYTES_PER_SECOND
            await self._send(frames)
        if self._awaited is None:
            while self._quiet_is_due():
                await self._send(bytes(_MESSAGE_BYTES))
        elif self._marked and self._clock() > self._until + _LATE_S:
            log.debug("no word of a mark", action="bot_websocket_no_mark")
            self._fall_silent()
        elif not self._unsent and not self._marked:
            self._marked = True
            await self._socket.send_str(self._wire.mark(self._awaited))

    def _quiet_is_due(self) -> bool:
        wanted = self._wire.sounds_while_quiet and self._awaited is None
        return wanted and self._runs_low(_AHEAD_S - _MESSAGE_S)

    def _runs_low(self, below_s: float) -> bool:
        return not self._full and not self._flush and self._until - self._clock() < below_s

    async def _send(self, frames: bytes) -> None:
        self._until = max(self._until, self._clock()) + len(frames) / BYTES_PER_SECOND
        sound = self._wire.sound(frames)
        if isinstance(sound, str):
            await self._socket.send_str(sound)
        else:
            await self._socket.send_bytes(sound)

    def _idle_s(self) -> float | None:
        """Until the clock brings something to do; None: it does not."""
        if self._full:
            return _FULL_S
        if self._awaited is None and not self._wire.sounds_while_quiet:
            return None
        left = self._until - self._clock()
        due = left + _LATE_S if self._marked and self._awaited is not None else left - _LOW_S
        return max(0.02, due)
