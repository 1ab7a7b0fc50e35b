"""Twilio's signature, compared with what Twilio's own package says of it."""

import hashlib
from datetime import timedelta
from typing import cast
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from cti.virtual_pbx.contract import Hook, Refused, Why
from cti.virtual_pbx.simulators.twilio import signed
from cti.virtual_pbx.vendors.twilio.addresses import Page
from cti.virtual_pbx.vendors.twilio.hooks import STALE_AFTER
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.twilio.signature import is_signed, signature
from tests.fakes.virtual_pbx import START, adapter_of, arrive, settings_of

pytestmark = pytest.mark.unit

TOKEN = "a-long-test-secret"
VALIDATOR = RequestValidator(TOKEN)
URLS = [
    "https://calls.example/hooks/twilio/voice",
    "https://calls.example:8443/twilio/menu?s=eyJhIjoxfQ&v=2",
    "http://127.0.0.1:8090/twilio/operators?q=support&t=1772443800",
    "https://calls.example/twilio/leg?who=101",
]
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
fields = st.lists(st.tuples(names, st.text(max_size=10)), max_size=8)


@given(pairs=fields, url=st.sampled_from(URLS))
def test_twilios_validator_takes_what_we_sign(pairs: list[tuple[str, str]], url: str) -> None:
    mine = signature(TOKEN, url, pairs)
    assert VALIDATOR.compute_signature(url, MultiDict(pairs)) == mine
    assert is_signed([TOKEN], url, pairs, b"", mine)


@given(pairs=fields, url=st.sampled_from(URLS))
def test_we_take_what_twilios_package_signs(pairs: list[tuple[str, str]], url: str) -> None:
    theirs = VALIDATOR.compute_signature(url, MultiDict(pairs))
    assert is_signed([TOKEN], url, pairs, b"", theirs)
    assert not is_signed(["another"], url, pairs, b"", theirs)
    assert not is_signed([TOKEN], f"{url}x", pairs, b"", theirs)
    assert not is_signed([TOKEN], url, [*pairs, ("New", "field")], b"", theirs)


@pytest.mark.parametrize(
    ("known", "written"),
    [
        ("https://calls.example/twilio/voice", "https://calls.example:443/twilio/voice"),
        ("https://calls.example:443/twilio/voice", "https://calls.example/twilio/voice"),
        ("https://calls.example:8443/twilio/voice", "https://calls.example/twilio/voice"),
        ("http://calls.example/twilio/voice", "http://calls.example:80/twilio/voice"),
    ],
)
def test_the_port_may_be_written_or_left_out(known: str, written: str) -> None:
    pairs = [("CallSid", "CA1")]
    theirs = VALIDATOR.compute_signature(written, dict(pairs))
    assert VALIDATOR.validate(known, dict(pairs), theirs)
    assert is_signed([TOKEN], known, pairs, b"", theirs)


def test_another_port_or_host_is_another_address() -> None:
    theirs = VALIDATOR.compute_signature("https://calls.example:444/twilio/voice", {})
    for known in ("https://calls.example/twilio/voice", "https://evil.example:444/twilio/voice"):
        assert not VALIDATOR.validate(known, {}, theirs)
        assert not is_signed([TOKEN], known, [], b"", theirs)


def test_of_a_repeated_field_each_value_counts_once() -> None:
    url, pairs = URLS[0], [("Tag", "b"), ("Tag", "a"), ("Tag", "b")]
    theirs = VALIDATOR.compute_signature(url, MultiDict(pairs))
    assert is_signed([TOKEN], url, pairs, b"", theirs)
    assert is_signed([TOKEN], url, [("Tag", "a"), ("Tag", "b")], b"", theirs)


def test_a_body_that_is_no_form_is_signed_by_its_hash() -> None:
    body = b'{"RecordingSid": "RE1"}'
    url = f"https://calls.example/twilio/recording?bodySHA256={hashlib.sha256(body).hexdigest()}"
    theirs = VALIDATOR.compute_signature(url, {})
    assert VALIDATOR.validate(url, body.decode(), theirs)
    assert is_signed([TOKEN], url, [("fields", "of something")], body, theirs)
    assert not VALIDATOR.validate(url, "{}", theirs)
    assert not is_signed([TOKEN], url, [], b"{}", theirs)


def test_a_webhook_reaches_its_facts_and_a_changed_one_does_not() -> None:
    adapter = adapter_of("twilio")
    settings = cast(TwilioSettings, adapter.settings)
    hook = arrive(signed(settings, START, Page.VOICE, "", {"CallSid": "CA1", "From": "+1"}), "twilio")
    assert len(adapter.take(hook, START).facts) == 1
    changed = urlencode({"CallSid": "CA1", "From": "+2"}).encode()
    with pytest.raises(Refused):
        adapter.take(Hook("POST", hook.path, "", hook.headers, changed, hook.url), START)


def test_what_tells_of_yesterday_is_stale() -> None:
    adapter = adapter_of("twilio")
    settings = cast(TwilioSettings, settings_of("twilio"))
    told = {"CallSid": "CA1", "CallStatus": "completed", "Timestamp": "Mon, 02 Mar 2026 09:30:00 +0000"}
    hook = arrive(signed(settings, START, Page.STATUS, "", told), "twilio")
    assert adapter.take(hook, START + STALE_AFTER).facts
    with pytest.raises(Refused) as refused:
        adapter.take(hook, START + STALE_AFTER + timedelta(seconds=1))
    assert refused.value.why is Why.STALE


def test_an_address_that_nobody_wrote_is_refused() -> None:
    adapter = adapter_of("twilio")
    settings = cast(TwilioSettings, settings_of("twilio"))
    hook = signed(settings, START, Page.VOICE, "", {"CallSid": "CA1"})
    token = signature(TOKEN, "https://calls.example/twilio/nowhere", [("CallSid", "CA1")])
    odd = Hook("POST", "/nowhere", "", {"X-Twilio-Signature": token}, hook.body,
               "https://calls.example/twilio/nowhere")  # fmt: skip
    with pytest.raises(Refused) as refused:
        adapter.take(odd, START)
    assert refused.value.why is Why.UNFIT
