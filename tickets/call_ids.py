"""Ids of calls that another PBX serves: how they are spelt, and whose call it is.

Pure. The only place that knows the spelling: `<vendor>-<24 hexadecimal digits>`. Asterisk's own ids never
look like that.
"""

import hashlib
import re

_DIGITS = 24
_NEUTRAL = re.compile(rf"([a-z]+)-[0-9a-f]{{{_DIGITS}}}")


def neutral_id(vendor: str, native: str) -> str:
    """Our id of a call that the vendor calls `native`: safe in file names, the same whoever asks."""
    return f"{vendor}-{hashlib.sha256(native.encode('utf-8', 'replace')).hexdigest()[:_DIGITS]}"


def vendor_of(call_id: str) -> str | None:
    """Whose call it is by its id, a `neutral_id`; None for every other call."""
    match = _NEUTRAL.fullmatch(call_id)
    return match[1] if match else None
