"""What people at the desk read and do: lists, a ticket's page, notes, status.

Reads go straight to the tables. Knows no HTTP; errors are named here and mapped to status codes by the web.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tickets.call import Call
from tickets.customers import Customer
from tickets.database import Sessions, utc_now
from tickets.events import CallEvent
from tickets.vocabulary import CallState, HandOver, TicketStatus

T = TypeVar("T")


class NotFound(Exception):
    """There is no such card."""


class NotAllowed(Exception):
    """The workflow does not lead from the present status to the wanted one."""


class Conflict(Exception):
    """Somebody else changed the ticket meanwhile."""


class BadCursor(Exception):
    """The cursor of a page is not one of ours."""


class BadNote(Exception):
    """A note is empty or too long."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What became of a call, for people."""

    number: int
    call_id: str
    status: TicketStatus
    subject: str
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    operator: str | None  # extension
    hand_over: HandOver | None
    topic: str | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    closed_by: str | None  # "bot", "menu" or a login
    version: int

    @property
    def name(self) -> str:
        """As people say it: PZ-1001."""
        return f"PZ-{1000 + self.number}"


@dataclass(frozen=True, slots=True)
class Note:
    """Plain text that a person put on a ticket."""

    id: int
    author: str  # login
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """Everything on a ticket's page, except the recording."""

    ticket: Ticket
    call: Call
    customer: Customer | None
    events: list[CallEvent]
    notes: list[Note]


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call in a list, with the number of its ticket and the name of its customer."""

    call: Call
    ticket_number: int
    customer_name: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a list, newest first. `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None


class Desk:
    """The desk's use cases, one transaction each."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None: ...

    async def calls(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        state: CallState | None = None,
        operator: str | None = None,
        customer_id: int | None = None,
    ) -> Page[CallLine]:
        """Calls by time of the first ring, newest first."""
        raise NotImplementedError

    async def call(self, call_id: str) -> CallLine:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def tickets(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        status: TicketStatus | None = None,
        operator: str | None = None,
        customer_id: int | None = None,
    ) -> Page[Ticket]:
        """Tickets by number, newest first."""
        raise NotImplementedError

    async def ticket(self, number: int) -> TicketDetail:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def customers(self, *, cursor: str | None = None, limit: int = 50) -> Page[Customer]:
        """Customers, newest card first."""
        raise NotImplementedError

    async def add_note(self, number: int, text: str, author: str) -> Note:
        """Put plain text on a ticket. Raises `NotFound`, `BadNote`."""
        raise NotImplementedError

    async def set_status(
        self, number: int, status: TicketStatus, by: str, version: int | None = None
    ) -> Ticket:
        """Change a ticket's status; from now on it no longer follows its call.

        `version`: what the person saw; None overrules whoever came between.

        Raises:
            NotFound, NotAllowed, Conflict
        """
        raise NotImplementedError
