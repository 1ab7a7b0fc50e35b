"""Reads a scenario file, and those of its languages, and names every mistake with its line.

The adapter between disk and `Scenario`; it may not know calls or the PBX. `presszero check` prints what it
finds.
"""

import types
import typing
import wave
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ValidationError

from ivr import yaml_lines
from ivr.language_check import language_findings
from ivr.languages import LanguageWords, translated, with_the_bots_rules
from ivr.scenario import Scenario
from ivr.scenario_check import Finding, findings
from ivr.yaml_lines import Located, Problem

T = TypeVar("T", bound=BaseModel)

MAX_BYTES = 48 * 1024  # reading it takes well under a second then, whatever is in it


class BadScenario(Exception):
    """The scenario file cannot be used; each problem says which line to correct, and how."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        # The scenario's own first, then those of its language files.
        self.problems = sorted(problems, key=lambda p: ("" if p.file is None else str(p.file), p.line))
        super().__init__("\n".join(f"{problem.file or path}, {problem}" for problem in self.problems))


class _Unusable(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


def load_scenario(path: Path) -> Scenario:
    """Read, validate and cross-check the scenario at `path` (YAML 1.2 scalars, UTF-8, at most 48 KiB).

    Raises:
        BadScenario: with everything that is wrong, not only the first thing; what is wrong in the files of
        its languages too, once the scenario itself is good.
    """
    try:
        located = _located(path, "write a scenario: `name:`, `lines:`, `hours:` and so on")
        scenario = _model(Scenario, located, path.parent)
        _no_findings(located, [*findings(scenario), *_files(scenario)])
    except _Unusable as error:
        raise BadScenario(path, error.problems) from error.__cause__
    problems: list[Problem] = []
    words: dict[str, LanguageWords] = {}
    for language, file in scenario.languages.items():
        try:
            words[language] = _words(scenario, language, file)
        except _Unusable as error:
            problems += [replace(problem, file=file) for problem in error.problems]
    if problems:
        raise BadScenario(path, problems)
    return scenario.with_words(words)


def _words(scenario: Scenario, language: str, file: Path) -> LanguageWords:
    located = _located(file, "write a language file: `prompts:`, `menus:`, `bot:`")
    filled = replace(located, data=with_the_bots_rules(located.data, scenario.bot))
    words = _model(LanguageWords, filled, file.parent)
    _no_findings(located, [*language_findings(scenario, words)])
    _no_findings(located, [*_files(translated(scenario, language, words), "announce")])
    return words


def _located(path: Path, what: str) -> Located:
    located = yaml_lines.parse(_text(path))
    if not located.problems and not isinstance(located.data, dict):
        located.problems.append(Problem(1, "", what))
    if located.problems:
        raise _Unusable(located.problems)
    return located


def _model(shape: type[T], located: Located, folder: Path) -> T:
    try:
        # By way of JSON, because there pydantic's strict models take arrays for tuples.
        return shape.model_validate_json(pydantic_core.to_json(located.data), context={"folder": folder})
    except ValidationError as error:
        raise _Unusable(list(_validation_problems(shape, error, located))) from error


def _no_findings(located: Located, found: list[Finding]) -> None:
    if found:
        raise _Unusable([Problem(located.line(at), yaml_lines.dotted(at), message) for at, message in found])


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); give the path of a scenario file"
        raise _Unusable([Problem(1, "", reason)]) from error
    if len(content) > MAX_BYTES:
        reason = f"larger than {MAX_BYTES // 1024} KiB; a scenario is a few pages of text"
        raise _Unusable([Problem(1, "", reason)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Unusable([Problem(line, "", "not UTF-8; save the file as UTF-8")]) from error


def _files(scenario: Scenario, announcements: str = "options") -> Iterator[Finding]:
    for at, file in scenario.files(announcements):
        try:
            with wave.open(str(file)) as recording:
                empty = recording.getnframes() == 0
        except OSError as error:
            yield at, f"{file} cannot be read ({error.strerror}); paths are relative to the scenario file"
        except (wave.Error, EOFError):
            yield at, f"{file.name} is not a plain (PCM) WAV file; convert it to one"
        else:
            if empty:
                yield at, f"{file.name} holds no sound; record it again"


def _validation_problems(
    shape: type[BaseModel], error: ValidationError, located: Located
) -> Iterator[Problem]:
    for fault in error.errors(include_url=False):
        at = fault["loc"]
        if at and at[-1] == "[key]":
            at = at[:-1]
        if at[:1] == ("line_languages",):
            at = ("lines", *at[1:])  # where they are written
        yield Problem(
            located.line(at), yaml_lines.dotted(at), _sentence(shape, fault["type"], fault["msg"], at)
        )


def _sentence(shape: type[BaseModel], kind: str, message: str, at: tuple[int | str, ...]) -> str:
    if at[-2:-1] == ("options",) and at[-1] == "0":
        return "0 is always the operator and cannot be given another meaning; remove this line"
    if at[-2:-1] == ("options",) and kind == "string_pattern_mismatch":
        return 'a key is one of 1 to 9, "*" or "#" (with quotes)'
    if kind == "extra_forbidden":
        known = _keys_at(shape, at[:-1])
        near = get_close_matches(str(at[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown key {str(at[-1])!r}; {hint}"
    if kind == "missing":
        return f"the key {str(at[-1])!r} is missing; add it"
    return message.removeprefix("Value error, ")


def _keys_at(top: type[BaseModel], at: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at this place knows: the models themselves are walked along the path."""
    shape: Any = top
    for part in at:
        shape = _inside(shape, part)
    model = _model_in(shape)
    return list(model.model_fields) if model else []


def _inside(shape: Any, part: int | str) -> Any:
    model = _model_in(shape)
    if model is not None:
        info = model.model_fields.get(str(part))
        return info.annotation if info else None
    arguments = [a for a in typing.get_args(shape) if a is not type(None) and a is not Ellipsis]
    if isinstance(shape, types.UnionType) or typing.get_origin(shape) is typing.Annotated:
        return _inside(arguments[0], part)
    return arguments[-1] if arguments else None


def _model_in(shape: Any) -> type[BaseModel] | None:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return shape
    if isinstance(shape, types.UnionType) or typing.get_origin(shape) is typing.Annotated:
        return _model_in(typing.get_args(shape)[0])
    return None
