"""The ids of calls that an operator has made, at a click: known before the PBX is asked.

Pure: no I/O, no clock.
"""

import re
from datetime import datetime

_ID = re.compile(r"(?:.*-)?\d{9,11}\.2\d{9}")
_NUMBERS = 10**9


def dialled_id(system: str, at: datetime, number: int) -> str:
    """An id that looks like an Asterisk Uniqueid, `[system-]seconds.number`, whose number no PBX ever counts
    up to; ten digits, because Asterisk compares them as 32-bit numbers, the first another than a call-back's.

    Args:
        system: the PBX's `systemname`; empty: it has none.
        at: now, aware.
        number: any, that no other call of this second has.
    """
    tail = f"2{number % _NUMBERS:09d}"
    return f"{system}-{int(at.timestamp())}.{tail}" if system else f"{int(at.timestamp())}.{tail}"


def is_dialled(call_id: str) -> bool:
    """Whether a call id was made by `dialled_id`."""
    return _ID.fullmatch(call_id) is not None
