"""The shipped scenario's bot in each language, for whoever tests or measures understanding."""

from pathlib import Path

from ivr.languages import in_language
from ivr.scenario_file import load_scenario
from voicebot.script import BotScript

LOTTERY = Path(__file__).parents[2] / "scenarios" / "lottery.yaml"


def script(language: str) -> BotScript:
    """The lottery's bot."""
    return in_language(load_scenario(LOTTERY), language).bot
