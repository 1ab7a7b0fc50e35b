"""A customer's history on real databases, also a very long one."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql, sqlite

from tests.fakes.stories import START, answered_by_operator
from tickets.call import Call
from tickets.customers import CustomerBook, NotFound
from tickets.database import Database, writing
from tickets.ledger import CallBook
from tickets.paging import BadCursor
from tickets.rows import call_row
from tickets.sight import Sight
from tickets.tables import CallRow, TicketNoteRow, TicketRow
from tickets.ticket_book import TicketBook
from tickets.timeline import Entry, TimelineBook, calls_of
from tickets.vocabulary import NoteKind, TicketStatus

pytestmark = pytest.mark.integration
MANY = 10_000


@pytest.fixture
def timeline(database: Database) -> TimelineBook:
    return TimelineBook(database.sessions, deadline_s=20)


async def long_history(database: Database, many: int = MANY) -> int:
    """A customer with that many tickets, every tenth with a note; gives the card's number."""
    anna = await CustomerBook(database.sessions, deadline_s=20).add("Anna", ["+12025550111"])
    calls, tickets, notes = [], [], []
    for n in range(1, many + 1):
        at = START + timedelta(minutes=n)
        call = Call(call_id=f"pz-{n}", received_at=at, customer_id=anna.id, queue="support")
        calls.append(call_row(call) | {"revision": 1})
        tickets.append(
            {"number": n, "call_id": call.call_id, "status": TicketStatus.OPEN, "subject": f"Call {n}",
             "customer_id": anna.id, "created_at": at, "updated_at": at, "version": 1, "fields": {}}
        )  # fmt: skip
        if n % 10 == 0:
            note = {"number": n, "author": "grace", "text": f"Note {n}", "kind": NoteKind.NOTE}
            notes.append(note | {"created_at": at + timedelta(seconds=30)})
    async with writing(database.sessions) as session:
        for table, rows in ((CallRow, calls), (TicketRow, tickets), (TicketNoteRow, notes)):
            for start in range(0, len(rows), 1000):
                await session.execute(insert(table), rows[start : start + 1000])
        await session.execute(text("ANALYZE"))
    return anna.id


def told(entry: Entry) -> str:
    return f"note {entry.note.text}" if entry.note else f"call {entry.ticket_number}"


async def test_calls_and_notes_stand_in_one_line_of_time(database: Database, timeline: TimelineBook) -> None:
    anna = await long_history(database, 25)
    seen, cursor = [], None
    while True:
        page = await timeline.of_customer(anna, limit=4, cursor=cursor)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert [entry.at for entry in seen] == sorted((entry.at for entry in seen), reverse=True)
    assert [told(entry) for entry in seen[:8]] == [
        "call 25", "call 24", "call 23", "call 22", "call 21", "note Note 20", "call 20", "call 19",
    ]  # fmt: skip
    assert len(seen) == len(set(map(told, seen))) == 27


async def test_what_happened_at_the_same_moment_is_told_once(
    database: Database, timeline: TimelineBook
) -> None:
    anna = await CustomerBook(database.sessions, deadline_s=20).add("Anna", ["+18005550123"])
    await CallBook(database.sessions, deadline_s=20).record(answered_by_operator())
    book = TicketBook(database.sessions, deadline_s=20, clock=lambda: START)
    for n in range(3):
        await book.add_note(1, f"{n}", "grace")
    await book.change(1, {"topic": "a change is no note"}, "grace")
    seen, cursor = [], None
    while True:
        page = await timeline.of_customer(anna.id, limit=1, cursor=cursor)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert [told(entry) for entry in seen] == ["note 2", "note 1", "note 0", "call 1"]


async def test_ten_thousand_tickets_give_a_page_by_an_index(
    database: Database, timeline: TimelineBook
) -> None:
    anna = await long_history(database)
    first = await timeline.of_customer(anna, limit=50)
    second = await timeline.of_customer(anna, limit=50, cursor=first.next_cursor)
    assert told(first.items[1]) == f"call {MANY}"
    assert len({told(entry) for entry in first.items + second.items}) == 100
    place = first.items[-1].place
    for query in (calls_of(anna, None), calls_of(anna, place)):
        plan = await plan_of(database, query.limit(51))
        assert "ix_tickets_customer_id_created_at_number" in plan
        assert "Sort" not in plan  # read in order, no more than is shown
        assert "TEMP B-TREE" not in plan


async def plan_of(database: Database, query: Any) -> str:
    """How the database goes about a query."""
    dialect = sqlite.dialect() if database.dialect == "sqlite" else postgresql.dialect()  # type: ignore[no-untyped-call]
    spelt = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    async with database.engine.connect() as connection:
        rows = await connection.exec_driver_sql(explain + spelt)
        return "\n".join(str(row[-1]) for row in rows)


async def test_tickets_of_others_queues_are_not_told(database: Database, timeline: TimelineBook) -> None:
    anna = await long_history(database, 10)
    prizes = Sight(everything=False, login="tomas", queues=frozenset({"prizes"}))
    assert (await timeline.of_customer(anna, sight=prizes)).items == []
    support = Sight(everything=False, login="grace", queues=frozenset({"support"}))
    assert len((await timeline.of_customer(anna, sight=support)).items) == 11


async def test_it_knows_who_is_not_there(timeline: TimelineBook) -> None:
    for nobody in (0, 7, 10**30):
        with pytest.raises(NotFound):
            await timeline.of_customer(nobody)
    with pytest.raises(BadCursor):
        await timeline.of_customer(1, cursor="nonsense")
