"""What has come from the caller and waits to be read: bounded, whoever sends and however slow the reader is.

The same for every carrier. Pure but for the waiting; time comes in as an argument.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from voicebot.media import Audio, Digit, HungUp, MediaEvent

_KEPT_EVENTS = 250  # 5 s of audio for a reader that lags
_KEPT_DIGITS = 100  # nobody's finger is that fast
_BURST_BYTES = 1_000_000  # a minute of audio at once: what waits in the sockets after we stood still
_BYTES_PER_S = 40_000  # in the long run; a telephone's audio is about 16,000


class Flood(Exception):
    """More than a telephone can send: it is some other program's. Close the connection."""


class Inbox:
    """One call's events, in the order of their coming. Used from the event loop only."""

    def __init__(self, now_s: float) -> None:
        """`now_s`: the event loop's time."""
        self.heard_at = now_s  # when anything came last
        self.over = False  # hung up or closed: nothing comes any more
        self._events: deque[MediaEvent] = deque()
        self._news = asyncio.Event()
        self._allowed: float = _BURST_BYTES

    def count(self, size: int, now_s: float) -> None:
        """So many bytes have arrived.

        Raises:
            Flood: it is more audio than a telephone has.
        """
        refilled = self._allowed + (now_s - self.heard_at) * _BYTES_PER_S
        self._allowed = min(_BURST_BYTES, refilled) - size
        self.heard_at = now_s
        if self._allowed < 0:
            raise Flood("a flood of audio")

    def put(self, event: Audio | Digit) -> None:
        """One more; the oldest audio gives way to it, never a digit.

        Raises:
            Flood: nobody presses keys that fast.
        """
        if self.over:
            return
        self._events.append(event)
        if len(self._events) > _KEPT_EVENTS:
            self._forget_old_audio()
        self._news.set()

    def end(self, *last: HungUp) -> None:
        """Nothing comes after this."""
        self.over = True
        self._events.extend(last)
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[MediaEvent]:
        while True:
            while self._events:
                event = self._events.popleft()
                yield event
                if isinstance(event, HungUp):
                    return
            if self.over:
                return
            self._news.clear()
            # No deadline: a line without any audio is for the conversation to judge, which has a time limit.
            await self._news.wait()

    def _forget_old_audio(self) -> None:
        surplus = len(self._events) - _KEPT_EVENTS
        kept: deque[MediaEvent] = deque()
        for event in self._events:
            if surplus > 0 and isinstance(event, Audio):
                surplus -= 1
            else:
                kept.append(event)
        if len(kept) > _KEPT_EVENTS + _KEPT_DIGITS:
            raise Flood("a flood of digits")
        self._events = kept
