"""The card index on disk: every table of this room. `recordings/tables.py` adds its own to the same Base.

Rows only: what they mean is in `call.py` and `workflow.py`, who writes them is in the books (`ledger.py`, …).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Enum,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tickets.database import Base, UtcDateTime
from tickets.vocabulary import (
    AttemptResult,
    CallOutcome,
    CallState,
    Direction,
    EventKind,
    HandOver,
    NoteKind,
    PhoneChoice,
    Presence,
    PromiseSource,
    PromiseState,
    Role,
    TicketStatus,
)


class JobState(StrEnum):
    """Where a background job is."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"  # failed too often; a person has to look


def _words(enum: type[StrEnum]) -> Enum:
    # Stored as their words in a plain text column: a new word needs no migration.
    return Enum(enum, native_enum=False, length=32, values_callable=lambda e: [member.value for member in e])


class CustomerRow(Base):
    """Somebody who calls."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    vip_level: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reference: Mapped[str | None] = mapped_column(String(200), unique=True, index=True)  # the CRM's own id


class CustomerNumberRow(Base):
    """A number that a customer calls from. Several customers may share one: a family, an office."""

    __tablename__ = "customer_numbers"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    e164: Mapped[str] = mapped_column(String(16), primary_key=True, index=True)


class CallRow(Base):
    """What `replay` made of a call's events: one column per field of `call.Call`, for lists and filters."""

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "received_at", "call_id"),
        Index(None, "outcome", "received_at"),  # those to call back
        Index(None, "operator", "received_at"),  # an operator's, newest first
        Index(None, "caller", "received_at"),  # those who call again
    )

    call_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    direction: Mapped[Direction] = mapped_column(_words(Direction))
    caller_raw: Mapped[str] = mapped_column(Text)
    caller: Mapped[str | None] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(
        ForeignKey("customers.id", ondelete="SET NULL"), index=True
    )
    vip_level: Mapped[int]
    state: Mapped[CallState] = mapped_column(_words(CallState), index=True)
    queue: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[int]
    hand_over: Mapped[HandOver | None] = mapped_column(_words(HandOver))
    operator: Mapped[str | None] = mapped_column(Text)
    topic: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    bot_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    bot_seconds: Mapped[float]
    hold_seconds: Mapped[float]
    talk_seconds: Mapped[float]
    outcome: Mapped[CallOutcome | None] = mapped_column(_words(CallOutcome))
    found_later: Mapped[bool]
    revision: Mapped[int] = mapped_column(
        default=0
    )  # +1 with every change of the ledger: tells caches their age


class CallEventRow(Base):
    """The ledger: appended to, never changed."""

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    # SQLite numbers rows only in a column that is exactly INTEGER; there it holds 64 bits anyway.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    source: Mapped[str] = mapped_column(String(200))
    source_id: Mapped[str] = mapped_column(String(200))
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[EventKind] = mapped_column(_words(EventKind))
    data: Mapped[str] = mapped_column(Text)  # JSON as text: the same bytes on both databases, no driver codec
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)


