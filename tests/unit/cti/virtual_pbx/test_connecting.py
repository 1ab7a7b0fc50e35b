"""What `presszero connect` asks, makes of the answers, and says of what arrived."""

import ssl
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from pydantic import Field, SecretStr

from cti.virtual_pbx.arrivals import Arrival, Arrivals, masked
from cti.virtual_pbx.contract import Why
from cti.virtual_pbx.door import NOBODY_HERE
from cti.virtual_pbx.questions import BadAnswer, questions, settings_from
from cti.virtual_pbx.reach import Answer, of_answer, of_error
from cti.virtual_pbx.registry import VENDORS, vendor_type
from cti.virtual_pbx.settings import ConnectionSettings, Secret
from cti.virtual_pbx.vendors.generic import GenericPush
from cti.virtual_pbx.watching import advice, in_words, is_good, of_clock
from tests.fakes.virtual_pbx import PUBLIC, START, adapter_of
from tickets.events import CallEvent
from tickets.facts import Fact

pytestmark = pytest.mark.unit

SECRETS = (Secret(value=SecretStr("a-long-test-secret")),)
DOOR = "http://127.0.0.1:8090"


class Shop(ConnectionSettings):
    api_key: SecretStr = Field(description="The key of the cabinet")
    account: str = Field(description="The account", pattern="^[0-9]+$")
    groups: tuple[str, ...] = ()


# Questions.


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_asks_where_it_reaches_us_and_names_an_address(vendor: str) -> None:
    asked = questions(vendor_type(vendor).settings_type, None)
    assert asked[0].name == "public_url"
    assert all(one.text or one.default is not None for one in asked), "needed, and nobody asks for it"
    addresses = adapter_of(vendor).addresses()
    assert addresses
    assert all(one.url.startswith(PUBLIC) and one.where for one in addresses)


def test_what_is_secret_is_asked_hidden_and_what_has_no_text_is_not_asked() -> None:
    asked = {one.name: one for one in questions(Shop, None)}
    assert "secrets" not in asked
    assert asked["api_key"].hidden
    assert not asked["account"].hidden
    assert asked["account"].default is None
    assert not asked["groups"].text


def test_answers_become_settings_and_what_is_not_answered_stays() -> None:
    told = {"public_url": PUBLIC, "api_key": "k", "account": "17", "groups": "sales, support"}
    first = settings_from(Shop, told | {"operators": "anna=101,ben=102"}, SECRETS, None)
    assert first.groups == ("sales", "support")
    assert first.operators == {"anna": "101", "ben": "102"}
    again = settings_from(Shop, {"account": "18"}, SECRETS, first)
    assert (again.account, again.groups, again.api_key) == ("18", first.groups, first.api_key)
    known = {one.name: one.default for one in questions(Shop, first)}
    assert (known["account"], known["operators"]) == ("17", "anna=101,ben=102")


def test_pairs_that_are_given_later_are_added_to_those_that_are_there() -> None:
    told = {
        "public_url": PUBLIC,
        "api_key": "k",
        "account": "17",
        "operators": "anna=101",
        "vip_to": "1=gold",
    }
    first = settings_from(Shop, told, SECRETS, None)

    def then(*given: tuple[str, str], before: Shop = first) -> Shop:
        return settings_from(Shop, {}, SECRETS, before, given)

    both = then(("operators", "client:ben=102"))
    assert both.operators == {"anna": "101", "client:ben": "102"}
    twice = then(("operators", "ben=102"), ("operators", "eve=103"), ("vip_to", "2=silver,1=iron"))
    assert twice.operators == {"anna": "101", "ben": "102", "eve": "103"}
    assert twice.vip_to == {1: "iron", 2: "silver"}
    assert then(("operators", "anna=105"), before=both).operators == {"anna": "105", "client:ben": "102"}
    assert then(("operators", "anna="), ("vip_to", "1="), before=both).operators == {"client:ben": "102"}
    assert then(("vip_to", "1=")).vip_to == {}
    assert then(("operators", ""), before=both).operators == {}
    assert then(("groups", "sales"), ("groups", "support")).groups == ("support",)  # a list is told whole
    with pytest.raises(BadAnswer, match="no such setting"):
        then(("operator", "anna=101"))


@pytest.mark.parametrize(
    ("changes", "name", "why"),
    [
        ({"account": "seventeen"}, "account", "pattern"),
        ({"public_url": "calls.example"}, "public_url", "write an address"),
        ({"acount": "17"}, "acount", "no such setting; there are public_url, .*api_key, account"),
    ],
)
def test_a_bad_answer_is_named_with_its_reason(changes: dict[str, str], name: str, why: str) -> None:
    good = {"public_url": PUBLIC, "api_key": "key-of-the-shop", "account": "17"}
    with pytest.raises(BadAnswer, match=why) as bad:
        settings_from(Shop, good | changes, SECRETS, None)
    assert bad.value.name == name
    assert "key-of-the-shop" not in str(bad.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadAnswer, match="account: it has to be answered"):
        settings_from(Shop, {"public_url": PUBLIC, "api_key": "k"}, SECRETS, None)


# Reach.


