"""The ear of one conversation: voice detector, segmenter and recogniser joined.

Frames in, segments out, and the words at the end. Knows no carrier and no dialogue. The early decode lives
here: at `Pause` the engine starts, so that at `SpeechEnded` little is left to wait for.
"""

from collections import deque
from collections.abc import Sequence

from recordings.transcript import Recognised
from voicebot.media import FRAME_SECONDS
from voicebot.recognizers.pool import LiveListening, RecognizerPool
from voicebot.segmenter import Pause, Resumed, Segment, Segmenter, SpeechEnded, SpeechStarted, Timing
from voicebot.vad import VoiceDetector

_BEFORE_S = 0.3  # kept from before the first voiced frame: soft first sounds are no voice to the detector


class Ear:
    """One per conversation, used from one task of the event loop.

    async for event in media:
        if isinstance(event, Audio):
            for segment in ear.hear(event.pcm):
                if isinstance(segment, SpeechEnded):
                    recognised = await ear.words()
    """

    def __init__(
        self, pool: RecognizerPool, *, grammar: Sequence[str] | None = None, timing: Timing | None = None
    ) -> None:
        """`grammar`: phrases to expect, as in `Recognizer.start`."""
        timing = timing or Timing()
        self._pool = pool
        self._grammar = grammar
        self._detector = VoiceDetector()
        self._segmenter = Segmenter(timing)
        self._before: deque[bytes] = deque(maxlen=round((_BEFORE_S + timing.window) / FRAME_SECONDS))
        self._listening: LiveListening | None = None  # the utterance in progress
        self._ended: deque[LiveListening] = deque()  # closed by `SpeechEnded`, not yet asked for

    @property
    def trouble(self) -> str | None:
        """Why no words can be had now, in a sentence; None when all is well."""
        return self._pool.trouble

    @property
    def partial(self) -> str | None:
        """What a streaming engine understands of the utterance in progress."""
        return self._listening.partial if self._listening else None

    @property
    def speaking_s(self) -> float:
        """How long the utterance in progress lasts up to its last voiced frame; 0.0 in silence (barge-in)."""
        return self._segmenter.spoken_s

    def hear(self, pcm: bytes) -> Sequence[Segment]:
        """Audio of any length, as it comes: what begins, pauses and ends in it."""
        segments: list[Segment] = []
        for frame, voiced in self._detector.frames(pcm):
            if self._listening is None:
                self._before.append(frame)
            else:
                self._listening.accept(frame)
            for segment in self._segmenter.hear(voiced, FRAME_SECONDS):
                self._follow(segment)
                segments.append(segment)
        return segments

    async def words(self) -> Recognised:
        """The oldest utterance that a `SpeechEnded` closed; ask once for each.

        Raises:
            RecogniserBusy, RecogniserLate, RecogniserFailed: hand the caller over.
        """
        if not self._ended:
            raise LookupError("No utterance has ended: ask for words only after SpeechEnded.")
        return await self._ended.popleft().result()

    def restart(self) -> None:
        """Forget an utterance in progress, count silence anew: call when the bot has fallen silent."""
        self.close()
        self._segmenter.restart()

    def close(self) -> None:
        """The conversation is over: cancel what the recogniser still has to compute."""
        if self._listening is not None:
            self._ended.append(self._listening)
        for listening in self._ended:
            listening.cancel()
        self._listening = None
        self._ended.clear()

    def _follow(self, segment: Segment) -> None:
        if isinstance(segment, SpeechStarted):
            self._listening = self._pool.listen(self._grammar)
            self._listening.accept(b"".join(self._before))
            self._before.clear()
        elif self._listening is not None:
            if isinstance(segment, Pause):
                self._listening.paused()
            elif isinstance(segment, Resumed):
                self._listening.resumed()
            elif isinstance(segment, SpeechEnded):
                self._ended.append(self._listening)
                self._listening = None
