"""Zadarma: what its webhooks prove, what they tell, and what it is answered."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from cti.virtual_pbx.contract import (
    HangUp,
    Hook,
    House,
    NotOffered,
    Refused,
    Route,
    Steered,
    Taken,
    Transfer,
    Why,
)
from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.simulators.zadarma import ZadarmaSimulator
from cti.virtual_pbx.stories import STORIES
from cti.virtual_pbx.vendors.zadarma import words
from cti.virtual_pbx.vendors.zadarma.adapter import Zadarma
from cti.virtual_pbx.vendors.zadarma.records import past_facts, tape_of
from tests.fakes.virtual_pbx import START, adapter_of, arrive, settings_of
from tickets.call import replay
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import CallOutcome, Direction, EventKind

pytestmark = pytest.mark.unit

SECRET = "a-long-test-secret"  # of the tests' connection
BEGAN = "2026-03-02 11:30:00"  # in Kyiv, when it is START


def zadarma(**changes: Any) -> Zadarma:
    return cast(Zadarma, adapter_of("zadarma", **changes))


def signed(text: str) -> str:
    """As the vendor's documents make it in PHP: `base64_encode(hash_hmac('sha1', $text, API_SECRET))`."""
    return base64.b64encode(
        hmac.new(SECRET.encode(), text.encode(), hashlib.sha1).hexdigest().encode()
    ).decode()


def hook(fields: Mapping[str, str], signature: str, query: str = "", body: bytes | None = None) -> Hook:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Signature": signature}
    told = urlencode(fields).encode() if body is None else body
    return Hook("POST", "", query, headers, told, "https://calls.example/zadarma")


START_FIELDS = {
    "event": "NOTIFY_START", "caller_id": "12025550143", "called_did": "18005550100",
    "call_start": BEGAN, "pbx_call_id": "in_ae6b03b3",
}  # fmt: skip
DOCUMENTED = {
    "NOTIFY_START": ("caller_id", "called_did", "call_start"),
    "NOTIFY_INTERNAL": ("caller_id", "called_did", "call_start"),
    "NOTIFY_ANSWER": ("caller_id", "destination", "call_start"),
    "NOTIFY_END": ("caller_id", "called_did", "call_start"),
    "NOTIFY_OUT_START": ("internal", "destination", "call_start"),
    "NOTIFY_OUT_END": ("internal", "destination", "call_start"),
    "NOTIFY_RECORD": ("pbx_call_id", "call_id_with_rec"),
    "NOTIFY_IVR": ("caller_id", "called_did", "call_start"),
}
"""What the vendor signs, copied from its documents and not from our code."""
SIGNED_START = signed(f"12025550143{'18005550100'}{BEGAN}")


def fact(kind: str, at_s: float, **data: str) -> Fact:
    told = {"event": kind, "pbx_call_id": "in_1", "call_start": BEGAN, **data}
    return Fact("zadarma", f"{kind}{at_s}", "zadarma-1", kind, START + timedelta(seconds=at_s), told)


def end(at_s: float = 66, **data: str) -> Fact:
    told = {"caller_id": "12025550143", "called_did": "1", "disposition": "answered", "duration": "60"}
    return fact("NOTIFY_END", at_s, **{**told, "internal": "101", **data})


def past(rows: list[dict[str, Any]], now: datetime) -> list[Fact]:
    return past_facts("zadarma", rows, words.zone_of("Europe/Kyiv"), now)


def kinds(events: list[CallEvent]) -> list[EventKind]:
    return [event.kind for event in events]


def test_the_documents_own_way_of_signing_is_taken() -> None:
    taken = zadarma().take(hook(START_FIELDS, SIGNED_START), START)
    assert [one.kind for one in taken.facts] == ["NOTIFY_START"]


def test_the_bare_digest_is_taken_as_the_typescript_client_has_it() -> None:
    digest = hmac.new(SECRET.encode(), f"12025550143{'18005550100'}{BEGAN}".encode(), hashlib.sha1).digest()
    assert zadarma().take(hook(START_FIELDS, base64.b64encode(digest).decode()), START).facts


@pytest.mark.parametrize("signature", ["", "x", SIGNED_START[:-1], "é"])
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(Refused) as refused:
        zadarma().take(hook(START_FIELDS, signature), START)
    assert refused.value.why is Why.FORGED


def test_a_signature_of_other_fields_is_refused() -> None:
    answer = {**START_FIELDS, "event": "NOTIFY_ANSWER", "destination": "101"}
    with pytest.raises(Refused):
        zadarma().take(hook(answer, SIGNED_START), START)


def test_what_is_told_of_a_call_of_last_week_is_stale() -> None:
    with pytest.raises(Refused) as refused:
        zadarma().take(hook(START_FIELDS, SIGNED_START), START + timedelta(days=7))
    assert refused.value.why is Why.STALE


