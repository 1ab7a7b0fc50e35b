"""The house's words as people at the desk read them: labels, tones of chips, times and lengths.

Pure. Templates use these as filters; nothing here decides anything about a call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import phonenumbers

from cti.waiting.room import Outlook
from ivr.waiting_words import LONG, SOON
from tickets.call import Call
from tickets.promise import Attempt, Promise
from tickets.vocabulary import (
    AttemptResult,
    CallOutcome,
    CallState,
    HandOver,
    PromiseState,
    TicketStatus,
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A small coloured label. `tone` is a class of the style sheet."""

    text: str
    tone: str = ""


STATES = {
    CallState.RINGING: Chip("Ringing", "beating"),
    CallState.MENU: Chip("In the menu", "beating"),
    CallState.BOT: Chip("With the bot", "bot beating"),
    CallState.QUEUED: Chip("Waiting", "warn beating"),
    CallState.TALKING: Chip("Talking", "good beating"),
    CallState.VOICEMAIL: Chip("Leaving a message", "accent beating"),
    CallState.ENDED: Chip("Ended"),
}

OUTCOMES = {
    CallOutcome.ANSWERED_BY_OPERATOR: Chip("Answered by operator", "good"),
    CallOutcome.ANSWERED_BY_BOT: Chip("Answered by bot", "bot"),
    CallOutcome.INFORMED_BY_MENU: Chip("Informed by menu"),
    CallOutcome.VOICEMAIL: Chip("Left a message", "accent"),
    CallOutcome.CALL_BACK: Chip("To be called back", "accent"),
    CallOutcome.ABANDONED: Chip("Abandoned", "bad"),
}

STATUSES = {
    TicketStatus.OPEN: Chip("Open", "accent"),
    TicketStatus.PENDING: Chip("Pending", "warn"),
    TicketStatus.CLOSED: Chip("Closed"),
}

PROMISES = {
    PromiseState.OPEN: Chip("To be called", "warn"),
    PromiseState.CALLING: Chip("Being called", "warn beating"),
    PromiseState.CALLED: Chip("Called", "good"),
    PromiseState.REACHED: Chip("Reached another way", "good"),
    PromiseState.EXCUSED: Chip("Excused"),
}
NEEDS_A_PERSON = Chip("Needs a person", "bad")

ATTEMPTS = {
    AttemptResult.TALKED: "talked",
    AttemptResult.NO_ANSWER: "no answer",
    AttemptResult.BUSY: "busy",
    AttemptResult.HUNG_UP: "hung up before an operator came",
    AttemptResult.FAILED: "the call could not be placed",
    AttemptResult.UNKNOWN: "not made, as far as the PBX knows",
}

HAND_OVERS = {
    HandOver.ASKED: Chip("Asked for a person", "operator plain"),
    HandOver.PRESSED_ZERO: Chip("Pressed zero", "operator plain"),
    HandOver.NOT_UNDERSTOOD: Chip("Not understood", "operator plain"),
    HandOver.OUT_OF_SCOPE: Chip("Beyond the bot", "operator plain"),
    HandOver.SILENCE: Chip("Said nothing", "operator plain"),
    HandOver.DEADLINE: Chip("Took too long", "operator plain"),
    HandOver.FAULT: Chip("Fault on our side", "bad plain"),
    HandOver.VIP: Chip("Put through as VIP", "operator plain"),
    HandOver.SURGE: Chip("Surge", "operator plain"),
    HandOver.MENU_CHOICE: Chip("Chosen in the menu", "operator plain"),
    HandOver.NO_INPUT: Chip("Pressed no key", "operator plain"),
}


def call_chip(call: Call) -> Chip:
    """Where the call is, or how it ended."""
    return OUTCOMES[call.outcome] if call.outcome else STATES[call.state]


def promise_chip(promise: Promise) -> Chip:
    """Where a promise is; what nobody but a person will see to stands out."""
    return NEEDS_A_PERSON if promise.needs_a_person else PROMISES[promise.state]


def attempt_words(attempt: Attempt) -> str:
    """What became of an attempt."""
    return ATTEMPTS[attempt.result] if attempt.result else "under way"


def length(seconds: float | None) -> str:
    """`0:07`, `12:30`, `1:02:03`; a dash for nothing at all."""
    if seconds is None:
        return "–"
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def outlook(seen: Outlook | None) -> str:
    """`place 3, about 5 min`, as the caller hears it; nothing for who does not wait."""
    if seen is None:
        return ""
    waits = {None: "", SOON: ", about a minute", LONG: ", more than an hour"}
    return f"place {seen.place}" + waits.get(seen.minutes, f", about {seen.minutes} min")


def clock(at: datetime, zone: tzinfo) -> str:
    """`14:05:09` in the contact centre's own time."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def moment(at: datetime, zone: tzinfo, now: datetime) -> str:
    """`14:05` today, `yesterday 14:05`, `19 Nov 14:05`, `19 Nov 2025 14:05`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    time = local.strftime("%H:%M")
    if local.date() == today:
        return time
    if local.date() == today - timedelta(days=1):
        return f"yesterday {time}"
    day = f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"
    return f"{day} {time}"


def initials(name: str | None) -> str:
    """Up to two letters for a round picture; `#` for somebody without a name."""
    parts = [part for part in (name or "").split() if part[0].isalpha()]
    letters = [parts[0][0], parts[-1][0]] if len(parts) > 1 else [part[0] for part in parts]
    return "".join(letters).upper() or "#"


def headline(word: str | None) -> str:
    """A topic or queue as written in a scenario, for people: `next_draw` becomes `Next draw`."""
    text = (word or "").replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


def phone(e164: str | None) -> str:
    """`+1 800-555-0100` of an E.164 number; what is no number comes back as it is, nothing as nothing."""
    try:
        number = phonenumbers.parse(e164 or "")
    except phonenumbers.NumberParseException:
        return e164 or ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
