"""Reads a scenario file and names every mistake with its line.

The adapter between disk and `Scenario`; it may not know calls or the PBX. `presszero check` prints what it
finds.
"""

import types
import typing
import wave
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel, ValidationError

from ivr import yaml_lines
from ivr.scenario import Scenario
from ivr.scenario_check import findings
from ivr.yaml_lines import Located, Problem

MAX_BYTES = 48 * 1024  # reading it takes well under a second then, whatever is in it


class BadScenario(Exception):
    """The scenario file cannot be used; each problem says which line to correct, and how."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__("\n".join(f"{path}, {problem}" for problem in self.problems))


def load_scenario(path: Path) -> Scenario:
    """Read, validate and cross-check the scenario at `path` (YAML 1.2 scalars, UTF-8, at most 48 KiB).

    Raises:
        BadScenario: with everything that is wrong, not only the first thing.
    """
    located = yaml_lines.parse(_text(path))
    if not located.problems and not isinstance(located.data, dict):
        located.problems.append(Problem(1, "", "write a scenario: `name:`, `lines:`, `hours:` and so on"))
    if located.problems:
        raise BadScenario(path, located.problems)
    try:
        # By way of JSON, because there pydantic's strict models take arrays for tuples.
        scenario = Scenario.model_validate_json(
            pydantic_core.to_json(located.data), context={"folder": path.parent}
        )
    except ValidationError as error:
        raise BadScenario(path, list(_validation_problems(error, located))) from error
    found = [*findings(scenario), *_files(scenario)]
    if found:
        raise BadScenario(
            path, [Problem(located.line(at), yaml_lines.dotted(at), message) for at, message in found]
        )
    return scenario


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); give the path of a scenario file"
        raise BadScenario(path, [Problem(1, "", reason)]) from error
    if len(content) > MAX_BYTES:
        reason = f"larger than {MAX_BYTES // 1024} KiB; a scenario is a few pages of text"
        raise BadScenario(path, [Problem(1, "", reason)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadScenario(path, [Problem(line, "", "not UTF-8; save the file as UTF-8")]) from error


def _files(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for at, file in scenario.files():
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


def _validation_problems(error: ValidationError, located: Located) -> Iterator[Problem]:
    for fault in error.errors(include_url=False):
        at = fault["loc"]
        if at and at[-1] == "[key]":
            at = at[:-1]
        yield Problem(located.line(at), yaml_lines.dotted(at), _sentence(fault["type"], fault["msg"], at))


def _sentence(kind: str, message: str, at: tuple[int | str, ...]) -> str:
    if at[-2:-1] == ("options",) and at[-1] == "0":
        return "0 is always the operator and cannot be given another meaning; remove this line"
    if at[-2:-1] == ("options",) and kind == "string_pattern_mismatch":
        return 'a key is one of 1 to 9, "*" or "#" (with quotes)'
    if kind == "extra_forbidden":
        known = _keys_at(at[:-1])
        near = get_close_matches(str(at[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"unknown key {str(at[-1])!r}; {hint}"
    if kind == "missing":
        return f"the key {str(at[-1])!r} is missing; add it"
    return message.removeprefix("Value error, ")


def _keys_at(at: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at this place knows: the models themselves are walked along the path."""
    shape: Any = Scenario
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
