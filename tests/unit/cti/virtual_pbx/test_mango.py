"""What Mango tells, word by word: signatures, spelling, legs, results, statistics."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.fakes.virtual_pbx as fakes
from cti.virtual_pbx.contract import CommandResult, Hook, Refused, Taken, Why
from cti.virtual_pbx.simulators.mango import MangoSimulator
from cti.virtual_pbx.stories import story
from cti.virtual_pbx.vendors.mango import Mango, MangoSettings
from cti.virtual_pbx.vendors.mango.codes import code_of, is_wrong_request, refusal_of
from cti.virtual_pbx.vendors.mango.records import past_facts
from cti.virtual_pbx.vendors.mango.signature import sign, signed_form
from cti.virtual_pbx.vendors.mango.words import csv_rows, leg_news, moment, text, whole
from tests.fakes.virtual_pbx import START, adapter_of, arrive
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import CallOutcome, Direction, EventKind

pytestmark = pytest.mark.unit

FIXTURES = Path(fakes.__file__).parent / "mango"
KEY, SALT = "the-test-key-of-the-pbx", "a-long-test-secret"


def mango(**changes: Any) -> Mango:
    return cast(Mango, adapter_of("mango", **changes))


def hook(path: str, told: object, *, key: str = KEY, salt: str = SALT) -> Hook:
    body = signed_form(key, salt, cast(dict[str, Any], told))
    return Hook("POST", f"/{path}", "", {}, body, f"https://calls.example/mango/{path}")


def take(adapter: Mango, path: str, told: object, now: datetime = START) -> Taken:
    return adapter.take(hook(path, told), now)


def told_of(name: str, adapter: Mango | None = None) -> list[Fact]:
    adapter = adapter or mango()
    hooks = json.loads((FIXTURES / f"{name}.json").read_text())["hooks"]
    return [fact for path, told in hooks for fact in take(adapter, path, told).facts]


def ledger(adapter: Mango, facts: Sequence[Fact]) -> list[CallEvent]:
    told: dict[str, CallEvent] = {}
    for number in range(1, len(facts) + 1):
        for event in adapter.tell(facts[:number]):
            told.setdefault(event.source_id, event)
    return list(told.values())


def call_of(name: str) -> Call:
    return replay(ledger(mango(), told_of(name)))


def of_kind(events: Sequence[CallEvent], kind: EventKind) -> list[dict[str, Any]]:
    return [dict(event.data) for event in events if event.kind is kind]


EXAMPLES = sorted(path.stem for path in FIXTURES.glob("*.json"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_any_order_of_an_example_is_the_same_call(name: str) -> None:
    adapter, facts, dice = mango(), told_of(name), random.Random(6)
    first = replay(ledger(adapter, facts))
    for _ in range(40):
        dice.shuffle(facts)
        assert replay(ledger(adapter, [*facts, *facts[:2]])) == first


def test_a_consultation_ends_in_a_transfer_with_the_caller_in_the_operators_place() -> None:
    call = call_of("consultation_of_old")
    assert (call.operator, call.talk_seconds, call.direction) == ("102", 55.0, Direction.INBOUND)
    events = ledger(mango(), told_of("consultation_of_old"))
    assert of_kind(events, EventKind.TRANSFERRED) == [{"operator": "101", "to": "102", "how": "attended"}]
    assert of_kind(events, EventKind.HOLD_STARTED) == [{"operator": "101"}]
    assert len(of_kind(events, EventKind.OPERATOR_ANSWERED)) == 2  # the asking was no answer


def test_a_caller_who_is_sent_on_before_the_colleague_answers() -> None:
    call = call_of("sent_on_before_the_colleague_answers")
    assert (call.operator, call.talk_seconds, call.direction) == ("102", 40.0, Direction.INBOUND)
    assert call.caller == "+74950001122"
    events = ledger(mango(), told_of("sent_on_before_the_colleague_answers"))
    assert of_kind(events, EventKind.TRANSFERRED) == [{"operator": "101", "to": "102", "how": "blind"}]


def test_a_call_that_we_routed_is_one_call_and_says_that_it_was_done() -> None:
    call = call_of("routed_by_us")
    assert (call.operator, call.outcome) == ("101", CallOutcome.ANSWERED_BY_OPERATOR)
    hooks = json.loads((FIXTURES / "routed_by_us.json").read_text())["hooks"]
    results = [result for path, told in hooks for result in take(mango(), path, told).results]
    assert set(results) == {CommandResult("ours-1")}


def test_a_call_back_that_the_customer_does_not_take_was_no_talk() -> None:
    call = call_of("call_back_not_taken")
    assert (call.direction, call.outcome) == (Direction.OUTBOUND, CallOutcome.ABANDONED)
    assert (call.caller, call.line) == ("+74950001122", "74959998877")


def test_missed_is_said_by_the_talk_and_not_by_the_result() -> None:
    assert call_of("left_in_the_menu").outcome is CallOutcome.ABANDONED


def test_who_was_not_faster_has_missed_nothing() -> None:
    events = ledger(mango(), told_of("taken_by_a_colleague"))
    assert not of_kind(events, EventKind.OPERATOR_MISSED)
    call = call_of("taken_by_a_colleague")
    assert (call.operator, call.queue, call.hold_seconds) == ("102", "support", 6.0)


def test_a_phone_was_missed_only_when_nothing_of_its_leg_is_missing() -> None:
    adapter, facts = mango(), simulated("second")
    rang = [fact for fact in facts if fact.kind == "call" and fact.data["to"].get("extension") == "101"]
    assert of_kind(adapter.tell(rang), EventKind.OPERATOR_MISSED) == [{"operator": "101"}]
    assert not of_kind(adapter.tell(rang[1:]), EventKind.OPERATOR_MISSED)


def simulated(name: str) -> list[Fact]:
    adapter = mango()
    hooks = MangoSimulator().hooks(story(name), adapter.settings, START, f"call-{name}")
    return [fact for one in hooks for fact in adapter.take(arrive(one, "mango"), one.at).facts]


def test_hold_is_told_and_ends() -> None:
    events = mango().tell(simulated("held"))
    assert (
        of_kind(events, EventKind.HOLD_STARTED)
        == of_kind(events, EventKind.HOLD_ENDED)
        == [{"operator": "101"}]
    )
    assert len(of_kind(events, EventKind.OPERATOR_ANSWERED)) == 1


def test_a_caller_who_holds_the_line_is_not_put_on_hold() -> None:
    facts = simulated("held")
    held = next(fact for fact in facts if fact.data.get("call_state") == "OnHold")
    told = {**held.data, "from": {**held.data["from"], "hold_initiator": True},
            "to": {**held.data["to"], "hold_initiator": False}}  # fmt: skip
    facts[facts.index(held)] = replace(held, data=told)
    assert not of_kind(mango().tell(facts), EventKind.HOLD_STARTED)


def test_zero_in_the_menu_is_told_and_long_keys_are_not() -> None:
    told = {"entry_id": "e", "call_id": "c", "seq": 1, "timestamp": int(START.timestamp()),
            "location": "ivr.2", "initiator": "74950001122"}  # fmt: skip
    zero = mango().tell(list(take(mango(), "events/dtmf", {**told, "dtmf": "0"}).facts))
    assert of_kind(zero, EventKind.HANDED_OVER) == [{"reason": "pressed_zero"}]
    assert of_kind(zero, EventKind.MENU_CHOICE) == [{"menu": "ivr.2", "digit": "0"}]
    assert mango().tell(list(take(mango(), "events/dtmf", {**told, "dtmf": "4111111111111111"}).facts)) == []


def test_a_leg_to_our_own_asterisk_is_no_operator() -> None:
    facts = simulated("answered")
    adapter = mango(asterisk_numbers=("sip:user101@vpbx.mangosip.ru",))
    call = replay(ledger(adapter, facts))
    assert (call.operator, call.outcome) == (None, CallOutcome.ABANDONED)


def test_operators_and_queues_have_our_names() -> None:
    adapter = mango(operators={"101": "7001"}, queues={"303": "lottery"})
    call = replay(ledger(adapter, simulated("queued")))
    assert (call.operator, call.queue) == ("7001", "lottery")


# Who tells


def test_the_signature_is_the_documents_own() -> None:
    """sha256(vpbx_api_key + json + salt), in hexadecimal: made here without a line of ours."""
    told = {"entry_id": "запись-1", "seq": 1}
    text = '{"entry_id":"запись-1","seq":1}'
    digest = hashlib.sha256((KEY + text + SALT).encode()).hexdigest()
    assert parse_qsl(signed_form(KEY, SALT, told).decode(), strict_parsing=True) == [
        ("vpbx_api_key", KEY), ("sign", digest), ("json", text),
    ]  # fmt: skip
    body = urlencode({"vpbx_api_key": KEY, "sign": digest, "json": text}).encode()
    with pytest.raises(Refused) as unfit:  # no call, but a signature that holds
        mango().take(replace(hook("events/call", told), body=body), START)
    assert unfit.value.why is Why.UNFIT


def test_the_signature_of_a_known_text_is_known() -> None:
    """`printf '%s' 'KEY{"a":1}SALT' | sha256sum`."""
    known = "497d54056d7736f86614db9f3d0c39d357020352af9ae68f80ae9b47688e70a4"
    assert sign("KEY", '{"a":1}', "SALT") == known


def test_the_signature_is_over_the_text_as_it_came() -> None:
    at = f"{START.timestamp():.0f}"
    told = '{ "entry_id":"e",\n "call_direction":1, "end_time":"' + at + '", "note":"+ &=%\u0435" }'
    body = f"vpbx_api_key={KEY}&sign={sign(KEY, told, SALT)}&json={quote_plus(told)}".encode()
    came = replace(hook("events/summary", {}), body=body)
    assert len(mango().take(came, START).facts) == 1
    with pytest.raises(Refused) as refused:
        mango().take(replace(came, body=body.replace(b"e%22%2C%0A", b"e%22%2C")), START)
    assert refused.value.why is Why.FORGED


@pytest.mark.parametrize(("key", "salt"), [("another-key", SALT), (KEY, "another-salt"), (KEY, "")])
def test_another_key_or_salt_is_forged(key: str, salt: str) -> None:
    with pytest.raises(Refused) as refused:
        mango().take(hook("result/route", {"command_id": "c", "result": 1000}, key=key, salt=salt), START)
    assert refused.value.why is Why.FORGED


@pytest.mark.parametrize("minutes", [-61, 61, 180, 60 * 24 * 365])
def test_what_is_too_far_from_now_is_stale(minutes: int) -> None:
    at = int((START + timedelta(minutes=minutes)).timestamp())
    told = {"entry_id": "e", "call_id": "c", "seq": 1, "call_state": "Appeared", "timestamp": str(at)}
    with pytest.raises(Refused) as refused:
        take(mango(), "events/call", told)
    assert refused.value.why is Why.STALE


def test_a_repeat_is_the_same_fact() -> None:
    told = {"entry_id": "e", "call_id": "c", "seq": "1", "call_state": "Appeared",
            "timestamp": int(START.timestamp())}  # fmt: skip
    again = {**told, "seq": 1, "timestamp": str(told["timestamp"])}
    assert (
        take(mango(), "events/call", told).facts[0].fact_id
        == take(mango(), "events/call", again).facts[0].fact_id
    )


@pytest.mark.parametrize(
    "path", ["result/route", "vpbx/result/route", "result/call/hangup", "result/recording/start"]
)
def test_results_come_with_and_without_a_prefix(path: str) -> None:
    (result,) = take(mango(), path, {"command_id": "c", "result": "4101"}).results
    assert result.command_id == "c"
    assert result.refusal is not None
    assert "over" in result.refusal


def test_the_cabinets_ping_is_answered() -> None:
    came = Hook("GET", "/ping", "", {}, b"", "https://calls.example/mango/ping")
    reply = mango().take(came, START).reply
    assert reply is not None
    assert reply.status == 200


@pytest.mark.parametrize("path", ["events/sms", "events/record/tagged", "result/stat"])
def test_what_is_of_no_call_is_taken_and_told_to_nobody(path: str) -> None:
    taken = take(mango(), path, {"entry_id": "e", "key": "k"})
    assert (taken.facts, taken.results) == ((), ())


@pytest.mark.parametrize(
    "told",
    [
        [], "text", 5, {}, {"entry_id": ""}, {"entry_id": "e"}, {"entry_id": "e" * 129, "call_id": "c"},
        {"entry_id": "e", "call_id": "c", "seq": "first", "call_state": "Appeared", "timestamp": 1},
        {"entry_id": "e", "call_id": "c", "seq": 10**12, "call_state": "Appeared", "timestamp": 1},
        {"entry_id": "e", "call_id": "c", "seq": -1, "call_state": "Appeared", "timestamp": 1},
        {"entry_id": "e", "call_id": "c", "seq": 1, "call_state": "Appeared"},
        {"entry_id": {"a": 1}, "call_id": "c", "seq": 1, "call_state": "Appeared", "timestamp": 1},
    ],
)  # fmt: skip
def test_well_signed_nonsense_is_unfit(told: object) -> None:
    with pytest.raises(Refused) as refused:
        take(mango(), "events/call", told)
    assert refused.value.why is Why.UNFIT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = (
    "entry_id", "call_id", "seq", "call_state", "location", "from", "to", "disconnect_reason", "transfer",
    "recording_id", "recording_state", "dtmf", "call_direction", "talk_time", "create_time", "command_id",
)  # fmt: skip
_FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _JSON))


@given(path=st.sampled_from(["call", "summary", "recording", "record/added", "dtmf"]), told=_FIELDS)
def test_whatever_is_signed_breaks_nothing(path: str, told: dict[str, Any]) -> None:
    adapter, at = mango(), int(START.timestamp())
    try:
        taken = take(adapter, f"events/{path}", {"entry_id": "e", "timestamp": at, "end_time": at, **told})
    except Refused:
        return
    if taken.facts:
        facts = list(taken.facts)
        adapter.tapes(facts)
        if events := adapter.tell(facts):
            replay(events)


# Words


@pytest.mark.parametrize(
    ("value", "number"),
    [("7", 7), (7, 7), (7.0, 7), (" 7 ", 7), ("", None), (None, None), (True, None), ("seven", None),
     ([], None), ("1e999", None), (10**30, None)],
)  # fmt: skip
def test_numbers_come_as_text_or_not(value: object, number: int | None) -> None:
    assert whole(value) == number


def test_times_are_seconds_of_utc_whatever_the_label_says() -> None:
    assert moment(str(int(START.timestamp()))) == START
    assert moment(0) is moment("") is moment(10**18) is None


def test_location_is_read_misspelt_and_with_its_place_in_the_menu() -> None:
    assert leg_news("f", START, {"locaton": "ivr.2"}).place == "ivr"
    assert leg_news("f", START, {"location": "queue"}).place == "queue"
    assert leg_news("f", START, {}).place == "abonent"
    assert text(303) == "303"


# Codes


def test_every_code_has_a_sentence_and_an_unknown_one_that_of_its_class() -> None:
    assert refusal_of(1000) is refusal_of(1090) is None
    assert refusal_of(2219) == str(refusal_of(2210)).replace("2210", "2219")
    for code in (2110, 2219, 2240, 3100, 3200, 3310, 4001, 4100, 4101, 4290, 5000, 9999):
        sentence = str(refusal_of(code))
        assert code_of(sentence) == code
        assert sentence[0].isupper()
    assert is_wrong_request(3200)
    assert not is_wrong_request(4101)


# Statistics


def test_the_statistics_are_read_by_call() -> None:
    rows = csv_rows((FIXTURES / "statistics.csv").read_text())
    assert {entry: len(some) for entry, some in rows.items()} == {"ZW50cnktb25l": 2, "ZW50cnktdHdv": 1}


def test_a_call_is_told_from_the_statistics_alone() -> None:
    csv, adapter = (FIXTURES / "statistics.csv").read_text(), mango()
    answered, missed = past_facts("mango", csv, START + timedelta(hours=1))
    call = replay(adapter.tell([answered]))
    assert (call.operator, call.talk_seconds, call.direction) == ("101", 60.0, Direction.INBOUND)
    assert [tape.tape_id for tape in adapter.tapes([answered])] == ["r1", "r2"]
    call = replay(adapter.tell([missed]))
    assert (call.outcome, call.direction, call.caller) == (
        CallOutcome.ABANDONED, Direction.OUTBOUND, "+74950003344")  # fmt: skip


def test_the_statistics_end_no_call_of_which_more_may_come() -> None:
    csv, adapter = (FIXTURES / "statistics.csv").read_text(), mango()
    for seconds in (60, 300):
        early, *_ = past_facts("mango", csv, START + timedelta(seconds=75 + seconds))
        assert not replay(adapter.tell([early])).ended


def test_asking_again_tells_nothing_new() -> None:
    csv = (FIXTURES / "statistics.csv").read_text()
    first, later = (past_facts("mango", csv, START + timedelta(hours=hours)) for hours in (1, 5))
    assert first == later


def test_settings_keep_the_key_to_themselves() -> None:
    settings = cast(MangoSettings, mango().settings)
    assert KEY not in repr(settings)
    assert KEY in settings.model_dump_json()


def test_a_call_that_may_go_on_this_moment_is_left_out_of_the_statistics() -> None:
    csv = (FIXTURES / "statistics.csv").read_text()
    (quiet,) = past_facts("mango", csv, START + timedelta(seconds=140))
    assert quiet.at == START + timedelta(seconds=75)


def test_an_operator_who_asks_somebody_outside_goes_on_talking_in_the_statistics() -> None:
    csv, adapter = (FIXTURES / "statistics.csv").read_text().splitlines()[2], mango()
    cells = csv.split(";")
    cells[1:8] = [str(int(cells[1]) + at) for at in (13, 33, 18)] + ["101", "sip:anna", "", "74950009988"]
    (fact,) = past_facts("mango", f"{csv}\n{';'.join(cells)}\n", START + timedelta(hours=1))
    call = replay(adapter.tell([fact]))
    assert (call.operator, call.talk_seconds, call.direction) == ("101", 60.0, Direction.INBOUND)