@pytest.mark.parametrize(
    ("answer", "good", "words"),
    [
        (Answer(200, '{"presszero": "proof"}'), True, "leads to our door, with a good certificate"),
        (Answer(200, '{"presszero": "of another"}'), False, "another PressZero answers"),
        (Answer(404, NOBODY_HERE), False, "the proxy must cut /hooks off"),
        (Answer(502, "<html>"), False, "reverse proxy answers at calls.example:443 (status 502)"),
        (Answer(301, "", "https://www.example/x"), False, "sends askers on to www.example"),
        (Answer(403, "no"), False, "turns us away"),
        (Answer(200, "<html>", "", "nginx/1.22"), False, "Another server answers at calls.example:443 (stat"),
        (Answer(200, "[" * 4000), False, "Another server answers"),
        (Answer(200, '{"presszero": "прокси"}'), False, "another PressZero"),
    ],
)  # fmt: skip
def test_an_answer_is_said_in_words(answer: Answer, good: bool, words: str) -> None:
    reach = of_answer("https://calls.example/hooks", answer, "proof", DOOR)
    assert reach.good is good
    assert words in reach.sentence


def test_without_tls_it_is_good_and_said() -> None:
    reach = of_answer("http://calls.example", Answer(200, '{"presszero": "proof"}'), "proof", DOOR)
    assert reach.good
    assert "without TLS" in reach.sentence


def _certificate_fault(words: str) -> aiohttp.ClientConnectorCertificateError:
    fault = ssl.SSLCertVerificationError()
    fault.verify_message = words
    return aiohttp.ClientConnectorCertificateError(_key(), fault)


def _key() -> ConnectionKey:
    return cast(ConnectionKey, SimpleNamespace(host="calls.example", port=443, ssl=True, is_ssl=True))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ClientConnectorDNSError(_key(), OSError(-2, "unknown")), "DNS does not know calls.example"),
        (_certificate_fault("certificate has expired"), "it has expired"),
        (_certificate_fault("Hostname mismatch, certificate is not valid for"), "it is for another name"),
        (_certificate_fault("self-signed certificate"), "nobody whom vendors trust"),
        (aiohttp.ClientConnectorSSLError(_key(), OSError(1, "WRONG_VERSION_NUMBER")), "not with TLS"),
        (aiohttp.ClientConnectorError(_key(), OSError(111, "refused")), "Nothing listens at calls.example"),
        (OSError("Multiple exceptions: [Errno 111] refused, [Errno 111] refused"), "Nothing listens"),
        (aiohttp.ServerDisconnectedError(), "ends it without an answer"),
        (ValueError("odd"), "cannot be asked"),
    ],
)  # fmt: skip
def test_why_nothing_answered_is_said_in_words(error: Exception, words: str) -> None:
    reach = of_error("https://calls.example/hooks", error)
    assert not reach.good
    assert words in reach.sentence


# What arrived.


class Silent(GenericPush):
    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        raise ValueError("a part of a call makes no sense")


def _fact(seconds: float) -> Fact:
    data = {"event": "newCall", "callId": "1", "from": "+12025550143", "to": "+18005550100"}
    return Fact("generic", "f", "generic-1", "newCall", START - timedelta(seconds=seconds), data)


def test_an_arrival_tells_kind_masked_caller_and_how_late_it_is() -> None:
    arrivals = Arrivals()
    arrivals.note(adapter_of("generic"), START, "kept", [_fact(2)])
    arrivals.note(adapter_of("generic"), START, "kept", [_fact(0)])
    arrivals.note(
        Silent(adapter_of("generic").settings, adapter_of("generic").house), START, "kept", [_fact(0)]
    )
    first, second, third = arrivals.since(0)
    assert (first.kinds, first.caller, first.behind_s) == (("newCall",), "+120••••••43", 2.0)
    assert second.behind_s is None  # no time of its own
    assert third.caller == ""
    assert arrivals.since(2) == [third]
    assert [Arrival.from_json(one.as_json()) for one in (first, second)] == [first, second]
    assert "5550143" not in str(first.as_json())


def test_only_so_many_are_remembered() -> None:
    arrivals = Arrivals()
    for _ in range(1000):
        arrivals.note(adapter_of("generic"), START, "forged", reason="The token is wrong.")
    assert len(arrivals.since(0)) == 100
    assert arrivals.since(0)[-1].number == 1000


@pytest.mark.parametrize(
    ("number", "shown"),
    [("", ""), ("101", "•••"), ("+12025550143", "+120••••••43"), ("anonymous", "anon•••us")],
)
def test_a_number_is_masked(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (Why.FORGED, "key for signatures (vpbx_api_salt) in the cabinet is another one than here"),
        (Why.STALE, "set this machine's clock"),
        (Why.UNFIT, "compare the address in the cabinet"),
        ("unkept", "free the disk"),
        ("late", "overloaded"),
        ("fault", "log says where"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(result: str, words: str) -> None:
    arrival = Arrival(1, "mango", START, result, "A sentence.")
    assert words in advice(arrival, vendor_type("mango"))
    assert not is_good(arrival)
    assert "A sentence." in in_words(arrival)


@pytest.mark.parametrize(
    ("behind_s", "words"), [(None, ""), (3, ""), (-3, ""), (-90, "90 s ahead"), (400, "400 s ago")]
)
def test_clocks_that_differ_are_noticed(behind_s: float | None, words: str) -> None:
    said = of_clock(behind_s)
    assert words in said
    assert bool(said) is bool(words)


def test_a_check_of_the_cabinet_is_no_proof_yet() -> None:
    assert not is_good(Arrival(1, "mango", START, "kept"))
    assert is_good(Arrival(1, "mango", START, "repeated", kinds=("call",)))
