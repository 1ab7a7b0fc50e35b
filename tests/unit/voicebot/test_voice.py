from collections.abc import Callable
from pathlib import Path

import pytest

from voicebot import voice as voice_module
from voicebot.voice import (
    CachedVoice,
    EspeakVoice,
    NoVoice,
    PiperVoice,
    VoiceFailed,
    pick_voice,
    read_telephone_wav,
)

pytestmark = pytest.mark.unit


class CountingVoice(CachedVoice):
    """Writes the text into the file instead of speaking it."""

    def __init__(self, cache: Path, identity: str = "counting") -> None:
        super().__init__(cache, identity)
        self.spoken: list[str] = []

    async def _speak(self, texts: list[str], folder: Path, one_more: Callable[[], None]) -> list[Path]:
        paths = []
        for number, text in enumerate(texts):
            self.spoken.append(text)
            paths.append(folder / f"{number}.wav")
            paths[-1].write_text(text)
            one_more()
        return paths


@pytest.fixture(autouse=True)
def copy_instead_of_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_module, "to_telephone_wav", lambda src, dst: dst.write_text(src.read_text()))


async def test_it_speaks_a_text_once_and_remembers_it(tmp_path: Path):
    voice = CountingVoice(tmp_path)
    first, again = await voice.render("Hello."), await voice.render("  Hello.\n")
    assert first == again
    assert first.read_text() == "Hello."
    assert voice.spoken == ["Hello."]


async def test_it_remembers_over_a_restart(tmp_path: Path):
    await CountingVoice(tmp_path).render("Hello.")
    later = CountingVoice(tmp_path)
    await later.render("Hello.")
    assert later.spoken == []


async def test_it_keeps_the_voices_apart(tmp_path: Path):
    one, other = CountingVoice(tmp_path, "one"), CountingVoice(tmp_path, "other")
    assert one.path("Hello.") != other.path("Hello.")


async def test_it_renders_many_in_their_order_each_once_and_tells_how_far_it_is(tmp_path: Path):
    voice = CountingVoice(tmp_path)
    await voice.render("b")
    told: list[tuple[int, int]] = []
    paths = await voice.render_all(["a", "b", "c", "a"], lambda ready, of: told.append((ready, of)))
    assert [path.read_text() for path in paths] == ["a", "b", "c", "a"]
    assert voice.spoken == ["b", "a", "c"]
    assert told == [(2, 3), (3, 3)]


async def test_it_leaves_no_scraps_in_the_cache(tmp_path: Path):
    voice = CountingVoice(tmp_path)
    path = await voice.render("Hello.")
    assert list(tmp_path.iterdir()) == [path]  # noqa: ASYNC240 - a test may look


@pytest.mark.parametrize("name", ["alto", "missing.onnx"])
def test_it_says_what_to_do_about_a_voice_that_is_not_there(name: str, tmp_path: Path):
    with pytest.raises(NoVoice, match="voice"):
        pick_voice(name, language="en", cache=tmp_path)


def test_it_says_what_to_install_where_nothing_speaks_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(voice_module.shutil, "which", lambda name: None)
    with pytest.raises(NoVoice, match="espeak-ng"):
        pick_voice("auto", language="ko", cache=tmp_path)


def test_it_prefers_piper_for_english_and_espeak_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(voice_module, "packaged_piper_model", lambda: tmp_path / "joe.onnx")
    assert isinstance(pick_voice("auto", language="en-US", cache=tmp_path), PiperVoice)
    assert isinstance(pick_voice("auto", language="ko", cache=tmp_path, espeak=["espeak-ng"]), EspeakVoice)
    assert isinstance(pick_voice("espeak", language="en", cache=tmp_path, espeak=["espeak-ng"]), EspeakVoice)


async def test_it_says_why_a_synthesiser_failed(tmp_path: Path):
    voice = EspeakVoice(tmp_path, "en", ["sh", "-c", "echo no such voice >&2; exit 3"])
    with pytest.raises(VoiceFailed, match=r"sh failed \(exit 3\): no such voice"):
        await voice.render("Hello.")


async def test_it_says_that_a_synthesiser_cannot_be_started(tmp_path: Path):
    with pytest.raises(VoiceFailed, match="install"):
        await EspeakVoice(tmp_path, "en", [str(tmp_path / "nothing")]).render("Hello.")


async def test_it_stops_a_synthesiser_at_its_deadline(tmp_path: Path):
    with pytest.raises(VoiceFailed, match="stopped"):
        await voice_module._run(["sleep", "60"], deadline_s=0.05)


def test_it_refuses_to_play_what_is_no_telephone_sound(tmp_path: Path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    with pytest.raises(VoiceFailed, match=r"bad\.wav"):
        read_telephone_wav(bad)
