"""The wish for a person, spoken: forty wordings of each language through the real ear, in every state.

English by the packaged Piper voice, Russian by the voice of tests/fakes/russian_voice.py; through the band of
a telephone and G.711 (mu-law and A-law in turn) with noise at 15 and 5 dB, before and behind the words too.
Everything from the line on is the house's own: voice detector, gate, segmenter, early decode, Whisper as the
service tells it what to expect, what counts as an invention, understanding, dialogue. The words do not depend
on the state, so each wording is heard twice (two sayings, two noises) and then tried in each state; a miss is
a wording and a state in which two sayings did not lead to a person. Beside it: requests for something else
that were taken for the wish; and calls in real time over AudioSocket, the wish spoken over the greeting.

What was heard is kept in the cache by the sound and by the code that heard it: after a change of the rules
alone, a second run takes seconds. `python -m bench.bench_operator ru` measures one language, `… ru 5` one
level of noise; with `-v` what was heard of each miss is shown.
"""

import asyncio
import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import numpy as np

import voicebot
from cti.asterisk.install import cache_folder
from cti.speech import names_told
from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from tests.fakes.audiosocket_client import AudioSocketCaller, read_wav
from tests.fakes.operator_wish import Bot, Turn
from tests.fakes.operator_wordings import OF_SOMETHING_ELSE, WORDINGS
from tests.fakes.russian_voice import find_russian_voice
from tests.fakes.scripts import LOTTERY
from tests.fakes.telephone_line import RATE, over_the_line
from tests.fakes.utterances import utterances
from tickets.events import CallEvent
from voicebot.conversation import SURE, Conversation
from voicebot.hearing import Ear
from voicebot.listening import COUGH_S
from voicebot.outcome import Ending, Outcome
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.recognizers.whisper_parts import packaged_multilingual
from voicebot.segmenter import Pause, SpeechEnded
from voicebot.server import AudioSocketServer
from voicebot.understanding import Kind
from voicebot.voice import PiperVoice, packaged_piper_model

Row = dict[str, Any]

NAMES: Final = {"en": "English", "ru": "Russian"}
NOISE_DB: Final = (15.0, 5.0)
BEFORE_S, BEHIND_S = 3.5, 2.0  # the ear has heard the line for a while: there was a greeting
OTHERS_EACH: Final = 2  # every second utterance of the shipped sets
REAL_CALLS: Final = 10
REAL_NOISE_DB: Final = 15.0
REAL_CALL_S: Final = 20.0
FRAME: Final = 320
KEEP_EACH: Final = 10  # sayings heard
PAUSE_S: Final = 10.0  # for an early decode: nobody waits here, and the machine may be busy
HEARING: Final = (
    *("vad.py", "gate.py", "segmenter.py", "hearing.py", "turn_end.py", "inventions.py"),
    *("recognizers/live.py", "recognizers/pool.py", "recognizers/whisper.py"),
)


@dataclass
class Heard:
    """What the ear made of one saying."""

    turns: list[Turn]
    likely: bool  # the bot would have fallen silent


