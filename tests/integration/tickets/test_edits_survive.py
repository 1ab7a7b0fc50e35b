"""Whatever a call still tells, in whatever order: what a person has written on its ticket stays."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.cards import Ticket
from tickets.database import Database
from tickets.desk import Desk
from tickets.edits import Edit
from tickets.events import CallEvent
from tickets.ledger import CallBook
from tickets.ticket_book import TicketBook
from tickets.vocabulary import EventKind, TicketStatus

pytestmark = pytest.mark.integration

WRITTEN: list[Edit] = [
    {"subject": "Written by a person"},
    {"topic": "Chosen by a person"},
    {"topic": None, "tags": ["by hand"]},
    {"fields": {"Order": "17"}, "tags": ["a", "b"]},
    {"status": TicketStatus.CLOSED},
    {"status": TicketStatus.PENDING, "subject": "Both"},
]


def stories(call_id: str) -> list[list[CallEvent]]:
    found = event(EventKind.CUSTOMER_FOUND, 2, call_id=call_id, customer_id=None, vip_level=2)
    return [
        [*answered_by_operator(call_id), found],
        answered_by_bot(call_id),
        [*answered_by_bot(call_id)[:-1], *answered_by_operator(call_id)[4:]],
    ]


def values(ticket: Ticket, names: set[str]) -> dict[str, object]:
    """What the ticket has by now of what was written."""
    return {name: getattr(ticket, name) for name in names}


async def test_what_a_person_wrote_survives_every_order_of_what_the_call_tells(
    database: Database,
) -> None:
    desk, numbers = Desk(database.sessions, deadline_s=20), iter(range(10_000))

    async def live_through(told: list[CallEvent], cut: int, edits: list[Edit]) -> None:
        clock = START + timedelta(hours=1)
        nodes = [CallBook(database.sessions, deadline_s=20) for _ in range(2)]
        book = TicketBook(database.sessions, deadline_s=20, clock=lambda: clock)
        number = (await nodes[0].record(told[:cut]))[0].ticket_number
        written: set[str] = set()  # what has in fact been changed: an empty topic left empty is nobody's word
        for edit in edits:
            seen = (await desk.ticket(number)).ticket
            if "status" in edit and seen.status is TicketStatus.CLOSED:
                seen = await book.change(number, {"status": TicketStatus.OPEN}, "alice")
            changed = await book.change(number, edit, "alice")
            written |= {name for name in edit if getattr(changed, name) != getattr(seen, name)}
        before = (await desk.ticket(number)).ticket
        for node in nodes:  # one remembers the call, the other reads it
            await node.record(told)
        after = (await desk.ticket(number)).ticket
        assert values(after, written) == values(before, written)
        if "status" in written:
            assert (after.closed_at, after.closed_by) == (before.closed_at, before.closed_by)

    loop = asyncio.get_running_loop()

    @settings(max_examples=15, database=None)
    @given(st.data())
    def each(data: st.DataObject) -> None:
        story = data.draw(st.sampled_from(stories(f"pz-{next(numbers)}")))
        told = data.draw(st.permutations(story))
        cut = data.draw(st.integers(1, len(told)))
        edits = data.draw(st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=3, unique_by=str))
        asyncio.run_coroutine_threadsafe(live_through(told, cut, edits), loop).result(60)

    await asyncio.to_thread(each)
