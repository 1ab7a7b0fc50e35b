"""The ear of one conversation: voice detector, speech gate, segmenter and recogniser joined.

Frames in, segments out, and the words at the end. Knows no carrier and no dialogue. The early decode lives
here: at `Pause` the engine starts, so that at `SpeechEnded` little is left to wait for; and what it has
understood by then decides how long a silence is the end.
"""

from collections import deque
from collections.abc import Callable, Sequence

from recordings.transcript import Recognised
from voicebot.gate import SpeechGate
from voicebot.inventions import is_invented
from voicebot.media import FRAME_SECONDS
from voicebot.recognizers.live import LiveListening
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import Line, RecogniserBusy, RecogniserFailed, RecogniserLate
from voicebot.segmenter import Pause, Resumed, Segment, Segmenter, SpeechEnded, SpeechStarted, Timing
from voicebot.turn_end import OPEN, OPEN_S, Expect, SoFar, silence_that_ends
from voicebot.vad import VoiceDetector

_BEFORE_S = 0.3  # heard from before the first frame of speech: soft first sounds pass no gate …
_BEFORE_IN_NOISE_S = 0.6  # … and in noise not even all loud ones

GrammarFor = Callable[[Expect], Sequence[str] | None]
"""What callers may say to a question; None: anything."""

Understands = Callable[[str], bool]
"""Whether the dialogue could act well on these words alone."""


