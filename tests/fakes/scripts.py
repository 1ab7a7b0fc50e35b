"""The shipped scenario's bot in each language, for whoever tests or measures understanding."""

from functools import cache
from pathlib import Path

from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from voicebot import languages
from voicebot.script import BotScript
from voicebot.understanding import Understanding

LOTTERY = Path(__file__).parents[2] / "scenarios" / "lottery.yaml"


_trained: dict[tuple[str, str], Understanding] = {}


@cache
def script(language: str) -> BotScript:
    """The lottery's bot."""
    return in_language(load_scenario(LOTTERY), language).bot


def trained(taught: BotScript, language: str = languages.DEFAULT) -> Understanding:
    """`Understanding.train`, once for each script: it takes its time, and nobody changes what it makes."""
    key = repr(taught), language
    if key not in _trained:
        _trained[key] = Understanding.train(taught, language)
    return _trained[key]
