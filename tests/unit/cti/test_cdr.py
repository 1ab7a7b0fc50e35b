"""The CDR file that a real Asterisk 22.10.1 wrote for four calls of ours and some of others."""

from dataclasses import replace
from pathlib import Path

import pytest

from cti.asterisk.cdr import CdrRow, UnreadableCdr, calls_of, events_of, read_line
from tickets.call import replay
from tickets.events import CallEvent
from tickets.vocabulary import CallOutcome, EventKind

pytestmark = pytest.mark.unit

LINES = (Path(__file__).parents[2] / "fakes" / "asterisk22_cdr.csv").read_text().splitlines()
ANSWERED, ABANDONED, TIMED_OUT, DUTY = (
    "pz-1795293936.1",
    "pz-1795293941.8",
    "pz-1795293945.14",
    "pz-1795293954.24",
)


def calls() -> dict[str, list[CdrRow]]:
    return calls_of(read_line(line) for line in LINES)


def told(call_id: str) -> list[CallEvent]:
    return events_of(calls()[call_id], lambda number: number, None)


def test_it_finds_our_callers_and_nobody_else() -> None:
    assert list(calls()) == [ANSWERED, ABANDONED, TIMED_OUT, DUTY]


@pytest.mark.parametrize(
    ("call_id", "outcome", "operator"),
    [
        (ANSWERED, CallOutcome.ANSWERED_BY_OPERATOR, "101"),
        (ABANDONED, CallOutcome.ABANDONED, None),
        (TIMED_OUT, CallOutcome.VOICEMAIL, None),
        (DUTY, CallOutcome.ANSWERED_BY_OPERATOR, "duty"),
    ],
)
def test_it_knows_how_a_call_ended_that_nobody_saw(
    call_id: str, outcome: CallOutcome, operator: str | None
) -> None:
    call = replay(told(call_id))
    assert (call.outcome, call.operator, call.found_later) == (outcome, operator, True)
    assert call.caller == "+18005551111"
    assert call.line.startswith("180055501")


def test_it_makes_one_call_of_several_stretches() -> None:
    rows = calls()[TIMED_OUT]
    assert len(rows) == 3
    call = replay(told(TIMED_OUT))
    assert (call.received_at, call.ended_at) == (rows[0].start, rows[-1].end)


def test_it_adds_only_the_end_to_a_call_that_the_ledger_knows() -> None:
    known = replace(replay(told(ANSWERED)), found_later=False)
    events = events_of(calls()[ANSWERED], lambda number: number, known)
    assert [event.kind for event in events] == [EventKind.ENDED]


def test_it_puts_an_answer_that_was_missed_after_the_wait() -> None:
    whole = replay(told(ANSWERED))
    queued_at = calls()[ANSWERED][0].end
    known = replace(whole, answered_at=None, queued_at=queued_at)
    answer, _ = events_of(calls()[ANSWERED], lambda number: number, known)
    assert (answer.kind, answer.at) == (EventKind.OPERATOR_ANSWERED, queued_at)


def stretch(call_id: str, **others: object) -> CdrRow:
    return replace(calls()[call_id][0], **others)  # type: ignore[arg-type]


def test_it_takes_the_voicebots_leg_for_no_operator() -> None:
    leg = "AudioSocket/127.0.0.1:9092-0d5ec0de-0000-4000-8000-000000000000"
    bot = stretch(ABANDONED, answered=True, partner=leg, last_app="Dial", stage="bot")
    rows = [bot, *calls()[ABANDONED]]
    assert replay(events_of(rows, lambda number: number, None)).outcome is CallOutcome.ABANDONED


def test_it_tells_a_phone_that_an_operator_sent_the_caller_to_from_the_duty_phone() -> None:
    sent_on = stretch(ANSWERED, last_app="Dial", partner="PJSIP/102-0000002a")
    assert replay(events_of([sent_on], lambda number: number, None)).operator == "102"


def test_it_tells_the_same_twice() -> None:
    assert told(TIMED_OUT) == told(TIMED_OUT)


@pytest.mark.parametrize(
    "line", ["", "a,b", LINES[0] + ',"more"', LINES[0].replace("1795293937.926367", "soon")]
)
def test_it_names_a_line_that_is_not_ours(line: str) -> None:
    with pytest.raises(UnreadableCdr, match=r"cdr_custom\.conf"):
        read_line(line)
