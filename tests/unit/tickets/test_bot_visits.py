import random
from datetime import timedelta

import pytest

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.bot_visits import BotCall, bot_call
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind, HandOver

pytestmark = pytest.mark.unit


def said(at: float, text: str, intent: str, score: float | None = 0.9, **data: Value) -> CallEvent:
    turn = {"speaker": "caller", "text": text, "intent": intent, "confidence": score} | data
    return event(EventKind.BOT_TURN, at, source="bot", **turn)


def answer(at: float, name: str) -> CallEvent:
    return event(EventKind.BOT_TURN, at, source="bot", speaker="bot", text="…", intent=f"answer:{name}")


def came(at: float = 10) -> list[CallEvent]:
    rings = event(EventKind.RECEIVED, 0, caller="+12025550143")
    return [rings, event(EventKind.BOT_STARTED, at, source="bot")]


def left(at: float, *, answered: bool, reason: str | None = None) -> list[CallEvent]:
    ended = event(EventKind.BOT_ENDED, at, source="bot", sequence=90, answered=answered)
    handed = event(EventKind.HANDED_OVER, at, source="bot", sequence=91, reason=reason)
    return [ended, handed] if reason else [ended]


def read(*events: CallEvent) -> BotCall:
    found = bot_call(events)
    assert found is not None
    return found


def test_a_call_that_never_came_to_the_bot_is_none_of_its_calls():
    assert bot_call(answered_by_operator()) is None
    assert bot_call([]) is None


def test_it_tells_what_was_asked_and_answered_with_its_place_on_the_tape():
    call = read(
        *came(10),
        said(18, "when is the next draw", "next_draw", 0.94, offset_seconds=5.5),
        answer(19, "next_draw"),
        said(30, "no thanks", "goodbye"),
        *left(33, answered=True),
    )
    assert (call.answered, call.hand_over, call.thumb) == (True, None, None)
    assert call.started_at == START + timedelta(seconds=10)
    (line,) = call.lines
    assert (line.question, line.answered, line.hand_over, line.score) == ("next_draw", True, None, 0.94)
    assert line.tape_s == pytest.approx(15.5)  # from the first ring, where the words began


def test_without_an_offset_the_place_on_the_tape_is_when_it_was_understood():
    (line,) = read(*came(10), said(18, "when is the next draw", "next_draw")).lines
    assert line.tape_s == 18


def test_words_that_belong_to_no_question_are_kept_apart_from_courtesies():
    call = read(
        *came(),
        said(12, "yes", "yes"),
        said(15, "can I pay with my library card", "out_of_scope", 0.2),
        said(18, "", "nothing"),
        *left(20, answered=False, reason="out_of_scope"),
    )
    (line,) = call.lines
    assert (line.question, line.answered, line.hand_over) == (None, False, HandOver.OUT_OF_SCOPE)
    assert (call.answered, call.hand_over) == (False, HandOver.OUT_OF_SCOPE)


def asked_back(at: float, name: str) -> CallEvent:
    return event(EventKind.BOT_TURN, at, source="bot", speaker="bot", text="…", intent=f"confirm:{name}")


def wanted(at: float, name: str) -> CallEvent:
    return event(EventKind.BOT_LEARNT, at, source="bot", about="wanted", name=name, title="", value="")


def test_what_was_asked_back_and_then_answered_was_that_question():
    call = read(
        *came(),
        said(12, "what is in the pot", "out_of_scope", 0.3),
        asked_back(13, "jackpot"),
        said(15, "yes", "yes"),
        wanted(16, "jackpot"),
        answer(16.5, "jackpot"),
        *left(30, answered=True),
    )
    (line,) = call.lines
    assert (line.question, line.answered, line.score) == ("jackpot", True, 0.3)


def test_what_was_asked_back_is_that_question_as_soon_as_the_caller_says_so():
    call = read(
        *came(),
        said(12, "my paper", "out_of_scope", 0.3),
        asked_back(13, "check_ticket"),
        said(15, "yes", "yes"),
        wanted(16, "check_ticket"),
        said(18, "one two three", "reply"),
        asked_back(19, "ticket"),  # the slot's value
        *left(30, answered=False, reason="look_up"),
    )
    assert [(line.question, line.answered) for line in call.lines] == [("check_ticket", False)]


