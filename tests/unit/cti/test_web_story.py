"""A call's ledger as a bar and as a conversation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.web.story import Moment, Said, call_bar, conversation, heard_by_bot, lines_on_tape, moments
from recordings.parts import Part, laid
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


def event(kind: EventKind, at_s: float, **data: Value) -> CallEvent:
    return CallEvent("test", f"{kind}:{at_s}", "pz-1.1", BEGAN + timedelta(seconds=at_s), kind, data)


WHOLE_CALL = [
    event(EventKind.RECEIVED, 0),
    event(EventKind.MENU_ENTERED, 0.4, menu="main"),
    event(EventKind.MENU_CHOICE, 6, menu="main", digit="2"),
    event(EventKind.BOT_STARTED, 7),
    event(EventKind.BOT_TURN, 9, speaker="bot", text="How can I help?"),
    event(
        EventKind.BOT_TURN,
        12,
        speaker="caller",
        text="My prize is late",
        intent="out_of_scope",
        confidence=0.8,
    ),
    event(EventKind.HANDED_OVER, 13, reason="out_of_scope"),
    event(EventKind.BOT_ENDED, 13.2, answered=False),
    event(EventKind.QUEUE_JOINED, 13.5, queue="support", priority=0),
    event(EventKind.OPERATOR_ANSWERED, 40, operator="101"),
    event(EventKind.OPERATOR_LEFT, 100, operator="101"),
    event(EventKind.ENDED, 100.2),
]


def test_it_cuts_a_call_into_its_stretches() -> None:
    bar = call_bar(WHOLE_CALL, BEGAN)
    assert bar is not None
    assert bar.seconds == pytest.approx(100.2)
    shape = [(part.stage, round(part.start_s, 1), round(part.seconds, 1)) for part in bar.stretches]
    assert shape == [
        ("reception", 0, 0.4),
        ("menu", 0.4, 6.6),
        ("bot", 7, 6.5),  # the seam between bot and queue is no stretch of its own
        ("queue", 13.5, 26.5),
        ("talk", 40, 60.2),
    ]
    assert [part.name for part in bar.totals] == ["Menu", "Bot", "Waiting", "Talking"]


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(hours=1)], ids=["behind", "ahead"])
def test_a_pbx_with_another_clock_turns_nothing_round(ahead: timedelta) -> None:
    by_pbx = {
        EventKind.RECEIVED, EventKind.QUEUE_JOINED, EventKind.OPERATOR_ANSWERED, EventKind.OPERATOR_LEFT,
        EventKind.ENDED,
    }  # fmt: skip
    told = [replace(each, at=each.at + ahead) if each.kind in by_pbx else each for each in WHOLE_CALL]
    bar = call_bar(told, BEGAN)
    assert bar is not None
    assert bar.seconds == pytest.approx(100.2)
    assert sum(part.seconds for part in bar.stretches) == pytest.approx(100.2)
    assert [(part.stage, round(part.seconds, 1)) for part in bar.stretches[-2:]] == [
        ("queue", 26.5),
        ("talk", 60.2),
    ]
    said = conversation(WHOLE_CALL, {})
    assert [line.text for line in conversation(told, {})] == [line.text for line in said]


def test_it_lets_a_live_call_reach_to_now() -> None:
    bar = call_bar(WHOLE_CALL[:9], BEGAN + timedelta(seconds=20))
    assert bar is not None
    assert bar.stretches[-1].stage == "queue"
    assert bar.seconds == 20


def test_it_draws_nothing_of_nothing() -> None:
    assert call_bar([], BEGAN) is None
    assert conversation([], {}) == []


@given(st.lists(st.sampled_from(WHOLE_CALL), max_size=20), st.floats(-50, 500))
def test_it_never_draws_beyond_the_call_or_over_itself(events: list[CallEvent], now_s: float) -> None:
    bar = call_bar(events, BEGAN + timedelta(seconds=now_s))
    if bar is None:
        return
    reached = 0.0
    for part in bar.stretches:
        assert part.start_s >= reached - 1e-6
        assert part.seconds > 0
        reached = part.start_s + part.seconds
    assert reached <= bar.seconds + 1e-6


def test_it_tells_what_the_bot_heard_in_order() -> None:
    lines = conversation(reversed(WHOLE_CALL), {"101": "Grace"})
    assert [(line.speaker, line.text) for line in lines] == [
        ("step", "Pressed 2 in the menu"),
        ("bot", "How can I help?"),
        ("caller", "My prize is late"),
        ("step", "Handed to an operator: beyond the bot"),
        ("step", "Grace answered"),
    ]
    assert lines[2].understood == "a question beyond it"
    assert lines[2].confidence == 0.8
    assert heard_by_bot(lines)


def test_it_tells_which_answer_the_bot_gave_and_what_the_caller_thought_of_it() -> None:
    lines = conversation(
        [
            event(EventKind.BOT_STARTED, 7),
            event(EventKind.BOT_TURN, 12, speaker="caller", text="one two five", intent="reply"),
            event(EventKind.BOT_TURN, 14, speaker="bot", text="On Saturday.", intent="answer:next_draw"),
            event(EventKind.BOT_TURN, 15, speaker="bot", text="Anything else?", intent="anything_else"),
            event(EventKind.BOT_THUMB, 20, up=True, question="next_draw"),
            event(EventKind.BOT_THUMB, 21, up=False, question="next_draw"),
        ],
        {},
    )
    assert [(line.text, line.understood, line.answers) for line in lines] == [
        ("one two five", "an answer to the bot", ""),
        ("On Saturday.", "", "Next draw"),
        ("Anything else?", "", ""),
        ("Said that it helped", "", ""),
        ("Said that it did not help", "", ""),
    ]


def test_it_survives_words_it_does_not_know() -> None:
    lines = conversation(
        [event(EventKind.BOT_TURN, 1), event(EventKind.HANDED_OVER, 2, reason="later release")], {}
    )
    assert [line.text for line in lines] == ["", "Handed to an operator: no reason given"]


def marked(*more: CallEvent) -> list[Moment]:
    events = [*WHOLE_CALL, *more]
    bar = call_bar(events, BEGAN)
    assert bar is not None
    return moments(bar, events, {"101": "Grace", "102": "Tomas"})


def test_it_marks_what_people_look_for_in_a_recording() -> None:
    found = [(one.kind, round(one.at_s, 1), round(one.seconds, 1)) for one in marked()]
    assert found == [
        ("menu", 0.4, 6.6),
        ("bot", 7.0, 6.5),
        ("hand_over", 13.0, 0.0),
        ("queue", 13.5, 26.5),
        ("talk", 40.0, 60.2),
    ]
    assert "Handed to an operator: beyond the bot" in [one.name for one in marked()]


def test_it_marks_holds_transfers_and_pauses_of_the_recording() -> None:
    found = marked(
        event(EventKind.HOLD_STARTED, 50, operator="101"),
        event(EventKind.HOLD_ENDED, 60, operator="101"),
        event(EventKind.RECORDING_PAUSED, 65, operator="101"),
        event(EventKind.RECORDING_RESUMED, 80, operator="101"),
        event(EventKind.TRANSFERRED, 90, operator="101", to="102", how="blind"),
    )
    late = [(one.kind, one.name, round(one.at_s), round(one.seconds)) for one in found if one.at_s >= 40]
    assert late == [
        ("talk", "Talking", 40, 10),
        ("hold", "On hold", 50, 10),
        ("talk", "Talking", 60, 40),
        ("paused", "Recording paused", 65, 15),
        ("transfer", "Transferred to Tomas", 90, 0),
    ]


def test_a_pause_that_nobody_ended_ends_with_the_call() -> None:
    (paused,) = [one for one in marked(event(EventKind.RECORDING_PAUSED, 70)) if one.kind == "paused"]
    assert (round(paused.at_s), round(paused.seconds)) == (70, 30)


def test_a_turn_leads_to_its_place_in_the_recording() -> None:
    turns = [
        event(EventKind.BOT_TURN, 9, speaker="bot", text="How can I help?", offset_seconds=0.5),
        event(EventKind.BOT_TURN, 12, speaker="caller", text="My prize is late", offset_seconds=3.25),
    ]
    said = conversation([event(EventKind.RECEIVED, 0), event(EventKind.BOT_STARTED, 7), *turns], {})
    assert [line.at_s for line in said] == [7.5, 10.2]  # where it began, not where it was understood
    assert [line.at_s for line in conversation(turns, {})] == [None, None]


def test_a_turn_leads_to_its_place_in_the_parts_that_a_pbx_recorded_and_nowhere_between_them() -> None:
    parts = laid(
        Part(name, BEGAN + timedelta(seconds=begins), seconds, mixed=True)
        for name, begins, seconds in (("a", 10, 5), ("b", 60, 30))
    )
    lines = [Said("bot", "", BEGAN, at_s=at_s) for at_s in (None, 7.5, 12.0, 30.0, 61.0, 95.0)]
    assert [line.at_s for line in lines_on_tape(lines, BEGAN, parts)] == [None, None, 2.0, None, 26.0, None]