def test_the_check_of_the_address_is_echoed_and_nothing_else_is() -> None:
    taken = zadarma().take(replace(hook({}, "", "zd_echo=5f3a"), method="GET"), START)
    assert taken.reply is not None
    assert taken.reply.body == "5f3a"
    with pytest.raises(Refused):
        zadarma().take(hook({}, "", "zd_echo=%3Cscript%3E"), START)


def test_a_multipart_form_counts_by_the_boundary_in_its_body() -> None:
    parts = "".join(
        f'--abc\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in START_FIELDS.items()
    )
    one = hook(START_FIELDS, SIGNED_START, body=f"{parts}--abc--\r\n".encode())
    headers = {**one.headers, "Content-Type": "multipart/form-data; boundary=----abc"}
    assert zadarma().take(replace(one, headers=headers), START).facts[0].data["caller_id"] == "12025550143"


def test_a_webhook_that_comes_twice_is_one_fact() -> None:
    once = zadarma().take(hook(START_FIELDS, SIGNED_START), START).facts[0]
    again = zadarma().take(hook(START_FIELDS, SIGNED_START), START + timedelta(minutes=3)).facts[0]
    assert once.fact_id == again.fact_id


def test_the_beginning_is_read_in_the_accounts_zone() -> None:
    facts = list(zadarma().take(hook(START_FIELDS, SIGNED_START), START).facts)
    assert zadarma().tell(facts)[0].at == START
    assert zadarma(timezone="UTC+3").tell(facts)[0].at == START - timedelta(hours=1)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "UTC+99", "", "../etc/passwd"])
def test_a_zone_that_is_none_is_named(zone: str) -> None:
    with pytest.raises(ValidationError, match="Europe/Kyiv"):
        settings_of("zadarma", timezone=zone)


def test_an_end_that_overtakes_its_answer_waits_for_it() -> None:
    told = [fact("NOTIFY_START", 0, caller_id="1", called_did="2"), end()]
    assert kinds(zadarma().tell(told)) == [EventKind.RECEIVED]
    whole = [*told, fact("NOTIFY_ANSWER", 6, internal="101", destination="101")]
    call = replay(zadarma().tell(whole))
    assert (call.outcome, call.operator, call.talk_seconds) == (CallOutcome.ANSWERED_BY_OPERATOR, "101", 60)


def test_an_answer_that_was_lost_is_taken_from_the_end_once_the_records_are_there() -> None:
    row = {"pbx_call_id": "in_1", "callstart": BEGAN, "destination": "0-1", "disposition": "answered"}
    told = [fact("NOTIFY_START", 0, caller_id="1", called_did="2"), end(), *past([row], START)]
    call = replay(zadarma().tell(told))
    assert (call.outcome, call.operator, call.talk_seconds) == (CallOutcome.ANSWERED_BY_OPERATOR, "101", 60)


def test_a_menu_that_answers_is_no_operator() -> None:
    call = replay(zadarma().tell([end(internal="", called_did="2")]))
    assert call.outcome is CallOutcome.ABANDONED


def test_who_had_the_caller_at_last_is_known_from_the_end() -> None:
    told = [fact("NOTIFY_ANSWER", 6, internal="101", destination="101"), end(last_internal="102")]
    call = replay(zadarma().tell(told))
    assert (call.operator, call.talk_seconds) == ("102", 60)


def test_a_call_from_extension_to_extension_is_internal() -> None:
    told = {"pbx_call_id": "out_1", "internal": "101", "destination": "102", "caller_id": ""}
    call = replay(zadarma().tell([fact("NOTIFY_OUT_START", 0, **told)]))
    assert (call.direction, call.caller_raw, call.line) == (Direction.INTERNAL, "101", "102")


def test_the_vendors_word_for_an_operator_is_ours() -> None:
    adapter = zadarma(operators={"200": "101"})
    events = adapter.tell([fact("NOTIFY_INTERNAL", 2, internal="200", caller_id="1", called_did="2")])
    assert [event.data["operator"] for event in events if event.kind is EventKind.OPERATOR_RINGING] == ["101"]


def test_keys_in_a_menu_of_ours_are_told() -> None:
    pressed = fact("NOTIFY_IVR", 4, **{"wait_dtmf[name]": "main", "wait_dtmf[digits]": "2"}, caller_id="1")
    chosen = [one for one in zadarma().tell([pressed]) if one.kind is EventKind.MENU_CHOICE]
    assert [(one.data["menu"], one.data["digit"]) for one in chosen] == [("main", "2")]


def test_a_recording_told_by_its_end_and_by_itself_is_one() -> None:
    name = "1-1458313316.343456-100-2016-01-11-100155"
    facts = [end(call_id_with_rec=name), fact("NOTIFY_RECORD", 70, call_id_with_rec=name)]
    (tape,) = zadarma().tapes(facts)
    assert (tape.hint, int(tape.at.timestamp())) == (name, 1458313316)
    assert tape.tape_id == tape_of("1458313316.3434560")[0] == "1458313316.343456"


