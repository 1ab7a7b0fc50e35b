"""Names on the tape shelf: what the PBX calls its files, and where a recording is kept.

Pure: strings and dates in, strings out. Knows no disk, no database and no call in progress.
"""

import re
from datetime import UTC, date, datetime

CALLER_SUFFIX = "-caller.wav"
"""The caller's own voice: MixMonitor option `r`."""

HEARD_SUFFIX = "-heard.wav"
"""What the caller hears (bot, operator, music): MixMonitor option `t`."""

# No slash, no white space, no leading dot or dash: nothing that a path, a shell or ffmpeg could misread.
_CALL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SPOOLED = re.compile(r"(.+)(?:-caller|-heard)\.wav")
# Asterisk's Uniqueid, with or without its systemname: `pz-1763750000.12`.
_EPOCH = re.compile(r"(?:.*-)?(\d{9,10})\.\d+")


class BadCallId(ValueError):
    """This call id cannot be part of a file name: letters, digits, `.`, `_` and `-` only, 128 at most."""


def checked_call_id(call_id: str) -> str:
    """Give the call id back if it can safely be part of a file name.

    Raises:
        BadCallId: it cannot; nothing of it is in the message, since it came from outside.
    """
    if not _CALL_ID.fullmatch(call_id):
        raise BadCallId(
            "A call id holds only letters, digits, '.', '_' and '-', begins with a letter or digit "
            "and has 128 characters at most: correct the PBX's systemname."
        )
    return call_id


def caller_name(call_id: str) -> str:
    """File name in the spool of the caller's side: `pz-1763750000.12-caller.wav`."""
    return checked_call_id(call_id) + CALLER_SUFFIX


def heard_name(call_id: str) -> str:
    """File name in the spool of what the caller hears: `pz-1763750000.12-heard.wav`."""
    return checked_call_id(call_id) + HEARD_SUFFIX


def spooled_call_id(file_name: str) -> str | None:
    """The call that a file in the spool belongs to; None for a file that is not of ours."""
    match = _SPOOLED.fullmatch(file_name)
    return match[1] if match and _CALL_ID.fullmatch(match[1]) else None


def store_key(call_id: str, otherwise: date, name: str = "") -> str:
    """Where a recording is kept: `2025/11/21/pz-1763750000.12.mp3`; with a name, one of several of the call.

    The day is taken from the call id where it carries one, so that a second attempt after a crash
    ends at the same key whatever the ledger has learned meanwhile; else `otherwise` serves.
    """
    day = call_day(call_id) or otherwise
    return f"{day:%Y/%m/%d}/{checked_call_id(call_id)}{'.' if name else ''}{name}.mp3"


def call_day(call_id: str) -> date | None:
    """The UTC day within an Asterisk Uniqueid or Linkedid (`[systemname-]epoch.number`), else None."""
    began = call_began(call_id)
    return began.date() if began else None


def call_began(call_id: str) -> datetime | None:
    """The second (UTC) within an Asterisk Uniqueid or Linkedid, else None."""
    match = _EPOCH.fullmatch(call_id)
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None
