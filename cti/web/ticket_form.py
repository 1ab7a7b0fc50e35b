"""The ticket's form without script: what the person changed, and whether somebody else changed the same.

The form carries along what it was filled with (`was`), so that only what the person touched is written, and a
change that came between counts only where it touches the same.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from tickets.cards import Ticket
from tickets.edits import MOST_FIELDS, BadEdit, Edit, tidy
from tickets.ticket_book import Conflict, TicketBook

PARTS = ("subject", "topic", "tags", "customer")
NEW_ROWS = 1  # empty rows for new fields
_ROWS = range(MOST_FIELDS + NEW_ROWS)
_TRIES = 3  # against others who write at the same time


class Conflicting(Exception):
    """The person and somebody else have changed the same part."""

    def __init__(self, typed: dict[str, str], theirs: dict[str, str]) -> None:
        super().__init__("Somebody else has changed the same part of this ticket meanwhile.")
        self.typed = typed  # the form as the person sent it
        self.theirs = theirs  # what it says by now, of the parts that both have changed


def shown(ticket: Ticket) -> dict[str, str]:
    """The form's values: one text for each input."""
    fields = sorted(ticket.fields.items())
    values: dict[str, str] = {
        "subject": ticket.subject,
        "topic": ticket.topic or "",
        "tags": ", ".join(ticket.tags),
        "customer": str(ticket.customer_id or ""),
    }
    for row in range(len(fields) + NEW_ROWS):
        name, value = fields[row] if row < len(fields) else ("", "")
        values |= {f"field-{row}-name": name, f"field-{row}-value": value}
    return values


def rows_of(values: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """The rows of fields to show: number, name, value; an empty one at the end."""
    rows = [(row, values.get(f"field-{row}-name"), values.get(f"field-{row}-value")) for row in _ROWS]
    return [
        (row, name or "", value or "") for row, name, value in rows if name is not None or value is not None
    ]


def was(ticket: Ticket) -> str:
    """What the form is filled with, for its hidden input."""
    return json.dumps({"version": ticket.version, **_parts(shown(ticket))}, ensure_ascii=False)


async def change_by_form(
    book: TicketBook, number: int, was: str, given: Mapping[str, str], by: str
) -> Ticket | None:
    """Write what the person changed; None: nothing.

    Raises:
        NotFound, BadEdit
        Conflicting: somebody else has changed the same part meanwhile.
    """
    version, before = _read(was)
    mine = {name: text for name, text in _parts(given).items() if text != before.get(name)}
    for _ in range(_TRIES):
        if not mine:
            return None
        try:
            return await book.change(number, tidy(_edit(mine)), by, version)
        except Conflict as conflict:
            now = _parts(shown(conflict.ticket))
            theirs = {name: now[name] for name in mine if now[name] not in (before.get(name), mine[name])}
            if theirs:
                raise Conflicting(dict(given), theirs) from conflict
            mine = {name: text for name, text in mine.items() if text != now[name]}
            version = conflict.ticket.version
    raise BadEdit("The ticket changes all the time: try again in a moment.")


def _read(was: str) -> tuple[int, dict[str, str]]:
    try:
        values = json.loads(was)
        return int(values["version"]), {name: str(values[name]) for name in (*PARTS, "fields")}
    except (ValueError, KeyError, TypeError) as error:
        raise BadEdit("The form is not the one that the page offered: load the page anew.") from error


def _parts(values: Mapping[str, str]) -> dict[str, str]:
    """The form's parts that are written as one; the fields as JSON, in order."""
    parts = {name: values[name].replace("\r\n", "\n").strip() for name in PARTS if name in values}
    if not any(name.startswith("field-") for name in values):
        return parts
    fields: dict[str, str] = {}
    for row in _ROWS:
        name = values.get(f"field-{row}-name", "").strip()
        value = values.get(f"field-{row}-value", "").replace("\r\n", "\n").strip()
        if not value:
            continue
        if name in fields:
            raise BadEdit(f"There are two fields “{name}”: give one of them another name.")
        fields[name] = value
    return parts | {"fields": json.dumps(dict(sorted(fields.items())), ensure_ascii=False)}


def _edit(parts: Mapping[str, str]) -> Edit:
    values: dict[str, Any] = {name: text for name, text in parts.items() if name in ("subject", "topic")}
    if "tags" in parts:
        values["tags"] = parts["tags"].split(",")
    if "fields" in parts:
        values["fields"] = json.loads(parts["fields"])
    if "customer" in parts:
        digits = parts["customer"]
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise BadEdit("There is no such customer: choose another.")
        values["customer_id"] = int(digits) if digits else None
    return cast(Edit, values)