@dataclass
class Ears:
    """A language's ear, and what it has heard before."""

    language: str
    bot: Bot
    pool: RecognizerPool
    kept: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    file: Path = Path()

    @classmethod
    def open(cls, language: str) -> "Ears":
        """With the engine that the language comes with. Raises ModelMissing."""
        folder = None if language == "en" else packaged_multilingual(cache_folder() / "whisper")
        whisper = Whisper(folder, language=language, names=told(language))
        folder = Path(voicebot.__file__).parent
        read = b"".join((folder / name).read_bytes() for name in HEARING)
        code = hashlib.sha256(read + repr(told(language)).encode()).hexdigest()
        file = cache_folder() / "bench-operator" / f"heard-{language}.json"
        kept = json.loads(file.read_text()) if file.is_file() else {}
        return cls(language, Bot(language), RecognizerPool(whisper, deadline_s=60), kept, code, file)

    def close(self) -> None:
        """No more."""
        self.pool.close()
        self.keep()

    def keep(self) -> None:
        """Write down what was heard: a run that is broken off goes on there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.kept, ensure_ascii=False))

    async def hear(self, pcm: bytes) -> Heard:
        """One saying, as it would come from a line."""
        key = hashlib.sha256(self.code.encode() + pcm).hexdigest()
        if key not in self.kept:
            heard = await self._hear(pcm)
            self.kept[key] = [heard.turns, heard.likely]
            if len(self.kept) % KEEP_EACH == 0:
                self.keep()
        turns, likely = self.kept[key]
        return Heard([Turn(*turn) for turn in turns], likely)

    async def _hear(self, pcm: bytes) -> Heard:
        ear = Ear(self.pool)
        ear.understands = self._understands
        heard = Heard([], likely=False)
        for at in range(0, len(pcm), FRAME):
            for segment in ear.hear(pcm[at : at + FRAME]):
                if isinstance(segment, Pause):
                    await _decoded(ear)
                elif isinstance(segment, SpeechEnded):
                    words = await ear.words()
                    sure = words.confidence is None or words.confidence >= SURE
                    spoken_s = segment.spoken_until_s - segment.started_at_s
                    if words.text or spoken_s >= COUGH_S:
                        heard.turns.append(Turn(words.text, sure, spoken_s))
                    if not words.text:
                        ear.was_nothing()
            heard.likely |= ear.likely
        ear.close()
        if not heard.turns:
            heard.turns.append(Turn("", sure=False, spoken_s=0.0))
        return heard

    def _understands(self, text: str) -> bool:
        return self.bot.understanding.classify(text).kind in (Kind.OPERATOR, Kind.QUESTION)


def told(language: str) -> Sequence[str]:
    """What the service tells Whisper of."""
    return names_told(in_language(load_scenario(LOTTERY), language))


async def _decoded(ear: Ear) -> None:
    """The engine has made words of what came before the pause, as it would have in the time of a call."""
    try:
        async with asyncio.timeout(PAUSE_S):
            while ear.so_far is None:  # noqa: ASYNC110 - another thread tells
                await asyncio.sleep(0.002)
    except TimeoutError:
        print("  (an early decode did not come)", file=sys.stderr)


class Speaker:
    """A language's voice; what it said is kept."""

    def __init__(self, language: str, speak: Callable[[str], bytes]) -> None:
        self._language, self._speak = language, speak
        self._folder = cache_folder() / "bench-operator" / "voice"

    def say(self, text: str) -> bytes:
        """8 kHz samples."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{self._language}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.pcm"
        if not file.is_file():
            file.write_bytes(self._speak(text))
        return file.read_bytes()

    def line(self, text: str, noise_db: float, number: int, saying: str, before_s: float = BEFORE_S) -> bytes:
        """The same over a telephone line with noise."""
        before, behind = (np.zeros(round(s * RATE), "<i2").tobytes() for s in (before_s, BEHIND_S))
        law = "A-law" if number % 2 else "mu-law"
        return over_the_line(before + self.say(text) + behind, law, noise_db, f"{text} {saying}")


def speaker(language: str) -> Speaker | None:
    """None where there is no such voice here."""
    if language == "ru":
        russian = find_russian_voice()
        return None if russian is None else Speaker("ru", lambda text: russian.pcm(text.replace("-", " ")))
    model = packaged_piper_model()
    if model is None:
        return None
    piper = PiperVoice(cache_folder() / "bench-voice", model)
    rendered: dict[str, Path] = {}

    def speak(text: str) -> bytes:
        if text not in rendered:
            every = [*WORDINGS["en"], *(others("en"))]
            rendered.update(zip(every, asyncio.run(piper.render_all(every)), strict=True))
        return read_wav(rendered[text])

    return Speaker("en", speak)


def others(language: str) -> list[str]:
    """Requests for something else, some of which speak of people."""
    every = [one.said for half in ("tuning", "measuring") for one in utterances(language, half)]
    return [*OF_SOMETHING_ELSE[language], *every[::OTHERS_EACH]]


async def _rows(ears: Ears, voice: Speaker, noise_db: float, verbose: bool) -> list[Row]:
    bot, language = ears.bot, ears.language
    states = bot.states()
    missed, at_first, silenced, tries = [], 0, 0, 0
    for number, said in enumerate(WORDINGS[language]):
        first, second = [
            await ears.hear(voice.line(said, noise_db, number, saying)) for saying in ("first", "second")
        ]
        silenced += first.likely
        for state, stands in states.items():
            tries += 1
            at_first += bot.hands_over(stands, first.turns)
            if not bot.hands_over(stands, first.turns + second.turns):
                missed.append((said, state, [turn.text for turn in first.turns + second.turns]))
    taken = []
    for number, said in enumerate(others(language)):
        heard = await ears.hear(voice.line(said, noise_db, number, "other"))
        wishes = [turn.text for turn in heard.turns if _is_wish(bot, turn.text)]
        taken += [(said, wishes)] if wishes else []
    if verbose:
        for said, state, texts in missed:
            print(f"  missed: {said!r} {state}, heard {texts}", file=sys.stderr)
        for said, wishes in taken:
            print(f"  taken for the wish: {said!r}, heard {wishes}", file=sys.stderr)
    where = f"the wish for a person, {NAMES[language]}, noise {noise_db:.0f} dB below"
    count, of, tricky = len(WORDINGS[language]), len(others(language)), OF_SOMETHING_ELSE[language]
    return [
        _row(
            f"{where}: missed after two sayings ({count} wordings, {len(states)} states)", len(missed), tries
        ),
        _row(f"{where}: wordings missed in any state", len({said for said, _, _ in missed}), count),
        _row(f"{where}: handed over at the first saying", at_first, tries),
        _row(f"{where}: over which the bot falls silent", silenced, count),
        _row(f"{where}: other requests taken for it", len(taken), of),
        _row(
            f"{where}: of these, such as speak of people on purpose",
            sum(said in tricky for said, _ in taken),
            len(tricky),
        ),
    ]


def _is_wish(bot: Bot, text: str) -> bool:
    return bot.understanding.classify(text).kind is Kind.OPERATOR


async def _real_calls(ears: Ears, voice: Speaker, cache: PiperVoice) -> list[Row]:
    """The wish over the bot's greeting, in real time over a socket."""
    ended: list[Outcome] = []
    events: list[CallEvent] = []
    bot = ears.bot
    await cache.render_all(bot.dialogue.script.fixed_texts())

    async def attend(call: UUID) -> Conversation:
        return _Noted(
            ended,
            str(call),
            ear=Ear(ears.pool),
            understanding=bot.understanding,
            dialogue=bot.dialogue,
            voice=cache,
            publish=events.append,
            clock=lambda: datetime.now(UTC),
        )

    said = WORDINGS[ears.language][:: len(WORDINGS[ears.language]) // REAL_CALLS][:REAL_CALLS]
    async with AudioSocketServer("127.0.0.1", 0, attend) as server:
        for number, wording in enumerate(said):
            async with AudioSocketCaller(server.port, uuid4()) as caller:
                began = await caller.first_sound_after(0.0)
                await asyncio.sleep(max(0.0, began + 0.2 - asyncio.get_running_loop().time()))
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(REAL_CALL_S):
                        for saying in ("first", "second"):
                            if not caller.closed.is_set():
                                pcm = voice.line(wording, REAL_NOISE_DB, number, saying, 0.1)
                                await caller.say(pcm)
                        await caller.closed.wait()
    given = sum(outcome.ending is Ending.TO_OPERATOR for outcome in ended)
    name = f"the wish for a person, {NAMES[ears.language]}, spoken over the greeting of a call in real time"
    return [_row(f"{name}: handed over", given, len(said))]


class _Noted(Conversation):
    """Tells how it ended."""

    def __init__(self, ended: list[Outcome], call_id: str, **parts: Any) -> None:
        super().__init__(call_id, **parts)
        self._ended = ended

    async def run(self, media: Any) -> Outcome:
        outcome = await super().run(media)
        self._ended.append(outcome)
        return outcome


def _row(name: str, figure: int, of: int) -> Row:
    return {
        "name": name,
        "figure": figure,
        "unit": f"of {of}",
        "baseline": of,
        "ratio": round(figure / of, 4),
    }


def run(
    languages: Iterable[str] = NAMES, levels: Sequence[float] = NOISE_DB, *, verbose: bool = False
) -> list[Row]:
    """Rows of the bench table; a language without its voice or recogniser here is left out, with a line."""
    rows: list[Row] = []
    for language in languages:
        voice = speaker(language)
        try:
            ears = Ears.open(language)
        except ModelMissing as error:
            print(f"Left out: the wish for a person in {NAMES[language]}. {error}")
            continue
        if voice is None:
            print(f"Left out: the wish for a person in {NAMES[language]}, for want of a voice.")
            continue
        for said in (*WORDINGS[language], *others(language)):
            voice.say(said)
        try:
            for noise_db in levels:
                rows += asyncio.run(_rows(ears, voice, noise_db, verbose))
            model = packaged_piper_model()
            if language == "en" and REAL_NOISE_DB in levels and model is not None:
                rows += asyncio.run(
                    _real_calls(ears, voice, PiperVoice(cache_folder() / "bench-voice", model))
                )
        finally:
            ears.close()
    return rows


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "-v"]
    chosen = [word for word in words if word in NAMES] or NAMES
    loud = [float(word) for word in words if word.isdecimal()] or NOISE_DB
    for row in run(chosen, loud, verbose="-v" in sys.argv):
        print(row)
