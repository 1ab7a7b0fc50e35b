"""What a call looks like on phones, read from its events."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from cti.desk.snapshot import standing
from cti.desk.story import MOST_EVENTS, MOST_HEARD, Story
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind as K

pytestmark = pytest.mark.unit

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)


def event(at: float, kind: K, **data: Value) -> CallEvent:
    return CallEvent("ami", f"{kind}:{at}:{data}", "c1", T0 + timedelta(seconds=at), kind, data)


def told(*events: CallEvent) -> Story:
    story = Story()
    for one in events:
        story.tell(one)
    return story


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


RINGS = event(10, K.OPERATOR_RINGING, operator="101")
ANSWERED = event(15, K.OPERATOR_ANSWERED, operator="101")
LEFT = event(60, K.OPERATOR_LEFT, operator="101")


def test_a_phone_rings_talks_and_is_done() -> None:
    story = told(event(0, K.QUEUE_JOINED, queue="support"))
    assert standing(story.picture, "101") is None
    story.tell(RINGS)
    assert standing(story.picture, "101") == ("ringing", at(10))
    story.tell(ANSWERED)
    assert standing(story.picture, "101") == ("talking", at(15))
    story.tell(event(20, K.HOLD_STARTED, operator="101"))
    assert standing(story.picture, "101") == ("held", at(20))
    story.tell(event(30, K.HOLD_ENDED, operator="101"))
    assert standing(story.picture, "101") == ("talking", at(15))
    story.tell(LEFT)
    assert standing(story.picture, "101") == ("wrap_up", at(60))


def test_who_answers_silences_all_other_phones() -> None:
    story = told(
        RINGS, event(10, K.OPERATOR_RINGING, operator="102"), event(12, K.OPERATOR_ANSWERED, operator="102")
    )
    assert story.picture.rings == {}
    assert set(story.picture.talks) == {"102"}


@pytest.mark.parametrize(
    "end",
    [
        event(20, K.OPERATOR_MISSED, operator="101"),
        event(20, K.QUEUE_LEFT, queue="support", reason="abandoned"),
        event(20, K.VOICEMAIL_STARTED),
        event(20, K.ENDED, cause="16"),
    ],
)
def test_a_ring_that_nobody_answers_leaves_nothing(end: CallEvent) -> None:
    assert told(RINGS, end).picture.operators == set()


def test_the_end_is_the_end_also_where_nobody_told_that_the_operator_left() -> None:
    story = told(
        RINGS, ANSWERED, event(20, K.HOLD_STARTED), event(21, K.RECORDING_PAUSED), event(60, K.ENDED)
    )
    assert standing(story.picture, "101") == ("wrap_up", at(60))
    assert story.picture.ended
    assert not story.picture.recording_paused


def test_a_call_that_is_passed_on_is_over_for_one_and_begins_for_the_other() -> None:
    blind = told(RINGS, ANSWERED, event(30, K.TRANSFERRED, operator="101", to="102", how="blind"))
    assert standing(blind.picture, "101") == ("wrap_up", at(30))
    assert standing(blind.picture, "102") == ("ringing", at(30))
    attended = told(RINGS, ANSWERED, event(30, K.TRANSFERRED, operator="101", to="102", how="attended"))
    assert standing(attended.picture, "102") == ("talking", at(30))


def test_the_card_number_stays_private_until_the_recording_goes_on() -> None:
    story = told(RINGS, ANSWERED, event(20, K.RECORDING_PAUSED, operator="101"))
    assert story.picture.recording_paused
    story.tell(event(25, K.RECORDING_RESUMED, operator="101"))
    assert not story.picture.recording_paused


def test_the_pop_has_the_last_language_of_the_call() -> None:
    assert told(RINGS).picture.language is None
    chosen = event(1, K.LANGUAGE, language="ru", how="line"), event(3, K.LANGUAGE, language="en", how="key")
    assert told(RINGS, chosen[0]).picture.language == "ru"
    assert told(RINGS, *reversed(chosen)).picture.language == "en"


def test_what_the_caller_did_before_is_on_the_way() -> None:
    story = told(
        event(0, K.RECEIVED, caller="+12025550143", caller_raw="2025550143", line="+18005550100"),
        event(0.2, K.CUSTOMER_FOUND, customer_id=7, vip_level=2),
        event(3, K.MENU_CHOICE, menu="main", digit="1"),
        event(5, K.BOT_TURN, speaker="bot", text="How can I help?"),
        event(8, K.BOT_TURN, speaker="caller", text="My prize"),
        event(9, K.HANDED_OVER, reason="out_of_scope"),
    )
    picture = story.picture
    assert (picture.number, picture.line, picture.customer_id, picture.vip_level) == (
        "+12025550143", "+18005550100", 7, 2
    )  # fmt: skip
    assert picture.path == ["main: 1"]
    assert [(line.speaker, line.text) for line in picture.heard] == [
        ("bot", "How can I help?"), ("caller", "My prize")
    ]  # fmt: skip
    assert picture.hand_over == "out_of_scope"
    assert picture.wanted


def test_what_the_bot_has_learnt_is_there_before_anybody_answers() -> None:
    story = told(
        event(5, K.BOT_LEARNT, about="wanted", name="check_ticket", title="Check a ticket"),
        event(
            6, K.BOT_LEARNT, about="slot", name="ticket", title="ticket number", value="12345678", sure=True
        ),
        event(7, K.BOT_LEARNT, about="lookup", name="ticket", value="late"),
        event(8, K.HANDED_OVER, reason="look_up"),
        RINGS,
    )
    learnt = story.picture.learnt
    assert (learnt.wanted, learnt.lookup, story.picture.hand_over) == ("Check a ticket", "late", "look_up")
    assert [(fact.title, fact.value) for fact in learnt.facts] == [("ticket number", "12345678")]


def test_the_order_of_telling_and_repeats_do_not_matter() -> None:
    chance = random.Random(4)
    events = [
        event(0, K.RECEIVED, caller="+12025550143"),
        event(2, K.BOT_TURN, speaker="caller", text="hello"),
        event(5, K.QUEUE_JOINED, queue="support"),
        RINGS,
        event(12, K.OPERATOR_MISSED, operator="101"),
        event(13, K.OPERATOR_RINGING, operator="102"),
        event(15, K.OPERATOR_ANSWERED, operator="102"),
        event(20, K.HOLD_STARTED, operator="102"),
        event(60, K.OPERATOR_LEFT, operator="102"),
    ]
    whole = told(*events).picture
    for _ in range(50):
        mixed = [*events, *chance.choices(events, k=4)]
        chance.shuffle(mixed)
        assert told(*mixed).picture == whole


def test_a_bot_that_never_stops_talking_fills_no_memory() -> None:
    turns = [event(n, K.BOT_TURN, speaker="bot", text=f"line {n}") for n in range(MOST_EVENTS * 2)]
    story = told(
        event(0, K.RECEIVED, caller="+12025550143"), *turns, event(9000, K.OPERATOR_RINGING, operator="101")
    )
    assert len(story._events) == MOST_EVENTS
    assert len(story.picture.heard) == MOST_HEARD
    assert story.picture.heard[-1].text == f"line {MOST_EVENTS * 2 - 1}"
    assert story.picture.number == "+12025550143"


@pytest.mark.parametrize(
    "found",
    [
        event(60, K.OPERATOR_ANSWERED, operator="102"),
        event(60, K.QUEUE_JOINED, queue="support"),
        event(60, K.VOICEMAIL_STARTED),
    ],
)
def test_whom_the_reconciler_finds_elsewhere_has_left_the_operator_of_before(found: CallEvent) -> None:
    held = event(20, K.HOLD_STARTED, operator="101")
    story = told(ANSWERED, held, found)  # the link was cut meanwhile: nobody told that 101 had left
    assert standing(story.picture, "101") == ("wrap_up", at(60))
    assert story.picture.held_since is None
