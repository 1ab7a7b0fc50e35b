"""The only door to Vosk: words while the caller still speaks, and grammars.

A model is a folder, or a language that the Vosk library fetches from its own site (into ~/.cache/vosk).
"""

import contextlib
import json
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import vosk

from recordings.transcript import Recognised, Word
from voicebot.media import BYTES_PER_SECOND, SAMPLE_RATE
from voicebot.recognizers.port import ModelMissing

_UNKNOWN = "[unk]"  # in a grammar: whatever else was said; without it every cough becomes a phrase
_FETCH_S = 600.0  # a small model is about 50 MB
_QUIET = -1
_AT_REST = 16  # decoders of one grammar that are kept
_GRAMMARS = 12  # that have some: those of each state, and those of a script just taught something new
_STRETCH = "--frames-per-chunk"
_FRAMES = 75  # hundredths of a second; from here on it costs as much as it saves


class Vosk:
    """One model; each utterance has its own decoder, so that several can be heard at the same time."""

    streams = True
    takes_grammar = True

    def __init__(self, model: str, *, language: str) -> None:
        """Load the model.

        Args:
            model: a folder, or a language code of the Vosk site ("en-us", "ko") to fetch.
            language: BCP 47, as transcripts tell it.

        Raises:
            ModelMissing: no such folder, nothing in it that Vosk can read, or it could not be fetched.
        """
        vosk.SetLogLevel(_QUIET)
        self.language = language
        self._rest = _Rest()
        folder = Path(model)
        if folder.is_dir():
            self.name = f"vosk {folder.name}"
            self._model = _load(folder)
        elif "/" in model or not model:
            raise ModelMissing(
                f"There is no Vosk model folder {model!r}: set PRESSZERO_VOSK_MODEL to an unpacked model, "
                "or to a language to fetch."
            )
        else:
            self.name = f"vosk {model}"
            self._model = _fetch(model)

    def start(self, grammar: Sequence[str] | None = None) -> "VoskListening":
        """Begin one utterance. Words of the grammar that the model does not know are left out."""
        phrases = None if grammar is None else tuple(grammar)
        decoder = self._rest.wake(phrases)
        if decoder is None:
            native = vosk.KaldiRecognizer(self._model, SAMPLE_RATE, *self._known(phrases))
            native.SetWords(True)
            decoder = _Decoder(native)
        return VoskListening(decoder, lambda: self._rest.lay(phrases, decoder))

    def _known(self, phrases: tuple[str, ...] | None) -> tuple[str, ...]:
        """The grammar as Vosk wants it; nothing where there is none."""
        if phrases is None:
            return ()

        def knows(word: str) -> bool:  # Vosk warns of each utterance's strange words, and leaves them out
            return bool(self._model.vosk_model_find_word(word) >= 0)

        heard = (" ".join(filter(knows, phrase.lower().split())) for phrase in phrases)
        others = [_UNKNOWN] if knows(_UNKNOWN) else []
        return (json.dumps([*dict.fromkeys(filter(None, heard)), *others], ensure_ascii=False),)

    def transcribe(self, pcm: bytes) -> Recognised:
        """Words with their times; 8 kHz mono signed 16-bit little-endian."""
        listening = self.start()
        listening.accept(pcm)
        return listening.result()


class _Decoder:
    """One of Vosk's, for one utterance after the other: the graph that it makes of its grammar is dear."""

    def __init__(self, native: Any) -> None:
        self.native = native
        self.heard_s = 0.0  # in all utterances: its times count on


class _Rest:
    """Decoders between two utterances, by grammar. Any thread may come."""

    def __init__(self) -> None:
        self._idle: OrderedDict[tuple[str, ...] | None, list[_Decoder]] = OrderedDict()
        self._lock = threading.Lock()

    def wake(self, phrases: tuple[str, ...] | None) -> _Decoder | None:
        """One that is at rest, if there is."""
        with self._lock:
            idle = self._idle.get(phrases)
            return idle.pop() if idle else None

    def lay(self, phrases: tuple[str, ...] | None, decoder: _Decoder) -> None:
        """It has told its result."""
        with self._lock:
            idle = self._idle.setdefault(phrases, [])
            self._idle.move_to_end(phrases)
            if len(idle) < _AT_REST:
                idle.append(decoder)
            while len(self._idle) > _GRAMMARS:
                self._idle.popitem(last=False)


