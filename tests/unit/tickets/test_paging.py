"""Cursors of lists."""

import base64
import json
from datetime import UTC, datetime

import pytest

from tickets.paging import BadCursor, page_of, page_size, read_cursor

pytestmark = pytest.mark.unit

WHEN = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)


def test_a_cursor_names_the_last_item_shown() -> None:
    page = page_of([3, 2, 1], 2, lambda number: [WHEN, f"id-{number}"])
    assert page.items == [3, 2]
    assert page.next_cursor
    assert read_cursor(page.next_cursor, datetime, str) == [WHEN, "id-2"]


def test_the_last_page_has_none() -> None:
    assert page_of([2, 1], 2, lambda number: [number]).next_cursor is None
    assert page_of([], 2, lambda number: [number]).next_cursor is None


def test_a_page_has_bounds() -> None:
    assert [page_size(limit) for limit in (-1, 0, 7, 10**9)] == [1, 1, 7, 200]


def packed(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "AAAA",
        "[" * 2000,
        packed(7),
        packed([]),
        packed([1, 2]),
        packed(["7"]),
        packed([True]),
        packed([0]),
        packed([10**30]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_a_cursor_from_elsewhere_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(cursor, int)


@pytest.mark.parametrize("moment", ["soon", "2026-11-21", "2026-11-21T09:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(moment: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(packed([moment]), datetime)
