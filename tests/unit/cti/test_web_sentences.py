"""The sentences of the rooms below, in the reader's language: none of them is missed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cti
import recordings
import tickets
from cti.web.languages import LANGUAGES, SOURCE, speaking
from cti.web.sentences import said
from cti.web.site import KNOWN

pytestmark = pytest.mark.unit

ROOMS = [Path(room.__path__[0]) for room in (cti, recordings, tickets)]
FOLDERS = [ROOMS[0] / "web", ROOMS[0] / "operators", ROOMS[1], ROOMS[2]]
SHOWN = {entry.error.__name__ for entry in KNOWN if entry.status != 503} | {"BadEdit", "BadGroup"}


TOLD_ELSEWHERE = {
    "There is no 7.",
    "7: 7.",
}  # by what is said with `not_found`; a field of a program's request


def sentences() -> Iterator[str]:
    """What is raised to be shown, with a 7 for each value."""
    for path in sorted(path for folder in FOLDERS for path in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = 2 if node.func.id == "Problem" else 0 if node.func.id in SHOWN else len(node.args)
            if place < len(node.args) and (text := spelt(node.args[place])) and text not in TOLD_ELSEWHERE:
                yield text
            if node.func.id == "not_found" and (text := spelt(node.args[0])):
                yield f"There is no {text}."


def spelt(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return None


def test_it_looks_at_the_sentences_of_all_rooms() -> None:
    assert len(set(sentences())) > 60


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != SOURCE])
def test_every_sentence_that_people_are_shown_is_known(language: str) -> None:
    with speaking(language):
        assert sorted({text for text in sentences() if said(text) == text}) == []


def test_it_fills_in_what_the_sentence_says() -> None:
    assert said("There is no ticket PZ-1007.") == "There is no ticket PZ-1007."
    with speaking("ru"):
        assert "PZ-1007" in said("There is no ticket PZ-1007.")
        assert said("Nobody has written this sentence.") == "Nobody has written this sentence."
