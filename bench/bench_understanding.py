"""How well callers are understood: what is in scope, what is not, and the wish for a person over bad lines.

The utterances of the measuring half and of strangers (tests/fakes/utterances.py), as text. The wish for a
person in forty wordings of each language, spoken (Piper; for Russian the voice of
tests/fakes/russian_voice.py, where it is unpacked), through 300–3400 Hz and G.711 with noise at 15 and 10 dB,
heard by the recogniser that the language comes with, in every state of the lottery's bot: who is not handed
over within two turns is a miss.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cti.asterisk.install import cache_folder
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.operator_wish import Bot, Turn
from tests.fakes.operator_wordings import OF_SOMETHING_ELSE, WORDINGS
from tests.fakes.russian_voice import find_russian_voice
from tests.fakes.telephone_line import RATE, Law, over_the_line
from tests.fakes.utterances import Utterance, strangers, utterances
from voicebot.conversation import SURE
from voicebot.packaged_meaning import packaged_meaning
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.recognizers.whisper_parts import packaged_multilingual
from voicebot.understanding import Kind
from voicebot.voice import PiperVoice, packaged_piper_model

Row = dict[str, Any]
Speak = Callable[[str], bytes]

NAMES = {"en": "English", "ru": "Russian"}
NOISE_DB = (15.0, 10.0)


def run() -> list[Row]:
    """All rows; a language without its voice or its recogniser here is left out with a line that says so."""
    rows = []
    for language, name in NAMES.items():
        bot = Bot(language, packaged_meaning(language))
        rows += _scope_rows(Bot(language), utterances(language, "measuring"), f"{name} by words alone")
        rows += _scope_rows(bot, utterances(language, "measuring"), name)
        rows += _scope_rows(bot, strangers(language), f"{name} of strangers")
        with tempfile.TemporaryDirectory() as folder:
            speak = _voice(language, Path(folder))
            whisper = _whisper(language)
            if speak is None or whisper is None:
                print(f"Left out: the wish for a person heard in {name}, for want of a voice or a model.")
                continue
            for noise_db in NOISE_DB:
                rows += _operator_rows(bot, language, f"{name}, {noise_db:.0f} dB", noise_db, speak, whisper)
    return rows


def _scope_rows(bot: Bot, everyone: list[Utterance], name: str) -> list[Row]:
    chosen = [(one, bot.understanding.classify(one.said)) for one in everyone]
    asked = [(one, got) for one, got in chosen if one.kind == "question"]
    others = [got for one, got in chosen if one.kind != "question"]
    kept = sum(got.kind is Kind.QUESTION for _, got in asked) / len(asked)
    right = sum(got.name == one.question for one, got in asked) / len(asked)
    after_a_yes = sum(got.maybe == one.question for one, got in asked) / len(asked)
    asked_back = sum(got.maybe is not None for got in others) / len(others)
    wishes = sum(got.kind is Kind.OPERATOR for _, got in chosen) / len(chosen)
    rejected = sum(got.kind is not Kind.QUESTION for got in others) / len(others)
    return [
        _row(f"Understanding, {name}: kept of {len(asked)} in scope", 100 * kept),
        _row(f"Understanding, {name}: the right question", 100 * right),
        _row(f"Understanding, {name}: right, those asked back included", 100 * (right + after_a_yes)),
        _row(f"Understanding, {name}: rejected of {len(others)} out of scope", 100 * rejected),
        _row(f"Understanding, {name}: asked back of these", 100 * asked_back),
        _row(f"Understanding, {name}: taken for a wish for a person", 100 * wishes),
    ]


def _operator_rows(
    bot: Bot, language: str, title: str, noise_db: float, speak: Speak, whisper: Whisper
) -> list[Row]:
    states, misses, first, taken = bot.states(), [], 0, []
    for at, said in enumerate(WORDINGS[language]):
        turns = [_heard(whisper, speak(said), at, noise_db, f"{said} {turn}") for turn in (1, 2)]
        first += bot.understanding.classify(turns[0][0]).kind is Kind.OPERATOR
        misses += [(said, name) for name, state in states.items() if not bot.hands_over(state, turns)]
        if misses and misses[-1][0] == said:
            print(f"Missed ({title}): {said!r}, heard as {turns}")
    others = [*OF_SOMETHING_ELSE[language]]
    others += [one.said for one in utterances(language, "measuring")][::4]
    for at, said in enumerate(others):
        text, _ = _heard(whisper, speak(said), at, noise_db, said)
        if bot.understanding.classify(text).kind is Kind.OPERATOR:
            taken.append((said, text))
            print(f"Taken for a wish for a person ({title}): {said!r}, heard as {text!r}")
    asked, wish = len(WORDINGS[language]), f"A person asked for, {title}"
    return [
        _row(f"{wish}: missed of {asked} in {len(states)} states", len(misses), "misses"),
        _row(f"{wish}: understood at the first turn", 100 * first / asked),
        _row(
            f"{wish}: others of {len(others)} taken for it",
            100 * len(taken) / len(others),
        ),
    ]


def _heard(whisper: Whisper, pcm: bytes, at: int, noise_db: float, seed: str) -> Turn:
    law: Law = "A-law" if at % 2 else "mu-law"
    heard = whisper.recognise(over_the_line(pcm, law, noise_db, seed))
    return Turn(heard.text, heard.confidence is None or heard.confidence >= SURE, len(pcm) / 2 / RATE)


def _voice(language: str, folder: Path) -> Speak | None:
    if language == "en":
        model = packaged_piper_model()
        voice = None if model is None else PiperVoice(folder, model)
        return None if voice is None else lambda text: read_wav(asyncio.run(voice.render(text)))
    russian = find_russian_voice()
    return None if russian is None else lambda text: russian.pcm(text.replace("-", " "))


def _whisper(language: str) -> Whisper | None:
    try:
        return Whisper(
            None if language == "en" else packaged_multilingual(cache_folder() / "whisper"), language=language
        )
    except ModelMissing:
        return None


def _row(name: str, figure: float, unit: str = "%") -> Row:
    return {"name": name, "figure": figure, "unit": unit, "baseline": None, "ratio": None}
