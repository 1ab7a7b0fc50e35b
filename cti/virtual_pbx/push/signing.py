"""Standard Webhooks: how a message is signed, and how it is checked. Pure; time is passed in.

    webhook-id          the message's own, the same in every attempt
    webhook-timestamp   seconds since 1970, of the attempt
    webhook-signature   v1,<base64 of HMAC-SHA256(secret, id.timestamp.body)>, one for each secret, by spaces

Source: the specification at standardwebhooks.com. A secret is `whsec_` and base64; others are taken as bytes.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)  # between signing and checking
_PREFIX = "whsec_"


def new_secret() -> str:
    """One that nobody else has."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(message_id: str, at: datetime, body: bytes, with_secrets: Iterable[str]) -> dict[str, str]:
    """The headers. With two secrets, while one follows the other, either is enough for who checks it."""
    stamp = str(int(at.timestamp()))
    marks = [_mark(message_id, stamp, body, secret) for secret in with_secrets]
    headers = {"webhook-id": message_id, "webhook-timestamp": stamp}
    return headers | ({"webhook-signature": " ".join(marks)} if marks else {})


def is_signed(headers: Mapping[str, str], body: bytes, with_secrets: Iterable[str], now: datetime) -> bool:
    """Whether one of the secrets has signed it, within the window. `headers`: any case finds them."""
    stamp, given = headers.get("webhook-timestamp", ""), headers.get("webhook-signature", "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:  # of seconds
        return False
    if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        return False
    good = [_mark(headers.get("webhook-id", ""), stamp, body, secret).encode() for secret in with_secrets]
    marks = [mark.encode("utf-8", "replace") for mark in given.split(" ")[:10]]
    return any([hmac.compare_digest(mark, one) for mark in marks for one in good])  # noqa: C419  # all of them


def _mark(message_id: str, stamp: str, body: bytes, secret: str) -> str:
    signed_text = f"{message_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed_text, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
