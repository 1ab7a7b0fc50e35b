"""The prompt book on a real disk with the real ffmpeg; the voice is a fake that writes tones."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ivr.call_back_rules import ANSWER_S
from ivr.prompts import PromptBook, PromptsNotReady
from ivr.scenario import Prompt, Scenario
from ivr.scenario_file import load_scenario
from voicebot.voice import Progress

pytestmark = pytest.mark.integration

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))


class ToneVoice:
    """Implements `voicebot.voice.Voice`: half a second of tone for each text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.spoken: list[str] = []

    async def render(self, text: str) -> Path:
        return (await self.render_all([text]))[0]

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        paths = []
        for text in texts:
            self.spoken.append(text)
            paths.append(self._folder / f"voice-{len(self.spoken)}.wav")
            tone(paths[-1], seconds=0.5, rate=8000)
            if progress:
                progress(len(paths), len(texts))
        return paths


def tone(path: Path, *, seconds: float, rate: int, channels: int = 1) -> None:
    samples = 8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples.astype("<i2"), channels).tobytes())


def is_telephone_sound(path: str) -> bool:
    with wave.open(path) as sound:
        return (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)


def with_recorded_greeting(file: Path) -> Scenario:
    prompts = LOTTERY.prompts.model_copy(update={"greeting": Prompt(file=file)})
    return LOTTERY.model_copy(update={"prompts": prompts})


@pytest.fixture
def voice(tmp_path: Path) -> ToneVoice:
    return ToneVoice(tmp_path)


async def test_it_makes_every_prompt_and_every_word_of_the_bot_ready(
    voice: ToneVoice, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    book = await PromptBook.prepare(LOTTERY, voice, tmp_path / "book", lambda *n: told.append(n))
    for name, prompt in LOTTERY.spoken():
        (sound,) = book.prompt(name)
        assert sound.path.is_absolute()
        assert is_telephone_sound(f"{sound.path}.wav")
        assert sound.seconds == 0.5
        assert prompt.text in voice.spoken
    assert set(LOTTERY.bot.fixed_texts()) <= set(voice.spoken)
    assert told[-1][0] == told[-1][1] == len(voice.spoken)


async def test_it_lays_the_prompts_of_the_dialplan_under_fixed_names(
    voice: ToneVoice, tmp_path: Path
) -> None:
    await PromptBook.prepare(LOTTERY, voice, tmp_path / "book")
    static = tmp_path / "book" / "static"
    assert {path.stem for path in static.iterdir()} >= set(LOTTERY.static_texts())
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in static.iterdir())


async def test_an_unspoken_book_says_nothing_until_somebody_has_callers_for_it(
    voice: ToneVoice, tmp_path: Path
) -> None:
    folder, chosen = tmp_path / "prompts", list[str]()

    def choose(scenario: Scenario) -> ToneVoice:
        chosen.append(scenario.language)
        return voice

    book = PromptBook.unspoken(LOTTERY, choose, folder)
    assert (book.is_spoken, voice.spoken, folder.exists()) == (False, [], False)
    with pytest.raises(KeyError):
        book.prompt("greeting")
    tone(tmp_path / "incident.wav", seconds=0.5, rate=8000)
    await book.add("incident", tmp_path / "incident.wav")
    await book.speak()
    spoken = len(voice.spoken)
    await book.speak()  # once is enough
    assert (book.is_spoken, len(voice.spoken)) == (True, spoken)
    assert len(chosen) == len(set(chosen))  # a voice holds a model: one for each language
    for language in (LOTTERY.language, *book.languages):
        assert book.in_language(language).prompt("greeting")
        assert book.in_language(language).prompt("incident")  # what was taken in meanwhile
    assert await book.bot_voice.render("anything")


async def test_it_prefers_a_recorded_file_and_makes_it_fit_the_telephone(
    voice: ToneVoice, tmp_path: Path
) -> None:
    tone(tmp_path / "hello.wav", seconds=2, rate=44100, channels=2)
    scenario = with_recorded_greeting(tmp_path / "hello.wav")
    book = await PromptBook.prepare(scenario, voice, tmp_path / "book")
    greeting = book.prompt("greeting")
    assert len(greeting) >= 2
    assert all(is_telephone_sound(f"{piece.path}.wav") for piece in greeting)
    assert sum(piece.seconds for piece in greeting) == pytest.approx(2, abs=0.05)
    assert LOTTERY.prompts.greeting.text not in voice.spoken


async def test_it_hears_a_new_recording_under_the_old_name(voice: ToneVoice, tmp_path: Path) -> None:
    file = tmp_path / "hello.wav"
    scenario = with_recorded_greeting(file)
    lengths = []
    for seconds in (1, 2):
        tone(file, seconds=seconds, rate=8000)
        book = await PromptBook.prepare(scenario, voice, tmp_path / "book")
        lengths.append(round(sum(piece.seconds for piece in book.prompt("greeting"))))
    assert lengths == [1, 2]


async def test_it_lets_the_bot_speak_with_recorded_files_too(voice: ToneVoice, tmp_path: Path) -> None:
    tone(tmp_path / "draw.wav", seconds=1, rate=16000)
    scenario = LOTTERY.model_copy(update={"bot_files": {"next_draw": tmp_path / "draw.wav"}})
    book = await PromptBook.prepare(scenario, voice, tmp_path / "book")
    answer = scenario.bot_texts()["next_draw"]
    assert answer not in voice.spoken
    recorded = await book.bot_voice.render(answer)
    assert await book.bot_voice.render_all([scenario.bot.goodbye, answer]) != [recorded, recorded]
    assert (await book.bot_voice.render_all([scenario.bot.goodbye, answer]))[1] == recorded


async def test_it_says_which_recording_is_no_sound(voice: ToneVoice, tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_text("not a sound")
    with pytest.raises(PromptsNotReady, match=r"hello\.wav is no sound"):
        await PromptBook.prepare(with_recorded_greeting(tmp_path / "hello.wav"), voice, tmp_path / "book")


async def test_it_says_which_recording_is_gone(voice: ToneVoice, tmp_path: Path) -> None:
    with pytest.raises(PromptsNotReady, match=r"gone\.wav cannot be read"):
        await PromptBook.prepare(with_recorded_greeting(tmp_path / "gone.wav"), voice, tmp_path / "book")


async def test_it_says_that_its_folder_cannot_be_written(voice: ToneVoice, tmp_path: Path) -> None:
    (tmp_path / "book").write_text("a file where the folder should be")
    with pytest.raises(PromptsNotReady, match="make it writable"):
        await PromptBook.prepare(LOTTERY, voice, tmp_path / "book")


async def test_it_has_the_quiet_of_the_offer_to_be_called_back(voice: ToneVoice, tmp_path: Path) -> None:
    book = await PromptBook.prepare(LOTTERY, voice, tmp_path / "book")
    assert sum(piece.seconds for piece in book.quiet(ANSWER_S)) == ANSWER_S
