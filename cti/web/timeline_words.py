"""The lines of a ticket's timeline as people read them: who did what, in the reader's language.

Pure. What was done is kept as facts (`tickets/edits.py`); the words are found here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cti.web.languages import N_, _
from cti.web.words import STATUSES
from tickets.cards import WRITTEN, Note
from tickets.vocabulary import NoteKind, TicketStatus

PARTS = {
    "subject": N_("Subject"),
    "topic": N_("Topic"),
    "tags": N_("Tags"),
    "status": N_("Status"),
    "customer": N_("Customer"),
}
KINDS = {NoteKind.NOTE: N_("Internal note"), NoteKind.ANSWER: N_("Answer to the customer")}


@dataclass(frozen=True, slots=True)
class Change:
    """One part that was changed."""

    part: str
    before: str  # empty: nothing
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the timeline."""

    id: int
    kind: str  # a NoteKind, and a class of the style sheet
    title: str  # of what a person wrote: what it is; else what was done
    who: str
    at: datetime
    text: str
    changes: tuple[Change, ...] = ()


def line_of(note: Note, people: Mapping[str, str], moment: Callable[[datetime], str]) -> Line:
    """`people`: login → name. `moment`: how a time is written."""
    who = people.get(note.author, note.author)
    changes: tuple[Change, ...] = ()
    if note.kind in WRITTEN:
        title = _(KINDS[note.kind])
    elif note.kind is NoteKind.ASSIGNED:
        title = _assigned(note.facts, people)
    elif note.kind is NoteKind.REMINDER:
        title = _reminder(note.facts, people, moment)
    else:
        title, changes = _changed(note.facts)
    return Line(note.id, note.kind.value, title, who, note.created_at, note.text, changes)


def _assigned(facts: Mapping[str, Any], people: Mapping[str, str]) -> str:
    login, group = facts["assignee"][1], facts["group"][1]
    if login and group:
        return _("Assigned to %(who)s, %(group)s", who=people.get(login, login), group=group)
    if login or group:
        return _("Assigned to %(who)s", who=people.get(login, login) if login else group)
    return _("Assigned to nobody")


def _reminder(facts: Mapping[str, Any], people: Mapping[str, str], moment: Callable[[datetime], str]) -> str:
    who = people.get(facts["whom"], facts["whom"])
    match facts["what"]:
        case "set":
            return _("Reminder for %(who)s: %(at)s", who=who, at=moment(datetime.fromisoformat(facts["at"])))
        case "due":
            return _("Came back to %(who)s", who=who)
        case _:
            return _("Reminder for %(who)s taken away", who=who)


def _changed(facts: Mapping[str, Any]) -> tuple[str, tuple[Change, ...]]:
    parts = {name: pair for name, pair in facts.items() if name != "missed_done"}
    title = _("Changed")
    if "missed_done" in facts:
        title = _("Missed call seen to") if facts["missed_done"][1] else _("Missed call put back on the list")
    changes = (
        Change(_part(name), _value(name, pair[0]), _value(name, pair[1])) for name, pair in parts.items()
    )
    return title, tuple(changes)


def _part(name: str) -> str:
    return name.removeprefix("field:") if name.startswith("field:") else _(PARTS[name])


def _value(name: str, value: Any) -> str:
    if name == "status":
        return STATUSES[TicketStatus(value)].text
    return ", ".join(value) if isinstance(value, list) else str(value or "")
