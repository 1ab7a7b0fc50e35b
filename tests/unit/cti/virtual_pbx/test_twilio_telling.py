"""What Twilio's words mean, one by one."""

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest

import tests.fakes.virtual_pbx as fakes
from cti.virtual_pbx.simulators.twilio import signed
from cti.virtual_pbx.vendors.twilio.addresses import Page, Place, place_of
from cti.virtual_pbx.vendors.twilio.hooks import moment
from cti.virtual_pbx.vendors.twilio.place import word_of
from cti.virtual_pbx.vendors.twilio.records import facts_of, of_before, of_the_centre
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from ivr.menu import Incident, Stage, State
from tests.fakes.virtual_pbx import START, adapter_of, arrive
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import CallOutcome, CallState, Direction, EventKind, HandOver

pytestmark = pytest.mark.unit

FIXTURES = Path(fakes.__file__).parent / "twilio"
ADAPTER = adapter_of("twilio")
SETTINGS = cast(TwilioSettings, ADAPTER.settings)
CALL = {"CallSid": "CA1", "From": "+12025550143", "To": "+18005550100", "CallStatus": "in-progress"}
LEG = {**CALL, "CallSid": "CA2", "ParentCallSid": "CA1"}


def told(page: Page, at: float = 0, place: Place | None = None, **fields: str) -> Fact:
    """A webhook as a fact, that came `at` seconds after the start."""
    when = START + timedelta(seconds=at)
    query = place.query() if place else ""
    about = {**(LEG if page is Page.LEG else CALL), **fields}
    (fact,) = ADAPTER.take(arrive(signed(SETTINGS, when, page, query, about), "twilio"), when).facts
    return fact


def stamp(at: float) -> str:
    return format_datetime(START + timedelta(seconds=at))


def epoch(at: float) -> int:
    return int((START + timedelta(seconds=at)).timestamp())


def recorded(name: str) -> list[Fact]:
    """A call as it stands in a file, signed here."""
    told = json.loads((FIXTURES / f"{name}.json").read_text())
    found: list[Fact] = []
    for address, fields in told["hooks"]:
        path, _, query = address.partition("?")
        hook = arrive(signed(SETTINGS, START, Page(path[1:]), query, fields), "twilio")
        found += ADAPTER.take(hook, START + timedelta(minutes=2)).facts
    return found


def events(*facts: Fact) -> list[CallEvent]:
    return ADAPTER.tell(facts)


def call(*facts: Fact) -> Call:
    return replay(events(*facts))


def kinds(*facts: Fact) -> list[EventKind]:
    return [event.kind for event in events(*facts)]


@pytest.mark.parametrize("withheld", ["anonymous", "Restricted", "+266696687", "+7378742833", "+86282452253"])
def test_a_caller_who_shows_no_number_has_none(withheld: str) -> None:
    begun = call(told(Page.VOICE, From=withheld))
    assert (begun.caller_raw, begun.caller) == ("", None)


def test_a_call_at_a_sip_phone_is_told_from_what_twilio_sends() -> None:
    facts = recorded("answered_at_a_sip_phone")
    over = call(*facts)
    assert (over.operator, over.queue, over.talk_seconds) == ("101", "support", 60)
    assert (over.outcome, over.hand_over) == (CallOutcome.ANSWERED_BY_OPERATOR, HandOver.PRESSED_ZERO)
    (tape,) = ADAPTER.tapes(facts)
    assert (tape.at, tape.caller) == (START + timedelta(seconds=14), 0)


def test_a_message_after_the_fallback_is_told_from_what_twilio_sends() -> None:
    facts = recorded("message_after_the_fallback")
    over = call(*facts)
    assert (over.outcome, over.caller_raw) == (CallOutcome.VOICEMAIL, "")
    missed = [event.data["operator"] for event in events(*facts) if event.kind is EventKind.OPERATOR_MISSED]
    assert missed == ["101", "102"]


def test_a_call_comes_in() -> None:
    begun = call(told(Page.VOICE, CallStatus="ringing"))
    assert (begun.caller, begun.line) == ("+12025550143", "+18005550100")
    assert begun.direction is Direction.INBOUND


def test_an_answer_in_the_second_of_joining_the_queue_comes_after_it() -> None:
    place = Place(queue="support", since=epoch(10), why="pressed_zero")
    leg = Place(who="101", since=epoch(10))
    answered = told(Page.LEG, 10.9, leg, CallStatus="in-progress", Timestamp=stamp(10))
    now = call(told(Page.VOICE), answered, told(Page.OPERATORS, 10.7, place))
    assert now.state is CallState.TALKING
    assert now.hand_over is HandOver.PRESSED_ZERO


