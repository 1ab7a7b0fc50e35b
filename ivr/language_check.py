"""What a language file lacks, or says in vain, beside the scenario that it belongs to.

Pure: models in; places in the language file and sentences out. It may not know files or their lines.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ivr import bot_check
from ivr.languages import LanguageWords, is_words, list_of
from ivr.scenario import Prompts, Scenario
from voicebot.lookup import Case

Finding = tuple[tuple[str | int, ...], str]
"""Where (keys from the top of the language file), and the sentence."""


def language_findings(scenario: Scenario, words: LanguageWords) -> Iterator[Finding]:
    """Everything to correct, in no particular order."""
    yield from _prompts(scenario.prompts, words.prompts)
    yield from _menus(scenario, words)
    if (scenario.waiting is None) != (words.waiting is None):
        where = (
            "add it, so that callers are told their place"
            if scenario.waiting
            else "remove it: nobody hears it"
        )
        yield ("waiting",), f"the scenario {'has' if scenario.waiting else 'has no'} `waiting:`; {where}"
    yield from _bot(("bot",), scenario.bot, words.bot)
    yield from bot_check.findings(words.bot)
    known = words.bot.prompts()
    for name in words.bot_files:
        if name not in known:
            yield ("bot_files", name), f"the bot says nothing named {name!r}; it has {list_of(known)}"


def _prompts(scenario: Prompts, words: Prompts) -> Iterator[Finding]:
    for name in Prompts.model_fields:
        wanted, said = getattr(scenario, name) is not None, getattr(words, name) is not None
        if wanted and not said:
            yield ("prompts",), f"the key {name!r} is missing; add it, as the scenario has it"
        elif said and not wanted:
            yield ("prompts", name), "the scenario has no such prompt: nobody would hear it; remove it"


def _menus(scenario: Scenario, words: LanguageWords) -> Iterator[Finding]:
    for name, menu in scenario.menus.items():
        said = words.menus.get(name)
        if said is None:
            yield ("menus",), f"the menu {name!r} is missing; add it, as the scenario has it"
            continue
        announced = [key for key, option in menu.options.items() if option.announce is not None]
        for key in announced:
            if key not in said.announce:
                yield ("menus", name), f"what key {key} announces is missing; add it under `announce:`"
        for key in said.announce:
            if key not in announced:
                yield ("menus", name, "announce", key), f"key {key} announces nothing there; remove it"
    yield from (
        (("menus", name), f"there is no menu {name!r}; the menus are {list_of(scenario.menus)}")
        for name in words.menus
        if name not in scenario.menus
    )


def _bot(at: tuple[str | int, ...], main: BaseModel, own: BaseModel) -> Iterator[Finding]:
    """Words that the scenario's bot has and this one has not; its defaults are English."""
    for name, field in type(main).model_fields.items():
        theirs, ours = getattr(main, name), getattr(own, name)
        if is_words(main, name):
            english = isinstance(field.default, str) and name not in own.model_fields_set
            if english or (theirs is not None and ours is None):
                yield at, f"the key {name!r} is missing; add it"
        elif isinstance(theirs, BaseModel):
            if ours is None:
                yield at, f"the key {name!r} is missing; add it"
            elif isinstance(ours, BaseModel):
                yield from _bot((*at, name), theirs, ours)
        elif isinstance(theirs, tuple | dict) and isinstance(ours, tuple | dict):
            yield from _parts((*at, name), _by_name(theirs), _by_name(ours))


def _parts(
    at: tuple[str | int, ...],
    theirs: Mapping[str, tuple[str | int, BaseModel]],
    ours: Mapping[str, tuple[str | int, BaseModel]],
) -> Iterator[Finding]:
    for name, (_, part) in theirs.items():
        if name not in ours:
            yield at, f"{name} of the scenario is missing; add it"
        else:
            place, own = ours[name]
            yield from _bot((*at, place), part, own)


def _by_name(parts: tuple[Any, ...] | dict[str, Any]) -> dict[str, tuple[str | int, BaseModel]]:
    """Parts with their places: by their keys or names, and the cases of a look-up by when they are said."""
    if isinstance(parts, dict):
        return {repr(key): (key, part) for key, part in parts.items() if isinstance(part, BaseModel)}
    found: dict[str, tuple[str | int, BaseModel]] = {}
    for n, part in enumerate(parts):
        if isinstance(part, BaseModel):
            name = getattr(part, "name", None)
            found[f"`when: {part.when}`" if isinstance(part, Case) else repr(name)] = (n, part)
    return found
