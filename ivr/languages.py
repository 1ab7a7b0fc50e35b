"""A scenario in further languages: the words of each in a file of its own, laid over the scenario.

Pure: plain data and models in, a whole `Scenario` out, so that whoever serves a caller needs to know of no
languages: they are given the scenario in the caller's. Keys, queues, hours and topics stay the scenario's; a
language file has only what is spoken and understood. What a file lacks says `language_check`; files are read
by `scenario_file`.
"""

import typing
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from ivr.scenario import DigitKey, Menu, Model, Name, Prompt, Prompts, Scenario, files_beside, voice_beside
from ivr.waiting_words import WaitingWords
from ivr.yaml_lines import Data
from voicebot.parts import Spoken, Wording
from voicebot.script import BotScript


class MenuWords(Model):
    """What a menu says."""

    prompt: Prompt
    announce: dict[DigitKey, Prompt] = Field(
        default_factory=dict
    )  # by key, for each announcement of the scenario's menu


class LanguageWords(Model):
    """A language file."""

    voice: str = "auto"  # as in a scenario
    prompts: Prompts
    menus: dict[Name, MenuWords]
    bot: BotScript
    bot_files: dict[str, Path] = Field(default_factory=dict)
    waiting: WaitingWords | None = None

    @field_validator("voice")
    @classmethod
    def _voice_beside(cls, value: str, info: ValidationInfo) -> str:
        return voice_beside(value, info)

    @field_validator("bot_files")
    @classmethod
    def _files_beside(cls, value: dict[str, Path], info: ValidationInfo) -> dict[str, Path]:
        return files_beside(value, info)


def folder_name(language: str) -> str:
    """What a language is called towards the PBX, also as a folder of prompts: "pt-BR" → "pt"."""
    return language.lower().partition("-")[0]


def with_the_bots_rules(data: Data, bot: BotScript) -> Data:
    """A language file's data, its part `bot:` filled up with what the scenario's has beside words."""
    if not isinstance(data, dict) or not isinstance(own := data.get("bot"), dict):
        return data
    return {**data, "bot": _filled(own, rules_of(bot))}


def in_language(scenario: Scenario, language: str) -> Scenario:
    """The scenario as callers of a language meet it; one that it has no words of leaves it as it is."""
    words = scenario.words.get(language)
    return scenario if words is None else translated(scenario, language, words)


def translated(scenario: Scenario, language: str, words: LanguageWords) -> Scenario:
    """The scenario in another language; `words` have been found complete."""
    return scenario.model_copy(
        update={
            "language": language,
            "languages": {},
            "voice": words.voice,
            "prompts": words.prompts,
            "menus": {name: _spoken(menu, words.menus.get(name)) for name, menu in scenario.menus.items()},
            "bot": words.bot,
            "bot_files": words.bot_files,
            "waiting": words.waiting,
        }
    )


def _spoken(menu: Menu, words: MenuWords | None) -> Menu:
    if words is None:  # of a scenario that was changed since its files were read
        return menu
    options = {
        key: option.model_copy(update={"announce": words.announce[key]}) if option.announce else option
        for key, option in menu.options.items()
    }
    return menu.model_copy(update={"prompt": words.prompt, "options": options})


class _Rules(dict[str, Any]):
    """What a part that also has words says beside them: nothing without the words."""


def rules_of(part: BaseModel) -> dict[str, Any]:
    """What a part of the bot's script says beside words: names, topics, addresses, deadlines."""
    rules = _Rules() if any(is_words(part, name) for name in type(part).model_fields) else dict[str, Any]()
    for name, value in part:
        if name in part.model_fields_set and not is_words(part, name):
            rules[name] = _rules_in(value)
    return rules


def _rules_in(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return rules_of(value)
    if isinstance(value, tuple):
        return [_rules_in(one) for one in value]
    if isinstance(value, dict):
        inner = {key: _rules_in(one) for key, one in value.items()}
        return _Rules(inner) if any(isinstance(one, _Rules) for one in inner.values()) else inner
    return pydantic_core.to_jsonable_python(value)


def is_words(part: BaseModel, name: str) -> bool:
    """Whether a field holds what is spoken or understood, so that each language has its own."""
    hint = typing.get_type_hints(type(part), include_extras=True)[name]
    return any(kind in (Spoken, Wording) for kind in _kinds(hint))


def _kinds(hint: Any) -> Iterator[Any]:
    yield hint
    if hint not in (Spoken, Wording):
        for inner in typing.get_args(hint):
            yield from _kinds(inner)


def _filled(own: dict[str, Data], rules: dict[str, Any]) -> dict[str, Data]:
    """`own` and what it does not say itself; of lists, the parts that have the same name.

    What would need words stays away, for `language_check` to name it.
    """
    filled: dict[str, Data] = dict(own)
    for key, rule in rules.items():
        said = own.get(key)
        if key not in own:
            if not _needs_words(rule):
                filled[key] = rule
        elif isinstance(said, str) and isinstance(rule, dict) and rule:
            filled[key] = {"say": said, **rule}  # a part that may be written as its words alone
        elif isinstance(said, dict) and isinstance(rule, dict):
            filled[key] = _filled(said, rule)
        elif isinstance(said, list) and isinstance(rule, list):
            by_name = {one["name"]: one for one in rule if isinstance(one, dict) and "name" in one}
            filled[key] = [_filled_part(one, by_name) for one in said]
    return filled


def _filled_part(own: Data, by_name: dict[str, dict[str, Any]]) -> Data:
    name = own.get("name") if isinstance(own, dict) else None
    if isinstance(own, dict) and isinstance(name, str) and name in by_name:
        return _filled(own, by_name[name])
    return own


def _needs_words(rule: Any) -> bool:
    return isinstance(rule, _Rules) or (isinstance(rule, list) and any(isinstance(r, _Rules) for r in rule))


def list_of(names: Collection[str]) -> str:
    """Names as a sentence has them."""
    return ", ".join(sorted(names)) or "none"
