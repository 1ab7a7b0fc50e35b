"""Choose the recogniser and the voice that the settings and the scenario ask for.

The only place that knows which engines there are; everybody else knows their ports.
"""

from collections.abc import Sequence
from pathlib import Path

from ivr.scenario import Scenario
from voicebot.recognizers.port import Recognizer
from voicebot.voice import Voice, pick_voice


def choose_voice(scenario: Scenario, folder: Path, espeak: Sequence[str] | None) -> Voice:
    """The scenario's voice, keeping what it rendered in `folder`."""
    return pick_voice(
        scenario.voice or "auto", language=scenario.language, cache=folder / "voice", espeak=espeak
    )


def choose_recognizer(engine: str, whisper_model: str, vosk_model: str, language: str) -> Recognizer:
    """Load the engine with its model; takes a second or two, so run it in a thread.

    Raises:
        ModelMissing: the model cannot be had; the message says what to do.
    """
    # Imported here: each engine brings hundreds of megabytes of libraries, and only one is used.
    if engine == "vosk":
        from voicebot.recognizers.vosk import Vosk

        return Vosk(vosk_model or language, language=language)
    from voicebot.recognizers.whisper import Whisper

    return Whisper(Path(whisper_model) if whisper_model else None, language=language)
