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
    CALL_BACK = "call_back"  # chose to be called back rather than to wait
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
    LOOK_UP = "look_up"  # the company's system gave nothing to answer with
    IDENTITY = "identity"  # could not prove who they are
    KNOWN = "known"  # a customer, put through to who talked with them last


class EventKind(StrEnum):
    """What the ledger tells of a call. The data that each kind carries stands beside it."""

    RECEIVED = "call.received"  # caller_raw, caller (E.164 or None), line, direction
    CUSTOMER_FOUND = "customer.found"  # customer_id, vip_level
    LANGUAGE = "call.language"  # language (BCP 47) from here on; how: "line" | "customer" | "key"
    MENU_ENTERED = "menu.entered"  # menu
    MENU_CHOICE = "menu.choice"  # menu, digit
    BOT_STARTED = "bot.started"
    BOT_TURN = "bot.turn"  # speaker ("caller" | "bot"), text, intent, confidence, offset_seconds
    BOT_LEARNT = "bot.learnt"  # about ("wanted" | "slot" | "lookup" | "identity"), name, title, value, sure
    BOT_THUMB = "bot.thumb"  # up: bool, whether the answer helped; question: its name
    BOT_ENDED = "bot.ended"  # answered: bool, topic
    HANDED_OVER = "handed_over"  # reason: HandOver
    QUEUE_JOINED = "queue.joined"  # queue, priority
    QUEUE_LEFT = "queue.left"  # queue, reason: "answered" | "abandoned" | "timeout" | "empty" | "other"
    OPERATOR_RINGING = "operator.ringing"  # operator
    OPERATOR_MISSED = "operator.missed"  # operator
    OPERATOR_ANSWERED = "operator.answered"  # operator, hold_seconds, ring_seconds
    OPERATOR_LEFT = "operator.left"  # operator, talk_seconds
    VOICEMAIL_STARTED = "voicemail.started"
    CALL_BACK_PROMISED = "call_back.promised"  # promise: its number on the list
    ANNOUNCED = "announced"  # something was told, by a menu's option or as an incident; option, incident
    HOLD_STARTED = "hold.started"  # operator: the caller hears music, the operator will be back
    HOLD_ENDED = "hold.ended"  # operator
    TRANSFERRED = "call.transferred"  # operator (who sent the caller on), to, how: "blind" | "attended"
    RECORDING_PAUSED = "recording.paused"  # operator: what is said now must not be kept (a card number)
    RECORDING_RESUMED = "recording.resumed"  # operator
    RECORDED = "recording.stored"  # recording_id
    ENDED = "call.ended"  # cause (PBX's own word)
    FOUND = "call.found"  # met only after the fact (reconciler, left-over recording); how


class TicketStatus(StrEnum):
    """`docs/states.md` draws the transitions."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


class Role(StrEnum):
    """What an account may do; each role may do what those before it may."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class Presence(StrEnum):
    """Whether an operator takes calls from the queues. `docs/states.md` draws the transitions."""

    READY = "ready"
    PAUSED = "paused"  # with a reason: lunch, training
    WRAP_UP = "wrap_up"  # writes up the last call; ends by itself
    AWAY = "away"  # not at work


class PhoneChoice(StrEnum):
    """Which phone of an operator rings."""

    OWN = "own"  # a SIP phone, on the desk or as a program: endpoint `101`
    PAGE = "page"  # the phone in the desk's page: endpoint `101-web`


class NoteKind(StrEnum):
    """What an entry of a ticket's timeline is."""

    NOTE = "note"  # internal: for colleagues only
    ANSWER = "answer"  # what the customer was told in writing, or may see
    ASSIGNED = "assigned"  # to whom, with a comment
    REMINDER = "reminder"  # it was set, or has come due
    CHANGED = "changed"  # fields that a person changed


class PromiseState(StrEnum):
    """Where the promise to call somebody back is. `docs/states.md` draws the transitions."""

    OPEN = "open"  # nobody has talked to the person yet
    CALLING = "calling"  # an attempt is under way: nobody else may ring the person now
    CALLED = "called"  # we called, and an operator talked to the person
    REACHED = "reached"  # they talked another way
    EXCUSED = "excused"  # a person wrote why it is not kept


class PromiseSource(StrEnum):
    """Who promised."""

    QUEUE = "queue"  # the offer while waiting: the place in the queue is kept
    VOICEMAIL = "voicemail"  # the prompt after which a message was left


class AttemptResult(StrEnum):
    """What became of one attempt to call somebody back."""

    TALKED = "talked"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    HUNG_UP = "hung_up"  # answered, and hung up before an operator had them
    FAILED = "failed"  # the PBX could not place the call
    UNKNOWN = "unknown"  # the PBX knows nothing of it: as if it was not made
