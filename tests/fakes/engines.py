"""Recognition engines whose words and whose slowness a test decides; they implement `Recognizer`."""

import threading
from collections.abc import Callable, Sequence

from recordings.transcript import Recognised, Word


class ToldEngine:
    """Recognises what `words` makes of the audio; waits for `go` where a test holds it back."""

    name = "told"
    language = "en"
    takes_grammar = False

    def __init__(self, words: Callable[[bytes], str], *, streams: bool = False) -> None:
        self.streams = streams
        self.words = words
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Semaphore(0)  # released each time work begins
        self.done: list[str] = []  # what was recognised, in the order of the work

    def line(self) -> "ToldEngine":
        return self

    def start(self, grammar: Sequence[str] | None = None) -> "ToldListening":
        return ToldListening(self)

    def transcribe(self, pcm: bytes) -> Recognised:
        return self.work("background", pcm)

    def work(self, what: str, pcm: bytes) -> Recognised:
        self.busy.release()
        if not self.go.wait(10):
            raise TimeoutError("the test never let the engine go on")
        text = self.words(pcm)
        self.done.append(what)
        return Recognised(text, (Word(text, 0.1, 0.2, 0.9),) if text else (), 0.9)


class ToldListening:
    """One utterance of a `ToldEngine`."""

    def __init__(self, engine: ToldEngine) -> None:
        self._engine = engine
        self._heard = b""

    def accept(self, pcm: bytes) -> str | None:
        self._heard += pcm
        return self._engine.words(self._heard) if self._engine.streams else None

    def result(self) -> Recognised:
        return self._engine.work("live", self._heard)
