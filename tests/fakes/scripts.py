"""The shipped scenario's bot in each language, for whoever tests or measures understanding."""

from pathlib import Path
from typing import Any

import yaml

from ivr.scenario_file import load_scenario
from voicebot.script import BotScript

SCENARIOS = Path(__file__).parents[2] / "scenarios"
RUSSIAN = Path(__file__).parent / "lottery_ru_bot.yaml"


def script(language: str) -> BotScript:
    """The lottery's bot, without the words that its author added to the bot's own rules."""
    if language == "en":
        return load_scenario(SCENARIOS / "lottery.yaml").bot
    bot: dict[str, Any] = yaml.safe_load(RUSSIAN.read_text(encoding="utf-8"))["bot"]
    questions = [{"topic": question["name"], **question} for question in bot["questions"]]
    rules = ("operator_words", "goodbye_words")
    kept = {name: value for name, value in bot.items() if name not in rules}
    return BotScript.model_validate({**kept, "questions": questions})
