"""Whisper's tiny.en on human telephone speech, and on what is no speech."""

import statistics
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.human_prompts import Prompt, edits, human_prompts, word_pair
from voicebot.hearing import Ear
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.segmenter import Pause, SpeechEnded, SpeechStarted

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    try:
        return Whisper()
    except ModelMissing as error:
        pytest.skip(f"LOUD: {error}")


@pytest.fixture(scope="module")
def prompts(asterisk_tree: Path) -> dict[str, Prompt]:
    return {prompt.name: prompt for prompt in human_prompts(asterisk_tree)}


def test_it_understands_human_prompts(whisper, prompts):
    chosen = [prompt for prompt in prompts.values() if prompt.seconds < 12][::6]
    errors = total = 0
    for prompt in chosen:
        said, recognised = word_pair(prompt.words, whisper.recognise(prompt.pcm).text)
        errors += edits(said, recognised)
        total += len(said)

    assert len(chosen) >= 30
    assert errors / total <= 0.06


def test_it_gives_each_word_its_time(whisper, prompts):
    prompt = prompts["conf-invalid"]  # "That is not a valid conference number. Please try again."

    recognised = whisper.transcribe(prompt.pcm)

    assert " ".join(word.text for word in recognised.words) == recognised.text
    times = [time for word in recognised.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= prompt.seconds
    please = next(word for word in recognised.words if word.text == "Please")
    assert 2.3 < please.start_s < 3.0
    assert statistics.mean(word.confidence for word in recognised.words) > 0.8


RNG = np.random.default_rng(7)
TIME = np.arange(16_000) / 8000


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(16_000),
        RNG.normal(0, 300, 16_000),
        RNG.normal(0, 4000, 16_000),
        8000 * np.sin(TIME * 2 * np.pi * 440),
        3000 * np.sin(TIME * 2 * np.pi * 50),
        np.where(np.arange(16_000) == 8000, 30_000, 0),
        np.zeros(0),
    ],
    ids=["silence", "noise", "loud noise", "tone", "hum", "click", "nothing"],
)
def test_it_invents_nothing_where_nobody_speaks(whisper, samples):
    recognised = whisper.recognise(samples.astype("<i2").tobytes())

    assert recognised.text == ""
    assert recognised.confidence == 0.0


def test_it_hears_speech_longer_than_one_window(whisper, prompts):
    prompt = prompts["demo-congrats"]

    recognised = whisper.recognise(prompt.pcm)

    assert prompt.seconds > 30
    assert recognised.text.startswith("Congratulations")
    assert "standard telephone" in recognised.text


async def test_it_transcribes_a_recording_with_pauses(whisper, prompts):
    prompt = prompts["basic-pbx-ivr-main"]  # 25 s with pauses: in one go the model stops after the first
    pool = RecognizerPool(whisper)
    lead = np.zeros(16_000, np.int16)

    phrases = await pool.transcribe_long(np.concatenate([lead, np.frombuffer(prompt.pcm, "<i2"), lead]))
    pool.close()

    text = " ".join(phrase.text for phrase in phrases)
    said, recognised = word_pair(prompt.words, text)
    assert edits(said, recognised) / len(said) < 0.2  # hard names; without a second look nine in ten are lost
    assert phrases[0].start_s == pytest.approx(2.0, abs=0.5)
    assert [phrase.start_s for phrase in phrases] == sorted(phrase.start_s for phrase in phrases)
    assert phrases[-1].end_s <= prompt.seconds + 4.0
    assert all(
        phrase.start_s <= word.start_s <= word.end_s <= phrase.end_s
        for phrase in phrases
        for word in phrase.words
    )


async def test_its_words_are_there_at_the_end_of_an_utterance(whisper, prompts):
    pool = RecognizerPool(whisper)
    ear = Ear(pool)
    click = np.zeros(4000, np.int16)
    click[2000:2040] = 20_000
    line = click.tobytes() + prompts["agent-pass"].pcm + bytes(16_000)

    segments = [segment for at in range(0, len(line), 320) for segment in ear.hear(line[at : at + 320])]

    assert isinstance(segments[0], SpeechStarted)
    assert isinstance(segments[-2], Pause)
    assert isinstance(segments[-1], SpeechEnded)
    assert segments[0].at_s > 0.4  # the click was none
    said, recognised = word_pair(prompts["agent-pass"].words, (await ear.words()).text)
    assert edits(said, recognised) <= 1
    ear.close()
    pool.close()


def test_it_says_what_to_do_where_there_is_no_model(tmp_path):
    with pytest.raises(ModelMissing, match="PRESSZERO_WHISPER_MODEL"):
        Whisper(tmp_path)


def test_it_says_what_to_do_where_the_model_is_damaged(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"not a model")

    with pytest.raises(ModelMissing, match="fetch it anew"):
        Whisper(tmp_path)
