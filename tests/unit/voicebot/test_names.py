"""The names that a recogniser is told of."""

from pathlib import Path

import pytest

from ivr.scenario_file import load_scenario
from voicebot.names import MOST, names_in

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Welcome to Lucky Star Lottery.", ("Lucky Star Lottery",)),
        ("Any Lucky Star shop. Our office is on Main Street.", ("Lucky Star", "Main Street")),
        ("This call is recorded. Press one.", ()),
        ("Это лотерея «Счастливая звезда» на Мэйн-стрит.", ("Счастливая", "Мэйн-стрит")),
        ("I am sorry, I can not find that.", ()),
    ],
)
def test_it_finds_what_has_a_capital_within_a_sentence(text: str, names: tuple[str, ...]) -> None:
    assert names_in("PressZero", [text]) == ("PressZero", *names)


def test_the_list_stays_short_and_begins_with_what_is_said_most() -> None:
    texts = [f"Ask for Name{'abcdefghijklmnopqrstuvwxyz'[n]} here." for n in range(26)]
    names = names_in("Own", [*texts, "And for Namez and for Namez."])
    assert len(names) == MOST
    assert names[:2] == ("Own", "Namez")


def test_it_knows_the_names_of_the_lottery() -> None:
    lottery = load_scenario(Path("scenarios/lottery.yaml"))
    names = names_in(lottery.name, lottery.bot.texts())
    assert names[0] == "Lucky Star Lottery"
    assert {"Lucky Star", "Main Street"} <= set(names)