def test_twilios_clock_may_be_behind_ours() -> None:
    place, leg = Place(queue="support", since=epoch(100)), Place(who="101", since=epoch(100))
    answered = told(Page.LEG, 110, leg, CallStatus="in-progress", Timestamp=stamp(70))
    now = call(told(Page.VOICE), told(Page.OPERATORS, 100, place), answered)
    assert now.state is CallState.TALKING


def test_whoever_presses_zero_at_the_tone_has_left_no_message() -> None:
    leg = Place(who="101", since=epoch(12))
    over = call(
        told(Page.VOICE),
        told(Page.VOICEMAIL, 10.8, Place()),
        told(Page.OPERATORS, 12.2, Place(queue="support", since=epoch(12), why="pressed_zero")),
        told(Page.LEG, 14, leg, CallStatus="completed", CallDuration="1", Timestamp=stamp(14)),
        told(Page.STATUS, 15, CallStatus="completed", Timestamp=stamp(15)),
    )
    assert over.outcome is CallOutcome.ANSWERED_BY_OPERATOR


def test_a_message_is_known_by_its_recording_alone() -> None:
    ready = {"RecordingSid": "RE1", "RecordingStatus": "completed", "RecordingDuration": "8"}
    facts = [told(Page.RECORDING, 30, None, **ready, RecordingSource="RecordVerb")]
    assert kinds(*facts) == [EventKind.VOICEMAIL_STARTED]
    (tape,) = ADAPTER.tapes(facts)
    assert (tape.tape_id, tape.at) == ("RE1", START + timedelta(seconds=22))
    assert kinds(told(Page.RECORDING, 30, None, **ready, RecordingSource="DialVerb")) == []


@pytest.mark.parametrize("status", ["in-progress", "absent", "failed", ""])
def test_a_recording_that_is_not_ready_is_none(status: str) -> None:
    assert ADAPTER.tapes([told(Page.RECORDING, 1, None, RecordingSid="RE1", RecordingStatus=status)]) == []


def test_whoever_was_slower_has_missed_nothing() -> None:
    leg = Place(who="102")
    assert kinds(told(Page.LEG, 5, leg, CallStatus="canceled")) == []
    for status in ("no-answer", "busy", "failed"):
        assert kinds(told(Page.LEG, 5, leg, CallStatus=status)) == [EventKind.OPERATOR_MISSED]


def test_a_caller_who_is_gone_when_a_page_is_asked_has_ended() -> None:
    gone = told(Page.DIALLED, 20, Place(), CallStatus="completed", DialCallStatus="no-answer")
    assert call(told(Page.VOICE), gone).outcome is CallOutcome.ABANDONED


def test_the_fallback_says_that_we_failed() -> None:
    now = call(told(Page.FALLBACK, 0, None, ErrorCode="11200"))
    assert now.caller == "+12025550143"
    assert now.hand_over is HandOver.FAULT


@pytest.mark.parametrize("word", ["", "nonsense", word_of(State(Stage.MENU, True, "no such menu"))])
def test_a_place_that_there_is_not_tells_nothing(word: str) -> None:
    assert kinds(told(Page.MENU, 1, Place(state=word), Digits="1")) == []


def test_an_announcement_that_was_heard_out_is_told() -> None:
    state = State(Stage.ANNOUNCEMENT, True, "main", digit="3", language="en")
    heard = events(told(Page.MENU, 20, Place(state=word_of(state)), Digits=""))
    assert [event.kind for event in heard] == [EventKind.ANNOUNCED, EventKind.MENU_ENTERED]
    assert heard[0].data == {"menu": "main", "option": "Winning numbers"}


def test_an_incident_that_was_heard_is_told() -> None:
    incident = Incident(4, "Draw is late – sorry", "incident-4")
    state = State(Stage.INTRO, True, "main", incident=incident, language="en")
    heard = events(told(Page.MENU, 20, Place(state=word_of(state)), Digits=""))
    assert heard[0].data == {"menu": "main", "option": "Draw is late – sorry", "incident": "4"}


def test_a_place_is_the_same_after_its_way_through_an_address() -> None:
    place = Place(
        "c3Rh", "support", 1772443800, 3, 2, "pt-BR", "asked", "+12025550143", "101", "102", "out", "x"
    )
    pairs = dict(pair.split("=") for pair in place.query().replace("%2B", "+").split("&"))
    assert place_of(pairs) == place


def record(**about: Any) -> dict[str, Any]:
    start, end = START, START + timedelta(seconds=60)
    return {"sid": "CA1", "parent_call_sid": None, "from": "+12025550143", "to": "+18005550100",
            "direction": "inbound", "status": "completed", "start_time": format_datetime(start),
            "end_time": format_datetime(end), "duration": "60", "price": "-0.02", **about}  # fmt: skip


def test_a_record_of_a_call_that_goes_on_says_nothing_yet() -> None:
    going = record(status="in-progress", end_time=None, duration=None)
    assert facts_of([going], [], START, START) == []