async def answered(adapter: Zadarma, **house: Any) -> Mapping[str, Any]:
    fields: dict[str, Any] = {name: getattr(adapter.house, name) for name in House.__slots__}
    adapter.house = House(**{**fields, **house})
    start = adapter.take(hook(START_FIELDS, SIGNED_START), START)
    reply = await adapter.answer(hook(START_FIELDS, SIGNED_START), start)
    assert reply.content_type == "application/json"
    told: Mapping[str, Any] = json.loads(str(reply.body))
    return told


async def alice(number: str) -> str | None:
    return "Alice Archer" if number == "12025550143" else None


async def test_a_new_call_is_answered_with_the_callers_name() -> None:
    assert await answered(zadarma(), name=alice) == {"caller_name": "Alice Archer"}
    assert await answered(zadarma(show_names=False), name=alice) == {}


async def test_a_steered_caller_comes_back_to_the_scheme() -> None:
    async def to_eve(settings: ConnectionSettings, call_id: str, number: str) -> Steered | None:
        return Steered("103", "vip")

    assert await answered(zadarma(), steer=to_eve) == {"redirect": "103", "return_timeout": 20}
    assert await answered(zadarma(operators={"300": "103"}), steer=to_eve) == {
        "redirect": "300",
        "return_timeout": 20,
    }


async def test_where_the_vendor_cannot_send_anybody_nobody_is_sent() -> None:
    async def nowhere(settings: ConnectionSettings, call_id: str, number: str) -> Steered | None:
        return Steered("vip group", "vip")

    assert await answered(zadarma(), steer=nowhere) == {}


async def test_other_webhooks_are_answered_with_nothing() -> None:
    reply = await zadarma().answer(hook({}, ""), Taken((end(),)))
    assert reply.body == "{}"


@pytest.mark.parametrize("command", [HangUp(), Transfer("102", "101"), Route("102")])
async def test_a_command_for_a_call_under_way_is_not_offered(command: Any) -> None:
    with pytest.raises(NotOffered, match="Zadarma"):
        await zadarma().command(command, [])


def test_records_of_a_call_that_goes_on_do_not_end_it() -> None:
    """A phone that did not answer is in the records, while the caller still waits for the next."""
    row = {"pbx_call_id": "in_1", "call_id": 1.5, "callstart": BEGAN, "clid": "1", "destination": "101",
           "disposition": "no answer", "seconds": 20}  # fmt: skip
    soon = past([row], START + timedelta(minutes=2))
    assert len(soon) == 1
    assert EventKind.ENDED not in kinds(zadarma().tell(soon))
    later = past([row], START + timedelta(minutes=20))
    assert EventKind.ENDED in kinds(zadarma().tell(later))


def test_a_call_of_which_only_the_records_tell_is_whole() -> None:
    row = {"pbx_call_id": "in_1", "call_id": 1.5, "callstart": BEGAN, "clid": 12025550143, "destination": 101,
           "disposition": "answered", "seconds": 42}  # fmt: skip
    call = replay(zadarma().tell(past([row], START + timedelta(hours=1))))
    assert (call.outcome, call.operator, call.talk_seconds) == (CallOutcome.ANSWERED_BY_OPERATOR, "101", 42)
    assert (call.caller, call.received_at) == ("+12025550143", START)


@pytest.mark.parametrize("event", DOCUMENTED)
def test_each_event_is_proven_by_the_fields_that_the_documents_name(event: str) -> None:
    told = {name: f"{name} told" for name in sorted({one for names in DOCUMENTED.values() for one in names})}
    told |= {"event": event, "pbx_call_id": "in_1", "call_start": BEGAN}
    good = signed("".join(told[name] for name in DOCUMENTED[event]))
    assert [fact.kind for fact in zadarma().take(hook(told, good), START).facts] == [event]
    for name in DOCUMENTED[event]:
        with pytest.raises(Refused) as refused:
            zadarma().take(hook({**told, name: "changed"}, good), START)
        assert refused.value.why is Why.FORGED, name


def test_every_webhook_of_the_simulator_carries_a_signature_of_its_own_fields() -> None:
    simulator, settings, seen = ZadarmaSimulator(), zadarma().settings, list[str]()
    for one in STORIES:
        for sent in simulator.hooks(one, settings, START, one.name):
            arrived = arrive(sent, "zadarma")
            told = dict(arrived.form())
            seen.append(told["event"])
            text = "".join(told[name] for name in DOCUMENTED[told["event"]])
            assert arrived.headers["Signature"] == signed(text), (one.name, told["event"])
    assert seen[:5] == ["NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_ANSWER", "NOTIFY_END", "NOTIFY_RECORD"]
    assert set(seen) == DOCUMENTED.keys() - {"NOTIFY_IVR"}  # it plays no menu of ours
