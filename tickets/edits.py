"""What a person may write on a ticket, in what form it is kept, and how a change is told in the timeline.

Pure: no I/O, no clock.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from tickets.cards import Ticket
from tickets.rows import clean_text
from tickets.vocabulary import TicketStatus

LONGEST_SUBJECT = 200  # characters, as all of these
LONGEST_TOPIC = 100
LONGEST_TAG, MOST_TAGS = 64, 20
LONGEST_FIELD_NAME, LONGEST_FIELD, MOST_FIELDS = 64, 1000, 30
LONGEST_NOTE = 10_000
LONGEST_COMMENT = 1000  # of an assignment, and the text of a reminder

Facts = dict[str, Any]
"""What a line of the timeline tells of a change: name → [before, after]; a field's begins with `field:`."""


class BadEdit(Exception):
    """A ticket cannot be kept as it was written."""


class BadNote(Exception):
    """A note is empty or too long."""


class Edit(TypedDict, total=False):
    """What is to be changed; what is not named stays."""

    subject: str
    topic: str | None
    tags: Iterable[str]
    fields: Mapping[str, str]  # all of them; who is left out goes
    customer_id: int | None
    status: TicketStatus


def tidy(edit: Edit) -> Edit:
    """The same as it is kept: one line where a line belongs, tags in lower case and in order, no empty field.

    Raises:
        BadEdit: too long, too many, or empty where something must be.
    """
    tidied = Edit(**edit)
    if "subject" in edit:
        tidied["subject"] = _line("subject", edit["subject"], LONGEST_SUBJECT)
        if not tidied["subject"]:
            raise BadEdit("A ticket needs a subject.")
    if "topic" in edit:
        tidied["topic"] = _line("topic", edit["topic"] or "", LONGEST_TOPIC) or None
    if "tags" in edit:
        tidied["tags"] = tidy_tags(edit["tags"])
    if "fields" in edit:
        tidied["fields"] = _fields(edit["fields"])
    return tidied


def tidy_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: lower case, single spaces, no `#` in front, each once, in order.

    Raises:
        BadEdit: too long, or too many.
    """
    known = {_line("tag", tag, 4 * LONGEST_TAG).lstrip("#").strip().lower() for tag in tags} - {""}
    for tag in known:
        if len(tag) > LONGEST_TAG:
            raise BadEdit(f"A tag has {len(tag)} characters: shorten it to {LONGEST_TAG}.")
    if len(known) > MOST_TAGS:
        raise BadEdit(f"{len(known)} tags are too many: at most {MOST_TAGS}.")
    return tuple(sorted(known))


def tidy_note(text: str, longest: int = LONGEST_NOTE) -> str:
    """Text of several lines as it is kept. Raises `BadNote`."""
    text = clean_text(text).replace("\r\n", "\n").strip()
    if not text:
        raise BadNote("The note is empty.")
    if len(text) > longest:
        raise BadNote(f"The note has {len(text)} characters: shorten it to {longest}.")
    return text


def tidy_comment(what: str, text: str) -> str:
    """A comment as it is kept; it may be empty. Raises `BadEdit`."""
    text = clean_text(text).replace("\r\n", "\n").strip()
    if len(text) > LONGEST_COMMENT:
        raise BadEdit(f"The {what} has {len(text)} characters: shorten it to {LONGEST_COMMENT}.")
    return text


def _line(what: str, text: str, longest: int) -> str:
    text = " ".join(clean_text(text).split())
    if len(text) > longest:
        raise BadEdit(f"The {what} has {len(text)} characters: shorten it to {longest}.")
    return text


def _fields(fields: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in fields.items():
        name = _line("name of a field", name, LONGEST_FIELD_NAME)
        value = clean_text(value).replace("\r\n", "\n").strip()
        if len(value) > LONGEST_FIELD:
            raise BadEdit(f"The field “{name}” has {len(value)} characters: shorten it to {LONGEST_FIELD}.")
        if not value:
            continue
        if not name:
            raise BadEdit("A field needs a name.")
        if name in kept:
            raise BadEdit(f"There are two fields “{name}”: give one of them another name.")
        kept[name] = value
    if len(kept) > MOST_FIELDS:
        raise BadEdit(f"{len(kept)} fields are too many: at most {MOST_FIELDS}.")
    return kept


def differences(before: Ticket, edit: Edit) -> Facts:
    """What a tidied edit changes about a ticket; the customer by card number."""
    facts: Facts = {}
    has: dict[str, Callable[[], Any]] = {
        "subject": lambda: before.subject,
        "topic": lambda: before.topic,
        "tags": lambda: before.tags,
        "customer_id": lambda: before.customer_id,
        "status": lambda: before.status,
    }
    for name, present in has.items():
        if name in edit and edit[name] != present():  # type: ignore[literal-required]
            facts[name] = [present(), edit[name]]  # type: ignore[literal-required]
    if "fields" in edit:
        after = edit["fields"]
        for name in sorted({*before.fields, *after}):
            if before.fields.get(name) != after.get(name):
                facts[f"field:{name}"] = [before.fields.get(name), after.get(name)]
    return facts


def merged(earlier: Facts, later: Facts) -> Facts:
    """Two changes one after the other as one; what came back to what it was is no change."""
    both = {name: [pair[0], pair[1]] for name, pair in (earlier | later).items()}
    for name, (before, _) in earlier.items():
        both[name][0] = before
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
