"""The CDR file that a real Asterisk 22.10.1 wrote for four calls of ours and some of others."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cti.asterisk.cdr import CdrRow, UnreadableCdr, calls_of, events_of, lacking, read_line
from cti.asterisk.translate import NO_RECORD, ended
from tickets.call import replay
from tickets.events import CallEvent
from tickets.vocabulary import CallOutcome, EventKind

pytestmark = pytest.mark.unit

CAPTURE = Path(__file__).parents[2] / "fakes" / "asterisk22_cdr.csv"
LINES = CAPTURE.read_text().splitlines()
ANSWERED, ABANDONED, TIMED_OUT, DUTY = (
    "pz-1795293936.1",
    "pz-1795293941.8",
    "pz-1795293945.14",
    "pz-1795293954.24",
)


def calls() -> dict[str, list[CdrRow]]:
    return calls_of(read_line(line) for line in LINES)


def told(call_id: str) -> list[CallEvent]:
    return events_of(calls()[call_id], lambda number: number, [])


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


def row(line: str, *more: str) -> CdrRow:
    """A captured line as our dialplan writes it by now: with recording, queue, its times, and the outcome."""
    return read_line(line + "".join(f',"{column}"' for column in more))


WHOLE = ("pz-1795293936.1", "support", "1795293937.923", "1795293938.43", "answered_by_operator")


def test_it_reads_when_the_caller_was_queued_and_met_an_operator() -> None:
    """As a real Asterisk wrote it, PressZero being away: an operator after a wait, and the duty phone."""
    operator, duty = ((CAPTURE.parent / "asterisk22_cdr_whole.csv").read_text()).splitlines()
    call = replay(events_of([read_line(operator)], lambda number: number, []))
    assert (call.queue, call.operator, call.outcome) == ("support", "101", CallOutcome.ANSWERED_BY_OPERATOR)
    assert call.hold_seconds == pytest.approx(2.012, abs=0.001)
    assert call.talk_seconds == pytest.approx(3.913, abs=0.001)
    call = replay(events_of([read_line(duty)], lambda number: number, []))
    assert (call.queued_at, call.operator, call.outcome) == (None, "duty", CallOutcome.ANSWERED_BY_OPERATOR)
    assert call.talk_seconds == pytest.approx(3.412, abs=0.001)


@pytest.mark.parametrize(
    "outcome", [CallOutcome.ANSWERED_BY_BOT, CallOutcome.INFORMED_BY_MENU, CallOutcome.CALL_BACK]
)
def test_it_reads_what_a_caller_was_said_goodbye_for(outcome: CallOutcome) -> None:
    alone = replace(row(LINES[1], WHOLE[0], "", "", "", outcome), partner="", stage="bye")
    assert replay(events_of([alone], lambda number: number, [])).outcome is outcome


def test_a_transfer_that_changed_the_linkedid_loses_no_call() -> None:
    line = LINES[1].replace('"pz-1795293936.1"', '"pz-1795290000.7"', 1)
    assert list(calls_of([row(line, *WHOLE)])) == [ANSWERED]
    assert list(calls_of([read_line(line)])) == []


def test_it_adds_only_what_the_ledger_has_not() -> None:
    rows = [row(LINES[1], *WHOLE)]
    story = events_of(rows, lambda number: number, [])
    for missing in story:
        heard = [event for event in story if event is not missing and event.kind is not EventKind.FOUND]
        told = events_of(rows, lambda number: number, heard)
        assert told == ([missing] if missing.kind is not EventKind.FOUND else [])
        assert replay([*heard, *told]) == replace(replay(story), found_later=False)


def test_it_knows_without_the_whole_story_whether_the_ledger_lacks_something() -> None:
    rows = [row(LINES[1], *WHOLE)]
    story = events_of(rows, lambda number: number, [])
    assert lacking(rows, None)
    assert not lacking(rows, replay(story))
    for missing in story:
        if missing.kind is not EventKind.FOUND:
            assert lacking(rows, replay(event for event in story if event is not missing))


def test_an_end_that_was_only_concluded_gives_way_to_the_cdr() -> None:
    rows = [row(LINES[1], *WHOLE)]
    story = events_of(rows, lambda number: number, [])
    guess = ended(ANSWERED, rows[0].end + timedelta(seconds=60), NO_RECORD)
    told = events_of(rows, lambda number: number, [*story[:-1], guess])
    assert lacking(rows, replay([*story[:-1], guess]))
    assert replay([*story[:-1], guess, *told]).ended_at == rows[0].end


def stretch(call_id: str, **others: object) -> CdrRow:
    return replace(calls()[call_id][0], **others)  # type: ignore[arg-type]


def test_it_takes_the_voicebots_leg_for_no_operator() -> None:
    leg = "AudioSocket/127.0.0.1:9092-0d5ec0de-0000-4000-8000-000000000000"
    bot = stretch(ABANDONED, answered=True, partner=leg, stage="bot")
    rows = [bot, *calls()[ABANDONED]]
    assert replay(events_of(rows, lambda number: number, [])).outcome is CallOutcome.ABANDONED


def test_it_tells_a_phone_that_an_operator_sent_the_caller_to_from_the_duty_phone() -> None:
    sent_on = stretch(ANSWERED, context="presszero-phones", partner="PJSIP/102-0000002a")
    assert replay(events_of([sent_on], lambda number: number, [])).operator == "102"


def test_it_tells_the_same_twice() -> None:
    assert told(TIMED_OUT) == told(TIMED_OUT)


@pytest.mark.parametrize(
    "line", ["", "a,b", LINES[0] + ',"more"', LINES[0].replace("1795293937.926367", "soon")]
)
def test_it_names_a_line_that_is_not_ours(line: str) -> None:
    with pytest.raises(UnreadableCdr, match=r"cdr_custom\.conf"):
        read_line(line)
