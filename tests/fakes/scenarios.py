"""The shipped lottery, changed for a test: in one language alone, or written elsewhere with its languages."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "scenarios"
LOTTERY, RUSSIAN = FOLDER / "lottery.yaml", FOLDER / "lottery.ru.yaml"


def one_language(content: dict[str, Any]) -> dict[str, Any]:
    """A scenario's data without its further languages and the keys that lead to them."""
    kept = {name: part for name, part in content.items() if name != "languages"}
    kept["menus"] = {
        name: {
            **menu,
            "options": {
                key: option
                for key, option in menu["options"].items()
                if not (isinstance(option, dict) and "language" in option)
            },
        }
        for name, menu in content["menus"].items()
    }
    return kept


def lottery(*, languages: bool = False) -> dict[str, Any]:
    """The lottery's data, to be changed."""
    content: dict[str, Any] = yaml.safe_load(LOTTERY.read_text())
    return content if languages else one_language(content)


def at_any_hour(*, languages: bool = False) -> dict[str, Any]:
    """The lottery's data, never closed: tests run day and night."""
    content = lottery(languages=languages)
    menus = {name: menu for name, menu in content["menus"].items() if name != "closed"}
    return content | {"hours": {"open": "24/7"}, "menus": menus}


def write_scenario(content: dict[str, Any], path: Path, russian: dict[str, Any] | None = None) -> Path:
    """Write a scenario and, if it names them, Russian words (or the shipped ones) for its menus."""
    if "languages" in content:
        words = yaml.safe_load(RUSSIAN.read_text()) if russian is None else russian
        words["menus"] = {name: menu for name, menu in words["menus"].items() if name in content["menus"]}
        (path.parent / content["languages"]["ru"]).write_text(
            yaml.safe_dump(words, sort_keys=False, allow_unicode=True)
        )
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
