"""`X-Twilio-Signature`: whether a webhook comes from whoever knows the account's token. Pure.

base64(HMAC-SHA1(token, address + each field's name and value, sorted by name)). Of a field that comes more
than once, each different value counts once, in order. A body that is no form is not in the signature: its
SHA-256 stands in the address (`bodySHA256`). Some of Twilio's senders write the port into the address, some
do not. The newer signature by a shared key (`X-Twilio-Webhooks-Signature-Settings`) is not taken: it is
chosen in the console, and the token does for everything.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def signature(token: str, url: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """What Twilio signs a request with. `fields`: of a form, repeated ones included."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_signed(
    tokens: Iterable[str], url: str, fields: Sequence[tuple[str, str]], body: bytes, signed: str
) -> bool:
    """Whether one of the tokens made this signature. Takes the same time whatever it is compared with.

    Args:
        tokens: that count now.
        url: as Twilio knows it, query included.
        fields: of the body, if it is a form.
        body: as it came.
        signed: the header.
    """
    told_hash = parse_qs(urlsplit(url).query).get("bodySHA256")
    body_fits = True
    if told_hash:
        body_fits = hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), told_hash[0].encode())
        fields = ()
    given = signed.encode("utf-8", "replace")
    fits = [
        hmac.compare_digest(signature(token, written, fields).encode(), given)
        for token in tokens
        for written in _both_ways(url)
    ]
    return any(fits) and body_fits


def _both_ways(url: str) -> tuple[str, str]:
    """With its port, and without."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = host.rsplit(":", 1)[0] if parts.port is not None else host
    port = parts.port or _PORTS.get(parts.scheme, 443)
    return _at(parts, bare), _at(parts, f"{bare}:{port}")


def _at(parts: SplitResult, host: str) -> str:
    return urlunsplit(parts._replace(netloc=host))
