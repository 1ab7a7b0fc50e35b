"""What every vendor's adapter owes: the same twenty calls end in the same neutral calls."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.virtual_pbx.contract import Refused, VirtualPbx, Why
from cti.virtual_pbx.registry import VENDORS
from cti.virtual_pbx.simulators.registry import SIMULATORS, simulator
from cti.virtual_pbx.stories import STORIES, Story
from tests.conftest import examples
from tests.fakes.virtual_pbx import START, adapter_of, arrive, settings_of
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.facts import Fact

pytestmark = pytest.mark.unit

EVERY_STORY = [pytest.param(vendor, one, id=f"{vendor}-{one.name}") for vendor in VENDORS for one in STORIES]
vendors = pytest.mark.parametrize("vendor", VENDORS)
KEEP_RECORDS = sorted(VENDORS.keys() - {"generic"})  # a push alone, nobody to be asked afterwards


def facts_of(vendor: str, story: Story, adapter: VirtualPbx[Any] | None = None) -> list[Fact]:
    """What a story's webhooks make known, in the order in which it happened."""
    adapter = adapter or adapter_of(vendor)
    hooks = simulator(vendor).hooks(story, adapter.settings, START, f"call-{story.name}")
    return [
        fact
        for hook in hooks
        for fact in adapter.take(arrive(hook, vendor), hook.at + timedelta(milliseconds=200)).facts
    ]


def told_one_by_one(adapter: VirtualPbx[Any], facts: list[Fact]) -> list[CallEvent]:
    """What the ledger has when the facts come in this order: the first of each id, as the ledger keeps it."""
    ledger: dict[str, CallEvent] = {}
    known: dict[str, Fact] = {}
    for fact in facts:
        known.setdefault(fact.fact_id, fact)
        for event in adapter.tell(list(known.values())):
            ledger.setdefault(event.source_id, event)
    return list(ledger.values())


def compare(call: Call, told: Story, adapter: VirtualPbx[Any], facts: list[Fact]) -> None:
    ending = told.ending
    assert call.ended
    assert call.outcome is ending.outcome
    assert call.operator == ending.operator
    assert call.direction is told.direction
    assert call.queue == ending.queue
    assert abs(call.talk_seconds - ending.talk_seconds) <= 1.5
    assert abs(call.received_at - START) < timedelta(seconds=2)
    assert call.caller_raw.lstrip("+") == told.caller.lstrip("+")
    assert len(adapter.tapes(facts)) == ending.recordings


@vendors
def test_every_vendor_has_a_simulator(vendor: str) -> None:
    assert vendor in SIMULATORS


@pytest.mark.parametrize(("vendor", "story"), EVERY_STORY)
def test_a_story_ends_in_its_neutral_call(vendor: str, story: Story) -> None:
    adapter = adapter_of(vendor)
    facts = facts_of(vendor, story)
    assert len({fact.call_id for fact in facts}) == 1
    compare(replay(told_one_by_one(adapter, facts)), story.as_told(simulator(vendor).mute), adapter, facts)


@examples(60)
@given(data=st.data())
@vendors
def test_any_order_and_any_repetition_tell_the_same_call(vendor: str, data: st.DataObject) -> None:
    adapter = adapter_of(vendor)
    facts = facts_of(vendor, data.draw(st.sampled_from(STORIES)))
    again = data.draw(st.lists(st.sampled_from(facts), max_size=5))
    shuffled = data.draw(st.permutations([*facts, *again]))
    assert replay(told_one_by_one(adapter, shuffled)) == replay(told_one_by_one(adapter, facts))


@examples(40)
@given(seed=st.integers(0, 2**32), story=st.sampled_from(STORIES))
@vendors
def test_what_is_missing_breaks_nothing(vendor: str, story: Story, seed: int) -> None:
    """Whatever is dropped: what comes still makes at most one call, and never raises."""
    adapter, dice = adapter_of(vendor), random.Random(seed)
    facts = [fact for fact in facts_of(vendor, story) if dice.random() < 0.6]
    dice.shuffle(facts)
    events = told_one_by_one(adapter, facts)
    assert len({event.call_id for event in events}) <= 1
    if events:
        replay(events)


@vendors
def test_two_calls_at_once_stay_two(vendor: str) -> None:
    adapter = adapter_of(vendor)
    hooks = [
        hook
        for native in ("one", "two")
        for hook in simulator(vendor).hooks(STORIES[1], adapter.settings, START, native)
    ]
    facts = [fact for hook in hooks for fact in adapter.take(arrive(hook, vendor), hook.at).facts]
    assert len({fact.call_id for fact in facts}) == 2


@vendors
def test_a_forged_webhook_is_refused(vendor: str) -> None:
    adapter = adapter_of(vendor)
    stranger = settings_of(vendor, secrets=({"value": "of-somebody-else"},))
    for hook in simulator(vendor).hooks(STORIES[0], stranger, START, "forged"):
        with pytest.raises(Refused) as refused:
            adapter.take(arrive(hook, vendor), hook.at)
        assert refused.value.why is Why.FORGED


@vendors
def test_a_changed_secret_leaves_no_gap(vendor: str) -> None:
    adapter = adapter_of(vendor)
    before = adapter.settings
    hook = simulator(vendor).hooks(STORIES[0], before, START, "rotated")[0]
    adapter.settings = before.with_new_secret("the-new-test-secret", START)
    assert adapter.take(arrive(hook, vendor), hook.at).facts  # signed with the old one, on its way
    new = simulator(vendor).hooks(STORIES[0], adapter.settings, START, "rotated")[0]
    assert adapter.take(arrive(new, vendor), new.at).facts
    late = replace(hook, at=START + timedelta(hours=25))
    with pytest.raises(Refused):
        adapter.take(arrive(late, vendor), late.at)


@vendors
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"a=b", b'{"event": 5}', b"x" * 5000])
def test_nonsense_is_refused(vendor: str, body: bytes) -> None:
    adapter = adapter_of(vendor)
    for hook in simulator(vendor).hooks(STORIES[0], adapter.settings, START, "nonsense"):
        with pytest.raises(Refused):
            adapter.take(arrive(replace(hook, body=body), vendor), START)


@examples(80)
@given(data=st.data())
@pytest.mark.parametrize("vendor", KEEP_RECORDS)
def test_what_was_dropped_is_mended_by_the_records(vendor: str, data: st.DataObject) -> None:
    """Shuffled, repeated, each dropped at random, and the records at any time: the right outcome."""
    adapter, story = adapter_of(vendor), data.draw(st.sampled_from(STORIES))
    records = simulator(vendor).records(story, adapter.settings, START, f"call-{story.name}")
    assert records
    facts = facts_of(vendor, story)
    kept = [fact for fact in facts if data.draw(st.booleans())]
    again = data.draw(st.lists(st.sampled_from(facts), max_size=3)) if kept else []
    came = data.draw(st.permutations([*kept, *[fact for fact in again if fact in kept], *records]))
    call = replay(told_one_by_one(adapter, came))
    told = story.as_told(simulator(vendor).mute)
    assert call.ended
    assert call.outcome is told.ending.outcome
    assert call.operator == told.ending.operator
    assert call.direction is told.direction
    assert call.caller_raw.lstrip("+") == told.caller.lstrip("+")
    assert abs(call.talk_seconds - told.ending.talk_seconds) <= 1.5
    assert len(adapter.tapes(came)) == told.ending.recordings