class Ear:
    """One per conversation, used from one task of the event loop.

    async for event in media:
        if isinstance(event, Audio):
            for segment in ear.hear(event.pcm):
                if isinstance(segment, SpeechEnded):
                    recognised = await ear.words()
    """

    def __init__(
        self,
        pool: RecognizerPool,
        *,
        grammar: GrammarFor | Sequence[str] | None = None,
        timing: Timing | None = None,
    ) -> None:
        """`grammar`: phrases to expect, as in `Line.start`; always, or by what was asked for."""
        timing = timing or Timing()
        self._pool = pool
        self._line: Line | None = pool.recognizer.line()
        self._grammar_for: GrammarFor = grammar if callable(grammar) else lambda expect: grammar
        self._grammar: Sequence[str] | None = None  # of the utterance in progress
        self._detector = VoiceDetector()
        self._gate = SpeechGate()
        self._segmenter = Segmenter(timing)
        self._before: deque[bytes] = deque(maxlen=round((_BEFORE_IN_NOISE_S + timing.window) / FRAME_SECONDS))
        self._soft = round((_BEFORE_IN_NOISE_S - _BEFORE_S) / FRAME_SECONDS)  # the first frames of these
        self._meanwhile: list[bytes] = []  # frames of a pause that may be the end
        self._listening: LiveListening | None = None  # the utterance in progress
        self._ended: deque[tuple[LiveListening, SpeechEnded]] = deque()  # not yet asked for
        self._paused = False
        self._quiet_since_s = 0.0  # while paused
        self._so_far: SoFar | None = None
        self.expects: Expect = OPEN
        """What the dialogue has asked for: how soon a silence ends the answer."""
        self.understands: Understands = _nothing
        """Whoever knows what the words mean."""

    @property
    def trouble(self) -> str | None:
        """Why no words can be had now, in a sentence; None when all is well."""
        return self._pool.trouble

    @property
    def so_far(self) -> str | None:
        """What the engine understands of the utterance in progress; None while it is behind."""
        return self._listening.so_far if self._listening else None

    @property
    def speaking_s(self) -> float:
        """How long the utterance in progress lasts up to its last voiced frame; 0.0 in silence."""
        return self._segmenter.spoken_s

    @property
    def likely(self) -> bool:
        """Somebody has probably begun to speak: known before `SpeechStarted` (barge-in)."""
        return self._gate.likely

    def hear(self, pcm: bytes) -> Sequence[Segment]:
        """Audio of any length, as it comes: what begins, pauses and ends in it."""
        segments: list[Segment] = []
        for frame, voiced in self._detector.frames(pcm):
            speech = self._gate.hear(frame, voiced)
            if self._listening is None:
                self._before.append(frame)
            elif self._paused:
                self._meanwhile.append(frame)  # decoded only if more follows
            else:
                self._listening.accept(frame)
            if self._paused:
                self._segmenter.ends_after = self._patience()
            for segment in self._segmenter.hear(speech, FRAME_SECONDS):
                if self._follow(segment):
                    segments.append(segment)
        return segments

    async def words(self) -> Recognised:
        """The oldest utterance that a `SpeechEnded` closed; ask once for each. Inventions come as no words.

        Raises:
            RecogniserBusy, RecogniserLate, RecogniserFailed: hand the caller over.
        """
        if not self._ended:
            raise LookupError("No utterance has ended: ask for words only after SpeechEnded.")
        listening, ended = self._ended.popleft()
        try:
            recognised = await listening.result()
        except (RecogniserBusy, RecogniserLate, RecogniserFailed) as error:
            fault = error.with_traceback(None)
        else:
            return self._noted(recognised, ended)
        # Whoever keeps the fault must not keep the utterance, and with it the engine's memory of the caller.
        del listening
        fault.__cause__ = fault.__context__ = None
        raise fault

    def _noted(self, recognised: Recognised, ended: SpeechEnded) -> Recognised:
        """Tell the gate whether it was right."""
        if is_invented(recognised, ended.spoken_until_s - ended.started_at_s):
            recognised = Recognised("", confidence=0.0, no_speech=1.0)
        if recognised.text:
            self._gate.had_words()
        else:
            self._gate.had_none()
        return recognised

    def was_nothing(self) -> None:
        """What was heard last was a cough, a click, a tune: the caller's silence goes on behind it."""
        self._gate.had_none()
        if self._listening is None:
            self._segmenter.dismiss()

    def restart(self) -> None:
        """Forget an utterance in progress, count silence anew: call when the bot has fallen silent."""
        self.close()
        self._segmenter.restart()

    def end(self) -> None:
        """The conversation is over. Frees at once what an engine has kept of this caller.

        That is native memory: no collector knows how much, and conversations lie in cycles, which it visits
        rarely. (Whoever would hear on all the same, hears as an engine does that has never heard them.)
        """
        self.close()
        self._line = None
        self.understands = _nothing

    def close(self) -> None:
        """Nobody wants the words any more: cancel what the recogniser still has to compute."""
        for listening, _ in self._ended:
            listening.cancel()
        if self._listening is not None:
            self._listening.cancel()
        self._listening = None
        self._gate.end()
        self._paused = False
        self._meanwhile.clear()
        self._ended.clear()

    def _follow(self, segment: Segment) -> bool:
        """Do what a segment asks for; whether it is to be told."""
        if isinstance(segment, SpeechStarted):
            self._gate.begin()
            self._grammar = self._grammar_for(self.expects)
            self._listening = self._pool.listen(self._grammar, self._line)
            first = self._soft if len(self._before) == self._before.maxlen and not self._gate.noisy else 0
            self._listening.accept(b"".join([*self._before][first:]))
            self._before.clear()
        self._paused = isinstance(segment, Pause)
        if self._listening is not None:
            if isinstance(segment, Pause):
                self._quiet_since_s = segment.spoken_until_s
                self._pause(self._listening)
            elif isinstance(segment, Resumed):
                self._listening.resumed(segment.at_s - self._quiet_since_s)
                self._listening.accept(b"".join(self._meanwhile))
                self._meanwhile.clear()
            elif isinstance(segment, SpeechEnded):
                return self._end(self._listening, segment)
        return True

    def _pause(self, listening: LiveListening) -> None:
        self._so_far = None
        if self._gate.spoken:
            listening.paused()
        self._segmenter.ends_after = self._patience()

    def _end(self, listening: LiveListening, ended: SpeechEnded) -> bool:
        """Keep it for whoever asks for the words; False where it was a tune all in all."""
        self._listening = None
        self._gate.end()
        self._before.extend(self._meanwhile)
        self._meanwhile.clear()
        if self._gate.spoken:
            self._ended.append((listening, ended))
            return True
        listening.cancel()
        self.was_nothing()
        return False

    def _patience(self) -> float:
        if not self._gate.spoken:
            return OPEN_S
        text = self._listening.so_far if self._listening else None
        if text is None:
            self._so_far = None
        elif self._so_far is None or self._so_far.text != text:
            self._so_far = SoFar(text, self.understands(text), self._is_phrase(text))
        return silence_that_ends(self._so_far, self.expects, self._pool.recognizer.language)

    def _is_phrase(self, text: str) -> bool:
        """Whether the grammar has it, and nothing that goes on from it."""
        phrases = [phrase.lower() for phrase in self._grammar or ()]
        longer = any(phrase.startswith(f"{text} ") for phrase in phrases)
        return text in phrases and not longer


def _nothing(text: str) -> bool:
    """Nobody knows what the words mean."""
    return False
