"""What else is to be heard in a caller's room: it is not taken for the caller, and the caller is heard."""

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cti.asterisk.install import Program
from recordings.audio import to_telephone_wav
from tests.conftest import LOUD
from tests.fakes.human_prompts import Prompt, edits, human_prompts, word_pair
from tests.fakes.room import (
    RATE,
    Sound,
    at_level,
    hum,
    level_db,
    music,
    noise,
    pcm,
    read,
    television,
    typing,
)
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.segmenter import SpeechEnded, SpeechStarted

pytestmark = pytest.mark.integration

SECONDS = 20.0
CALLER_DB = -22.0


@pytest.fixture(scope="module")
def pool() -> Iterator[RecognizerPool]:
    try:
        pool = RecognizerPool(
            Whisper(), waiting=64, deadline_s=60
        )  # nobody waits here, and the machine may be busy
    except ModelMissing as error:
        pytest.skip(f"{LOUD} {error}")
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def callers(asterisk_tree: Path) -> list[Sound]:
    """Human voices."""
    return [at_level(_samples(prompt), CALLER_DB) for prompt in _chosen(asterisk_tree)]


@pytest.fixture(scope="module")
def tv(asterisk: Program, tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """A television, as loud as it happens to be."""
    command = asterisk.espeak
    if command is None:
        pytest.skip(f"{LOUD} there is no espeak-ng")
    folder = tmp_path_factory.mktemp("television")

    def speak(text: str, voice: str, pitch: int) -> Sound:
        wav = folder / f"{voice}-{pitch}.wav"
        subprocess.run(
            [*command, "-v", voice, "-p", str(pitch), "-w", str(wav), text], check=True, timeout=30
        )
        to_telephone_wav(wav, wav.with_suffix(".8.wav"))
        return read(wav.with_suffix(".8.wav"))

    return television(speak, SECONDS)


@dataclass
class Heard:
    """What an ear made of a sound."""

    started: int = 0
    words: list[str] = field(default_factory=list)  # of utterances in which there were any
    likely: bool = False


async def heard_by(pool: RecognizerPool, sound: Sound, ear: Ear | None = None) -> Heard:
    """Everything that an ear tells the conversation, as it would come from a line."""
    ear = ear or Ear(pool)
    heard = Heard()
    data = pcm(np.concatenate([sound, at_level(noise(2.0, 0.0), -75)]))
    for at in range(0, len(data), 320):
        for segment in ear.hear(data[at : at + 320]):
            heard.started += isinstance(segment, SpeechStarted)
            if isinstance(segment, SpeechEnded):
                words = (await ear.words()).text
                heard.words += [words] if words else []
                if not words:
                    ear.was_nothing()
        heard.likely |= ear.likely
        await asyncio.sleep(0)
    ear.close()
    return heard


@pytest.mark.parametrize("level", [-20, -30, -45])
async def test_noise_is_nobody_speaking(pool: RecognizerPool, level: int):
    for name, sound in {
        "white": noise(SECONDS, 0),
        "pink": noise(SECONDS, 1),
        "a car": noise(SECONDS, 2),
        "mains": hum(SECONDS),
        "a keyboard": typing(SECONDS),
    }.items():
        heard = await heard_by(pool, at_level(sound, level))
        assert (heard.words, heard.started <= 1) == ([], True), name


@pytest.mark.parametrize("level", [-25, -35, -45])
async def test_no_word_comes_out_of_music(pool: RecognizerPool, asterisk: Program, level: int):
    for name, sound in music(asterisk.share, SECONDS).items():
        assert (await heard_by(pool, at_level(sound, level))).words == [], name


async def test_a_television_is_not_the_caller(pool: RecognizerPool, callers: list[Sound], tv: Sound):
    unknown = await heard_by(pool, at_level(tv, -50))
    assert unknown.words == []

    ear = Ear(pool)
    await heard_by(pool, callers[0], ear)
    assert (await heard_by(pool, at_level(tv, CALLER_DB - 20), ear)).words == []


@pytest.mark.parametrize("colour", [0, 1, 2])
@pytest.mark.parametrize("snr", [15, 5])
async def test_every_caller_is_noticed_over_noise(
    pool: RecognizerPool, callers: list[Sound], colour: int, snr: int
):
    missed = 0
    for number, caller in enumerate(callers):
        room = np.concatenate([np.zeros(RATE), caller, np.zeros(RATE)])
        sound = room + at_level(noise(len(room) / RATE, colour, number), level_db(caller) - snr)
        ear, started, likely = Ear(pool), False, False
        data = pcm(sound)
        for at in range(0, len(data), 320):
            started |= any(isinstance(segment, SpeechStarted) for segment in ear.hear(data[at : at + 320]))
            likely |= ear.likely
        ear.close()
        missed += not (started and likely)
    assert missed <= len(callers) // 20


async def test_a_caller_is_understood_over_noise_and_music(
    pool: RecognizerPool, asterisk: Program, asterisk_tree: Path
):
    prompts = _chosen(asterisk_tree)[::6]
    behind = [*music(asterisk.share, 10.0).values()][-1]
    wrong = words = 0
    for prompt in prompts:
        caller = at_level(_samples(prompt), CALLER_DB)
        room = np.concatenate([np.zeros(RATE), caller, np.zeros(RATE * 2)])
        for background in (noise(5.0, 1), behind):
            sound = room + np.resize(at_level(background, CALLER_DB - 15), len(room))
            said, understood = word_pair(prompt.words, " ".join((await heard_by(pool, sound)).words))
            wrong, words = wrong + edits(said, understood), words + len(said)
    assert wrong / words < 0.25


def _chosen(tree: Path) -> list[Prompt]:
    prompts = [prompt for prompt in human_prompts(tree) if 1.2 < prompt.seconds < 6]
    return prompts[:: max(1, len(prompts) // 60)]


def _samples(prompt: Prompt) -> Sound:
    return np.frombuffer(prompt.pcm, "<i2").astype(np.float64)
