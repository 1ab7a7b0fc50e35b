"""Colours of the desk: every text on the ground it stands on reaches WCAG AA, in light and in dark."""

import re

import pytest

from cti.web.assets import FOLDER

pytestmark = pytest.mark.unit

AA_TEXT = 4.5
PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("bg", "surface", "sunken")),
    ("ink-2", "quiet-soft"),
    ("ink-3", "quiet-soft"),
    ("accent", "surface"),
    ("accent", "bg"),
    ("accent", "accent-soft"),
    ("accent", "quiet-soft"),
    ("accent", "bad-soft"),
    ("accent-ink", "accent"),
    *((tone, f"{tone}-soft") for tone in ("caller", "operator", "bot", "good", "warn", "bad", "vip")),
    *((tone, "surface") for tone in ("caller", "operator", "bot", "good", "warn", "bad")),
    *((tone, "sunken") for tone in ("caller", "operator", "bot")),
    ("ink", "caller-soft"),
    ("ink", "operator-soft"),
    ("ink", "bot-soft"),
    ("ink-2", "caller-soft"),
    ("ink-2", "bot-soft"),
    ("ink-3", "caller-soft"),
    ("ink-3", "operator-soft"),
    ("ink-3", "bot-soft"),
]


def schemes() -> dict[str, dict[str, str]]:
    css = (FOLDER / "desk.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in css.split(":root {")[1:3]
    )
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_it_keeps_text_readable(scheme: str, text: str, ground: str) -> None:
    colours = schemes()[scheme]
    assert contrast(colours[text], colours[ground]) >= AA_TEXT


def test_it_knows_black_from_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
