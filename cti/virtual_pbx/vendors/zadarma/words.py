"""What Zadarma's webhooks are made of: fields, signatures, times. Pure; knows no call.

From the vendor's documents and its own public clients (PHP, Python, TypeScript); read, not run against the
service. What they leave open:

- **The signature** is base64 of HMAC-SHA1 *in hexadecimal digits*: so the documents' samples and the PHP
  client make it (`hash_hmac` gives digits), and all three clients sign requests to the API so. The TypeScript
  client alone checks webhooks against base64 of the bare digest. Both prove the secret, so both are taken.
- It covers a few fields (`SIGNED`), not the event's name nor the call's id: whoever has seen one webhook
  could tell other things with it, within `STALE`. TLS keeps others from seeing one.
- `call_start` is the account's local time, without a zone: `timezone` of the settings has to be its.
- How often a webhook is repeated, and in which order they come, is nowhere said.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from cti.virtual_pbx.contract import Hook, Refused, Why

SIGNED = {
    "NOTIFY_START": ("caller_id", "called_did", "call_start"),
    "NOTIFY_INTERNAL": ("caller_id", "called_did", "call_start"),
    "NOTIFY_END": ("caller_id", "called_did", "call_start"),
    "NOTIFY_IVR": ("caller_id", "called_did", "call_start"),
    "NOTIFY_ANSWER": ("caller_id", "destination", "call_start"),
    "NOTIFY_OUT_START": ("internal", "destination", "call_start"),
    "NOTIFY_OUT_END": ("internal", "destination", "call_start"),
    "NOTIFY_RECORD": ("pbx_call_id", "call_id_with_rec"),
}
"""Event → the fields that are signed, in their order."""

STALE = timedelta(
    hours=30
)  # an end tells when the call began; a zone that is set wrongly must not close the door
MOST_FIELDS = 50
MOST_SIGNS = 500  # of a field
_ECHO = re.compile(r"[0-9A-Za-z_.-]{1,128}")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-]\d{1,2})(?::?(\d{2}))?")
_NOBODY = frozenset({"anonymous", "unknown", "private", "restricted", "unavailable", "hidden"})


def signatures(secret: str, text: str) -> tuple[bytes, bytes]:
    """What may stand in the header: of the digits, and of the bare digest."""
    made = hmac.new(secret.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(made.hexdigest().encode()), base64.b64encode(made.digest())


def proven(hook: Hook, told: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Raise Refused unless one of the secrets has signed it."""
    given = str(hook.headers.get("Signature", "")).strip().encode("utf-8", "replace")
    text = "".join(told.get(name, "") for name in SIGNED[told["event"]])
    good = [one for secret in secrets for one in signatures(secret, text)]
    if not any([hmac.compare_digest(given, one) for one in good]):  # noqa: C419  # all, so that none is told by time
        raise Refused(Why.FORGED, "The header `Signature` is missing or was made with another secret.")


def echo(hook: Hook) -> str | None:
    """What the cabinet's check wants to have back; None: it is no check."""
    asked = hook.asked().get("zd_echo")
    return asked if asked is not None and _ECHO.fullmatch(asked) else None


def fields(hook: Hook) -> dict[str, str]:
    """The webhook's fields; of a repeated one the last, as PHP's clients have it.

    Raises:
        Refused: none of the vendor's webhooks.
    """
    multipart = "multipart/form-data" in str(hook.headers.get("Content-Type", ""))
    told = dict(_parts(hook.body) if multipart else hook.form())
    if told.get("event") not in SIGNED:
        raise Refused(Why.UNFIT, f"Send as `event` one of {', '.join(SIGNED)}.")
    if len(told) > MOST_FIELDS or any(len(value) > MOST_SIGNS for value in told.values()):
        raise Refused(Why.UNFIT, "There are more or longer fields than Zadarma sends.")
    return told


def _parts(body: bytes) -> list[tuple[str, str]]:
    """Of multipart/form-data. The boundary in the header may be another: the body's counts."""
    boundary, _, _ = body.partition(b"\r\n")
    if not boundary.startswith(b"--") or len(boundary) > 200:
        raise Refused(Why.UNFIT, "The form has no parts.")
    found = []
    for part in body.split(boundary)[1:][: MOST_FIELDS + 1]:
        head, _, value = part.partition(b"\r\n\r\n")
        if name := re.search(rb'name="([^"]{1,100})"', head):
            text = value.removesuffix(b"\r\n").decode("utf-8", "replace")
            found.append((name[1].decode("utf-8", "replace"), text))
    return found


def zone_of(name: str) -> tzinfo:
    """A zone as IANA names it (Europe/Kyiv) or as the vendor's API does (UTC+3).

    Raises:
        ValueError: there is no such zone.
    """
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset[1]), int(offset[2] or 0)
        if abs(hours) > 14 or minutes > 59:
            raise ValueError(name)
        return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # KeyError: its own error is one
        raise ValueError(name) from error


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A time as the vendor writes it: 2026-03-02 09:30:00."""
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(text: str) -> str:
    """A caller's number; empty where it was withheld."""
    text = text.strip()
    return "" if text.lower() in _NOBODY else text


def seconds(text: object) -> int:
    """A length; 0 where there is none."""
    digits = str(text if text is not None else "").strip()
    return min(int(digits), 10**6) if re.fullmatch(r"[0-9]{1,9}", digits) else 0


def said_answered(disposition: object) -> bool:
    """Whether an end or a record says that somebody was talked to."""
    return str(disposition or "").strip().lower() == "answered"
