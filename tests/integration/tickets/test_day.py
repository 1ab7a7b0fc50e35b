"""A day's calls in figures, on real databases."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.desk_day import VISITS, Visit
from tests.fakes.stories import START, answered_by_operator, event
from tickets.database import Database
from tickets.day import DayBook, DayFigures, hours_of_day
from tickets.ledger import CallBook
from tickets.sight import Sight
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOURS = hours_of_day(NOON, UTC)


async def lived_through(database: Database, visits: list[Visit]) -> DayBook:
    book = CallBook(database.sessions, deadline_s=20)
    for visit in visits:
        await book.record(visit.events(NOON, {}))
    return DayBook(database.sessions, deadline_s=20)


def shape(figures: DayFigures) -> dict[int, tuple[int, int, int, int, int]]:
    return {
        number: (hour.answered, hour.by_bot, hour.abandoned, hour.otherwise, hour.going_on)
        for number, hour in enumerate(figures.hours)
        if hour.calls
    }


async def test_it_counts_how_calls_ended_by_the_hour_they_came(database: Database) -> None:
    figures = await (await lived_through(database, VISITS)).day(HOURS)
    assert shape(figures) == {
        9: (1, 0, 0, 0, 0),
        10: (1, 0, 0, 2, 0),
        11: (1, 1, 1, 0, 5),
    }
    assert (figures.calls, figures.answered, figures.by_bot, figures.abandoned) == (12, 3, 1, 1)


async def test_it_tells_what_the_bot_did_alone_and_how_soon_people_answered(database: Database) -> None:
    figures = await (await lived_through(database, VISITS)).day(HOURS)
    assert figures.containment == pytest.approx(1 / 3)  # of three over, two went on to a person
    assert figures.service_level == pytest.approx(1 / 6)  # 5 s; but 33, 36, 38, one gone, one to voicemail


async def test_it_knows_no_share_of_nothing(database: Database) -> None:
    figures = await DayBook(database.sessions, deadline_s=20).day(HOURS[:1])
    assert figures.calls == 0
    assert figures.containment is None
    assert figures.service_level is None


async def test_it_leaves_out_yesterday_and_what_we_placed_ourselves(database: Database) -> None:
    book = CallBook(database.sessions, deadline_s=20)
    await book.record(answered_by_operator("pz-1"))
    await book.record([event(EventKind.RECEIVED, 1, call_id="pz-2", direction="outbound")])
    days = DayBook(database.sessions, deadline_s=20)
    assert (await days.day(hours_of_day(START + timedelta(minutes=5), UTC))).calls == 1
    assert (await days.day(hours_of_day(START + timedelta(days=1), UTC))).calls == 0


async def test_it_counts_what_an_account_sees(database: Database) -> None:
    days = await lived_through(database, VISITS)
    elsewhere = Sight(everything=False, login="ann", extension="102", queues=frozenset({"prizes"}))
    figures = await days.day(HOURS, elsewhere)
    assert figures.answered == 0
    assert figures.by_bot == 1  # nobody's call is everybody's


def test_a_day_has_the_hours_that_its_zone_gives_it() -> None:
    vilnius = ZoneInfo("Europe/Vilnius")
    assert len(hours_of_day(datetime(2026, 3, 29, 20, 30, tzinfo=UTC), vilnius)) == 23
    assert len(hours_of_day(datetime(2026, 10, 25, 21, 30, tzinfo=UTC), vilnius)) == 25
    assert hours_of_day(NOON, vilnius)[0] == datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    assert hours_of_day(NOON, vilnius)[-1] == NOON
