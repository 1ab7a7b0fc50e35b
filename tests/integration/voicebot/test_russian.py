"""Russian for real: the model in two parts, Whisper on a Russian voice, and what the lottery makes of it."""

import hashlib
from pathlib import Path

import pytest

from cti.asterisk.install import cache_folder
from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from tests.fakes.russian_voice import RussianVoice, find_russian_voice
from tests.fakes.scripts import trained
from voicebot.recognizers import whisper_parts
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper, packaged_model
from voicebot.recognizers.whisper_parts import packaged_multilingual
from voicebot.understanding import Understanding

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    try:
        return Whisper(packaged_multilingual(cache_folder() / "whisper"), language="ru")
    except ModelMissing as error:
        pytest.skip(f"LOUD: {error}")


@pytest.fixture(scope="module")
def voice() -> RussianVoice:
    found = find_russian_voice()
    if found is None:
        pytest.skip("LOUD: there is no Russian voice; `python -m tests.fakes.russian_voice` gets one")
    return found


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return trained(in_language(load_scenario(Path("scenarios/lottery.yaml")), "ru").bot, "ru")


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("сколько стоит билет", "ticket_price"),
        ("какие выигрышные номера", "winning_numbers"),
        ("как проверить билет", "check_ticket"),
        ("вы работаете в воскресенье", "opening_hours"),
        ("хочу поговорить с человеком", "operator"),
        ("оператор", "operator"),
        ("нет спасибо, до свидания", "goodbye"),
        ("да", "yes"),
    ],
)
def test_the_lottery_understands_a_russian_caller(whisper, voice, understanding, said, intent):
    recognised = whisper.recognise(voice.pcm(said))

    assert understanding.classify(recognised.text).intent == intent, recognised.text


def test_it_invents_nothing_in_silence(whisper):
    assert whisper.recognise(bytes(32_000)).text == ""


def test_one_model_in_memory_hears_several_languages(whisper, voice):
    english = whisper.in_language("en")

    assert (english.language, whisper.language) == ("en", "ru")
    assert english._model is whisper._model
    assert "билет" in whisper.recognise(voice.pcm("сколько стоит билет")).text.lower()


def test_a_model_that_hears_english_alone_says_so():
    with pytest.raises(ModelMissing, match="does not hear 'ru'"):
        Whisper(packaged_model(), language="ru")


def test_a_language_that_whisper_has_not_is_named(whisper):
    with pytest.raises(ModelMissing, match="does not hear 'xx'"):
        whisper.in_language("xx")


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Two packages with a small model."""
    model = b"a model"
    for number, (package, name) in enumerate(whisper_parts.PARTS):
        data = tmp_path / "site" / package / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / name).write_bytes(model[:3] if number == 0 else model[3:])
        for beside in whisper_parts.BESIDE:
            (data / beside).write_text("{}")
    monkeypatch.setattr(whisper_parts, "_installed", lambda package: tmp_path / "site" / package / "data")
    monkeypatch.setattr(whisper_parts, "MODEL_SHA256", hashlib.sha256(model).hexdigest())
    return model


def test_the_parts_are_joined_once_with_progress(parts: bytes, tmp_path: Path):
    told: list[tuple[int, int]] = []
    folder = packaged_multilingual(tmp_path / "cache", lambda done, total: told.append((done, total)))

    assert (folder / "model.bin").read_bytes() == parts
    assert told == [(3, 7), (7, 7)]
    assert packaged_multilingual(tmp_path / "cache", lambda done, total: told.append((0, 0))) == folder
    assert told[-1] == (7, 7)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [whisper_parts.NAME]


def test_other_contents_are_not_used_and_leave_nothing_behind(
    parts: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(whisper_parts, "MODEL_SHA256", "0" * 64)

    with pytest.raises(ModelMissing, match="another than the one"):
        packaged_multilingual(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_the_packages_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(whisper_parts, "PARTS", (("no_such_package", "part1"),))

    with pytest.raises(ModelMissing, match="speech-ru"):
        packaged_multilingual(tmp_path)
