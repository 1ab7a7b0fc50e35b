"""What the API and the pages take about a ticket: edits, notes, assignments, reminders, missed calls.

Pure. Lengths are checked for good where they are kept (`tickets/edits.py`); here only against nonsense.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, NaiveDatetime

from cti.web.inputs import ROW_ID_MAX, In, PageQuery, Text
from tickets.edits import (
    LONGEST_COMMENT,
    LONGEST_FIELD,
    LONGEST_FIELD_NAME,
    LONGEST_NOTE,
    LONGEST_SUBJECT,
    LONGEST_TAG,
    LONGEST_TOPIC,
    MOST_FIELDS,
    MOST_TAGS,
)
from tickets.vocabulary import NoteKind, TicketStatus

LOGIN_MAX = 64
MOST_MARKED = 200

Tag = Annotated[Text, Field(max_length=4 * LONGEST_TAG)]
FieldName = Annotated[Text, Field(max_length=2 * LONGEST_FIELD_NAME)]
FieldText = Annotated[Text, Field(max_length=2 * LONGEST_FIELD)]
TicketName = Annotated[str, Field(pattern=r"^PZ-[0-9]{4,10}$")]


class TicketEdit(In):
    """What is to be changed about a ticket; what is left out stays."""

    subject: Text = Field("", max_length=2 * LONGEST_SUBJECT, description=f"{LONGEST_SUBJECT} characters.")
    topic: Text | None = Field(
        None, max_length=2 * LONGEST_TOPIC, description=f"{LONGEST_TOPIC} characters; null: none."
    )
    tags: list[Tag] = Field([], max_length=4 * MOST_TAGS, description=f"All of them, {MOST_TAGS} at most.")
    fields: dict[FieldName, FieldText] = Field(
        {}, max_length=2 * MOST_FIELDS, description=f"All of them, {MOST_FIELDS} at most; an empty one goes."
    )
    customer_id: int | None = Field(None, ge=1, le=ROW_ID_MAX, description="Null: nobody known.")
    status: TicketStatus = TicketStatus.OPEN


class NewNote(In):
    """A note to put on a ticket."""

    text: Text = Field(min_length=1, max_length=LONGEST_NOTE)
    kind: Literal[NoteKind.NOTE, NoteKind.ANSWER] = Field(
        NoteKind.NOTE, description="`note`: for colleagues only. `answer`: what the customer was told."
    )
    key: str | None = Field(
        None,
        pattern=r"^[0-9A-Za-z-]{8,64}$",
        description="A random one for each note: sent again with it, after a lost answer, it is there once.",
    )


class Assignment(In):
    """To whom a ticket is given; with neither, to nobody."""

    assignee: Text | None = Field(None, max_length=LOGIN_MAX, description="Login.")
    group: int | None = Field(None, ge=1, le=ROW_ID_MAX)
    comment: Text = Field("", max_length=LONGEST_COMMENT)


class NewReminder(In):
    """When a ticket is to come back."""

    at: AwareDatetime
    whom: Text | None = Field(None, max_length=LOGIN_MAX, description="Login; null: you.")
    text: Text = Field("", max_length=LONGEST_COMMENT)


class MissedQuery(PageQuery):
    """Which missed calls."""

    done: bool = Field(False, description="True: those that are seen to.")


class MissedMarks(In):
    """Tickets of missed calls."""

    tickets: list[TicketName] = Field(min_length=1, max_length=MOST_MARKED)

    @property
    def numbers(self) -> list[int]:
        """The cards' own numbers."""
        numbers = (int(name.removeprefix("PZ-")) - 1000 for name in self.tickets)
        return [number for number in numbers if 0 < number <= ROW_ID_MAX]


class TicketForm(In):
    """The ticket's form; its inputs are read by `ticket_form.py`."""

    was: str = Field(max_length=60_000)


class StatusForm(In):
    """A button beside the ticket's name."""

    status: TicketStatus
    version: int | None = Field(None, ge=1, le=ROW_ID_MAX)


class ReminderForm(In):
    """The form that has a ticket come back."""

    at: NaiveDatetime | None = None  # in the contact centre's own time
    whom: Text | None = Field(None, max_length=LOGIN_MAX)
    text: Text = Field("", max_length=LONGEST_COMMENT)
    act: Literal["set", "clear"] = "set"