def test_a_record_asked_for_twice_is_one_fact() -> None:
    one, again = (facts_of([record()], [], START, START + timedelta(hours=n)) for n in (1, 2))
    assert [fact.fact_id for fact in one] == [fact.fact_id for fact in again]


@pytest.mark.parametrize(
    "nonsense", [{}, {"sid": 5}, {"sid": "CA1", "status": "completed"}, record(end_time="?")]
)
def test_odd_records_break_nothing(nonsense: dict[str, Any]) -> None:
    facts = facts_of([nonsense], [{"sid": "RE1"}, {}], START, START)
    if facts:
        call(*facts)


def test_a_call_that_went_by_the_bin_is_known_from_the_records() -> None:
    leg = record(sid="CA2", parent_call_sid="CA1", to="client:ben", direction="outbound-dial", duration="40")
    tape = {"sid": "RE1", "call_sid": "CA1", "status": "completed", "start_time": stamp(20), "duration": 40}
    facts = facts_of([record(), leg], [tape], START, START)
    over = call(*facts)
    assert (over.operator, over.talk_seconds) == ("102", 40)
    assert over.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert [tape.tape_id for tape in ADAPTER.tapes(facts)] == ["RE1"]


OURS: dict[str, dict[str, Any]] = {
    "comes in": {},
    "from a phone at Twilio": {"from": "client:ben", "to": "sip:+12025550143@centre.sip.twilio.com"},
    "rung for us": {"direction": "outbound-api", "from": "+18005550100", "to": "client:ben"},
    "a leg of one that began earlier": {
        "parent_call_sid": "CA0",
        "direction": "outbound-dial",
        "to": "client:ben",
    },
}
OTHERS: dict[str, dict[str, Any]] = {
    "comes in on another number": {"to": "+18005550199"},
    "an operator's own telephone rings another number": {"from": "+12025550103", "to": "+18005550199"},
    "a reminder from our line": {"direction": "outbound-api", "from": "+18005550100", "to": "+12025550143"},
    "rung for somebody else": {"direction": "outbound-api", "from": "+18005550199", "to": "client:ben"},
    "another application's phone": {"from": "client:shop", "to": "+12025550143"},
    "a leg of another's": {"parent_call_sid": "CA0", "direction": "outbound-dial", "to": "client:shop"},
}


def centres(calls: list[dict[str, Any]], tapes: list[dict[str, Any]], told: set[str] | None = None) -> Any:
    settings = ADAPTER.settings
    return of_the_centre(calls, tapes, settings, ADAPTER.house.scenario.lines, told or set())


@pytest.mark.parametrize("about", OURS.values(), ids=OURS)
def test_the_centres_calls_are_taken_from_the_records(about: dict[str, Any]) -> None:
    calls, tapes = [record(**about)], [{"sid": "RE1", "call_sid": "CA1"}]
    assert centres(calls, tapes) == (calls, tapes)


@pytest.mark.parametrize("about", OTHERS.values(), ids=OTHERS)
def test_other_calls_of_the_account_are_none_of_ours(about: dict[str, Any]) -> None:
    other = record(**about)
    leg = record(sid="CA2", parent_call_sid="CA1", to="+12025550104", direction="outbound-dial")
    tapes = [{"sid": "RE1", "call_sid": "CA1"}, {"sid": "RE2", "call_sid": "CA2"}, {"sid": "RE3"}, {}]
    assert centres([other, leg], tapes) == ([], [])


def test_legs_go_with_their_call_and_so_do_recordings() -> None:
    leg = record(sid="CA2", parent_call_sid="CA1", to="+12025550104", direction="outbound-dial")
    calls, tapes = [leg, record()], [{"sid": "RE1", "call_sid": "CA1"}, {"sid": "RE2", "call_sid": "CA2"}]
    assert centres(calls, tapes) == (calls, tapes)


def test_a_recording_of_a_call_that_began_before_the_records_is_ours_if_the_call_was_told_of() -> None:
    tape = {"sid": "RE1", "call_sid": "CA0"}
    assert of_before([record()], [tape, {"sid": "RE2", "call_sid": "CA1"}, {}]) == {"CA0"}
    assert centres([], [tape]) == ([], [])
    assert centres([], [tape], {"CA0"}) == ([], [tape])


def test_a_moment_is_aware_whatever_is_written() -> None:
    assert moment("Mon, 02 Mar 2026 09:30:00 +0000") == START
    assert moment("Mon, 02 Mar 2026 04:30:00 -0500") == START
    assert moment("Mon, 02 Mar 2026 09:30:00 -0000") == START
    for nonsense in ("", "soon", "Mon, 99 Mar 2026 09:30:00 +0000"):
        assert moment(nonsense) is None
    assert isinstance(moment("Mon, 02 Mar 2026 09:30:00"), datetime)
