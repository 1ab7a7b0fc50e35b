"""How a call is read out of its ledger."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.order import in_order
from tickets.vocabulary import CallOutcome, CallState, Direction, EventKind, HandOver

pytestmark = pytest.mark.unit

K = EventKind


def after(*told: tuple[EventKind, dict[str, object]]) -> Call:
    """The call after these events, ten seconds apart."""
    return replay(
        event(kind, 10 * number, source_id=str(number), **data)  # type: ignore[arg-type]
        for number, (kind, data) in enumerate(told)
    )


def test_it_refuses_a_call_without_events() -> None:
    with pytest.raises(ValueError, match="without events"):
        replay([])


def test_it_refuses_events_of_two_calls() -> None:
    with pytest.raises(ValueError, match="more than one call"):
        replay([event(K.RECEIVED, 0, call_id="a"), event(K.RECEIVED, 0, call_id="b")])


def test_it_reads_who_called_which_line() -> None:
    call = after(
        (K.RECEIVED, {"caller_raw": "0800", "caller": "+4980", "line": "100", "direction": "outbound"})
    )
    assert (call.caller_raw, call.caller, call.line) == ("0800", "+4980", "100")
    assert call.direction is Direction.OUTBOUND
    assert (call.state, call.outcome, call.received_at) == (CallState.RINGING, None, START)


def test_it_reads_a_call_that_an_operator_answered() -> None:
    call = replay(answered_by_operator())
    assert call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert call.state is CallState.ENDED
    assert (call.operator, call.queue, call.hand_over) == ("101", "support", HandOver.PRESSED_ZERO)
    assert (call.hold_seconds, call.talk_seconds, call.bot_seconds) == (20.0, 60.0, 0.0)
    assert call.answered_at == START + timedelta(seconds=25.5)


def test_it_reads_a_call_that_the_bot_answered() -> None:
    call = replay(answered_by_bot())
    assert (call.outcome, call.topic, call.bot_seconds) == (CallOutcome.ANSWERED_BY_BOT, "next_draw", 12.0)
    assert call.hand_over is None


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ((K.RECEIVED, {}), CallState.RINGING),
        ((K.CUSTOMER_FOUND, {"customer_id": 1}), CallState.RINGING),
        ((K.MENU_ENTERED, {}), CallState.MENU),
        ((K.MENU_CHOICE, {}), CallState.MENU),
        ((K.ANNOUNCED, {}), CallState.MENU),
        ((K.BOT_STARTED, {}), CallState.BOT),
        ((K.QUEUE_JOINED, {}), CallState.QUEUED),
        ((K.OPERATOR_ANSWERED, {}), CallState.TALKING),
        ((K.VOICEMAIL_STARTED, {}), CallState.VOICEMAIL),
        ((K.ENDED, {}), CallState.ENDED),
    ],
)
def test_arriving_somewhere_moves_the_caller_there(
    told: tuple[EventKind, dict[str, object]], state: CallState
) -> None:
    assert after(told).state is state


@pytest.mark.parametrize(
    ("arrived", "left"),
    [
        (K.BOT_STARTED, K.BOT_ENDED),
        (K.BOT_STARTED, K.BOT_TURN),
        (K.BOT_STARTED, K.HANDED_OVER),
        (K.QUEUE_JOINED, K.QUEUE_LEFT),
        (K.QUEUE_JOINED, K.OPERATOR_RINGING),
        (K.QUEUE_JOINED, K.OPERATOR_MISSED),
        (K.OPERATOR_ANSWERED, K.OPERATOR_LEFT),
        (K.ENDED, K.RECORDED),
    ],
)
def test_leaving_does_not_move_the_caller(arrived: EventKind, left: EventKind) -> None:
    assert after((arrived, {}), (left, {})).state is after((arrived, {})).state


@pytest.mark.parametrize("late", [kind for kind in EventKind if kind is not K.ENDED])
def test_nothing_told_later_reopens_an_ended_call(late: EventKind) -> None:
    call = after((K.RECEIVED, {}), (K.ENDED, {}), (late, {}))
    assert call.state is CallState.ENDED
    assert call.outcome is not None
    assert call.ended_at == START + timedelta(seconds=10)


def test_the_earliest_end_counts() -> None:
    call = replay([event(K.RECEIVED, 0), event(K.ENDED, 9), event(K.ENDED, 400, source="cdr")])
    assert call.ended_at == START + timedelta(seconds=9)


def test_a_call_does_not_end_before_it_began() -> None:
    """A CDR knows whole seconds only."""
    call = replay([event(K.RECEIVED, 0.9), event(K.ENDED, 0, source="cdr")])
    assert call.ended_at == call.received_at == START + timedelta(seconds=0.9)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ([K.RECEIVED], CallOutcome.ABANDONED),
        ([K.BOT_STARTED], CallOutcome.ABANDONED),
        ([K.BOT_STARTED, K.HANDED_OVER, K.QUEUE_JOINED, K.QUEUE_LEFT], CallOutcome.ABANDONED),
        ([K.ANNOUNCED], CallOutcome.INFORMED_BY_MENU),
        ([K.ANNOUNCED, K.MENU_ENTERED], CallOutcome.INFORMED_BY_MENU),
        ([K.ANNOUNCED, K.HANDED_OVER, K.QUEUE_JOINED], CallOutcome.ABANDONED),
        ([K.ANNOUNCED, K.BOT_STARTED], CallOutcome.ABANDONED),
        ([K.QUEUE_JOINED, K.QUEUE_LEFT, K.VOICEMAIL_STARTED], CallOutcome.VOICEMAIL),
        ([K.QUEUE_JOINED, K.OPERATOR_ANSWERED], CallOutcome.ANSWERED_BY_OPERATOR),
        ([K.VOICEMAIL_STARTED, K.OPERATOR_ANSWERED], CallOutcome.ANSWERED_BY_OPERATOR),
        ([K.OPERATOR_ANSWERED, K.QUEUE_JOINED, K.VOICEMAIL_STARTED], CallOutcome.VOICEMAIL),
        ([K.QUEUE_JOINED, K.QUEUE_LEFT, K.CALL_BACK_PROMISED], CallOutcome.CALL_BACK),
        ([K.CALL_BACK_PROMISED, K.QUEUE_JOINED, K.OPERATOR_ANSWERED], CallOutcome.ANSWERED_BY_OPERATOR),
        ([K.CALL_BACK_PROMISED, K.QUEUE_JOINED, K.VOICEMAIL_STARTED], CallOutcome.VOICEMAIL),
    ],
)
def test_it_knows_how_a_call_ended(told: list[EventKind], outcome: CallOutcome) -> None:
    assert after(*((kind, {}) for kind in told), (K.ENDED, {})).outcome is outcome


def test_an_incident_is_the_topic_of_those_alone_who_needed_no_more() -> None:
    incident = (K.ANNOUNCED, {"option": "Draw postponed", "incident": "7"})
    informed = after((K.RECEIVED, {}), incident, (K.MENU_ENTERED, {}), (K.ENDED, {}))
    assert (informed.outcome, informed.topic) == (CallOutcome.INFORMED_BY_MENU, "Draw postponed")
    went_on = after(
        (K.RECEIVED, {}), incident, (K.QUEUE_JOINED, {}), (K.OPERATOR_ANSWERED, {}), (K.ENDED, {})
    )
    assert (went_on.outcome, went_on.topic) == (CallOutcome.ANSWERED_BY_OPERATOR, None)
    asked = (K.BOT_ENDED, {"answered": True, "topic": "next_draw"})
    assert after(incident, (K.BOT_STARTED, {}), asked, (K.ENDED, {})).topic == "next_draw"


def test_the_bots_answer_does_not_count_when_the_caller_went_on_to_the_queue() -> None:
    answered = (K.BOT_ENDED, {"answered": True, "topic": "next_draw"})
    call = after((K.BOT_STARTED, {}), answered, (K.HANDED_OVER, {"reason": "asked"}), (K.ENDED, {}))
    assert call.outcome is CallOutcome.ABANDONED
    assert call.topic == "next_draw"


def test_a_caller_whom_the_pbx_itself_took_to_the_queue_was_handed_over_by_a_fault() -> None:
    waiting = ((K.RECEIVED, {}), (K.BOT_STARTED, {}), (K.QUEUE_JOINED, {"queue": "support"}))
    assert after(*waiting).hand_over is None  # the reason may be on its way
    assert after(*waiting, (K.ENDED, {})).hand_over is HandOver.FAULT
    outbound = (K.RECEIVED, {"direction": "outbound"})
    assert after(outbound, waiting[2], (K.ENDED, {})).hand_over is None


def test_a_caller_whom_a_virtual_pbx_took_to_its_queue_was_routed_as_its_scheme_says() -> None:
    elsewhere = "mango-0123456789abcdef01234567"
    told = [(K.RECEIVED, 0), (K.QUEUE_JOINED, 5), (K.ENDED, 9)]
    call = replay(event(kind, at, source_id=str(at), call_id=elsewhere, queue="support") for kind, at in told)
    assert (call.queue, call.hand_over) == ("support", None)


def test_a_caller_whom_an_empty_queue_did_not_let_in_still_needs_a_person() -> None:
    call = after((K.ANNOUNCED, {}), (K.QUEUE_LEFT, {"queue": "support", "reason": "empty"}), (K.ENDED, {}))
    assert (call.outcome, call.hand_over) == (CallOutcome.ABANDONED, HandOver.FAULT)
    assert (call.queue, call.queued_at, call.hold_seconds) == ("support", None, 0)


def test_an_unknown_reason_is_a_fault() -> None:
    assert after((K.HANDED_OVER, {"reason": "because"})).hand_over is HandOver.FAULT


def test_times_are_measured_until_the_end_when_nobody_told_of_leaving() -> None:
    assert after((K.BOT_STARTED, {}), (K.ENDED, {})).bot_seconds == 10
    assert after((K.QUEUE_JOINED, {}), (K.ENDED, {})).hold_seconds == 10
    assert after((K.OPERATOR_ANSWERED, {}), (K.ENDED, {})).talk_seconds == 10


def test_visits_to_two_queues_are_added() -> None:
    call = after((K.QUEUE_JOINED, {}), (K.QUEUE_LEFT, {}), (K.QUEUE_JOINED, {"queue": "b"}), (K.ENDED, {}))
    assert (call.hold_seconds, call.queue) == (20, "b")


def test_the_pbxs_own_measure_counts_where_nobody_saw_the_beginning() -> None:
    call = after((K.OPERATOR_ANSWERED, {"operator": "7", "hold_seconds": "31"}))
    assert call.hold_seconds == 31
    assert after((K.OPERATOR_LEFT, {"operator": "7", "talk_seconds": 12})).talk_seconds == 12
    seen = after((K.QUEUE_JOINED, {}), (K.OPERATOR_ANSWERED, {"hold_seconds": 31}))
    assert seen.hold_seconds == 10


@pytest.mark.parametrize("nonsense", ["many", "", None, float("nan"), float("inf"), -3])
def test_a_measure_that_is_no_number_is_no_news(nonsense: float | str | None) -> None:
    assert after((K.OPERATOR_ANSWERED, {"hold_seconds": nonsense})).hold_seconds == 0


def test_a_recording_from_the_spool_means_that_the_call_is_over() -> None:
    call = after((K.FOUND, {"how": "recording"}))
    assert (call.state, call.found_later, call.ended_at) == (CallState.ENDED, True, START)
    live = after((K.FOUND, {"how": "reconciler"}), (K.QUEUE_JOINED, {}))
    assert (live.state, live.found_later) == (CallState.QUEUED, True)


def test_the_first_ring_may_be_told_last() -> None:
    story = answered_by_operator()
    assert in_order(reversed(story)) == story
    late_clock = [replace(story[0], at=START + timedelta(hours=1)), *story[1:]]
    assert in_order(late_clock)[0].kind is K.RECEIVED


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["support", "101", "asked", "12.5", "recording", "inbound", ""]),
)
# What each kind's reader looks at; a few of them at once, with whatever in them.
KEYS = st.sampled_from(
    [
        ("caller_raw", "caller", "line", "direction"),
        ("customer_id", "vip_level", "answered", "topic"),
        ("reason", "queue", "priority", "how"),
        ("operator", "hold_seconds", "talk_seconds", "option"),
    ]
)


@st.composite
def ledgers(draw: st.DrawFn) -> list[CallEvent]:
    kinds = draw(st.lists(st.sampled_from(list(EventKind)), min_size=1, max_size=8))
    return [
        CallEvent(
            source=draw(st.sampled_from(["ami", "ivr", "bot", "cdr"])),
            source_id=str(number),
            call_id="pz-1",
            at=START + timedelta(seconds=draw(st.integers(0, 5))),
            kind=kind,
            data={key: draw(VALUES) for key in draw(KEYS)},
            sequence=draw(st.integers(0, 2)),
        )
        for number, kind in enumerate(kinds)
    ]


@given(ledger=ledgers(), rearrange=st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same_call(ledger: list[CallEvent], rearrange: object) -> None:
    call = replay(ledger)
    told_badly = ledger + [event for event in ledger if rearrange.random() < 0.5]  # type: ignore[attr-defined]
    rearrange.shuffle(told_badly)  # type: ignore[attr-defined]
    assert replay(told_badly) == call


@given(ledger=ledgers())
def test_every_call_makes_sense(ledger: list[CallEvent]) -> None:
    call = replay(ledger)
    kinds = {told.kind for told in ledger}
    assert (call.state is CallState.ENDED) == (call.ended_at is not None) == (call.outcome is not None)
    assert call.ended == bool(K.ENDED in kinds or any(_lay_in_the_spool(ledger)))
    assert min(call.bot_seconds, call.hold_seconds, call.talk_seconds) >= 0
    assert call.ended_at is None or call.ended_at >= call.received_at


def _lay_in_the_spool(ledger: list[CallEvent]) -> Iterator[bool]:
    return (told.kind is K.FOUND and told.data.get("how") == "recording" for told in ledger)


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(hours=1)], ids=["behind", "ahead"])
def test_a_pbx_with_another_clock_changes_nothing_but_times(ahead: timedelta) -> None:
    ours = {K.MENU_ENTERED, K.MENU_CHOICE, K.BOT_STARTED, K.BOT_ENDED, K.HANDED_OVER}
    story = answered_by_operator()
    for length in range(1, len(story) + 1):
        told = story[:length]
        skewed = [each if each.kind in ours else replace(each, at=each.at + ahead) for each in told]
        true, call = replay(told), replay(skewed)
        assert (call.state, call.outcome, call.hand_over) == (true.state, true.outcome, true.hand_over)
        assert (call.hold_seconds, call.talk_seconds) == (true.hold_seconds, true.talk_seconds)
    assert call.ended_at is not None
    assert call.ended_at - call.received_at == timedelta(seconds=86)


def test_an_end_that_was_seen_counts_before_the_guess_of_a_tape() -> None:
    tape = event(K.FOUND, 0, source="recordings", how="recording")
    assert replay([tape, event(K.RECEIVED, 0), event(K.ENDED, 9)]).ended_at == START + timedelta(seconds=9)


def test_talk_goes_on_over_a_hold_and_over_a_transfer() -> None:
    call = after(
        (K.QUEUE_JOINED, {"queue": "support"}),
        (K.OPERATOR_ANSWERED, {"operator": "101"}),
        (K.HOLD_STARTED, {"operator": "101"}),
        (K.HOLD_ENDED, {"operator": "101"}),
        (K.TRANSFERRED, {"operator": "101", "to": "102", "how": "attended"}),
        (K.OPERATOR_LEFT, {"operator": "101"}),
        (K.OPERATOR_ANSWERED, {"operator": "102"}),
        (K.RECORDING_PAUSED, {"operator": "102"}),
        (K.RECORDING_RESUMED, {"operator": "102"}),
        (K.OPERATOR_LEFT, {"operator": "102"}),
        (K.ENDED, {}),
    )
    assert (call.operator, call.outcome) == ("102", CallOutcome.ANSWERED_BY_OPERATOR)
    assert (call.hold_seconds, call.talk_seconds) == (10.0, 40.0 + 30.0)


def test_a_late_word_of_who_gave_the_caller_away_does_not_end_the_talk() -> None:
    call = after(
        (K.OPERATOR_ANSWERED, {"operator": "101"}),
        (K.OPERATOR_ANSWERED, {"operator": "102"}),
        (K.OPERATOR_LEFT, {"operator": "101", "talk_seconds": 10}),
        (K.OPERATOR_LEFT, {"operator": "102"}),
    )
    assert (call.operator, call.talk_seconds) == ("102", 30.0)
