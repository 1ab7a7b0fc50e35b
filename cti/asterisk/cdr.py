"""Asterisk's own record of finished calls, in our format: what happened while we were away.

Pure: no I/O, no clock. Knows the columns that `templates/include/cdr_custom_presszero.conf` writes; a call
has one row per stretch (each queue, each operator), all written together when the caller's channel ends.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cti.asterisk.events import NOBODY, is_machine, operator_of
from cti.asterisk.translate import DUTY, Normalise, received
from tickets.call import Call
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind

SOURCE = "cdr"
_COLUMNS = 15


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One stretch of a call."""

    call_id: str  # linkedid
    uniqueid: str
    start: datetime
    answer: datetime | None  # of the caller's channel: our dialplan answers at once, so no operator's answer
    end: datetime
    answered: bool  # disposition; with a `partner`: the partner answered
    last_app: str
    number: str  # caller ID, raw
    partner: str  # channel that was rung (dstchannel); empty: none
    stage: str  # our dialplan's last word: menu, bot, queue, duty, voicemail, bye; empty: not our call
    line: str  # the number that was called


class UnreadableCdr(ValueError):
    """A line of the CDR file is not in our format: compare cdr_custom.conf with `presszero pbx config`."""


def read_line(line: str) -> CdrRow:
    """One line of the file, without or with its newline.

    Raises:
        UnreadableCdr: another number of columns, or times that are none.
    """
    try:
        columns = next(csv.reader([line]), [])
    except csv.Error as error:
        raise UnreadableCdr(UnreadableCdr.__doc__) from error
    if len(columns) != _COLUMNS:
        raise UnreadableCdr(UnreadableCdr.__doc__)
    (linkedid, uniqueid, _channel, start, answer, end, _billsec, disposition,
     last_app, _dcontext, _dst, number, partner, stage, called) = columns  # fmt: skip
    try:
        return CdrRow(
            call_id=linkedid,
            uniqueid=uniqueid,
            start=_time(start),
            answer=_time(answer) if answer.strip("0.") else None,
            end=_time(end),
            answered=disposition == "ANSWERED",
            last_app=last_app,
            number="" if number in NOBODY else number,
            partner=partner,
            stage=stage,
            line=called,
        )
    except (ValueError, OverflowError, OSError) as error:
        raise UnreadableCdr(UnreadableCdr.__doc__) from error


def calls_of(rows: Iterable[CdrRow]) -> dict[str, list[CdrRow]]:
    """Our callers' rows by call id, in their order. Operators' own calls and other contexts are left out."""
    calls: dict[str, list[CdrRow]] = {}
    for row in rows:
        if row.uniqueid == row.call_id and row.stage:
            calls.setdefault(row.call_id, []).append(row)
    return calls


def events_of(rows: Sequence[CdrRow], normalise: Normalise, known: Call | None) -> list[CallEvent]:
    """What the rows of one call add to the ledger.

    Args:
        rows: of one call, at least one.
        normalise: makes E.164 of a caller ID, or None.
        known: the call as far as the ledger has it: only what it has missed is told. None: all was missed.
    """
    first = min(rows, key=lambda row: row.start)
    call_id = first.call_id
    end = max(row.end for row in rows)
    told: list[CallEvent] = []
    if known is None:
        # The id of the AMI's own word: should that come late, it is a repetition.
        told.append(received(call_id, first.start, first.number, first.line, normalise))
        told.append(_told(call_id, first.start, EventKind.FOUND, how=SOURCE))
    talk = next((row for row in rows if row.answered and row.partner and not is_machine(row.partner)), None)
    if talk is not None and (known is None or known.answered_at is None):
        # A CDR does not say when the operator took up: its stretch began with the caller's wait, or before.
        at = max(talk.start, known.queued_at) if known is not None and known.queued_at else talk.start
        told.append(_told(call_id, min(at, end), EventKind.OPERATOR_ANSWERED, operator=_operator(talk)))
    if any(row.stage == "voicemail" for row in rows):
        at = max(row.start for row in rows)
        told.append(_told(call_id, at, EventKind.VOICEMAIL_STARTED))
    told.append(_told(call_id, end, EventKind.ENDED, cause="found in the CDR"))
    return told


def _operator(row: CdrRow) -> str:
    if row.last_app == "Dial" and row.stage != "queue":  # "queue": an operator sent the caller to a phone
        return DUTY
    # dstchannel is a channel's name, PJSIP/101-0000002a: the member and a number of its own.
    return operator_of(row.partner.rpartition("-")[0] or row.partner)


def _told(call_id: str, at: datetime, kind: EventKind, **data: Value) -> CallEvent:
    # Sequence 1: the end comes after what is told of the same instant.
    sequence = 1 if kind is EventKind.ENDED else 0
    return CallEvent(SOURCE, f"{call_id}:{kind}", call_id, at, kind, data, sequence)


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)
