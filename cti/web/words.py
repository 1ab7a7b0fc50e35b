"""The house's words as people at the desk read them: labels, tones of chips, times and lengths.

Pure. Templates use these as filters; nothing here decides anything about a call.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from cti.waiting.room import Outlook
from cti.web.languages import N_, _, language, ngettext
from cti.web.room import Seat
from ivr.waiting_words import LONG, SOON
from recordings.transcript import Phrase
from tickets.call import Call
from tickets.promise import Attempt, Promise
from tickets.vocabulary import (
    AttemptResult,
    CallOutcome,
    CallState,
    HandOver,
    Presence,
    PromiseState,
    Role,
    TicketStatus,
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A small coloured label. `tone` is a class of the style sheet."""

    english: str
    tone: str = ""

    @property
    def text(self) -> str:
        """In the reader's language."""
        return _(self.english)


STATES = {
    CallState.RINGING: Chip(N_("Ringing"), "beating"),
    CallState.MENU: Chip(N_("In the menu"), "beating"),
    CallState.BOT: Chip(N_("With the bot"), "bot beating"),
    CallState.QUEUED: Chip(N_("Waiting"), "warn beating"),
    CallState.TALKING: Chip(N_("Talking"), "good beating"),
    CallState.VOICEMAIL: Chip(N_("Leaving a message"), "accent beating"),
    CallState.ENDED: Chip(N_("Ended")),
}

OUTCOMES = {
    CallOutcome.ANSWERED_BY_OPERATOR: Chip(N_("Answered by operator"), "good"),
    CallOutcome.ANSWERED_BY_BOT: Chip(N_("Answered by bot"), "bot"),
    CallOutcome.INFORMED_BY_MENU: Chip(N_("Informed by menu")),
    CallOutcome.VOICEMAIL: Chip(N_("Left a message"), "accent"),
    CallOutcome.CALL_BACK: Chip(N_("To be called back"), "accent"),
    CallOutcome.ABANDONED: Chip(N_("Abandoned"), "bad"),
}

STATUSES = {
    TicketStatus.OPEN: Chip(N_("Open"), "accent"),
    TicketStatus.PENDING: Chip(N_("Pending"), "warn"),
    TicketStatus.CLOSED: Chip(N_("Closed")),
}

