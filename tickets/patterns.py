"""Words in columns, looked for alike on both databases: what people type never works as a pattern. Pure."""

from typing import Any

from sqlalchemy import ColumnElement, func

LONGEST_QUERY = 200  # characters
MOST_WORDS = 8
_ESCAPE = "\\"


def words_of(text: str) -> list[str]:
    """What is to be found, in lower case; the first `MOST_WORDS` words of a query."""
    return list(dict.fromkeys(text[:LONGEST_QUERY].lower().split()))[:MOST_WORDS]


def containing(folded: Any, word: str) -> ColumnElement[bool]:
    """Whether a column that is in lower case holds a word, also as a part of another."""
    plain = word
    for sign in (_ESCAPE, "%", "_"):
        plain = plain.replace(sign, _ESCAPE + sign)
    found: ColumnElement[bool] = folded.like(f"%{plain}%", escape=_ESCAPE)
    return found


def mentions(column: Any, word: str) -> ColumnElement[bool]:
    """The same for a column as people wrote it."""
    return containing(func.lower(column), word)
