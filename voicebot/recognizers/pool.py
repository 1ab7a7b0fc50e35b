"""Recognisers at work without stopping the event loop: own threads, a bounded queue, live calls first.

Knows engines only by `port.Recognizer`; knows no call.

    room for live utterances   ─┐
                                ├─→ threads → engine
    stretches of recordings    ─┘   (only while no live utterance waits)
"""

import asyncio
import os
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recordings.transcript import Phrase, Recognised, Word
from voicebot.media import BYTES_PER_SECOND, FRAME_SECONDS
from voicebot.recognizers.live import Engine, LiveListening, Waited, Whole
from voicebot.recognizers.port import Line, Recognizer
from voicebot.recognizers.splitting import Stretch, split_at_silences
from voicebot.recognizers.streaming import Streamed
from voicebot.recognizers.work import STUCK_S, Urgency, WorkRoom
from voicebot.vad import VoiceDetector

_UTTERANCES, _PIECES = 16, 256  # that may wait


class RecognizerPool:
    """One engine, its threads and its queue. Made on any thread, used from one event loop."""

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        threads: int | None = None,
        waiting: int | None = None,
        deadline_s: float = 3.0,
        stuck_s: float = STUCK_S,
        waited: Waited = lambda seconds: None,
    ) -> None:
        """Start the threads.

        Args:
            recognizer: the engine, its model loaded.
            threads: utterances decoded at the same time. None: one for an engine that uses several cores for
                each utterance, as many as there are cores for one that streams.
            waiting: jobs that may wait beside them. None: as many as the deadline leaves time for. Whole
                utterances take long; of an engine that streams they are pieces of a few milliseconds.
            deadline_s: of one live utterance, its waiting included.
            stuck_s: of one decode; then its thread counts as hanging and is replaced, a few times.
            waited: told for each live utterance how long its words took once it had ended; `deadline_s` for
                one that was given up for want of time or room.
        """
        self.recognizer = recognizer
        self.deadline_s = deadline_s
        threads = threads or ((os.cpu_count() or 1) if recognizer.streams else 1)
        waiting = waiting or (_PIECES if recognizer.streams else _UTTERANCES)
        self._room = WorkRoom(threads=threads, waiting=waiting, name="recogniser", stuck_s=stuck_s)
        self._engine = Engine(recognizer, self._room, deadline_s)
        self._waited = waited

    @property
    def trouble(self) -> str | None:
        """Why nothing is recognised now, in a sentence; None when all is well."""
        return self._engine.trouble

    def listen(self, grammar: Sequence[str] | None = None, line: Line | None = None) -> LiveListening:
        """Begin one utterance of a live call. `grammar` as in `Line.start`; `line`: the caller's, of ours."""
        start = partial((line or self.recognizer.line()).start, grammar)
        if self.recognizer.streams:
            return Streamed(self._engine, start, self._waited)
        return Whole(self._engine, start, self._waited)

    async def transcribe_long(self, pcm: NDArray[np.int16]) -> list[Phrase]:
        """A whole channel of a recording: phrases with times, and words with times where the engine has them.

        Live utterances always go first; each stretch between silences is one job.

        Args:
            pcm: mono samples at 8 kHz, shape (n,).

        Returns:
            Phrases in order; the speaker of each is a placeholder: only the caller of this knows who it was.

        Raises:
            RecogniserBusy, RecogniserFailed: try again later.
        """
        data = pcm.astype("<i2").tobytes()
        phrases = []
        for stretch in await asyncio.to_thread(_stretches, data):
            part = data[_byte(stretch.start_s) : _byte(stretch.end_s)]
            # No deadline here: it waits for every live call; the transcribing job has one for the whole.
            job = self._room.submit(Urgency.BACKGROUND, partial(self.recognizer.transcribe, part))
            heard = await self._engine.outcome(job)
            if heard.text:
                phrases.append(_phrase(stretch, heard))
        return phrases

    def close(self) -> None:
        """Stop the threads; who waits gets `RecogniserFailed`. Harmless when repeated."""
        self._room.close()


def _stretches(data: bytes) -> list[Stretch]:
    return split_at_silences([voiced for _, voiced in VoiceDetector().frames(data)], FRAME_SECONDS)


def _byte(seconds: float) -> int:
    return round(seconds * BYTES_PER_SECOND / 2) * 2


def _phrase(stretch: Stretch, heard: Recognised) -> Phrase:
    """Times of the stretch become times of the recording."""
    words = tuple(
        Word(word.text, stretch.start_s + word.start_s, stretch.start_s + word.end_s, word.confidence)
        for word in heard.words
    )
    return Phrase(
        speaker="caller",
        start_s=words[0].start_s if words else stretch.start_s,
        end_s=words[-1].end_s if words else stretch.end_s,
        text=heard.text,
        confidence=heard.confidence,
        words=words,
    )
