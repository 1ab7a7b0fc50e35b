"""Which recogniser hears which language, and what is said where there is none."""

from pathlib import Path

import pytest

from cti import speech
from cti.settings import BadSettings, Settings
from cti.speech import deaf_languages, engine_for
from ivr.scenario_file import load_scenario

pytestmark = pytest.mark.unit

LOTTERY = load_scenario(Path("scenarios/lottery.yaml"))


def test_what_is_set_of_all_is_meant_for_the_scenarios_own_language() -> None:
    settings = Settings.read(whisper_model="/models/small")
    assert engine_for("en", LOTTERY, settings) == ("whisper", "/models/small", "")
    assert engine_for("ru", LOTTERY, settings) == ("whisper", "", "")


def test_a_further_language_may_have_another_engine() -> None:
    settings = Settings.read(recognizers={"ru": "vosk:/models/ru", "es": "whisper:/models/small"})
    assert engine_for("ru", LOTTERY, settings) == ("vosk", "", "/models/ru")
    assert engine_for("es", LOTTERY, settings) == ("whisper", "/models/small", "")
    assert engine_for("en", LOTTERY, settings) == ("whisper", "", "")


def test_it_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSZERO_RECOGNIZERS", '{"ru": "vosk:/models/ru"}')
    assert Settings.read().recognizers == {"ru": "vosk:/models/ru"}


def test_an_engine_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadSettings, match="whisper or vosk"):
        Settings.read(recognizers={"ru": "sphinx"})


def test_a_language_without_a_recogniser_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(speech, "PARTS", (("no_such_package", "part"),))
    assert "presszero[speech-ru]" in deaf_languages(LOTTERY, Settings.read())["ru"]
    nowhere = Settings.read(recognizers={"ru": f"vosk:{tmp_path}/ru"})
    assert "no Vosk model folder" in deaf_languages(LOTTERY, nowhere)["ru"]
    empty = Settings.read(recognizers={"ru": f"whisper:{tmp_path}"})
    assert "holds no Whisper model" in deaf_languages(LOTTERY, empty)["ru"]
    (tmp_path / "model.bin").touch()
    assert deaf_languages(LOTTERY, empty) == {}
