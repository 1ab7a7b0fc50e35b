"""Choose the recognisers and the voice that the settings and the scenario ask for, for each language.

The only place that knows which engines there are; everybody else knows their ports.
"""

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from cti.asterisk.install import cache_folder
from cti.settings import Settings
from ivr.languages import folder_name
from ivr.scenario import Scenario
from voicebot.grammar import person_hints
from voicebot.names import names_in
from voicebot.recognizers.port import Recognizer
from voicebot.recognizers.whisper_parts import PARTS, packaged_multilingual
from voicebot.voice import Voice, pick_voice


def choose_voice(scenario: Scenario, folder: Path, espeak: Sequence[str] | None) -> Voice:
    """The scenario's voice, keeping what it rendered in `folder`."""
    return pick_voice(
        scenario.voice or "auto", language=scenario.language, cache=folder / "voice", espeak=espeak
    )


def voice_chooser(folder: Path, espeak: Sequence[str] | None) -> Callable[[Scenario], Voice]:
    """`choose_voice` for the scenario in whichever language."""
    return lambda scenario: choose_voice(scenario, folder, espeak)


def choose_recognizer(
    engine: str,
    whisper_model: str,
    vosk_model: str,
    language: str,
    *,
    names: Sequence[str] = (),
    loaded: Collection[Recognizer] = (),
) -> Recognizer:
    """Load the engine with its model; takes a second or two, so run it in a thread.

    `names`: what callers may say that no dictionary has; for engines that can be told.
    `loaded`: recognisers that there are already; a model among them that hears this language too is shared.

    Raises:
        ModelMissing: the model cannot be had; the message says what to do.
    """
    # Imported here: each engine brings hundreds of megabytes of libraries, and perhaps only one is used.
    if engine == "vosk":
        from voicebot.recognizers.vosk import Vosk

        return Vosk(vosk_model or language, language=language)
    from voicebot.recognizers.whisper import Whisper

    folder, name = _whisper_folder(whisper_model, language)
    for other in loaded:
        if isinstance(other, Whisper) and other.folder == folder:
            return other.in_language(language, names)
    return Whisper(folder, name=name, language=language, names=names)


def names_told(scenario: Scenario) -> Sequence[str]:
    """What callers may say that no recogniser knows, or that must not be missed. In its own language."""
    prompts = (prompt.text or "" for _, prompt in scenario.spoken())
    return [
        *person_hints(scenario.language),
        *names_in(scenario.name, (*prompts, *scenario.bot.texts())),
    ]


def _whisper_folder(whisper_model: str, language: str) -> tuple[Path, str]:
    """The model's folder, and its name."""
    if whisper_model:
        return Path(whisper_model), Path(whisper_model).name
    if _is_english(language):
        from voicebot.recognizers.whisper import PACKAGED, packaged_model

        return packaged_model(), PACKAGED
    folder = packaged_multilingual(cache_folder() / "whisper")
    return folder, folder.name


def engine_for(language: str, scenario: Scenario, settings: Settings) -> tuple[str, str, str]:
    """Engine, Whisper model, Vosk model for one of the scenario's languages.

    `PRESSZERO_RECOGNIZER` and its models are meant for the scenario's own language; a further one is told
    under its name (`PRESSZERO_RECOGNIZERS`), or has what the same engine comes with.
    """
    engine, _, model = settings.recognizers.get(language, "").partition(":")
    if engine:
        return (engine, model, "") if engine == "whisper" else (engine, "", model)
    if language == scenario.language:
        return settings.recognizer, settings.whisper_model, settings.vosk_model
    return settings.recognizer, "", ""


def deaf_languages(scenario: Scenario, settings: Settings) -> Mapping[str, str]:
    """Further languages in which the bot hears nothing here → what to do; nothing is loaded for that."""
    found: dict[str, str] = {}
    for language in scenario.languages:
        engine, whisper_model, vosk_model = engine_for(language, scenario, settings)
        if engine == "vosk":
            if "/" in vosk_model and not Path(vosk_model).is_dir():
                found[language] = f"there is no Vosk model folder {vosk_model}"
        elif whisper_model:
            if not Path(whisper_model, "model.bin").is_file():
                found[language] = f"{whisper_model} holds no Whisper model"
        elif not _is_english(language) and not all(importlib.util.find_spec(name) for name, _ in PARTS):
            found[language] = (
                "run `pip install presszero[speech-ru]`, or name a model in PRESSZERO_RECOGNIZERS"
            )
    return found


def _is_english(language: str) -> bool:
    return folder_name(language) == "en"
