"""What is wrong with a scenario that no single value shows: names that lead nowhere, menus nobody reaches.

Pure: a `Scenario` in, places and sentences out. It may not know the file or its lines.
"""

from collections.abc import Iterator, Mapping

from ivr import bot_check
from ivr.call_back_rules import PROMPTS as CALL_BACK_PROMPTS
from ivr.hours import calendar_fault
from ivr.languages import folder_name
from ivr.scenario import MAIN_MENU, Option, Scenario
from ivr.vip_rules import NO_VIP
from voicebot.texts import fields_of

SETTINGS_SECTION = "general"  # of queues.conf: a queue of that name would not exist, and nobody be rung

Finding = tuple[tuple[str | int, ...], str]
"""Where (keys from the top of the file), and the sentence."""


def findings(scenario: Scenario) -> Iterator[Finding]:
    """Everything to correct, in no particular order."""
    yield from _queues(scenario)
    yield from _menus(scenario)
    yield from _surge(scenario)
    yield from _call_back(scenario)
    yield from _vip(scenario)
    yield from _hours(scenario)
    yield from _lines(scenario)
    yield from _languages(scenario)
    yield from bot_check.findings(scenario.bot)
    yield from _bot_files(scenario)


def _bot_files(scenario: Scenario) -> Iterator[Finding]:
    known = scenario.bot_texts()
    for name in scenario.bot_files:
        if name not in known:
            yield ("bot_files", name), f"the bot says nothing named {name!r}; it has {_list(known)}"
        elif fields_of(known[name]):
            yield ("bot_files", name), "its text has {fields}, which no recording can say; leave them out"


def _queues(scenario: Scenario) -> Iterator[Finding]:
    for name, queue in scenario.queues.items():
        if name == SETTINGS_SECTION:
            yield ("queues", name), f"{name} is a word of the PBX's own; give the queue another name"
        for n, extension in enumerate(queue.operators):
            path = ("queues", name, "operators", n)
            if extension not in scenario.operators:
                yield path, f"there is no operator {extension}; add it under `operators:`"
            elif extension in queue.operators[:n]:
                yield path, f"operator {extension} stands in this queue twice"
    used = {extension for queue in scenario.queues.values() for extension in queue.operators}
    for extension in scenario.operators:
        if extension not in used:
            yield ("operators", extension), f"operator {extension} is in no queue and would never be rung"


def _menus(scenario: Scenario) -> Iterator[Finding]:
    if MAIN_MENU not in scenario.menus:
        yield ("menus",), f"there is no menu named {MAIN_MENU}; every call begins with it"
    for name, menu in scenario.menus.items():
        for digit, option in menu.options.items():
            path = ("menus", name, "options", digit)
            if option.menu is not None and option.menu not in scenario.menus:
                yield path, f"there is no menu {option.menu!r}; the menus are {_list(scenario.menus)}"
            if option.queue is not None and option.queue not in scenario.queues:
                yield path, f"there is no queue {option.queue!r}; the queues are {_list(scenario.queues)}"
            if option.language is not None and option.language not in scenario.spoken_languages:
                yield path, _no_language(scenario, option.language)
    reached = _reachable(scenario)
    for name in scenario.menus:
        if name not in reached:
            yield ("menus", name), f"no key leads to the menu {name!r}; lead one there, or remove the menu"


def _reachable(scenario: Scenario) -> set[str]:
    surge_menu = scenario.surge and scenario.surge.menu
    waiting = [name for name in (MAIN_MENU, scenario.hours.closed_menu, surge_menu) if name]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in reached or name not in scenario.menus:
            continue
        reached.add(name)
        options: list[Option] = list(scenario.menus[name].options.values())
        waiting += [option.menu for option in options if option.menu is not None]
    return reached


def _surge(scenario: Scenario) -> Iterator[Finding]:
    if scenario.surge is None:
        if scenario.prompts.surge is not None:
            yield ("prompts", "surge"), "nobody would hear it; say under `surge:` when a surge begins"
        return
    menu = scenario.surge.menu
    if menu is not None and menu not in scenario.menus:
        yield ("surge", "menu"), f"there is no menu {menu!r}; the menus are {_list(scenario.menus)}"


def _hours(scenario: Scenario) -> Iterator[Finding]:
    closed_menu = scenario.hours.closed_menu
    if closed_menu is not None and closed_menu not in scenario.menus:
        yield (
            ("hours", "closed_menu"),
            f"there is no menu {closed_menu!r}; the menus are {_list(scenario.menus)}",
        )
    if scenario.hours.holidays is not None:
        fault = calendar_fault(scenario.hours.holidays)
        if fault:
            yield ("hours", "holidays"), fault


def _call_back(scenario: Scenario) -> Iterator[Finding]:
    if scenario.call_back is not None:
        for name in CALL_BACK_PROMPTS:
            if getattr(scenario.prompts, name) is None:
                yield ("call_back",), f"callers would hear nothing of it; add `{name}:` under `prompts:`"


def _vip(scenario: Scenario) -> Iterator[Finding]:
    """Each level is better off than the one below it, and the lowest than callers who are no VIP."""
    below, below_name = NO_VIP, "callers who are no VIP"
    for number, level in sorted(scenario.vip.levels.items()):
        path = ("vip", "levels", str(number))
        if level.head_start_s < below.head_start_s:
            yield (
                (*path, "head_start_s"),
                f"less than that of {below_name} ({below.head_start_s} s); give it at least as much",
            )
        if level.speed < below.speed:
            yield (
                (*path, "speed"),
                f"slower than {below_name} ({below.speed:g}); give it at least as much",
            )
        if level == below:
            yield path, f"nothing sets this level apart from {below_name}; raise one, or remove the level"
        below, below_name = level, f"level {number}"


def _lines(scenario: Scenario) -> Iterator[Finding]:
    for n, line in enumerate(scenario.lines):
        if line in scenario.lines[:n]:
            yield ("lines", n), f"the line {line} stands here twice"


def _languages(scenario: Scenario) -> Iterator[Finding]:
    for line, language in scenario.line_languages.items():
        if language not in scenario.spoken_languages:
            yield ("lines", line), _no_language(scenario, language)
    folders = {folder_name(scenario.language): scenario.language}
    for language in scenario.languages:
        other = folders.setdefault(folder_name(language), language)
        if other != language:
            yield ("languages", language), f"the PBX cannot tell it from {other}; keep one of the two"
        elif language == scenario.language:
            yield ("languages", language), "that is the language of this file; remove this line"


def _no_language(scenario: Scenario, language: str) -> str:
    return (
        f"there is no language {language!r}; it has {', '.join(scenario.spoken_languages)}: "
        "name the file of its words under `languages:`"
    )


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
