"""The words of the domain: states, reasons and kinds, each with one meaning in the whole house.

Lowest floor: every room may use these words; this module imports nothing of ours.
"""

from enum import StrEnum


class Direction(StrEnum):
    """Which way a call runs, seen from the contact centre."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CallState(StrEnum):
    """Where a caller is now. `docs/states.md` draws the transitions."""

    RINGING = "ringing"
    MENU = "menu"
    BOT = "bot"
    QUEUED = "queued"
    TALKING = "talking"
    VOICEMAIL = "voicemail"
    ENDED = "ended"


class CallOutcome(StrEnum):
    """How a call ended, from the caller's point of view."""

    ANSWERED_BY_OPERATOR = "answered_by_operator"
    ANSWERED_BY_BOT = "answered_by_bot"
    INFORMED_BY_MENU = "informed_by_menu"  # a menu announcement answered, the caller was said good-bye to
    VOICEMAIL = "voicemail"
    ABANDONED = "abandoned"  # hung up before anybody or anything answered


class HandOver(StrEnum):
    """Why a caller was given to an operator."""

    ASKED = "asked"  # said so in words
    PRESSED_ZERO = "pressed_zero"
    NOT_UNDERSTOOD = "not_understood"
    OUT_OF_SCOPE = "out_of_scope"
    SILENCE = "silence"
    DEADLINE = "deadline"
    FAULT = "fault"
    VIP = "vip"
    SURGE = "surge"
    MENU_CHOICE = "menu_choice"  # a menu option other than zero leads to a queue
    NO_INPUT = "no_input"  # the menu was heard out without a valid key


class EventKind(StrEnum):
    """What the ledger tells of a call. The data that each kind carries stands beside it."""

    RECEIVED = "call.received"  # caller_raw, caller (E.164 or None), line, direction
    CUSTOMER_FOUND = "customer.found"  # customer_id, vip_level
    MENU_ENTERED = "menu.entered"  # menu
    MENU_CHOICE = "menu.choice"  # menu, digit
    BOT_STARTED = "bot.started"
    BOT_TURN = "bot.turn"  # speaker ("caller" | "bot"), text, intent, confidence, offset_seconds
    BOT_ENDED = "bot.ended"  # answered: bool, topic
    HANDED_OVER = "handed_over"  # reason: HandOver
    QUEUE_JOINED = "queue.joined"  # queue, priority
    QUEUE_LEFT = "queue.left"  # queue, reason: "answered" | "abandoned" | "timeout" | "empty" | "other"
    OPERATOR_RINGING = "operator.ringing"  # operator
    OPERATOR_MISSED = "operator.missed"  # operator
    OPERATOR_ANSWERED = "operator.answered"  # operator, hold_seconds, ring_seconds
    OPERATOR_LEFT = "operator.left"  # operator, talk_seconds
    VOICEMAIL_STARTED = "voicemail.started"
    ANNOUNCED = "announced"  # menu option that only tells something; option
    RECORDED = "recording.stored"  # recording_id
    ENDED = "call.ended"  # cause (PBX's own word)
    FOUND = "call.found"  # met only after the fact (reconciler, left-over recording); how


class TicketStatus(StrEnum):
    """`docs/states.md` draws the transitions."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


class Role(StrEnum):
    """What an account may do."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
