"""What can befall webhooks on their way to us, and what the demo's virtual PBX tells."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.demo.virtual_story import TALKS, acts, disappointments
from cti.virtual_pbx.playing import chosen
from cti.virtual_pbx.simulators.port import SimulatedHook
from cti.virtual_pbx.simulators.registry import SIMULATORS, simulator
from cti.virtual_pbx.stories import STORIES, Story, What
from cti.virtual_pbx.way import LATE_S, Way, seconds_long, sendings
from tests.fakes.virtual_pbx import START, adapter_of, arrive
from tickets.call import Call, replay

pytestmark = pytest.mark.unit

HOOKS = [
    SimulatedHook(START + timedelta(seconds=at), f"/{at}", {}, b"")  # each has an address of its own
    for at in (0, 1, 5, 30, 60)
]
LENGTHS = {words: 2.5 for talk in TALKS for _, words in talk}


def test_a_faster_telling_keeps_order_and_proportion() -> None:
    sent = sendings(HOOKS, Way(speed=10), Random(1))
    assert [(one.hook.path, one.after_s) for one in sent] == [
        ("/0", 0.0), ("/1", 0.1), ("/5", 0.5), ("/30", 3.0), ("/60", 6.0)
    ]  # fmt: skip
    assert seconds_long(HOOKS) == 60


@given(
    seed=st.integers(0, 2**32),
    shuffled=st.booleans(),
    repeated=st.booleans(),
    late=st.booleans(),
    lost=st.floats(0, 1),
)
def test_each_webhook_is_sent_or_lost_and_nothing_else_happens_to_it(
    seed: int, shuffled: bool, repeated: bool, late: bool, lost: float
) -> None:
    way = Way(10, shuffled=shuffled, repeated=repeated, late=late, lost=lost)
    sent = sendings(HOOKS, way, Random(seed))
    assert Counter(one.hook.path for one in sent if not one.again) == Counter(hook.path for hook in HOOKS)
    assert not [one for one in sent if one.again and one.lost]
    assert repeated or not any(one.again for one in sent)
    assert [one.after_s for one in sent] == sorted(one.after_s for one in sent)
    assert max(one.after_s for one in sent) <= 6 + (LATE_S[1] if late else 0) + (3 if repeated else 0)


def test_all_is_lost_or_nothing() -> None:
    assert all(one.lost for one in sendings(HOOKS, Way(lost=1.0), Random(1)))
    assert not any(one.lost for one in sendings(HOOKS, Way(lost=0.0), Random(1)))


def test_a_call_without_webhooks_is_nothing_to_send() -> None:
    assert sendings([], Way(), Random(1)) == []


def test_each_call_has_a_caller_of_its_own_where_it_shows_one() -> None:
    calls = chosen(STORIES, None, Random(1))
    shown = [one.caller for one in calls if one.caller.startswith("+")]
    assert len(shown) == len(set(shown))
    assert [one.name for one in calls if not one.caller] == ["withheld"]
    assert len(chosen(STORIES, 250, Random(1))) == 250


def told(vendor: str, story: Story) -> Call:
    """The neutral call that the story becomes."""
    adapter = adapter_of(vendor)
    hooks = simulator(vendor).hooks(story, adapter.settings, START, "a-call")
    facts = [fact for hook in hooks for fact in adapter.take(arrive(hook, vendor), hook.at).facts]
    return replay(adapter.tell(facts))


@pytest.mark.parametrize("vendor", SIMULATORS)
def test_the_demo_expects_what_each_vendor_can_tell(vendor: str) -> None:
    for act in acts(LENGTHS):
        story = act.story.as_told(simulator(vendor).mute)
        missing = disappointments(act, story, [(told(vendor, act.story), None)])
        recordings = [] if What.RECORDED in simulator(vendor).mute else ["there is no recording"]
        assert [one.partition(": ")[2] for one in missing] == (recordings if story.ending.recordings else [])


def test_the_demo_notices_what_did_not_happen() -> None:
    act = acts(LENGTHS)[2]
    missed = Call(call_id="a", received_at=datetime(2026, 3, 2, tzinfo=UTC))
    assert disappointments(act, act.story, [])
    assert disappointments(act, act.story, [(missed, None)])
