"""What a language file lacks, or says in vain, beside the scenario that it belongs to.

Pure: models in; places in the language file and sentences out. It may not know files or their lines.
"""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from ivr.languages import LanguageWords, is_words, list_of
from ivr.scenario import Prompts, Scenario

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
    named = {question.name for question in words.bot.questions}
    for question in scenario.bot.questions:
        if question.name not in named:
            yield ("bot", "questions"), f"the question {question.name!r} of the scenario is missing; add it"
    known = bot_names(words)
    for name in words.bot_files:
        if name not in known:
            yield ("bot_files", name), f"the bot says nothing named {name!r}; it has {list_of(known)}"


def bot_names(words: LanguageWords) -> set[str]:
    """What `bot_files` may name."""
    return {*(question.name for question in words.bot.questions), *type(words.bot).model_fields} - {
        "questions"
    }


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
            elif isinstance(theirs, Mapping) and isinstance(ours, Mapping):
                yield from (
                    ((*at, name), f"the key {key!r} is missing; add it") for key in theirs if key not in ours
                )
        elif isinstance(theirs, BaseModel) and isinstance(ours, BaseModel):
            yield from _bot((*at, name), theirs, ours)
        elif isinstance(theirs, tuple) and isinstance(ours, tuple):
            by_name = {getattr(one, "name", None): one for one in theirs if isinstance(one, BaseModel)}
            for n, one in enumerate(ours):
                if (
                    isinstance(one, BaseModel)
                    and (same := by_name.get(getattr(one, "name", None))) is not None
                ):
                    yield from _bot((*at, name, n), same, one)
