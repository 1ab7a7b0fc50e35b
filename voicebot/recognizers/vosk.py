"""The only door to Vosk: words while the caller still speaks, and grammars.

A model is a folder, or a language that the Vosk library fetches from its own site (into ~/.cache/vosk).
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vosk

from recordings.transcript import Recognised, Word
from voicebot.media import SAMPLE_RATE
from voicebot.recognizers.port import ModelMissing

_UNKNOWN = "[unk]"  # in a grammar: whatever else was said; without it every cough becomes a phrase
_FETCH_S = 600.0  # a small model is about 50 MB
_QUIET = -1


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
        """Begin one utterance. Words of the grammar that the model does not know are left out by Vosk."""
        if grammar is None:
            decoder = vosk.KaldiRecognizer(self._model, SAMPLE_RATE)
        else:
            # Some models have no such word, and Vosk warns of each utterance's.
            others = [_UNKNOWN] if self._model.vosk_model_find_word(_UNKNOWN) >= 0 else []
            phrases = [*dict.fromkeys(phrase.lower() for phrase in grammar), *others]
            decoder = vosk.KaldiRecognizer(self._model, SAMPLE_RATE, json.dumps(phrases, ensure_ascii=False))
        decoder.SetWords(True)
        return VoskListening(decoder)

    def transcribe(self, pcm: bytes) -> Recognised:
        """Words with their times; 8 kHz mono signed 16-bit little-endian."""
        listening = self.start()
        listening.accept(pcm)
        return listening.result()


class VoskListening:
    """One utterance."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._words: list[dict[str, Any]] = []  # of parts that Vosk itself closed at a pause

    def accept(self, pcm: bytes) -> str | None:
        """Hear more; what is understood so far."""
        if self._decoder.AcceptWaveform(pcm):
            self._words += json.loads(self._decoder.Result()).get("result", [])
            partial = ""
        else:
            partial = json.loads(self._decoder.PartialResult()).get("partial", "")
        return (
            " ".join([*(word["word"] for word in self._words), partial]).replace(_UNKNOWN, "").strip() or None
        )

    def result(self) -> Recognised:
        """Everything heard. What the grammar does not know lowers the confidence, and is no text."""
        self._words += json.loads(self._decoder.FinalResult()).get("result", [])
        known = [word for word in self._words if word["word"] != _UNKNOWN]
        words = tuple(Word(w["word"], w["start"], w["end"], w["conf"]) for w in known)
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
