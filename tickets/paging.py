"""Lists in pieces: an opaque cursor names the last item shown, so that new calls on top shift nothing.

Pure.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from tickets.rows import LARGEST, clean_text

LARGEST_PAGE = 200
T = TypeVar("T")


class BadCursor(Exception):
    """The cursor of a page is not one of ours."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a list, newest first. `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None


def page_size(limit: int) -> int:
    """The wanted length of a page, within bounds."""
    return max(1, min(limit, LARGEST_PAGE))


def page_of(rows: list[T], limit: int, place: Callable[[T], list[Any]]) -> Page[T]:
    """A page of rows, of which one more than `page_size` was read: it tells whether there is a next page.

    `place`: what the list is ordered by, of one item.
    """
    items = rows[: page_size(limit)]
    more = len(rows) > len(items)
    return Page(items, write_cursor(place(items[-1])) if more else None)


def write_cursor(place: list[Any]) -> str:
    """The cursor of a page that begins behind this place."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in place]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *types: type) -> list[Any]:
    """The place that a cursor names: one value for each of `types` (int, str or datetime).

    Raises:
        BadCursor: it comes from elsewhere.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list):
            raise ValueError("not a place")  # noqa: TRY004, TRY301
        return [_read(part, wanted) for part, wanted in zip(parts, types, strict=True)]
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadCursor("The cursor is not one that this list gave: start again without it.") from error


def _read(part: Any, wanted: type) -> Any:
    if wanted is int and type(part) is int and 0 < part <= LARGEST:
        return part
    if wanted is str and isinstance(part, str):
        return clean_text(part)
    if wanted is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    raise ValueError("not a place")
