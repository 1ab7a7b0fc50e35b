"""What people at the desk read and do, on real databases."""

import pytest

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.customers import CustomerBook
from tickets.database import Database
from tickets.desk import BadCursor, Desk, NotFound
from tickets.ledger import CallBook
from tickets.ticket_book import TicketBook
from tickets.vocabulary import CallState, EventKind, TicketStatus

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database.sessions, deadline_s=5)


@pytest.fixture
def book(database: Database) -> CallBook:
    return CallBook(database.sessions, deadline_s=5)


async def some_calls(book: CallBook, count: int) -> None:
    await book.record(
        [event(EventKind.RECEIVED, number // 2, call_id=f"pz-{number}") for number in range(count)]
    )


async def test_it_pages_through_all_calls_newest_first(desk: Desk, book: CallBook) -> None:
    await some_calls(book, 7)  # two a second: the time alone does not tell them apart
    seen, cursor = [], None
    while True:
        page = await desk.calls(limit=3, cursor=cursor)
        seen += [line.call.call_id for line in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"pz-{number}" for number in reversed(range(7))]


async def test_new_calls_shift_no_page(desk: Desk, book: CallBook) -> None:
    await some_calls(book, 4)
    first = await desk.tickets(limit=2)
    await book.record([event(EventKind.RECEIVED, 99, call_id="pz-new")])
    second = await desk.tickets(limit=2, cursor=first.next_cursor)
    assert [ticket.number for ticket in first.items + second.items] == [4, 3, 2, 1]
    assert second.next_cursor is None


async def test_it_filters(desk: Desk, book: CallBook, database: Database) -> None:
    anna = await CustomerBook(database.sessions).add("Anna", ["+18005550123"])
    await book.record(answered_by_operator("pz-a") + answered_by_bot("pz-b"))
    await book.record([event(EventKind.RECEIVED, 0, call_id="pz-c")])

    async def tickets(**wanted: object) -> list[str]:
        return [ticket.call_id for ticket in (await desk.tickets(**wanted)).items]  # type: ignore[arg-type]

    async def calls(**wanted: object) -> list[str]:
        return [line.call.call_id for line in (await desk.calls(**wanted)).items]  # type: ignore[arg-type]

    assert await tickets(status=TicketStatus.CLOSED) == ["pz-b"]
    assert await tickets(operator="101") == await calls(operator="101") == ["pz-a"]
    assert await tickets(customer_id=anna.id) == await calls(customer_id=anna.id) == ["pz-a"]
    assert await tickets(operator="101", status=TicketStatus.CLOSED) == []
    assert await calls(state=CallState.RINGING) == ["pz-c"]
    assert [line.call.call_id for line in await desk.calls_in_progress()] == ["pz-c"]
    for nobody in (0, -1, 10**30):
        assert await calls(customer_id=nobody) == []
    assert await calls(operator="\0'; --") == []


async def test_a_ticket_shows_everything(desk: Desk, book: CallBook, database: Database) -> None:
    anna = await CustomerBook(database.sessions).add("Anna", ["+18005550123", "+18005550188"], vip_level=2)
    story = answered_by_operator()
    await book.record(story)
    note = await TicketBook(database.sessions).add_note(
        1, "  She asked for\r\na call back \0", author="alice"
    )

    detail = await desk.ticket(1)

    assert detail.ticket.name == "PZ-1001"
    assert (detail.ticket.customer_name, detail.ticket.vip_level) == ("Anna", 2)
    assert detail.customer == anna
    assert detail.events == story
    assert detail.call == (await desk.call(story[0].call_id)).call
    assert detail.notes == [note]
    assert (note.text, note.author) == ("She asked for\na call back", "alice")


async def test_the_vip_level_that_reception_was_told_shows_without_a_card(desk: Desk, book: CallBook) -> None:
    await book.record([event(EventKind.CUSTOMER_FOUND, 0, customer_id=None, vip_level=3)])
    assert (await desk.ticket(1)).ticket.vip_level == 3


@pytest.mark.parametrize("number", [-1, 0, 1, 10**30])
async def test_it_knows_no_ticket_that_is_not_there(desk: Desk, number: int) -> None:
    with pytest.raises(NotFound):
        await desk.ticket(number)
    with pytest.raises(NotFound):
        await desk.call("\0")


async def test_a_cursor_of_another_list_is_refused(desk: Desk, book: CallBook) -> None:
    await some_calls(book, 3)
    of_calls = (await desk.calls(limit=1)).next_cursor
    with pytest.raises(BadCursor):
        await desk.tickets(cursor=of_calls)
    with pytest.raises(BadCursor):
        await desk.customers(cursor="nonsense")


async def test_it_pages_through_customers(desk: Desk, database: Database) -> None:
    customers = CustomerBook(database.sessions, clock=lambda: START)
    added = [await customers.add(f"Customer {number}", [f"+1800555010{number}"]) for number in range(3)]
    first = await desk.customers(limit=2)
    second = await desk.customers(limit=2, cursor=first.next_cursor)
    assert first.items + second.items == added[::-1]
