"""The API's shapes: what its answers hold. Their descriptions are the OpenAPI document's.

Pure. A field here is a promise to other people's programs; the rooms' own classes may change behind it.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from recordings.shelf import RecordingView, TranscriptView
from tickets.accounts import Account
from tickets.cards import Ticket
from tickets.customers import Customer
from tickets.desk import CallLine, TicketDetail
from tickets.events import CallEvent, Value
from tickets.incidents import Incident
from tickets.promises import PromiseLine
from tickets.vocabulary import (
    AttemptResult,
    CallOutcome,
    CallState,
    Direction,
    EventKind,
    HandOver,
    NoteKind,
    PromiseSource,
    PromiseState,
    Role,
    TicketStatus,
)

T = TypeVar("T", bound=BaseModel)


def ticket_name(number: int) -> str:
    """A ticket's number as people say it: PZ-1001."""
    return f"PZ-{1000 + number}"


def _named(number: int | None) -> str | None:
    return None if number is None else ticket_name(number)


class Out(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(from_attributes=True)


class CallOut(Out):
    """A call. Lengths are seconds."""

    call_id: str
    ticket: str = Field(description="The call's one ticket, for example `PZ-1001`.")
    direction: Direction
    caller: str | None = Field(description="E.164; null where it was withheld.")
    caller_raw: str = Field(description="The caller ID as the PBX gave it.")
    line: str
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    state: CallState
    queue: str | None
    priority: int
    hand_over: HandOver | None = Field(description="Why the caller was given to an operator.")
    operator: str | None = Field(description="Extension of the operator who answered.")
    topic: str | None
    received_at: AwareDatetime
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    bot_seconds: float
    hold_seconds: float
    talk_seconds: float
    outcome: CallOutcome | None = Field(description="Null while the call lives.")
    found_later: bool = Field(description="Nobody here saw it begin; it was found afterwards.")

    @classmethod
    def of(cls, line: CallLine) -> Self:
        """From a line of the desk's list."""
        call = line.call
        fields = {name: getattr(call, name) for name in cls.model_fields if hasattr(call, name)}
        return cls(**fields, ticket=ticket_name(line.ticket_number), customer_name=line.customer_name)


class EventOut(Out):
    """An entry of a call's ledger."""

    source: str
    at: AwareDatetime
    kind: EventKind
    data: dict[str, Value] = Field(
        description="By kind. `text` of a `bot.turn` and `value` of a `bot.learnt` are null for who may not "
        "hear the recording."
    )

    @classmethod
    def of(cls, event: CallEvent, *, words: bool) -> Self:
        """From the ledger, with or without what was said."""
        data = dict(event.data)
        if event.kind is EventKind.BOT_TURN and not words:
            data["text"] = None
        if event.kind is EventKind.BOT_LEARNT and not words:
            data["value"] = None
        return cls(source=event.source, at=event.at, kind=event.kind, data=data)


class NoteOut(Out):
    """A line of a ticket's timeline."""

    id: int
    kind: NoteKind
    author: str = Field(description="Login.")
    text: str = Field(description="Of a note or an answer; an assignment's comment, a reminder's text.")
    facts: dict[str, Any] = Field(
        description="Of what was done: `changed` has [before, after] by name, `field:` begins a field's; "
        "`assigned` the same of `assignee` and `group`; `reminder` has `what`, `at` and `whom`."
    )
    created_at: AwareDatetime


class CustomerOut(Out):
    """A customer."""

    id: int
    name: str
    vip_level: int
    numbers: list[str] = Field(description="E.164.")

    @classmethod
    def of(cls, customer: Customer) -> Self:
        """From the card index."""
        return cls.model_validate(customer)


class TicketOut(Out):
    """A ticket."""

    ticket: str = Field(description="Its number, for example `PZ-1001`.")
    call_id: str
    status: TicketStatus
    subject: str
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    operator: str | None
    hand_over: HandOver | None
    topic: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None
    closed_by: str | None = Field(description="`bot`, `menu` or a login.")
    version: int = Field(description="Counts the changes: the `ETag` of the ticket, for your `If-Match`.")
    tags: list[str]
    fields: dict[str, str] = Field(description="The house's own, by name.")
    assignee: str | None = Field(description="Login.")
    assigned_group: int | None
    group_name: str | None
    remind_at: AwareDatetime | None = Field(description="When the ticket comes back to `remind_whom`.")
    remind_whom: str | None = Field(description="Login.")
    remind_text: str | None

    @classmethod
    def of(cls, ticket: Ticket) -> Self:
        """From the card index."""
        fields = {name: getattr(ticket, name) for name in cls.model_fields if name != "ticket"}
        return cls(ticket=ticket.name, **fields)


class TicketDetailOut(Out):
    """A ticket with everything that lies on it."""

    ticket: TicketOut
    call: CallOut
    customer: CustomerOut | None
    recording_id: int | None = Field(description="See `/api/v1/recordings/{recording_id}`.")
    notes: list[NoteOut]
    events: list[EventOut] = Field(description="The call's ledger, oldest first.")

    @classmethod
    def of(cls, detail: TicketDetail, recording: RecordingView | None, *, words: bool) -> Self:
        """From the desk and the shelf; `words`: whether the reader may know what the caller told the bot."""
        name = detail.customer.name if detail.customer else detail.ticket.customer_name
        return cls(
            ticket=TicketOut.of(detail.ticket),
            call=CallOut.of(CallLine(detail.call, detail.ticket.number, name)),
            customer=CustomerOut.of(detail.customer) if detail.customer else None,
            recording_id=recording.id if recording else None,
            notes=[NoteOut.model_validate(note) for note in detail.notes],
            events=[EventOut.of(event, words=words) for event in detail.events],
        )


class RecordingOut(Out):
    """A call's recording: stereo, the caller on the left."""

    id: int
    call_id: str
    seconds: float
    bytes: int
    sha256: str = Field(description="Of the audio file, hexadecimal; empty without audio.")
    created_at: AwareDatetime
    missing_reason: str | None = Field(description="Why there is no audio.")
    transcribed: bool
    transcript_missing_reason: str | None = Field(description="Why there will be no transcript of the audio.")

    @classmethod
    def of(cls, view: RecordingView) -> Self:
        """From the shelf."""
        fields = {name: getattr(view, name) for name in cls.model_fields if name != "transcribed"}
        return cls(**fields, transcribed=view.transcript is not None)


class PeaksOut(Out):
    """A waveform: per cent of full scale, oldest first, equally many for both sides."""

    seconds: float
    caller: list[int]
    heard: list[int] = Field(description="What the caller heard: bot, operator, music.")


class WordOut(Out):
    """A recognised word; times are seconds from the recording's beginning."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None


class PhraseOut(Out):
    """What one speaker said in one go."""

    speaker: str = Field(
        description="`caller`, `operator`, `bot`, or `unknown` where the PBX mixed both voices."
    )
    start_s: float
    end_s: float
    text: str
    confidence: float | None
    words: list[WordOut]


class TranscriptOut(Out):
    """What was said in a recording."""

    language: str = Field(description="BCP 47.")
    engine: str
    created_at: AwareDatetime
    phrases: list[PhraseOut]

    @classmethod
    def of(cls, view: TranscriptView) -> Self:
        """From the shelf."""
        return cls.model_validate(view)


class Listed(Out, Generic[T]):
    """A piece of a list, newest first."""

    items: list[T]
    next_cursor: str | None = Field(description="Ask with it for the next piece; null on the last.")


class CallList(Listed[CallOut]):
    """Calls, newest first."""


class TicketList(Listed[TicketOut]):
    """Tickets, newest first."""


class CustomerList(Listed[CustomerOut]):
    """Customers, newest card first."""


class IncidentOut(Out):
    """What every caller is to know."""

    id: int
    topic: str
    text: str
    is_on: bool = Field(description="Whether callers are to hear it now.")
    on_at: AwareDatetime
    on_by: str
    until: AwareDatetime | None
    off_at: AwareDatetime | None
    off_by: str | None

    @classmethod
    def of(cls, incident: Incident, now: datetime) -> Self:
        """From the record."""
        return cls(is_on=incident.is_on(now), **asdict(incident))


class IncidentList(BaseModel):
    """Mass incidents, newest first."""

    items: list[IncidentOut]
    announced: bool = Field(description="Callers hear the one that is on: it has been spoken.")
    trouble: str | None = Field(description="Why callers do not hear it.")


class AttemptOut(Out):
    """One attempt to call back."""

    number: int
    call_id: str
    ticket: str | None = Field(description="Of its call, if somebody answered.")
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    result: AttemptResult | None = Field(description="Null while it is under way.")


class PromiseOut(Out):
    """Somebody was promised a call-back."""

    id: int
    state: PromiseState
    source: PromiseSource
    number: str | None = Field(description="E.164; null where it was withheld.")
    customer_name: str | None
    vip_level: int
    queue: str
    promised_at: AwareDatetime
    place_since: AwareDatetime = Field(description="Their place among those who wait counts from then.")
    joined_to: int | None = Field(description="The person's earlier promise: this one ends with it.")
    due_at: AwareDatetime | None = Field(description="When the house calls by itself, not before.")
    needs_a_person: bool = Field(description="Nothing more happens by itself.")
    ticket: str | None = Field(description="Of the call in which it was promised.")
    ended_at: AwareDatetime | None
    ended_by: str | None = Field(description="Login; null where the house saw it happen.")
    ended_ticket: str | None = Field(description="Of the call in which they talked.")
    reason: str | None
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, line: PromiseLine) -> Self:
        """From the promise list."""
        promise = line.promise
        same = {name: getattr(promise, name) for name in cls.model_fields if hasattr(promise, name)}
        return cls(
            **same
            | {
                "customer_name": line.customer_name,
                "ticket": _named(line.ticket_number),
                "ended_ticket": _named(line.ended_ticket),
                "attempts": [
                    AttemptOut(
                        number=one.attempt.number,
                        call_id=one.attempt.call_id,
                        ticket=_named(one.ticket_number),
                        started_at=one.attempt.started_at,
                        ended_at=one.attempt.ended_at,
                        result=one.attempt.result,
                    )
                    for one in line.tried
                ],
            }
        )


class PromiseList(Listed[PromiseOut]):
    """Promises, newest first."""


class AccountOut(Out):
    """Who is logged in."""

    login: str
    name: str
    role: Role
    extension: str | None = Field(description="The operator's phone.")

    @classmethod
    def of(cls, account: Account) -> Self:
        """From the accounts."""
        return cls.model_validate(account)


class SessionOut(Out):
    """A fresh login."""

    token: str = Field(description="Send it as `Authorization: Bearer …`.")
