"""Incidents on both databases."""

from datetime import datetime, timedelta

import pytest

from tickets.customers import NotFound
from tickets.database import Database, utc_now, writing
from tickets.incidents import BadIncident, IncidentBook
from tickets.tables import IncidentRow

pytestmark = pytest.mark.integration
NOW = utc_now().replace(microsecond=0)
WORDS = "The draw is  postponed\nto Sunday."


class Clock:
    """A time that the test sets."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At `NOW`."""
    return Clock()


@pytest.fixture
def book(database: Database, clock: Clock) -> IncidentBook:
    """Empty."""
    return IncidentBook(database.sessions, deadline_s=5, clock=clock)


async def test_it_is_on_until_somebody_switches_it_off_and_keeps_who(
    book: IncidentBook, clock: Clock
) -> None:
    assert await book.current() is None
    told = await book.switch_on("Draw postponed", WORDS, None, "sam")
    assert told.text == "The draw is postponed to Sunday."
    assert await book.current() == told
    clock.now += timedelta(minutes=5)
    over = await book.switch_off(told.id, "sofia")
    assert await book.current() is None
    assert (over.on_by, over.off_by, over.off_at) == ("sam", "sofia", clock.now)
    assert await book.latest() == [over]


async def test_switching_off_twice_keeps_who_was_first(book: IncidentBook) -> None:
    told = await book.switch_on("Draw postponed", WORDS, None, "sam")
    first = await book.switch_off(told.id, "sofia")
    assert await book.switch_off(told.id, "sam") == first


async def test_a_new_one_takes_the_place_of_the_one_before(book: IncidentBook) -> None:
    first = await book.switch_on("Draw postponed", WORDS, None, "sam")
    second = await book.switch_on("Web site down", "Our web site is down.", None, "sofia")
    assert await book.current() == second
    newest, older = await book.latest()
    assert (newest.id, older.id, older.off_by) == (second.id, first.id, "sofia")
    await book.switch_off(second.id, "sam")
    assert await book.current() is None


async def test_it_ends_by_itself(book: IncidentBook, clock: Clock) -> None:
    told = await book.switch_on("Draw postponed", WORDS, NOW + timedelta(hours=1), "sam")
    assert await book.current() == told
    clock.now += timedelta(hours=1)
    assert await book.current() is None
    assert (await book.switch_off(told.id, "sam")).off_by is None


@pytest.mark.parametrize(
    ("topic", "text", "until", "says"),
    [
        ("Draw", " … ", None, "text in words"),
        ("", WORDS, None, "topic in words"),
        ("Draw", "a" * 501, None, "501 characters"),
        ("Draw", WORDS, NOW, "over already"),
    ],
)
async def test_it_refuses_what_nobody_could_hear(
    book: IncidentBook, topic: str, text: str, until: datetime | None, says: str
) -> None:
    with pytest.raises(BadIncident, match=says):
        await book.switch_on(topic, text, until, "sam")
    assert await book.latest() == []


async def test_what_was_never_there_cannot_be_switched_off(book: IncidentBook) -> None:
    for number in (0, 7, 2**40):
        with pytest.raises(NotFound):
            await book.switch_off(number, "sam")


async def test_of_two_that_were_switched_on_at_once_neither_comes_back_when_one_ends(
    book: IncidentBook, database: Database
) -> None:
    await book.switch_on("Draw postponed", WORDS, None, "sam")
    async with writing(database.sessions) as session:  # another node, which did not see the first one yet
        row = IncidentRow(topic="Web site down", text="It is down.", on_at=NOW, on_by="sofia", until=None)
        session.add(row)
    heard = await book.current()
    assert heard is not None
    assert heard.topic == "Web site down"
    await book.switch_off(heard.id, "sofia")
    assert await book.current() is None
