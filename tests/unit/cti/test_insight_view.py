from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from cti.web.insight_view import (
    CHART,
    MOST_DAYS,
    USUAL_DAYS,
    Stretch,
    chart_of,
    chosen_words,
    doubt_words,
    stretch_of,
)
from tickets.insight import BotDay, BotFigures
from voicebot.teaching import Doubt, Objection

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # still the 20th in New York
NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 20)


def test_without_a_wish_it_is_the_last_two_weeks_of_the_centres_own_days() -> None:
    stretch = stretch_of(None, None, NOW, NEW_YORK)
    assert (stretch.until, len(stretch.days)) == (TODAY, USUAL_DAYS)
    assert stretch.days[0] == datetime(2026, 11, 7, 0, 0, tzinfo=NEW_YORK)
    assert stretch.end == datetime(2026, 11, 21, 0, 0, tzinfo=NEW_YORK)
    assert not stretch.cut


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (date(2026, 11, 1), None, date(2026, 11, 1), TODAY),
        (None, date(2026, 1, 31), date(2026, 1, 18), date(2026, 1, 31)),
        (date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 1)),
        (date(2999, 12, 31), None, date(2999, 12, 31), date(2999, 12, 31)),
    ],
)
def test_it_takes_what_an_address_asks_for(since: date, until: date, first: date, last: date) -> None:
    stretch = stretch_of(since, until, NOW, NEW_YORK)
    assert (stretch.since, stretch.until) == (first, last)


def test_it_shows_a_bounded_number_of_days_and_says_so() -> None:
    stretch = stretch_of(date(2000, 1, 1), None, NOW, NEW_YORK)
    assert (len(stretch.days), stretch.cut, stretch.until) == (MOST_DAYS, True, TODAY)


def test_days_are_as_long_as_their_zone_makes_them() -> None:
    stretch = Stretch(date(2026, 10, 31), date(2026, 11, 2), NEW_YORK)
    utc = [day.astimezone(UTC) for day in (*stretch.days, stretch.end)]
    assert [later - earlier for earlier, later in pairwise(utc)] == [
        timedelta(hours=24),
        timedelta(hours=25),
        timedelta(hours=24),
    ]


def test_its_addresses_keep_the_days() -> None:
    stretch = Stretch(date(2026, 11, 1), date(2026, 11, 2), UTC)
    assert stretch.address("/calls", question="jackpot", what="") == (
        "/bot/calls?since=2026-11-01&until=2026-11-02&question=jackpot"
    )
    assert stretch.last(7) == "since=2026-10-27&until=2026-11-02"


def figures(*days: BotDay) -> BotFigures:
    return BotFigures(days, {}, 0, [], 0, 0, 0)


def test_a_day_is_a_bar_of_its_parts_and_fills_nothing_else() -> None:
    stretch = Stretch(date(2026, 11, 1), date(2026, 11, 2), UTC)
    begins, after = stretch.days
    chart = chart_of(
        figures(
            BotDay(begins),
            BotDay(after, calls=20, contained=12, provisional=5, again=3, otherwise=5),
        ),
        stretch,
    )
    empty, full = chart.bars
    assert (empty.parts, empty.top) == ([], CHART[1])
    assert [part.kind for part in full.parts] == ["final", "provisional", "again", "otherwise"]
    per_call = full.parts[0].height / 7
    assert [part.height / per_call for part in full.parts] == pytest.approx([7, 5, 3, 5])
    assert sum(part.height for part in full.parts) + full.top == pytest.approx(CHART[1])
    assert all(CHART[0] / 2 <= part.x and part.x + part.width <= CHART[0] for part in full.parts)
    assert full.calls == "/bot/calls?since=2026-11-02&until=2026-11-02"


def test_without_any_call_there_is_an_empty_chart() -> None:
    stretch = stretch_of(None, None, NOW, NEW_YORK)
    chart = chart_of(figures(*(BotDay(day) for day in stretch.days)), stretch)
    assert all(bar.parts == [] for bar in chart.bars)


def test_many_days_are_not_all_named() -> None:
    stretch = stretch_of(date(2026, 8, 21), None, NOW, NEW_YORK)
    chart = chart_of(figures(*(BotDay(day) for day in stretch.days)), stretch)
    assert 10 <= sum(bool(bar.label) for bar in chart.bars) <= 16


def test_filters_and_doubts_are_in_words() -> None:
    topics = {"jackpot": "Jackpot"}
    asked = {"question": "jackpot", "what": "again", "end": "out_of_scope"}
    assert chosen_words(asked, topics) == [
        ("question", "Jackpot"),
        ("what", "asked again within a day"),
        ("end", "Beyond the bot"),
    ]
    doubt = Doubt("how big is it", Objection.NEARER_TO_ANOTHER, "jackpot", 0.914)
    assert doubt_words(doubt, topics) == "“how big is it” is understood as “Jackpot” so far (91%)."
