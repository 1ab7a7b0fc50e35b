"""Collects every marked text of the pages and brings the `.po` files up to date: `make words`.

A tool for whoever changes texts: the service does not need it.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from cti.web.languages import FOLDER, LANGUAGES, SOURCE, catalogue

WEB = FOLDER.parent
ROOM = WEB.parent
METHODS = {".html": "jinja2.ext:babel_extract", ".py": "python", ".ts": "javascript"}
KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "t": None,
    "tn": (1, 2),
}
OPTIONS = {".html": {"trimmed": "true", "silent": "false"}}


def sources() -> Iterator[Path]:
    """Every file that may hold marked texts."""
    yield from sorted(ROOM.rglob("*.py"))
    yield from sorted((WEB / "templates").rglob("*.html"))
    yield from sorted(path for path in (WEB / "page").glob("*.ts") if not path.name.endswith(".test.ts"))


def collected() -> Catalog:
    """The marked texts, each with the files in which it stands."""
    texts = Catalog(project="PressZero", charset="utf-8", fuzzy=False)
    for path in sources():
        with path.open("rb") as file:
            found = list(extract(METHODS[path.suffix], file, KEYWORDS, options=OPTIONS.get(path.suffix, {})))
        for _line, text, _comments, context in found:
            texts.add(text, locations=[(path.relative_to(ROOM.parent).as_posix(), 0)], context=context)
    return texts


def updated(language: str) -> bytes:
    """The language's file with new texts added, empty, and those that nobody shows any more left out."""
    known = catalogue(language)
    known.project = known.last_translator = known.language_team = known.msgid_bugs_address = "PressZero"
    known.update(collected(), no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    written = BytesIO()
    write_po(
        written, known, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True,
    )  # fmt: skip
    return written.getvalue()


def main() -> int:
    """Write every language's file; says what is left to translate."""
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        (FOLDER / f"{language}.po").write_bytes(updated(language))
        catalogue.cache_clear()
        empty = [message for message in catalogue(language) if message.id and not _translated(message.string)]
        sys.stdout.write(f"{language}.po: {len(empty)} of {len(catalogue(language))} texts to translate\n")
    return 0


def _translated(text: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(text) if text is None or isinstance(text, str) else all(text)


if __name__ == "__main__":
    sys.exit(main())
