"""Events and calls as rows, and back."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.stories import START, answered_by_operator, event
from tickets.call import replay
from tickets.rows import call_from, call_row, event_from, event_row, storable
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit


def test_a_fine_event_is_stored_as_it_is() -> None:
    told = event(EventKind.BOT_TURN, 0, text="plain\nlines – 😀", confidence=0.5)
    assert storable(told) is told


def test_events_and_calls_come_back_from_their_rows() -> None:
    story = answered_by_operator()
    assert [event_from(event_row(told)) for told in story] == story
    assert call_from(call_row(replay(story))) == replay(story)


def test_any_time_zone_becomes_utc() -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=5)))
    stored = storable(replace(event(EventKind.RECEIVED, 0), at=elsewhere))
    assert (stored.at, stored.at.utcoffset()) == (START, timedelta(0))
    naive = replace(event(EventKind.RECEIVED, 0), at=datetime(2026, 11, 21, 9))  # noqa: DTZ001
    assert storable(naive).at == START


def test_long_ids_stay_apart() -> None:
    one, other = (event(EventKind.RECEIVED, 0, source_id="x" * 500 + end) for end in "ab")
    assert storable(one).source_id != storable(other).source_id
    assert storable(one).source_id == storable(storable(one)).source_id


@given(st.text(alphabet=st.characters(), max_size=300), st.text(alphabet=st.characters(), max_size=300))
def test_whatever_text_comes_can_be_stored_and_stays_the_same(word: str, value: str) -> None:
    stored = storable(event(EventKind.RECEIVED, 0, call_id=word, source_id=word, caller_raw=value))
    for text in (stored.call_id, stored.source_id, str(stored.data["caller_raw"])):
        assert "\0" not in text
        text.encode()
    assert len(stored.call_id) <= 200
    assert storable(stored) is stored
