"""Whatever of a call's events is lost, repeated or mixed up: with the reconciler it ends as the same call."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes.call_book import FakeCallBook
from tests.fakes.life_story import CALL_ID, LifeStory
from tests.fakes.told_badly import FATES, BadListener, check_same, stories, truth
from tickets.vocabulary import CallOutcome

pytestmark = pytest.mark.unit


@settings(
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), story=stories(), seed=st.integers(0, 2**32))
def test_any_part_of_its_events_and_the_reconciler_end_in_the_same_call(
    tmp_path: Path, data: st.DataObject, story: LifeStory, seed: int
) -> None:
    fates = data.draw(st.lists(FATES, min_size=len(story.moments), max_size=len(story.moments)))

    async def live() -> None:
        listener = BadListener(FakeCallBook(), tmp_path, random.Random(seed))
        await listener.live_through(story, fates)
        check_same(await listener.in_the_end(), story, fates)

    asyncio.run(live())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), story=stories(), seed=st.integers(0, 2**32))
def test_a_call_that_was_broken_with_its_pbx_ends(
    tmp_path: Path, data: st.DataObject, story: LifeStory, seed: int
) -> None:
    until = data.draw(st.integers(1, len(story.moments) - 1))
    del story.moments[until:]
    fates = data.draw(st.lists(FATES, min_size=until, max_size=until))

    async def live() -> None:
        book = FakeCallBook()
        listener = BadListener(book, tmp_path, random.Random(seed))
        await listener.live_through(story, fates)
        await listener.settle()
        await listener.kill_pbx()
        if await book.events_of(CALL_ID):  # of a call that nobody heard of, nothing is left
            call = await listener.in_the_end()
            assert call.ended
            assert call.ended_at is not None
            assert call.ended_at >= story.moments[-1].at or not call.found_later

    asyncio.run(live())


def test_the_stories_are_those_of_a_call_centre() -> None:
    """So that the properties above are about something."""
    seen: set[CallOutcome | None] = set()

    @settings(max_examples=80, derandomize=True)
    @given(story=stories())
    def look(story: LifeStory) -> None:
        seen.add(truth(story).outcome)

    look()
    assert seen >= {
        CallOutcome.ANSWERED_BY_OPERATOR, CallOutcome.ANSWERED_BY_BOT, CallOutcome.INFORMED_BY_MENU,
        CallOutcome.VOICEMAIL, CallOutcome.CALL_BACK, CallOutcome.ABANDONED,
    }  # fmt: skip
