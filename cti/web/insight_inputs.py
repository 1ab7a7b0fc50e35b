"""What the voicebot's pages are asked for, and what their forms carry. Pure."""

from datetime import date
from typing import Literal

from pydantic import Field

from cti.web.inputs import ROW_ID_MAX, In, Text
from cti.web.list_inputs import EARLIEST, LATEST
from tickets.insight import End, What
from tickets.taught import LONGEST, MOST_AT_ONCE
from tickets.vocabulary import HandOver


class StretchQuery(In):
    """Which days. They are the contact centre's own, both inside."""

    since: date | None = Field(None, ge=EARLIEST, le=LATEST)
    until: date | None = Field(None, ge=EARLIEST, le=LATEST)


class BotCallsQuery(StretchQuery):
    """Which of the bot's calls."""

    question: Text | None = Field(None, max_length=64)
    what: What | None = None
    end: End | HandOver | None = None
    cursor: str | None = Field(None, max_length=512)


class TeachForm(StretchQuery):
    """Phrases and the question that they ask."""

    question: Text = Field(min_length=1, max_length=64)
    phrases: Text = Field("", max_length=(LONGEST + 2) * MOST_AT_ONCE)  # one a line
    language: Text | None = Field(None, max_length=16)
    anyway: Literal["on"] | None = None  # also those that are nearer to another question


class PhrasePath(In):
    """A taught phrase."""

    phrase_id: int = Field(ge=1, le=ROW_ID_MAX)
