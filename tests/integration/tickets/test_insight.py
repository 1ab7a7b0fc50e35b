"""What the voicebot did, counted on real databases from real ledgers."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from tests.fakes.desk_day import VISITS, Step, Visit, heard, over, queued, to_bot, to_menu, told
from tickets.bot_book import BotCallKeeper
from tickets.database import Database, writing
from tickets.day import DayBook, hours_of_day
from tickets.events import CallEvent
from tickets.insight import BotFigures, InsightBook
from tickets.ledger import CallBook
from tickets.tables import BotCallRow, TicketRow
from tickets.ticket_book import TicketBook
from tickets.vocabulary import EventKind as K
from tickets.vocabulary import HandOver

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MIDNIGHT = NOON - timedelta(hours=12)
DAYS = [MIDNIGHT - timedelta(days=2), MIDNIGHT - timedelta(days=1), MIDNIGHT]
TOMORROW = MIDNIGHT + timedelta(days=1)
HOUR = 60
DAY = 24 * HOUR
ANN, BOB = "+12025550101", "+12025550102"


def answered(
    minutes_ago: float, caller: str | None, name: str = "next_draw", up: bool | None = None
) -> Visit:
    thumb: list[Step] = [] if up is None else [(22, K.BOT_THUMB, {"up": up, "question": name})]
    return Visit(
        minutes_ago,
        caller,
        [
            *to_menu(),
            *to_bot(10),
            heard(15, f"about {name}", name, 0.9),
            told(16, "…", f"answer:{name}"),
            *thumb,
            (25, K.BOT_ENDED, {"answered": True, "topic": name}),
            *over(26),
        ],
    )


def handed_over(minutes_ago: float, caller: str | None, text: str, reason: str = "out_of_scope") -> Visit:
    return Visit(
        minutes_ago,
        caller,
        [*to_menu(), *to_bot(10), heard(15, text, "out_of_scope", 0.2), *queued(20, reason), *over(40)],
    )


def pressed_zero(minutes_ago: float, caller: str | None) -> Visit:
    return Visit(minutes_ago, caller, [*to_menu(), *queued(8, "pressed_zero"), *over(30)])


async def live(database: Database, *visits: Visit) -> None:
    book = CallBook(database.sessions, deadline_s=20)
    for visit in visits:
        await book.record(visit.events(NOON, {}))
    await keeper(database).from_the_beginning()


def keeper(database: Database, now: datetime = NOON) -> BotCallKeeper:
    return BotCallKeeper(database.sessions, deadline_s=20, clock=lambda: now)


def insight(database: Database) -> InsightBook:
    return InsightBook(database.sessions, deadline_s=20)


async def figures(database: Database) -> BotFigures:
    return await insight(database).figures(DAYS, TOMORROW, NOON)


async def contained(database: Database, *visits: Visit) -> tuple[int, int, int, int]:
    await live(database, *visits)
    total = (await figures(database)).total
    day = await DayBook(database.sessions, deadline_s=20).day([DAYS[0], *hours_of_day(NOON, UTC)])
    assert day.contained == total.contained  # the room's card and the bot's page: one definition
    assert day.bot_over == total.calls
    return total.calls, total.contained, total.provisional, total.again


async def test_a_caller_who_calls_again_about_the_same_within_a_day_was_not_contained(
    database: Database,
) -> None:
    first, again = answered(30 * HOUR, ANN), answered(25 * HOUR, ANN)
    assert await contained(database, first, again) == (2, 1, 0, 1)


async def test_about_something_else_or_a_day_later_or_somebody_else_changes_nothing(
    database: Database,
) -> None:
    assert await contained(
        database,
        answered(60 * HOUR, ANN),
        answered(59 * HOUR, ANN, "jackpot"),
        answered(60 * HOUR - DAY - 1, ANN),
        answered(58 * HOUR, BOB, "jackpot"),
    ) == (4, 4, 0, 0)


async def test_whoever_comes_back_and_presses_zero_counts_as_calling_about_the_same(
    database: Database,
) -> None:
    assert await contained(database, answered(30 * HOUR, ANN), pressed_zero(29 * HOUR, ANN)) == (1, 0, 0, 1)


async def test_what_a_person_wrote_about_the_second_call_decides(database: Database) -> None:
    await live(database, answered(30 * HOUR, ANN), pressed_zero(29 * HOUR, ANN))
    async with database.sessions() as session:
        number = await session.scalar(select(TicketRow.number).where(TicketRow.topic.is_(None)))
    assert number is not None
    await TicketBook(database.sessions, deadline_s=20).change(number, {"topic": "Lost card"}, "grace", 1)
    assert (await figures(database)).total.again == 0
    await TicketBook(database.sessions, deadline_s=20).change(number, {"topic": "NEXT_DRAW"}, "grace", 2)
    assert (await figures(database)).total.again == 1


async def test_it_is_provisional_until_a_day_has_gone_by(database: Database) -> None:
    assert await contained(database, answered(25 * HOUR, ANN), answered(23 * HOUR, BOB)) == (2, 2, 1, 0)


async def test_callers_without_a_number_cannot_be_told_from_each_other(database: Database) -> None:
    assert await contained(database, answered(30 * HOUR, None), answered(29 * HOUR, None)) == (2, 2, 0, 0)


async def test_it_counts_days_reasons_and_questions(database: Database) -> None:
    await live(
        database,
        answered(50 * HOUR, ANN, up=True),
        answered(30 * HOUR, ANN, up=False),
        answered(8 * HOUR, ANN),
        answered(2 * HOUR, BOB, "jackpot"),
        handed_over(HOUR, None, "my neighbour keeps bees"),
        handed_over(2 * HOUR + 5, None, "the shop is closed", "not_understood"),
        handed_over(3 * HOUR, None, "bees again"),
        Visit(4 * HOUR, None, [*to_menu(), *to_bot(9), *over(12)]),
    )
    seen = await figures(database)
    assert [(day.calls, day.contained, day.provisional, day.again, day.otherwise) for day in seen.days] == [
        (1, 0, 0, 1, 0),
        (1, 0, 0, 1, 0),
        (6, 2, 2, 0, 4),
    ]
    assert seen.days[2].containment == pytest.approx(1 / 3)
    assert dict(seen.reasons) == {HandOver.OUT_OF_SCOPE: 2, HandOver.NOT_UNDERSTOOD: 1}
    assert (seen.gone, seen.unknown, seen.up, seen.down) == (1, 3, 1, 1)
    draw, jackpot = seen.questions
    assert (draw.name, draw.asked, draw.answered, draw.again, draw.up, draw.down) == (
        "next_draw",
        3,
        3,
        2,
        1,
        1,
    )
    assert (jackpot.name, jackpot.asked, jackpot.again, jackpot.handed_over) == ("jackpot", 1, 0, 0)


async def test_each_figure_leads_to_its_calls(database: Database) -> None:
    await live(
        database,
        answered(30 * HOUR, ANN, up=False),
        answered(8 * HOUR, ANN),
        handed_over(HOUR, BOB, "my neighbour keeps bees"),
        Visit(4 * HOUR, None, [*to_menu(), *to_bot(9), *over(12)]),
    )
    book = insight(database)

    async def callers(**wanted: object) -> list[str | None]:
        page = await book.calls(DAYS[0], TOMORROW, **wanted)  # type: ignore[arg-type]
        return [one.caller for one in page.items]

    assert await callers() == [BOB, None, ANN, ANN]
    assert await callers(question="next_draw", what="again") == [ANN]
    assert await callers(question="next_draw", what="down") == [ANN]
    assert await callers(question="jackpot") == []
    assert await callers(end=HandOver.OUT_OF_SCOPE) == [BOB]
    assert await callers(end="contained") == [ANN]
    assert await callers(end="again") == [ANN]
    assert await callers(end="gone") == [None]
    (visitor,) = (await book.calls(DAYS[0], TOMORROW, end=HandOver.OUT_OF_SCOPE)).items
    assert [(line.text, line.tape_s) for line in visitor.lines] == [("my neighbour keeps bees", 15)]
    first = await book.calls(DAYS[0], TOMORROW, limit=3)
    rest = await book.calls(DAYS[0], TOMORROW, limit=3, cursor=first.next_cursor)
    assert [one.caller for one in first.items + rest.items] == [BOB, None, ANN, ANN]
    assert rest.next_cursor is None


async def test_it_brings_what_nobody_taught_it_with_words_and_place_on_the_tape(database: Database) -> None:
    await live(database, handed_over(30, BOB, "newer"), handed_over(HOUR, ANN, "older"), answered(90, ANN))
    found = await insight(database).unknown(DAYS[0], TOMORROW)
    assert [(one.text, one.tape_s) for one in found] == [("newer", 15), ("older", 15)]
    assert [one.text for one in await insight(database).unknown(DAYS[0], TOMORROW, limit=1)] == ["newer"]


async def test_a_late_event_is_read_as_if_it_had_come_in_time(database: Database) -> None:
    visit = answered(50, ANN)
    events = visit.events(NOON, {})
    book = CallBook(database.sessions, deadline_s=20)
    late = [event for event in events if event.data.get("intent") == "next_draw"]
    await book.record([event for event in events if event not in late])
    await keeper(database).catch_up()
    assert (await figures(database)).questions == []
    await book.record(late)
    await keeper(database).catch_up()
    assert [one.asked for one in (await figures(database)).questions] == [1]


async def test_a_call_that_goes_on_is_not_counted_yet(database: Database) -> None:
    await live(database, *VISITS)
    total = (await figures(database)).total
    assert total.calls == 3


async def test_two_nodes_that_read_at_once_write_each_call_once(database: Database) -> None:
    book = CallBook(database.sessions, deadline_s=20)
    for minutes in range(10, 60):
        await book.record(answered(minutes, ANN).events(NOON, {}))
    await keeper(database).catch_up()
    async with writing(database.sessions) as session:
        await session.execute(delete(BotCallRow))
    await asyncio.gather(*(keeper(database).catch_up() for _ in range(4)))
    assert (await figures(database)).questions[0].asked == 50


async def test_what_was_before_this_release_is_read_once_from_the_beginning(database: Database) -> None:
    book = CallBook(database.sessions, deadline_s=20)
    long_ago = answered(40 * DAY, ANN)
    await book.record(long_ago.events(NOON, {}))
    await book.record(answered(10, BOB).events(NOON, {}))
    await keeper(database).catch_up()
    since = NOON - timedelta(days=60)

    async def counted() -> int:
        return sum(one.asked for one in (await insight(database).figures([since], TOMORROW, NOON)).questions)

    assert await counted() == 1
    await keeper(database).from_the_beginning()
    assert await counted() == 2


async def test_events_of_an_unknown_source_do_no_harm(database: Database) -> None:
    call_id = answered(10, ANN).call_id(NOON)
    odd = CallEvent(
        "test", "odd", call_id, NOON, K.BOT_TURN, {"speaker": "caller", "intent": None, "text": 5}
    )
    book = CallBook(database.sessions, deadline_s=20)
    await book.record([*answered(10, ANN).events(NOON, {}), odd])
    await keeper(database).catch_up()
    assert [one.asked for one in (await figures(database)).questions] == [1]