class FactRow(Base):
    """What a virtual PBX told of a call, as it told it. Only ever added to, but for `told_at`."""

    __tablename__ = "pbx_facts"
    __table_args__ = (
        UniqueConstraint("source", "fact_id"),
        Index("ix_pbx_facts_untold", "kept_at", sqlite_where=text("told_at IS NULL"),
              postgresql_where=text("told_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    fact_id: Mapped[str] = mapped_column(String(200))
    call_id: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    data: Mapped[str] = mapped_column(Text)  # JSON as text, as in the ledger
    kept_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the ledger had what follows from it


class TicketRow(Base):
    """One ticket for each call. It follows its call until a person takes it over."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("call_id"),
        Index(None, "customer_id", "created_at", "number"),  # a customer's whole history, newest first
        {"sqlite_autoincrement": True},  # numbers are never reused
    )

    number: Mapped[int] = mapped_column(primary_key=True)  # shown as PZ-<1000 + number>
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"))
    status: Mapped[TicketStatus] = mapped_column(_words(TicketStatus), index=True)
    status_by: Mapped[str | None] = mapped_column(
        Text
    )  # login of who set the status; None: it follows the call
    subject: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int | None] = mapped_column(
        ForeignKey("customers.id", ondelete="SET NULL"), index=True
    )
    operator: Mapped[str | None] = mapped_column(Text, index=True)
    hand_over: Mapped[HandOver | None] = mapped_column(_words(HandOver))
    topic: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(Text)  # "bot", "menu" or a login
    version: Mapped[int] = mapped_column(default=1)  # +1 with every change: who edits an old one is told
    subject_by: Mapped[str | None] = mapped_column(Text)  # login of who wrote it; None: it follows the call
    topic_by: Mapped[str | None] = mapped_column(Text)  # the same
    customer_by: Mapped[str | None] = mapped_column(Text)  # the same
    fields: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, server_default="{}"
    )  # name → text, the house's own
    assignee: Mapped[str | None] = mapped_column(Text, index=True)  # login
    assigned_group: Mapped[int | None] = mapped_column(index=True)  # `groups.id`; cleared with the group
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)  # brings it back then
    remind_whom: Mapped[str | None] = mapped_column(Text)  # login
    remind_text: Mapped[str | None] = mapped_column(Text)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # it was due and was told of: once
    missed_done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a missed call, dealt with
    missed_done_by: Mapped[str | None] = mapped_column(Text)  # login


class TicketTagRow(Base):
    """A word that a ticket is found by."""

    __tablename__ = "ticket_tags"

    number: Mapped[int] = mapped_column(ForeignKey("tickets.number", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class TicketNoteRow(Base):
    """Plain text that a person put on a ticket, or a line that tells what a person did with it."""

    __tablename__ = "ticket_notes"
    __table_args__ = (Index("uq_ticket_notes_key", "number", "author", "key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey("tickets.number", ondelete="CASCADE"), index=True)
    author: Mapped[str] = mapped_column(Text)  # login
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[NoteKind] = mapped_column(_words(NoteKind), default=NoteKind.NOTE, server_default="note")
    key: Mapped[str | None] = mapped_column(String(64))  # of whoever may send it again


_STANDING_LEADER = text("joined_to IS NULL AND state IN ('open', 'calling')")


class PromiseRow(Base):
    """Somebody was promised a call-back. Never deleted.

    Ids of calls are no foreign keys: a promise is stored before the ledger has its call.
    """

    __tablename__ = "promises"
    __table_args__ = (
        UniqueConstraint("call_id"),
        # Nobody is called back twice at a time: one promise of a number stands, others join it.
        Index(
            "uq_promises_standing_number",
            "number",
            unique=True,
            sqlite_where=_STANDING_LEADER,
            postgresql_where=_STANDING_LEADER,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(200))
    number: Mapped[str | None] = mapped_column(String(16))
    line: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    vip_level: Mapped[int]
    place_since: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[PromiseSource] = mapped_column(_words(PromiseSource))
    promised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[PromiseState] = mapped_column(_words(PromiseState), index=True)
    joined_to: Mapped[int | None] = mapped_column(ForeignKey("promises.id"), index=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    ended_in: Mapped[str | None] = mapped_column(String(200))


class PromiseAttemptRow(Base):
    """One attempt to keep a promise, written before the PBX is asked to call."""

    __tablename__ = "promise_attempts"
    __table_args__ = (UniqueConstraint("call_id"),)

    promise_id: Mapped[int] = mapped_column(ForeignKey("promises.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    call_id: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[AttemptResult | None] = mapped_column(_words(AttemptResult))


class IncidentRow(Base):
    """What a supervisor wants every caller to know."""

    __tablename__ = "incidents"
    __table_args__ = ({"sqlite_autoincrement": True},)  # callers' announcements are named by it: never reused

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    on_at: Mapped[datetime] = mapped_column(UtcDateTime)
    on_by: Mapped[str] = mapped_column(Text)  # login
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    off_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    off_by: Mapped[str | None] = mapped_column(Text)  # login


class BotCallRow(Base):
    """A call that was with the voicebot and is over, as `bot_visits` reads its ledger. Can be made anew."""

    __tablename__ = "bot_calls"

    call_id: Mapped[str] = mapped_column(
        String(200), ForeignKey("calls.call_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]  # of the call, when it was read
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)  # first time at the bot
    answered: Mapped[bool]  # the bot answered, as it said itself
    hand_over: Mapped[HandOver | None] = mapped_column(_words(HandOver))  # the bot's own reason
    thumb: Mapped[bool | None]  # True: helped; False: did not; None: not asked, or no key


class BotLineRow(Base):
    """Something that a caller asked the bot. The words themselves are in the ledger alone."""

    __tablename__ = "bot_lines"
    __table_args__ = (Index(None, "at", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    call_id: Mapped[str] = mapped_column(
        String(200), ForeignKey("bot_calls.call_id", ondelete="CASCADE"), index=True
    )
    source: Mapped[str] = mapped_column(String(200))  # of the event in the ledger
    source_id: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    tape_s: Mapped[float]  # where the words begin in the call's recording
    language: Mapped[str | None] = mapped_column(String(16))  # BCP 47; None: the scenario's own
    question: Mapped[str | None] = mapped_column(String(64))  # None: none of those it was taught
    score: Mapped[float | None]
    answered: Mapped[bool]
    hand_over: Mapped[HandOver | None] = mapped_column(_words(HandOver))  # what followed, if nothing else did
    thumb: Mapped[bool | None]


_STANDING_PHRASE = text("withdrawn_at IS NULL")


class TaughtPhraseRow(Base):
    """A wording that a supervisor taught the bot. Withdrawn, never deleted."""

    __tablename__ = "taught_phrases"
    __table_args__ = (
        Index(
            "uq_taught_phrases_standing",
            "phrase",
            "language",
            unique=True,
            sqlite_where=_STANDING_PHRASE,
            postgresql_where=_STANDING_PHRASE,
        ),
        {"sqlite_autoincrement": True},  # the audit log names them
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(String(64))  # of the scenario; it may have left it since
    phrase: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(16))  # BCP 47
    taught_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taught_by: Mapped[str] = mapped_column(Text)  # login
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by: Mapped[str | None] = mapped_column(Text)  # login


class AccountRow(Base):
    """Somebody who may use the desk."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("login"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(_words(Role))
    extension: Mapped[str | None] = mapped_column(String(32))  # the operator's phone
    password_hash: Mapped[str] = mapped_column(Text)  # argon2id, with its parameters
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    active: Mapped[bool] = mapped_column(default=True)  # False: nobody logs in with it any more
    hears_group: Mapped[bool] = mapped_column(default=False)  # an operator: recordings of the groups' calls
    language: Mapped[str | None] = mapped_column(
        String(16)
    )  # of the pages, BCP 47; None: as the browser says
    totp_secret: Mapped[str | None] = mapped_column(Text)  # second factor, RFC 6238; None: none
    totp_used: Mapped[int | None] = mapped_column(BigInteger)  # time step of the last code taken: once only
    phone_secret: Mapped[str | None] = mapped_column(Text)  # SIP password of a phone made with the account
    start_password: Mapped[bool] = mapped_column(default=False)  # given by somebody else: to be changed


class GroupRow(Base):
    """People who share queues and calls."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class GroupMemberRow(Base):
    """Who is in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class GroupQueueRow(Base):
    """Which queues a group serves."""

    __tablename__ = "group_queues"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    queue: Mapped[str] = mapped_column(String(64), primary_key=True)


class OperatorStateRow(Base):
    """What an operator wants to be. The PBX is brought in step with it, also after it has restarted."""

    __tablename__ = "operator_states"

    extension: Mapped[str] = mapped_column(String(32), primary_key=True)
    presence: Mapped[Presence] = mapped_column(_words(Presence))
    reason: Mapped[str | None] = mapped_column(String(100))  # of a pause
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # a wrap-up's end
    phone: Mapped[PhoneChoice] = mapped_column(_words(PhoneChoice))


class AuditRow(Base):
    """Who changed rights, or touched a recording. Only ever added to."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "at", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    login: Mapped[str] = mapped_column(Text)  # who did it
    action: Mapped[str] = mapped_column(String(64), index=True)  # "account.role", "recording.played"
    subject: Mapped[str] = mapped_column(Text, index=True)  # a login, a ticket's name
    detail: Mapped[str] = mapped_column(Text)  # JSON as text; no secret, no number of a caller


class LoginSessionRow(Base):
    """Somebody logged in. Only a hash of the token: a copy of the table lets nobody in."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hex
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    device: Mapped[str] = mapped_column(String(200), default="")  # what the browser calls itself
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pending: Mapped[bool] = mapped_column(
        default=False
    )  # the password was right, the second factor is to come


class LoginAttemptRow(Base):
    """Wrong passwords for one login. Its hash only: people type all sorts where a login belongs."""

    __tablename__ = "login_attempts"

    login_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hex
    wrong: Mapped[int]  # in a row
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class JobRow(Base):
    """Work for later. `(kind, key)` is unique: asked for twice, done once."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("kind", "key"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[JobState] = mapped_column(_words(JobState))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)  # waiting: not before; leased: the lease's end
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))  # whose lease: only its holder may finish the job
    error: Mapped[str | None] = mapped_column(Text)  # of the last attempt
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
