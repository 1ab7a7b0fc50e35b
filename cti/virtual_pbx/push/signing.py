"""Standard Webhooks: how a message is signed. Pure; time is passed in.

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
from collections.abc import Iterable
from datetime import datetime

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