PROMISES = {
    PromiseState.OPEN: Chip(N_("To be called"), "warn"),
    PromiseState.CALLING: Chip(N_("Being called"), "warn beating"),
    PromiseState.CALLED: Chip(N_("Called"), "good"),
    PromiseState.REACHED: Chip(N_("Reached another way"), "good"),
    PromiseState.EXCUSED: Chip(N_("Excused")),
}
ROLES = {
    Role.OPERATOR: N_("Operator"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.ADMINISTRATOR: N_("Administrator"),
}

NEEDS_A_PERSON = Chip(N_("Needs a person"), "bad")

PRESENCES = {
    Presence.READY: Chip(N_("Ready"), "good"),
    Presence.PAUSED: Chip(N_("Paused"), "warn"),
    Presence.WRAP_UP: Chip(N_("Wrap-up"), "accent"),
    Presence.AWAY: Chip(N_("Away")),
}
BY_PHONE = Chip(N_("By phone"))  # nobody has logged in: the PBX rings the phone as it is set up

ATTEMPTS = {
    AttemptResult.TALKED: N_("talked"),
    AttemptResult.NO_ANSWER: N_("no answer"),
    AttemptResult.BUSY: N_("busy"),
    AttemptResult.HUNG_UP: N_("hung up before an operator came"),
    AttemptResult.FAILED: N_("the call could not be placed"),
    AttemptResult.UNKNOWN: N_("not made, as far as the PBX knows"),
}

SPEAKERS = {  # in a transcript
    "caller": N_("Caller"),
    "operator": N_("Operator"),
    "bot": N_("Bot"),
    "unknown": N_("Voice"),
}

HAND_OVERS = {
    HandOver.ASKED: Chip(N_("Asked for a person"), "operator plain"),
    HandOver.PRESSED_ZERO: Chip(N_("Pressed zero"), "operator plain"),
    HandOver.NOT_UNDERSTOOD: Chip(N_("Not understood"), "operator plain"),
    HandOver.OUT_OF_SCOPE: Chip(N_("Beyond the bot"), "operator plain"),
    HandOver.SILENCE: Chip(N_("Said nothing"), "operator plain"),
    HandOver.DEADLINE: Chip(N_("Took too long"), "operator plain"),
    HandOver.FAULT: Chip(N_("Fault on our side"), "bad plain"),
    HandOver.VIP: Chip(N_("Put through as VIP"), "operator plain"),
    HandOver.SURGE: Chip(N_("Surge"), "operator plain"),
    HandOver.MENU_CHOICE: Chip(N_("Chosen in the menu"), "operator plain"),
    HandOver.NO_INPUT: Chip(N_("Pressed no key"), "operator plain"),
    HandOver.LOOK_UP: Chip(N_("Look-up gave no answer"), "operator plain"),
    HandOver.IDENTITY: Chip(N_("Identity not proved"), "operator plain"),
    HandOver.KNOWN: Chip(N_("To who talked with them last"), "operator plain"),
}

LOOKUPS = {  # what came of asking the company's system
    "late": N_("The company's system did not answer in time"),
    "gone": N_("The company's system could not be reached"),
    "unfit": N_("The company's system gave an answer that cannot be used"),
    "resting": N_("The company's system has been failing for a while"),
    "not_set_up": N_("The company's system is not set up"),
    "not_found": N_("The company's system does not know it"),
    "found": "",
}
IDENTITIES = {"proved": N_("Identity checked"), "not_proved": N_("Identity not proved")}


def call_chip(call: Call) -> Chip:
    """Where the call is, or how it ended."""
    return OUTCOMES[call.outcome] if call.outcome else STATES[call.state]


def seat_chip(seat: Seat) -> Chip:
    """What an operator does now."""
    if seat.call is not None:
        return STATES[CallState.TALKING]
    return BY_PHONE if seat.presence is None else PRESENCES[seat.presence]


def promise_chip(promise: Promise) -> Chip:
    """Where a promise is; what nobody but a person will see to stands out."""
    return NEEDS_A_PERSON if promise.needs_a_person else PROMISES[promise.state]


def attempt_words(attempt: Attempt) -> str:
    """What became of an attempt."""
    return _(ATTEMPTS[attempt.result]) if attempt.result else _("under way")


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
    place = _("place %(place)s", place=seen.place)
    if seen.minutes is None:
        return place
    if seen.minutes == SOON:
        return f"{place}, {_('about a minute')}"
    if seen.minutes == LONG:
        return f"{place}, {_('more than an hour')}"
    return f"{place}, {ngettext('about %(num)s min', 'about %(num)s min', seen.minutes)}"


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
        return _("yesterday %(time)s", time=time)
    day = "d MMM" if local.year == today.year else "d MMM y"
    return format_datetime(local, f"{day} HH:mm", locale=language())


def full(at: datetime, zone: tzinfo) -> str:
    """`19 November 2026, 14:05:09` in the contact centre's own time."""
    return format_datetime(at.astimezone(zone), "d MMMM y, HH:mm:ss", locale=language())


def number(value: float) -> str:
    """`10,000` or `10 000`, as the reader's language writes it."""
    return format_decimal(value, locale=language())


def percent(share: float) -> str:
    """`87%` of 0.87, as the reader's language writes it."""
    return format_percent(share, locale=language())


def initials(name: str | None) -> str:
    """Up to two letters for a round picture; `#` for somebody without a name."""
    parts = [part for part in (name or "").split() if part[0].isalpha()]
    letters = [parts[0][0], parts[-1][0]] if len(parts) > 1 else [part[0] for part in parts]
    return "".join(letters).upper() or "#"


@dataclass(frozen=True, slots=True)
class Shown:
    """A word of a transcript as it is shown; without a time it cannot be gone to."""

    text: str
    start_s: float | None


def words_of(phrase: Phrase) -> Sequence[Shown]:
    """A phrase's words with their times, where the recogniser gave both as one and the same text."""
    heard = "".join(word.text for word in phrase.words)
    if "".join(heard.split()) != "".join(phrase.text.split()):
        return (Shown(phrase.text, None),)
    return [Shown(word.text.strip(), word.start_s) for word in phrase.words]


def share(part: float, whole: float) -> str:
    """How much of the whole: `12.345%`, for drawings, never beyond it."""
    return f"{100 * min(max(part / whole, 0), 1):.3f}%" if whole > 0 else "0%"


def language_name(tag: str) -> str:
    """`Russian` of `ru`, in the reader's language; a tag that nobody knows as it is."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(language()) or tag
    except (ValueError, UnknownLocaleError):
        return tag


def headline(word: str | None) -> str:
    """A topic or queue as written in a scenario, for people: `next_draw` becomes `Next draw`."""
    text = (word or "").replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


_SUBJECTS = (  # as `tickets.workflow.subject` writes them
    (r"call in progress", N_("Call in progress")),
    (r"talked with operator (?P<operator>\S+)", N_("Talked with operator %(operator)s")),
    (r"talked with an operator", N_("Talked with an operator")),
    (r"answered by the bot", N_("Answered by the bot")),
    (r"informed by the menu", N_("Informed by the menu")),
    (r"left a voicemail", N_("Left a voicemail")),
    (r"asked to be called back", N_("Asked to be called back")),
    (r"hung up", N_("Hung up")),
    (r"hung up after (?P<seconds>\d+) s in the queue", N_("Hung up after %(seconds)s s in the queue")),
)


def subject(text: str, operators: Mapping[str, str]) -> str:
    """A ticket's subject: what the house wrote in the reader's language, what a person wrote as it is.

    `operators`: extension → name.
    """
    about, colon, end = text.rpartition(": ")
    for pattern, known in _SUBJECTS:
        if found := re.fullmatch(pattern, end[:1].lower() + end[1:]):
            name = operators.get(found.groupdict().get("operator") or "")
            said = _("Talked with %(name)s", name=name) if name else _(known, **found.groupdict())
            return f"{about}{colon}{said[:1].lower()}{said[1:]}" if about else said
    return text


def phone(e164: str | None) -> str:
    """`+1 800-555-0100` of an E.164 number; what is no number comes back as it is, nothing as nothing."""
    try:
        number = phonenumbers.parse(e164 or "")
    except phonenumbers.NumberParseException:
        return e164 or ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
