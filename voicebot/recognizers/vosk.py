"""The only door to Vosk: words while the caller still speaks, and grammars.

A model is a folder, or a language that the Vosk library fetches from its own site (into ~/.cache/vosk).
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import vosk

from recordings.transcript import Recognised, Word
from voicebot.media import SAMPLE_RATE
from voicebot.recognizers import vosk_stretches
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.vosk_stretches import Stretches

_UNKNOWN = "[unk]"  # in a grammar: whatever else was said; without it every cough becomes a phrase
_FETCH_S = 600.0  # a small model is about 50 MB
_QUIET = -1
_BEHIND = SAMPLE_RATE // 2  # samples: how far a decoder is behind whose model does not say it
_QUIET_LINE = (np.random.default_rng(0).standard_normal(SAMPLE_RATE * 2) * 12).astype("<i2").tobytes()


class Vosk:
    """One model; each line has its own decoders, so that several can be heard at the same time."""

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
        folder = Path(model)
        if folder.is_dir():
            self.name = f"vosk {folder.name}"
            self._model = _load(folder)
            self._stretches = vosk_stretches.read(folder)
        elif "/" in model or not model:
            raise ModelMissing(
                f"There is no Vosk model folder {model!r}: set PRESSZERO_VOSK_MODEL to an unpacked model, "
                "or to a language to fetch."
            )
        else:
            self.name = f"vosk {model}"
            self._model = _fetch(model)
            self._stretches = vosk_stretches.read(Path(self._model.get_model_path(None, model)))

    def start(self, grammar: Sequence[str] | None = None) -> "VoskListening":
        """Begin the only utterance of somebody."""
        return self.line().start(grammar)

    def line(self) -> "VoskLine":
        """For one caller more."""
        return VoskLine(self._decoder)

    def _decoder(self, phrases: tuple[str, ...] | None) -> "_Decoder":
        native = vosk.KaldiRecognizer(self._model, SAMPLE_RATE, *self._known(phrases))
        native.SetWords(True)
        return _Decoder(native, self._stretches)

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


@dataclass
class _Decoder:
    native: Any
    stretches: Stretches | None
    heard: int = 0  # samples, in all utterances so far: its times count on

    def accept(self, pcm: bytes) -> bool:
        """Hear more; whether it has closed something at a pause."""
        self.heard += len(pcm) // 2
        return bool(self.native.AcceptWaveform(pcm))

    def quiet(self) -> bytes:
        """What must follow so that all is computed: no more than that, silence costs as much as speech."""
        samples = _BEHIND if self.stretches is None else self.stretches.quiet_after(self.heard)
        return _QUIET_LINE[: 2 * samples]


class VoskLine:
    """One caller's. A decoder that has heard a voice before hears it better, and has its grammar's graph."""

    def __init__(self, make: Callable[[tuple[str, ...] | None], "_Decoder"]) -> None:
        self._make = make
        self._idle: dict[tuple[str, ...] | None, _Decoder] = {}  # by grammar; those at work are not here
        self._lock = threading.Lock()

    def start(self, grammar: Sequence[str] | None = None) -> "VoskListening":
        """Begin one utterance. Words of the grammar that the model does not know are left out."""
        phrases = None if grammar is None else tuple(grammar)
        with self._lock:
            decoder = self._idle.pop(phrases, None)
        return VoskListening(decoder or self._make(phrases), partial(self._lay_by, phrases))

    def _lay_by(self, phrases: tuple[str, ...] | None, decoder: _Decoder) -> None:
        with self._lock:
            self._idle[phrases] = decoder


class VoskListening:
    """One utterance."""

    def __init__(self, decoder: _Decoder, done: Callable[[_Decoder], None]) -> None:
        self._decoder = decoder
        self._begin_s = decoder.heard / SAMPLE_RATE
        self._done = done
        self._words: list[dict[str, Any]] = []  # of parts that Vosk itself closed at a pause

    def accept(self, pcm: bytes) -> str | None:
        """Hear more; what is understood so far."""
        native = self._decoder.native
        if self._decoder.accept(pcm):
            self._words += json.loads(native.Result()).get("result", [])
            latest = ""
        else:
            latest = json.loads(native.PartialResult()).get("partial", "")
        return (
            " ".join([*(word["word"] for word in self._words), latest]).replace(_UNKNOWN, "").strip() or None
        )

    def result(self) -> Recognised:
        """Everything heard. What the grammar does not know lowers the confidence, and is no text."""
        # `FinalResult` would bring the last words, too, but forget the voice.
        self.accept(self._decoder.quiet())
        self._words += json.loads(self._decoder.native.Result()).get("result", [])
        self._done(self._decoder)
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


def _load(folder: Path) -> Any:
    try:
        return vosk.Model(model_path=str(folder))
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
