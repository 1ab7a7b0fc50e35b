"""What a ticket is to be while its call goes on, and where people may take it afterwards.

Pure. `docs/states.md` draws the ticket's states.
"""

from dataclasses import dataclass
from datetime import datetime

from tickets.call import Call
from tickets.vocabulary import CallOutcome, HandOver, TicketStatus

# A closed ticket that needs more work is opened again first, so that it is seen.
_MOVES = {
    TicketStatus.OPEN: frozenset({TicketStatus.PENDING, TicketStatus.CLOSED}),
    TicketStatus.PENDING: frozenset({TicketStatus.OPEN, TicketStatus.CLOSED}),
    TicketStatus.CLOSED: frozenset({TicketStatus.OPEN}),
}
_CLOSED_BY = {CallOutcome.ANSWERED_BY_BOT: "bot", CallOutcome.INFORMED_BY_MENU: "menu"}


@dataclass(frozen=True, slots=True)
class Following:
    """A ticket as its call makes it, as long as no person has written on it."""

    status: TicketStatus
    subject: str
    customer_id: int | None
    operator: str | None
    hand_over: HandOver | None
    topic: str | None
    closed_at: datetime | None
    closed_by: str | None  # "bot" or "menu"


def follow(call: Call) -> Following:
    """Derive the ticket: closed when bot or menu answered, else open, because a person is needed."""
    closed_by = _CLOSED_BY.get(call.outcome) if call.outcome else None
    return Following(
        status=TicketStatus.CLOSED if closed_by else TicketStatus.OPEN,
        subject=subject(call),
        customer_id=call.customer_id,
        operator=call.operator,
        hand_over=call.hand_over,
        topic=call.topic,
        closed_at=call.ended_at if closed_by else None,
        closed_by=closed_by,
    )


def waits_for_a_person(call: Call) -> bool:
    """Whether the call is everybody's: it needs a person, and no operator has had it yet."""
    return call.operator is None and follow(call).status is TicketStatus.OPEN


def subject(call: Call) -> str:
    """One line for lists: what it was about and how it ended. Holds no number and no name."""
    about = call.topic.replace("_", " ").strip().capitalize() if call.topic else ""
    end = _end(call)
    return f"{about}: {end[0].lower()}{end[1:]}" if about else end


def _end(call: Call) -> str:
    match call.outcome:
        case None:
            return "Call in progress"
        case CallOutcome.ANSWERED_BY_OPERATOR:
            return f"Talked with operator {call.operator}" if call.operator else "Talked with an operator"
        case CallOutcome.ANSWERED_BY_BOT:
            return "Answered by the bot"
        case CallOutcome.INFORMED_BY_MENU:
            return "Informed by the menu"
        case CallOutcome.VOICEMAIL:
            return "Left a voicemail"
        case CallOutcome.CALL_BACK:
            return "Asked to be called back"
        case CallOutcome.ABANDONED:
            waited = f" after {call.hold_seconds:.0f} s in the queue" if call.queued_at else ""
            return f"Hung up{waited}"


def may_move(present: TicketStatus, wanted: TicketStatus) -> bool:
    """Whether a person may take a ticket from one status to another."""
    return wanted in _MOVES[present]
