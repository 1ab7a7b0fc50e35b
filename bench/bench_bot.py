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

from bench import korean
from bench.korean import korean_model
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
ENGINES = ("whisper", "vosk")
TURNS = 30
CALLERS = 5  # voices that ask each of the Korean questions
OTHER_TURNS = 8  # of answers that are synthesised or looked up
LOOK_UP_S = 0.3  # of the company's system
CALLS_AT_ONCE = 30
SETTLE_S = 2.0
QUIET = 300  # sample value below which nobody speaks


@dataclass(frozen=True)
class Bot:
    """A bot at work on a port of its own."""

    server: AudioSocketServer
    events: list[CallEvent]

    def calls(self) -> int:
        """How many conversations began so far."""
        return sum(event.kind is EventKind.BOT_STARTED for event in self.events)

    def heard(self) -> int:
        """How many utterances were understood, as whatever."""
        return sum(event.data.get("speaker") == "caller" for event in self.events)

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


async def _bytes_per_call(bot: Bot, phrase: bytes) -> float:
    """Resident memory that each of some calls in progress adds; the callers are a process of their own.

    `phrase`: what each of them has said by then; b"" for nothing.
    """
    before, since = _resident(), bot.heard() if phrase else bot.calls()
    with tempfile.NamedTemporaryFile() as said:
        said.write(phrase)
        said.flush()
        callers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.bench_bot"),
            *("--callers", str(bot.server.port), str(CALLS_AT_ONCE), said.name),
        )
        try:
            async with asyncio.timeout(60):
                met = bot.heard if phrase else bot.calls
                while met() < since + CALLS_AT_ONCE:  # noqa: ASYNC110 - another process brings them
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


async def _call_and_wait(port: int, count: int, phrase: bytes) -> None:
    """The other process: callers who say one thing at most."""
    callers = [AudioSocketCaller(port, uuid4()) for _ in range(count)]
    for caller in callers:
        await caller.__aenter__()
    if phrase:
        await asyncio.gather(*(caller.say(phrase) for caller in callers))
    await asyncio.sleep(60)


async def _measure(
    recognizer: Recognizer,
    script: BotScript,
    voice: Voice,
    questions: Sequence[bytes],
    grammar: Sequence[str] | None = None,
) -> list[dict[str, object]]:
    """`questions`: as callers say them; whoever is heard wrongly does not count."""
    await voice.render_all(script.fixed_texts())
    bare = []
    for question in questions:
        started = time.perf_counter()
        listening = recognizer.start(grammar)
        listening.accept(question)
        listening.result()
        bare.append(time.perf_counter() - started)
    rows = []
    async with _bot(recognizer, script, voice, grammar) as bot:
        waits = await _waits(bot, questions)
        # Only an engine that streams keeps something of each caller, once it has heard them.
        memory = await _bytes_per_call(bot, questions[0] if recognizer.streams else b"")
        rows += _waiting_rows("cached answer", recognizer, waits, bare)
    rows += [
        _row(f"questions answered, {recognizer.name}", len(waits), f"of {len(questions)}", len(questions)),
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


async def _spoken(script: BotScript, voice: Voice) -> list[bytes]:
    """The script's own phrases in its own voice, some of each question."""
    phrases = [phrase for question in script.questions for phrase in question.phrases]
    chosen = phrases[:: max(1, len(phrases) // TURNS)][:TURNS]
    return [_speech_only(read_wav(path)) for path in await voice.render_all(chosen)]


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


async def _all(engines: Sequence[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        asterisk = find_asterisk()
        espeak = asterisk.espeak if asterisk else None
        script = _short_answers(load_scenario(SCENARIO).bot)
        voice = pick_voice("auto", language="en", cache=cache, espeak=espeak)
        if "whisper" in engines:
            rows += await _measure(Whisper(), script, voice, await _spoken(script, voice))
        model = korean_model()
        if "vosk" not in engines or model is None or espeak is None:
            print("Left out: Vosk, not wanted, or its Korean model or espeak-ng is missing.")
            return rows
        engine = Vosk(str(model), language="ko")
        callers = [
            _speech_only(korean.spoken(espeak, phrase, caller))
            for caller in range(CALLERS)
            for phrase in korean.QUESTIONS
        ]
        rows += await _measure(
            engine, korean.SCRIPT, EspeakVoice(cache, "ko", espeak), callers, korean.GRAMMAR
        )
    return rows


def run(engines: Sequence[str] = ENGINES) -> list[dict[str, object]]:
    """Rows of the bench table."""
    return asyncio.run(_all(engines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("engines", nargs="*", default=ENGINES)
    parser.add_argument("--callers", nargs=3, metavar=("PORT", "COUNT", "SAID"))
    arguments = parser.parse_args()
    if arguments.callers:
        port, count, said = arguments.callers
        asyncio.run(_call_and_wait(int(port), int(count), Path(said).read_bytes()))
    else:
        for row in run(arguments.engines):
            print(row)
