"""Mango's own statistics: facts of what was never told, and what follows from them.

Pure. A line of the statistics is a leg that is over; which one, and whether more of the call goes on, it
does not say. So the lines of a call are one fact, with how long they were quiet when we asked, and they
count only where no webhook has told the same. Read in Mango's documents and in clients of it, not run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cti.virtual_pbx.contract import Tape, digest_of, neutral_id
from cti.virtual_pbx.vendors.mango.legs import CLOSE, operator_word
from cti.virtual_pbx.vendors.mango.telling import ADDED, PAST, RECORDING, Heard
from cti.virtual_pbx.vendors.mango.words import PERSON, LegNews, Row, csv_rows, moment, row_of, text, whole
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind

QUIET, LONG_QUIET = timedelta(seconds=30), timedelta(minutes=10)


def past_facts(vendor: str, csv: str, asked_at: datetime) -> list[Fact]:
    """A fact for each call in the statistics: asked later, the same, unless there is more to tell."""
    facts = []
    for entry, lines in csv_rows(csv).items():
        rows = [row for line in lines if (row := row_of(line)) is not None]
        last = max(row.finish for row in rows)
        if asked_at - last < QUIET:
            continue  # it may go on this very moment: the next time will do
        quiet = LONG_QUIET if asked_at - last >= LONG_QUIET else QUIET
        lines.sort(key=lambda line: sorted(line.items()))
        data: dict[str, Any] = {"rows": lines, "quiet_s": int(quiet.total_seconds())}
        fact_id = digest_of(PAST, entry, repr(data))
        facts.append(Fact(vendor, fact_id, neutral_id(vendor, entry), PAST, last, data))
    return facts


@dataclass(frozen=True, slots=True)
class _Known:
    """A call's lines, and how quiet it was after the last of them."""

    rows: list[Row]
    quiet: timedelta
    told: str  # the fact that the end follows from
    last: datetime


def _known(past: Sequence[Fact]) -> _Known | None:
    rows: dict[str, Row] = {}
    for fact in past:
        for line in fact.data.get("rows", []):
            row = row_of(line) if isinstance(line, dict) else None
            if row is not None:
                rows[repr(sorted(line.items()))] = row
    if not rows:
        return None
    newest = max(past, key=lambda fact: (fact.at, whole(fact.data.get("quiet_s")) or 0, fact.fact_id))
    quiet = timedelta(seconds=whole(newest.data.get("quiet_s")) or 0)
    ordered = [row for _, row in sorted(rows.items(), key=lambda one: (one[1].start, one[0]))]
    return _Known(ordered, quiet, newest.fact_id, max(row.finish for row in ordered))


def tell_past(heard: Heard, told: Sequence[CallEvent]) -> list[CallEvent]:
    """What follows from the statistics where no webhook has told it; `told`: what the webhooks have."""
    known = _known(heard.past)
    if known is None:
        return []
    events = []
    received = _received(heard, known)
    if not any(event.kind is EventKind.RECEIVED and event.at <= received.at for event in told):
        events.append(received)
    for row in known.rows:
        events += _talk(heard, known, row, told)
    if not heard.summaries and _is_over(heard, known):
        cause: dict[str, Value] = {"cause": text(known.rows[-1].reason)}
        events.append(_event(heard, EventKind.ENDED, known.told, known.last, cause, 0))
    return events


def _is_over(heard: Heard, known: _Known) -> bool:
    """Whether the call is over: there may be a leg that the statistics do not have yet."""
    if not heard.legs:
        return known.quiet >= LONG_QUIET  # nobody is waiting for this news: better late than wrong
    going_on = [leg.news[-1] for leg in heard.legs.values() if not leg.is_over]
    return all(any(_ends(row, news) for row in known.rows) for news in going_on)


def _ends(row: Row, news: LegNews) -> bool:
    """Whether the statistics have the end of the leg of which that is the last news."""
    if row.place != news.place or row.finish < news.at:
        return False
    return news.place != PERSON or operator_word(news) in {row.caller.word, row.called.word}


def _received(heard: Heard, known: _Known) -> CallEvent:
    first = known.rows[0]
    direction, outside = Direction.INBOUND, first.caller.number
    if called_back(first, known.rows):
        direction = Direction.OUTBOUND
    elif first.caller.extension and first.called.extension:
        direction, outside = Direction.INTERNAL, first.caller.extension
    elif first.caller.extension:
        direction, outside = Direction.OUTBOUND, first.called.number
    line = next((row.line for row in known.rows if row.line), "")
    data = heard.received("", direction, outside, line)
    began = first.created or first.start
    return _event(heard, EventKind.RECEIVED, f"past:{int(began.timestamp())}", began, data, 0)


def called_back(row: Row, rows: Sequence[Row]) -> bool:
    """Whether an operator was rung there, and then rang back whom the line calls the caller."""
    if not row.called.extension or row.caller.extension or not row.caller.number:
        return False
    return any(
        other.caller.extension == row.called.extension and other.called.number == row.caller.number
        for other in rows
    )


def _talk(heard: Heard, known: _Known, row: Row, told: Sequence[CallEvent]) -> list[CallEvent]:
    """That an operator talked with the caller, and until when."""
    first = known.rows[0]
    rung_first = called_back(first, known.rows)
    asks = bool(row.caller.extension) and row is not first and not rung_first  # the person outside waits
    if row.answer is None or row.place != PERSON or asks or (rung_first and row is first):
        return []
    outgoing = bool(row.caller.extension) and (rung_first or not row.called.extension)
    word = row.caller.word if outgoing else row.called.word
    if not word or heard.names.is_asterisk(row.called.number):
        return []
    operator, part = heard.names.operator(word), f"past:{digest_of(word, row.answer.isoformat())}"
    data: dict[str, Value] = {"operator": operator}
    events = []
    if not _is_told(told, EventKind.OPERATOR_ANSWERED, operator, row.answer):
        events.append(_event(heard, EventKind.OPERATOR_ANSWERED, part, row.answer, data, 0))
    if not _is_told(told, EventKind.OPERATOR_LEFT, operator, row.finish):
        events.append(_event(heard, EventKind.OPERATOR_LEFT, part, row.finish, data, 1))
    return events


def _is_told(told: Sequence[CallEvent], kind: EventKind, operator: str, at: datetime) -> bool:
    return any(
        event.kind is kind and event.data.get("operator") == operator and abs(event.at - at) <= CLOSE
        for event in told
    )


def _event(
    heard: Heard, kind: EventKind, told: str, at: datetime, data: dict[str, Value], place: int
) -> CallEvent:
    return CallEvent(heard.source, f"{kind}:{told}", heard.call_id, at, kind, data, place)


def tapes_of(facts: Sequence[Fact]) -> list[Tape]:
    """The recordings that are ready, each once: told as added, or in the statistics."""
    began: dict[str, datetime] = {}
    for fact in facts:
        if fact.kind == RECORDING and text(fact.data.get("recording_state")) == "Started":
            began[text(fact.data.get("recording_id"))] = moment(fact.data.get("timestamp")) or fact.at
    ready: dict[str, datetime] = {}
    for fact in facts:
        if fact.kind == ADDED:
            ready.setdefault(text(fact.data.get("recording_id")), fact.at)
    known = _known([fact for fact in facts if fact.kind == PAST])
    for row in known.rows if known else ():
        for recording in row.recordings:
            ready.setdefault(recording, row.answer or row.start)
    return [Tape(tape_id, facts[0].call_id, began.get(tape_id, at)) for tape_id, at in sorted(ready.items())]
