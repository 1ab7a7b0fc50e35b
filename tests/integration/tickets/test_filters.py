"""Which calls and tickets a list shows, on real databases."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.database import Database, writing
from tickets.desk import Desk
from tickets.ledger import CallBook
from tickets.tables import TicketRow, TicketTagRow
from tickets.vocabulary import CallOutcome, CallState, EventKind, HandOver, TicketStatus

pytestmark = pytest.mark.integration


@pytest.fixture
async def desk(database: Database) -> Desk:
    """a: by operator 101, a VIP, recorded. b: by the bot. c: still in the menu, a day later."""
    book = CallBook(database.sessions, deadline_s=20)
    vip = event(EventKind.CUSTOMER_FOUND, 0.1, call_id="a", customer_id=None, vip_level=2)
    tape = event(EventKind.RECORDED, 90, call_id="a", recording_id=1)
    await book.record([*answered_by_operator("a"), vip, tape])
    await book.record(answered_by_bot("b"))
    await book.record([event(EventKind.RECEIVED, 24 * 3600, call_id="c")])
    async with writing(database.sessions) as session:
        session.add(TicketTagRow(number=2, tag="prize"))
        (await session.get_one(TicketRow, 2)).assignee = "grace"
        (await session.get_one(TicketRow, 3)).assigned_group = 7
    return Desk(database.sessions, deadline_s=20)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "cba"),
        ({"state": CallState.RINGING}, "c"),
        ({"since": START + timedelta(hours=1)}, "c"),
        ({"since": START + timedelta(hours=24)}, "c"),
        ({"until": START + timedelta(hours=24)}, "ba"),
        ({"queue": "support"}, "a"),
        ({"queue": "nosuch\x00"}, ""),
        ({"operator": "101"}, "a"),
        ({"hand_over": HandOver.PRESSED_ZERO}, "a"),
        ({"hand_over": HandOver.VIP}, ""),
        ({"outcome": CallOutcome.ANSWERED_BY_BOT}, "b"),
        ({"topic": "next_draw"}, "b"),
        ({"customer_id": 2**40}, ""),
        ({"vip": True}, "a"),
        ({"vip": False}, "cb"),
        ({"recorded": True}, "a"),
        ({"recorded": False}, "cb"),
        ({"talked": 60}, "a"),
        ({"talked": 61}, ""),
        ({"talked": 0}, "cba"),
        ({"operator": "101", "outcome": CallOutcome.ANSWERED_BY_BOT}, ""),
        ({"operator": None, "vip": None, "since": None}, "cba"),
    ],
)
async def test_it_lists_the_calls_that_are_wanted(desk: Desk, wanted: dict[str, Any], found: str) -> None:
    page = await desk.calls(**wanted)
    assert "".join(line.call.call_id for line in page.items) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "cba"),
        ({"status": TicketStatus.CLOSED}, "b"),
        ({"outcome": CallOutcome.ANSWERED_BY_OPERATOR}, "a"),
        ({"until": START + timedelta(hours=24)}, "ba"),
        ({"queue": "support"}, "a"),
        ({"topic": "next_draw"}, "b"),
        ({"tag": "prize"}, "b"),
        ({"tag": "priz"}, ""),
        ({"assignee": "grace"}, "b"),
        ({"groups": [7, 8]}, "c"),
        ({"groups": []}, ""),
        ({"unassigned": True}, "a"),
        ({"vip": True}, "a"),
        ({"recorded": False, "status": TicketStatus.OPEN}, "c"),
        ({"talked": 30}, "a"),
    ],
)
async def test_it_lists_the_tickets_that_are_wanted(desk: Desk, wanted: dict[str, Any], found: str) -> None:
    page = await desk.tickets(**wanted)
    assert "".join(ticket.call_id for ticket in page.items) == found


async def test_it_keeps_the_filter_from_page_to_page(database: Database) -> None:
    book = CallBook(database.sessions, deadline_s=20)
    for number in range(7):
        story = answered_by_bot if number % 2 else answered_by_operator
        await book.record(story(f"pz-{number}"))
    desk, seen, cursor = Desk(database.sessions, deadline_s=20), [], None
    while True:
        page = await desk.calls(operator="101", limit=2, cursor=cursor)
        seen += [line.call.call_id for line in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ["pz-6", "pz-4", "pz-2", "pz-0"]
