"""Twilio's requests into facts: each is one fact of one call, kept as it was told. Pure.

    CallSid, ParentCallSid, CallStatus, From, To, Direction         in each
    Digits                                                          keys
    DialCallStatus, DialCallDuration                                after a `<Dial>`
    CallDuration, SequenceNumber, Timestamp (RFC 2822, UTC)         of callbacks about a call's progress
    RecordingSid, RecordingStatus, RecordingDuration,
    RecordingChannels, RecordingStartTime                           of recordings

What asks for TwiML has no time of its own: it happened when it came. Callbacks have the second. A call that
was dialled for another one belongs to that one (`ParentCallSid`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from cti.virtual_pbx.contract import Hook, Refused, Taken, Why, digest_of, neutral_id
from cti.virtual_pbx.vendors.twilio.addresses import Page
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.signature import is_signed
from tickets.facts import Fact

VENDOR = "twilio"
RECORD = "record"  # kind of a fact from the vendor's list of calls
TAPE_RECORD = "tape-record"  # … of recordings
STALE_AFTER = timedelta(hours=24)  # Twilio gives a webhook up within minutes
ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_LONGEST = 200  # of a field
_PAGES = frozenset(Page)


def take(hook: Hook, settings: TwilioSettings, now: datetime) -> Taken:
    """See `VirtualPbx.take`."""
    fields = hook.form()
    given = str(hook.headers.get("X-Twilio-Signature", ""))
    if not is_signed(settings.good_secrets(now), hook.url, fields, hook.body, given):
        raise Refused(
            Why.FORGED, "The signature is missing or wrong: is it this account's token and address?"
        )
    name = hook.path.strip("/")
    if name not in _PAGES:
        raise Refused(Why.UNFIT, "There is no such address: see the documentation for those to write in.")
    told = {name: value[:_LONGEST] for name, value in reversed(fields)}
    native = told.get("ParentCallSid") or told.get("CallSid")
    if not native:
        raise Refused(Why.UNFIT, "There is no CallSid.")
    at = moment(told.get("Timestamp", "")) or now
    if now - at > STALE_AFTER:
        raise Refused(Why.STALE, "It tells of yesterday: is this machine's clock right?")
    fact_id = digest_of(hook.path, hook.query, *(part for field in sorted(fields) for part in field))
    data = {"form": told, "asked": hook.asked()}
    return Taken((Fact(VENDOR, fact_id, neutral_id(VENDOR, native), name, at, data),))


def moment(text: str) -> datetime | None:
    """A time as Twilio writes it, aware; None: it is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def said(fact: Fact, name: str) -> str:
    """A field of the request, or of the record."""
    form: Any = fact.data.get("form")
    value = form.get(name) if isinstance(form, Mapping) else None
    return value if isinstance(value, str) else ""


def asked(fact: Fact) -> dict[str, str]:
    """What stood in the address."""
    found: Any = fact.data.get("asked")
    return dict(found) if isinstance(found, Mapping) else {}


def seconds(text: str) -> int:
    """A length; 0: none is told."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
