"""What other help desks are told of our calls, and how it is signed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from cti.virtual_pbx.contract import Hook
from cti.virtual_pbx.push.messages import Event, message_of
from cti.virtual_pbx.push.sender import goes_out
from cti.virtual_pbx.push.settings import PushSettings, Target, read_push, write_push
from cti.virtual_pbx.push.signing import new_secret, signed
from cti.virtual_pbx.settings import BadConnection
from cti.virtual_pbx.stories import STORIES, Story
from tests.fakes.standard_webhooks import is_signed
from tests.fakes.virtual_pbx import START, adapter_of
from tests.unit.cti.virtual_pbx.test_conformance import facts_of
from tickets.call import replay
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind

pytestmark = pytest.mark.unit

PEOPLE = {"101": "Anna Berg"}


def happened(kind: EventKind, at_s: float = 0, **data: str) -> CallEvent:
    return CallEvent("ami", f"{kind}{at_s}", "pz-1", START + timedelta(seconds=at_s), kind, data)


IN = happened(EventKind.RECEIVED, caller_raw="+12025550143", caller="+12025550143", line="+18005550100",
              direction="inbound")  # fmt: skip
OUT = happened(EventKind.RECEIVED, caller_raw="+12025550143", caller="+12025550143", line="+18005550100",
               direction="outbound")  # fmt: skip
ANSWERED = happened(EventKind.OPERATOR_ANSWERED, 6, operator="101")
ENDED = happened(EventKind.ENDED, 66, cause="16")


def told(*events: CallEvent) -> list[dict[str, object]]:
    call = replay(events)
    messages = [message_of(event, call, PEOPLE) for event in events]
    return [dict(message.body) for message in messages if message is not None]


def test_a_call_is_told_as_zammads_documentation_has_it() -> None:
    about = {
        "callId": "pz-1",
        "from": "12025550143",
        "to": "18005550100",
        "direction": "in",
        "user": ["Anna Berg"],
    }
    assert told(IN, ANSWERED, ENDED) == [
        {"event": "newCall", **about},
        {"event": "answer", **about, "answeringNumber": "101"},
        {"event": "hangup", **about, "cause": "normalClearing"},
    ]


def test_an_outgoing_call_runs_the_other_way() -> None:
    (new,) = told(OUT)
    assert (new["from"], new["to"], new["direction"]) == ("18005550100", "12025550143", "out")


@pytest.mark.parametrize(
    ("begin", "cause", "expected"),
    [(IN, "16", "cancel"), (OUT, "16", "noAnswer"), (OUT, "17", "busy"), (OUT, "busy", "busy"),
     (OUT, "1", "notFound"), (OUT, "34", "congestion")],
)  # fmt: skip
def test_a_call_that_nobody_took_says_why(begin: CallEvent, cause: str, expected: str) -> None:
    assert told(begin, happened(EventKind.ENDED, 9, cause=cause))[-1]["cause"] == expected


def test_calls_among_operators_are_nobodys_business() -> None:
    internal = happened(EventKind.RECEIVED, caller_raw="101", line="102", direction="internal")
    assert told(internal, ANSWERED, ENDED) == []


def test_a_withheld_number_is_anonymous() -> None:
    assert (
        told(happened(EventKind.RECEIVED, line="+18005550100", direction="inbound"))[0]["from"] == "anonymous"
    )


def test_a_call_that_was_pushed_to_us_is_pushed_to_nobody() -> None:
    pushed = facts_of("generic", STORIES[0])[0].call_id
    assert not goes_out(pushed)
    assert goes_out("pz-1721740800.12")
    assert goes_out(facts_of("zadarma", STORIES[0])[0].call_id)


def test_nothing_is_told_before_what_comes_first() -> None:
    hangup = message_of(ENDED, replay([IN, ENDED]), PEOPLE)
    assert hangup is not None
    assert hangup.before == (Event.NEW_CALL, Event.ANSWER)


@pytest.mark.parametrize("story", [one for one in STORIES if one.direction is not Direction.INTERNAL],
                         ids=lambda one: one.name)  # fmt: skip
def test_what_we_push_our_own_generic_adapter_understands(story: Story) -> None:
    """Another PressZero that hangs on to us has the same call, as far as the push has words for it."""
    sender, receiver = adapter_of("zadarma"), adapter_of("generic")
    events = sender.tell(facts_of("zadarma", story))
    ours = replay(events)
    facts: list[Fact] = []
    sent: set[Event] = set()
    for event in sorted(events, key=lambda one: one.at):
        message = message_of(event, ours, PEOPLE)
        if message is not None and message.event not in sent:
            sent.add(message.event)
            facts += receiver.take(_arrives(message.body), event.at).facts
    theirs = replay(receiver.tell(facts))
    assert (theirs.outcome, theirs.direction, theirs.caller) == (ours.outcome, ours.direction, ours.caller)
    assert abs(theirs.talk_seconds - ours.talk_seconds) <= 1
    assert theirs.ended


def _arrives(body: object) -> Hook:
    return Hook("POST", "/a-long-test-secret", "", {"Content-Type": "application/json"},
                json.dumps(body).encode(), "https://x")  # fmt: skip


# --- signatures


def test_a_signature_proves_body_time_and_id() -> None:
    secret = new_secret()
    headers = signed("msg_1", START, b"{}", [secret])
    assert is_signed(headers, b"{}", [secret], START + timedelta(minutes=4))
    assert not is_signed(headers, b"{ }", [secret], START)
    assert not is_signed(headers, b"{}", [new_secret()], START)
    assert not is_signed({**headers, "webhook-id": "msg_2"}, b"{}", [secret], START)
    assert not is_signed(headers, b"{}", [secret], START + timedelta(minutes=6))


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    """The test vector that the public Standard Webhooks libraries carry."""
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_changed_secret_signs_beside_the_old_one_for_a_day() -> None:
    target = Target.model_validate({"url": "https://desk.example/cti/t", "secrets": [{"value": "old"}]})
    target = target.with_new_secret("new", START)
    headers = signed("msg_1", START, b"{}", target.good_secrets(START))
    assert is_signed(headers, b"{}", ["old"], START)
    assert is_signed(headers, b"{}", ["new"], START)
    assert list(target.good_secrets(START + timedelta(hours=25))) == ["new"]


# --- settings


def test_targets_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    target = Target.model_validate({"url": "https://desk.example/cti/token"})
    write_push(tmp_path / "new", PushSettings(targets={"desk": target}))
    file = tmp_path / "new" / "push.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_push(tmp_path / "new").targets == {"desk": target}
    assert "token" not in repr(target)


def test_nobody_is_told_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_push(tmp_path).targets == {}


def test_a_broken_file_is_named_with_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / "push.json").write_text('{"targets": {"desk": {"url": "ftp://x"}}}')
    with pytest.raises(BadConnection, match="presszero push add"):
        read_push(tmp_path)


@pytest.mark.parametrize(
    "url", ["desk.example", "ftp://x", "https://u:p@desk.example/", "https://", "https://x/#y"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate({"url": url})
