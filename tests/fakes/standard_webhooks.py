"""A receiver's side of Standard Webhooks, written from the specification and not from our sender."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)


def is_signed(headers: Mapping[str, str], body: bytes, with_secrets: Iterable[str], now: datetime) -> bool:
    """Whether one of the secrets has signed it, within the window."""
    stamp = headers["webhook-timestamp"]
    if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        return False
    content = b".".join([headers["webhook-id"].encode(), stamp.encode(), body])
    for secret in with_secrets:
        head, _, coded = secret.partition("whsec_")
        key = head.encode() if head else base64.b64decode(coded)
        mark = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        if f"v1,{mark}" in headers["webhook-signature"].split(" "):
            return True
    return False
