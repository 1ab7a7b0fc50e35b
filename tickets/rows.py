"""Between the words of the domain and plain rows: events and calls, both ways.

Pure. Rows are made by hand rather than by the ORM, because the ledger is written by the thousand.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC
from operator import attrgetter
from typing import Any

from tickets.call import Call
from tickets.events import CallEvent, Value

LARGEST = 2**31 - 1  # of an integer column
_KEY_LENGTH = 200  # of the columns that hold ids
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_CALL_FIELDS = tuple(field.name for field in fields(Call))
_call_values = attrgetter(*_CALL_FIELDS)


def storable(event: CallEvent) -> CallEvent:
    """The event in a form that every database takes: what a PBX sends must never stop the ledger.

    Zero bytes and half characters go, over-long ids are cut (and kept apart by a hash), a time without a zone
    is taken for UTC. An event that is fine already comes back as it is.
    """
    words = (event.source, event.source_id, event.call_id)
    short = max(map(len, words)) <= _KEY_LENGTH
    if short and event.at.tzinfo is UTC and _all_clean(words) and _all_clean(event.data.values()):
        return event
    source, source_id, call_id = map(key_of, words)
    at = event.at.astimezone(UTC) if event.at.tzinfo else event.at.replace(tzinfo=UTC)
    data = {key: _clean(value) for key, value in event.data.items()}
    return CallEvent(source, source_id, call_id, at, event.kind, data, event.sequence)


def event_row(event: CallEvent) -> dict[str, Any]:
    """A row of `call_events`."""
    return {
        "source": event.source,
        "source_id": event.source_id,
        "call_id": event.call_id,
        "at": event.at,
        "kind": event.kind,
        "data": _to_json(dict(event.data)),
        "sequence": event.sequence,
    }


def event_from(row: Mapping[str, Any]) -> CallEvent:
    """The event of a row of `call_events`."""
    return CallEvent(
        source=row["source"],
        source_id=row["source_id"],
        call_id=row["call_id"],
        at=row["at"],
        kind=row["kind"],
        data=json.loads(row["data"]),
        sequence=row["sequence"],
    )


def call_row(call: Call) -> dict[str, Any]:
    """A row of `calls`, without its revision."""
    return dict(zip(_CALL_FIELDS, _call_values(call), strict=True))


def call_from(row: Mapping[str, Any]) -> Call:
    """The call of a row of `calls`."""
    return Call(**{name: row[name] for name in _CALL_FIELDS})


def key_of(word: str) -> str:
    """An id as the columns hold it: an over-long one is cut, and kept apart by a hash."""
    if len(word) > _KEY_LENGTH:
        digest = hashlib.sha256(word.encode("utf-8", "replace")).hexdigest()
        word = word[: _KEY_LENGTH - len(digest) - 1] + "~" + digest
    return clean_text(word)


def _all_clean(values: Iterable[Value]) -> bool:
    for value in values:
        if isinstance(value, str) and not value.isprintable() and value != clean_text(value):
            return False
    return True


def _clean(value: Value) -> Value:
    return clean_text(value) if isinstance(value, str) else value


def clean_text(text: str) -> str:
    """Without what PostgreSQL cannot store in a text: zero bytes and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
