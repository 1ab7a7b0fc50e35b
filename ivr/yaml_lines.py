"""YAML with a memory of where everything stood.

Part of reception's file reading; pure: text in, plain data and line numbers out. It may not know what a
scenario is. Only the node tree of PyYAML is used (`compose`), never its constructors: nothing in a file can
make an object, and telephone numbers, times and yes/no stay what the author typed (YAML 1.1 would read
`10:00` as 600, `no` as false and `0101` as 65).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import yaml

Data = dict[str, "Data"] | list["Data"] | str | int | float | bool | None
Path = tuple[str | int, ...]

MAX_DEPTH = 20
MAX_VALUES = 20_000

_TOO_DEEP = f"nested too deeply; {MAX_DEPTH} levels are enough"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
# The one in C is ten times as fast, where PyYAML came with it.
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Problem:
    """One thing to correct in a file."""

    line: int  # from 1
    where: str  # the way to the value, such as `menus.main.options.3`; empty: the file itself
    message: str  # what is wrong and what to write instead
    file: FilePath | None = None  # None: the file that was read first

    def __str__(self) -> str:
        return f"line {self.line}: {self.where + ': ' if self.where else ''}{self.message}"


@dataclass
class Located:
    """A document's data, the line of each value, and what is wrong with its form."""

    data: Data = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def dotted(path: Path) -> str:
    """`("menus", "main", 3)` → `menus.main.3`."""
    return ".".join(str(part) for part in path)


def parse(text: str) -> Located:
    """Read one YAML document; problems of form stand in the answer, nothing is raised."""
    located = Located()
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        located.problems.append(Problem(line, "", f"this is not YAML: {error.problem or error.context}"))
    except yaml.YAMLError as error:
        located.problems.append(Problem(1, "", f"this is not YAML: {str(error).splitlines()[0]}"))
    except _TooMuch as error:
        located.problems.append(Problem(error.line, "", str(error)))
    else:
        _Builder(located).build(node)
    return located


def _compose(text: str) -> yaml.Node | None:
    """The node tree. How deep it is, is looked at first: PyYAML's part in C would overflow the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH + 1:
            raise _TooMuch(event.start_mark.line + 1 if event.start_mark else 1, _TOO_DEEP)
    return yaml.compose(text, Loader=_LOADER)


class _Builder:
    def __init__(self, located: Located) -> None:
        self._located = located
        self._values = 0

    def build(self, node: yaml.Node | None) -> None:
        if node is None:
            self._located.problems.append(Problem(1, "", "the file is empty"))
            return
        try:
            self._located.data = self._value(node, ())
        except _TooMuch as error:
            self._located.problems.append(Problem(error.line, "", str(error)))

    def _value(self, node: yaml.Node, path: Path) -> Data:
        self._values += 1
        line = node.start_mark.line + 1
        if self._values > MAX_VALUES:  # aliases of aliases grow without end: "billion laughs"
            raise _TooMuch(line, f"more than {MAX_VALUES} values; write fewer, or fewer aliases (*name)")
        if len(path) > MAX_DEPTH:  # also an alias that holds itself
            raise _TooMuch(line, _TOO_DEEP)
        self._located.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, n)) for n, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Data:
        result: dict[str, Data] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(line, path, "a key must be a plain word or number")
                continue
            key = str(key_node.value)
            if key in result:
                first = self._located.lines[(*path, key)]
                self._problem(line, (*path, key), f"stands here twice; the first one is in line {first}")
                continue
            self._located.lines[(*path, key)] = line
            result[key] = self._value(value_node, (*path, key))
        return result

    def _problem(self, line: int, path: Path, message: str) -> None:
        self._located.problems.append(Problem(line, dotted(path), message))


class _TooMuch(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _scalar(node: yaml.Node) -> Data:
    text = str(node.value)
    if getattr(node, "style", None):  # quoted or block: text, whatever it looks like
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