def test_what_was_asked_back_in_vain_belongs_to_no_question():
    call = read(
        *came(),
        said(12, "what is in the pot", "out_of_scope", 0.3),
        asked_back(13, "jackpot"),
        said(15, "no", "no"),
        said(18, "how much is in it", "jackpot"),
        answer(19, "jackpot"),
        *left(30, answered=True),
    )
    assert [(line.question, line.answered) for line in call.lines] == [(None, False), ("jackpot", True)]


def test_only_the_last_thing_asked_led_to_the_person():
    call = read(
        *came(),
        said(12, "when is the next draw", "next_draw"),
        answer(13, "next_draw"),
        said(20, "did my ticket win", "check_ticket"),
        answer(21, "check_ticket"),
        said(30, "operator", "operator"),
        *left(31, answered=False, reason="asked"),
    )
    assert [(line.question, line.hand_over) for line in call.lines] == [
        ("next_draw", None),
        ("check_ticket", HandOver.ASKED),
    ]
    assert all(line.answered for line in call.lines)


def test_an_answer_that_was_never_begun_is_none():
    call = read(*came(), said(12, "when is the next draw", "next_draw"))
    assert not call.lines[0].answered
    assert not call.answered


def test_a_thumb_belongs_to_the_question_that_was_judged():
    call = read(
        *came(),
        said(12, "when is the next draw", "next_draw"),
        answer(13, "next_draw"),
        said(20, "did my ticket win", "check_ticket"),
        answer(21, "check_ticket"),
        event(EventKind.BOT_THUMB, 30, source="bot", up=False, question="check_ticket"),
        *left(31, answered=False, reason="asked"),
    )
    assert call.thumb is False
    assert [line.thumb for line in call.lines] == [None, False]


def test_two_visits_of_one_call_stay_apart():
    call = read(
        *came(10),
        said(15, "when is the next draw", "next_draw", offset_seconds=4),
        answer(16, "next_draw"),
        *left(20, answered=True),
        event(EventKind.BOT_STARTED, 40, source="bot"),
        said(45, "did my ticket win", "check_ticket", offset_seconds=3),
        event(EventKind.BOT_ENDED, 50, source="bot", answered=False),
        event(EventKind.HANDED_OVER, 51, source="bot", reason="silence"),
    )
    assert [(line.tape_s, line.answered, line.hand_over) for line in call.lines] == [
        (14, True, None),
        (43, False, HandOver.SILENCE),
    ]
    assert (call.answered, call.hand_over) == (False, HandOver.SILENCE)


def test_what_reception_does_after_an_answer_is_not_the_bots():
    call = read(
        *came(),
        said(12, "when is the next draw", "next_draw"),
        answer(13, "next_draw"),
        *left(20, answered=True),
        event(EventKind.HANDED_OVER, 25, source="ivr", reason="pressed_zero"),
    )
    assert (call.answered, call.hand_over, call.lines[0].hand_over) == (True, None, None)


def test_it_knows_in_which_language_something_was_asked():
    own = read(*came(), said(12, "when is the next draw", "next_draw"))
    other = read(
        *came(),
        event(EventKind.LANGUAGE, 5, source="ivr", language="ru", how="key"),
        said(12, "когда розыгрыш", "next_draw"),
    )
    assert [call.lines[0].language for call in (own, other)] == [None, "ru"]


def test_a_reason_that_nobody_knows_is_a_fault():
    assert read(*came(), *left(20, answered=False, reason="moonlight")).hand_over is HandOver.FAULT


def test_any_order_and_any_repetition_gives_the_same():
    events = [
        *came(),
        said(12, "when is the next draw", "next_draw"),
        answer(13, "next_draw"),
        said(20, "something about bees", "out_of_scope", 0.1),
        *left(31, answered=False, reason="out_of_scope"),
    ]
    whole = read(*events)
    luck = random.Random(5)
    for _ in range(20):
        mixed = [*events, *luck.sample(events, 3)]
        luck.shuffle(mixed)
        assert read(*mixed) == whole


def test_older_ledgers_without_names_of_prompts_tell_the_last_question_as_answered():
    (line,) = read(*answered_by_bot()).lines
    assert (line.question, line.answered) == ("next_draw", True)
