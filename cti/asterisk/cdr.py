"""Asterisk's own record of finished calls, in our format: what happened while we were away.

Pure: no I/O, no clock. Knows the columns that `templates/include/cdr_custom_presszero.conf` writes; a call
has one row per stretch (the bot, each queue, each operator), all written when the caller's channel ends.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cti.asterisk.events import NOBODY, is_machine, operator_of
from cti.asterisk.translate import CALL_CONTEXT, DUTY, NO_RECORD, Normalise, received
from tickets.call import Call
from tickets.events import CallEvent, Value
from tickets.vocabulary import CallOutcome, EventKind

SOURCE = "cdr"
_COLUMNS = 20
_OLD_COLUMNS = 15  # before the CDR held times of queue and answer, and the outcome
_ABOUT = timedelta(seconds=2)  # two sources that differ no more tell the same time


@dataclass(frozen=True, slots=True)
class CdrRow:
    """One stretch of a call. What our dialplan notes of the whole call stands in every row from then on."""

    call_id: str  # the recording's name; a transfer can give the channel another linkedid, but never this
    uniqueid: str
    start: datetime
    end: datetime
    answered: bool  # disposition; with a `partner`: the partner answered
    context: str  # of the dialplan
    number: str  # caller ID, raw
    partner: str  # channel that was rung (dstchannel); empty: none
    stage: str  # our dialplan's last word: menu, bot, queue, duty, voicemail, bye; empty: not our call
    line: str  # the number that was called
    queue: str = ""  # the last one
    queued: datetime | None = None  # first time
    met_operator: datetime | None = None  # first time; the answer of the caller's own channel says nothing
    outcome: str = ""  # a CallOutcome; empty: hung up before anybody or anything answered


@dataclass(frozen=True, slots=True)
class _Facts:
    """What all rows of a call say together."""

    begin: datetime
    end: datetime
    number: str
    line: str
    queue: str
    queued: datetime | None
    met_operator: datetime | None
    operator: str | None
    operator_since: datetime | None  # of that operator's stretch: several may have had the caller
    voicemail: datetime | None
    outcome: str


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
    if len(columns) == _OLD_COLUMNS:
        columns += [""] * (_COLUMNS - _OLD_COLUMNS)
    if len(columns) != _COLUMNS:
        raise UnreadableCdr(UnreadableCdr.__doc__)
    (linkedid, uniqueid, _channel, start, _answer, end, _billsec, disposition, _last_app, context, _dst,
     number, partner, stage, called, recording, queue, queued, met_operator, outcome) = columns  # fmt: skip
    try:
        return CdrRow(
            call_id=recording or linkedid,
            uniqueid=uniqueid,
            start=_time(start),
            end=_time(end),
            answered=disposition == "ANSWERED",
            context=context,
            number="" if number in NOBODY else number,
            partner=partner,
            stage=stage,
            line=called,
            queue=queue,
            queued=_time(queued) if queued else None,
            met_operator=_time(met_operator) if met_operator else None,
            outcome=outcome,
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


def lacking(rows: Sequence[CdrRow], known: Call | None) -> bool:
    """Whether the CDR may tell more of the call than the ledger has: then `events_of` says what."""
    if known is None or not known.ended or known.ended_at is None:
        return True
    facts = _facts(rows)
    return (
        (facts.met_operator is not None and _later(known.answered_at, facts.met_operator))
        or (facts.operator is not None and facts.operator != known.operator)
        or (facts.queued is not None and known.queued_at is None)
        or (facts.queue != "" and known.queue is None)
        or (facts.outcome != "" and facts.outcome != known.outcome)
        or (facts.number != "" and known.caller_raw == "")
        or (facts.line != "" and known.line == "")
        or abs(facts.end - known.ended_at) > _ABOUT
    )


def events_of(rows: Sequence[CdrRow], normalise: Normalise, story: Iterable[CallEvent]) -> list[CallEvent]:
    """What the rows of one call add to its ledger.

    Args:
        rows: of one call, at least one.
        normalise: makes E.164 of a caller ID, or None.
        story: what the ledger has of the call. Empty: all was missed.
    """
    facts, call_id = _facts(rows), rows[0].call_id
    story = [event for event in story if event.data.get("cause") != NO_RECORD]
    heard = {event.kind for event in story}
    told = _whose(facts, call_id, normalise, story) + _answers(facts, call_id, story)
    missed: list[CallEvent] = []
    if facts.queued is not None:
        missed.append(_told(call_id, facts.queued, EventKind.QUEUE_JOINED, queue=facts.queue))
    elif facts.queue != "":  # nobody was there: the PBX let nobody wait
        missed.append(_told(call_id, facts.end, EventKind.QUEUE_LEFT, queue=facts.queue, reason="empty"))
    if facts.voicemail is not None:
        missed.append(_told(call_id, facts.voicemail, EventKind.VOICEMAIL_STARTED))
    if facts.outcome == CallOutcome.ANSWERED_BY_BOT:
        missed.append(_told(call_id, facts.end, EventKind.BOT_ENDED, answered=True))
    if facts.outcome == CallOutcome.INFORMED_BY_MENU:
        missed.append(_told(call_id, facts.end, EventKind.ANNOUNCED))
    if facts.outcome == CallOutcome.CALL_BACK:
        missed.append(_told(call_id, facts.end, EventKind.CALL_BACK_PROMISED))
    missed.append(_told(call_id, facts.end, EventKind.ENDED, cause="found in the CDR"))
    return told + [event for event in missed if event.kind not in heard]


def _whose(facts: _Facts, call_id: str, normalise: Normalise, story: Sequence[CallEvent]) -> list[CallEvent]:
    """Who called whom. Heard from its middle on, a call may lack what only its beginning tells."""
    whole = received(call_id, facts.begin, facts.number, facts.line, normalise)
    heard = [event for event in story if event.kind is EventKind.RECEIVED]
    if not heard:
        # The id of the AMI's own word: should that come late, it is a repetition.
        return [whole] if story else [whole, _told(call_id, facts.begin, EventKind.FOUND, how=SOURCE)]
    lacks = any(
        whole.data[name] and not any(event.data.get(name) for event in heard)
        for name in ("line", "caller_raw")
    )
    return [_told(call_id, facts.begin, EventKind.RECEIVED, **whole.data)] if lacks else []


def _answers(facts: _Facts, call_id: str, story: Sequence[CallEvent]) -> list[CallEvent]:
    """Operators who answered: the first time, and the last of them."""
    heard = [event for event in story if event.kind is EventKind.OPERATOR_ANSWERED]
    told: list[CallEvent] = []
    if facts.met_operator is None:
        return told
    if facts.operator_since is not None and facts.operator not in {e.data.get("operator") for e in heard}:
        at = max(facts.operator_since, facts.met_operator)
        event = _told(call_id, at, EventKind.OPERATOR_ANSWERED, operator=facts.operator)
        heard.append(replace(event, source_id=f"{event.source_id}:{facts.operator}"))
        told.append(heard[-1])
    if _later(min((event.at for event in heard), default=None), facts.met_operator):
        told.append(_told(call_id, facts.met_operator, EventKind.OPERATOR_ANSWERED))
    return told


def _later(known: datetime | None, at: datetime) -> bool:
    return known is None or known > at + _ABOUT


def _facts(rows: Sequence[CdrRow]) -> _Facts:
    first = min(rows, key=lambda row: row.start)
    end = max(row.end for row in rows)
    talks = [row for row in rows if row.answered and row.partner and not is_machine(row.partner)]
    met_operator = next((row.met_operator for row in rows if row.met_operator), None)
    # Who answered last; a phone that an operator sent the caller to counts only where nobody else does.
    talk = max(talks, key=lambda row: (row.context == CALL_CONTEXT, row.end), default=None)
    if met_operator is None and talks:  # a stretch begins when the phone rings, or before
        met_operator = min(talks[0].end, max(talks[0].start, talks[0].queued or first.start))
    voicemails = [row.start for row in rows if row.stage == "voicemail"]
    return _Facts(
        begin=first.start,
        end=end,
        number=first.number,
        line=first.line,
        queue=next((row.queue for row in reversed(rows) if row.queue), ""),
        queued=next((row.queued for row in rows if row.queued), None),
        met_operator=met_operator,
        operator=_operator(talk) if talk else None,
        operator_since=talk.start if talk else None,
        voicemail=max(voicemails, default=None),
        outcome=next((row.outcome for row in reversed(rows) if row.outcome), ""),
    )


def _operator(row: CdrRow) -> str:
    if row.stage == "duty":  # rung over a trunk, which says nothing of who answers
        return DUTY
    # dstchannel is a channel's name, PJSIP/101-0000002a: the member and a number of its own.
    return operator_of(row.partner.rpartition("-")[0] or row.partner)


def _told(call_id: str, at: datetime, kind: EventKind, **data: Value) -> CallEvent:
    return CallEvent(SOURCE, f"{call_id}:{kind}", call_id, at, kind, data)


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)