class VoskListening:
    """One utterance."""

    def __init__(self, decoder: _Decoder, done: Callable[[], None]) -> None:
        self._decoder = decoder
        self._begin_s = decoder.heard_s
        self._done = done
        self._words: list[dict[str, Any]] = []  # of parts that Vosk itself closed at a pause

    def accept(self, pcm: bytes) -> str | None:
        """Hear more; what is understood so far."""
        native = self._decoder.native
        self._decoder.heard_s += len(pcm) / BYTES_PER_SECOND
        if native.AcceptWaveform(pcm):
            self._words += json.loads(native.Result()).get("result", [])
            partial = ""
        else:
            partial = json.loads(native.PartialResult()).get("partial", "")
        return (
            " ".join([*(word["word"] for word in self._words), partial]).replace(_UNKNOWN, "").strip() or None
        )

    def result(self) -> Recognised:
        """Everything heard. What the grammar does not know lowers the confidence, and is no text."""
        self._words += json.loads(self._decoder.native.FinalResult()).get("result", [])
        self._done()
        known = [word for word in self._words if word["word"] != _UNKNOWN]
        words = tuple(
            Word(w["word"], w["start"] - self._begin_s, w["end"] - self._begin_s, w["conf"]) for w in known
        )
        sure = sum(float(word["conf"]) for word in known)
        return Recognised(
            " ".join(word.text for word in words),
            words,
            confidence=sure / len(self._words) if self._words else 0.0,
            no_speech=0.0 if self._words else 1.0,
        )


@contextlib.contextmanager
def _tuned(folder: Path) -> Iterator[Path]:
    """The model as a folder of links, told to compute longer stretches at a time: a fifth less work.

    Models are set up for dictation, whose words should appear at once. Here nobody reads them before a pause.
    """
    settings = folder / "conf" / "model.conf"
    if not settings.is_file() or _STRETCH in settings.read_text():
        yield folder  # an older kind of model, or somebody has decided it
        return
    with tempfile.TemporaryDirectory(prefix="vosk-") as name:
        tuned = Path(name, folder.name)
        (tuned / "conf").mkdir(parents=True)
        for source in (*folder.iterdir(), *settings.parent.iterdir()):
            if source not in (settings.parent, settings):
                (tuned / source.relative_to(folder)).symlink_to(source.resolve())
        (tuned / "conf" / settings.name).write_text(f"{settings.read_text().rstrip()}\n{_STRETCH}={_FRAMES}\n")
        yield tuned


def _load(folder: Path) -> Any:
    try:
        with _tuned(folder) as tuned:  # read whole into memory
            return vosk.Model(model_path=str(tuned))
    except Exception as error:  # the library raises nothing narrower
        raise ModelMissing(
            f"{folder} holds no Vosk model that can be loaded: set PRESSZERO_VOSK_MODEL to an unpacked model."
        ) from error


def _fetch(language: str) -> Any:
    """Vosk's own download, which has no deadline, and leaves the program where it knows no such language."""
    found: list[Any] = []
    reasons: list[str] = []

    def fetch() -> None:
        try:
            found.append(vosk.Model(lang=language))
        except (Exception, SystemExit) as error:
            reasons.append(type(error).__name__)

    thread = threading.Thread(target=fetch, name="vosk-fetch", daemon=True)
    thread.start()
    thread.join(_FETCH_S)
    if not found:
        raise ModelMissing(
            f"No Vosk model for language {language!r} could be fetched ({', '.join(reasons) or 'too slow'}): "
            "set PRESSZERO_VOSK_MODEL to the folder of an unpacked model."
        )
    return found[0]
