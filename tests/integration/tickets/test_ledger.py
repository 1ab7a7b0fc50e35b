"""The ledger on real databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.fakes.stories import answered_by_bot, answered_by_operator, event
from tickets.customers import CustomerBook
from tickets.database import Database, DatabaseTrouble
from tickets.desk import Desk
from tickets.ledger import CallBook
from tickets.tables import CallEventRow, CallRow, JobRow, TicketRow
from tickets.ticket_book import TicketBook
from tickets.vocabulary import CallOutcome, CallState, EventKind, HandOver, TicketStatus

pytestmark = pytest.mark.integration


async def count(database: Database, table: type) -> int:
    async with database.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_it_opens_one_ticket_with_the_first_event(database: Database) -> None:
    [change] = await CallBook(database.sessions).record([event(EventKind.RECEIVED, 0, caller_raw="x")])

    assert change.first
    assert change.ticket_number == 1
    assert change.call.state is CallState.RINGING
    detail = await Desk(database.sessions).ticket(1)
    assert detail.ticket.status is TicketStatus.OPEN
    assert detail.ticket.name == "PZ-1001"


async def test_it_tells_only_what_was_new(database: Database) -> None:
    book, story = CallBook(database.sessions), answered_by_operator()
    changes = await book.record(story[:4])
    assert [change.first for change in changes] == [True, False, False, False]

    again = await book.record(story)

    assert [change.event for change in again] == story[4:]
    assert not any(change.first for change in again)
    assert await book.record(story) == []
    assert await CallBook(database.sessions).record(story) == []  # a new process, nothing remembered


async def test_it_keeps_the_ledger_readable_as_it_was_told(database: Database) -> None:
    book, story = CallBook(database.sessions), answered_by_operator()
    await book.record(story)
    assert await book.events_of(story[0].call_id) == story
    assert await book.events_of("unknown") == []


async def test_it_closes_the_ticket_of_a_call_that_the_bot_answered(database: Database) -> None:
    changes = await CallBook(database.sessions).record(answered_by_bot())

    assert changes[-1].call.outcome is CallOutcome.ANSWERED_BY_BOT
    ticket = (await Desk(database.sessions).ticket(1)).ticket
    assert (ticket.status, ticket.closed_by, ticket.topic) == (TicketStatus.CLOSED, "bot", "next_draw")
    assert ticket.closed_at == changes[-1].call.ended_at


async def test_it_takes_events_that_come_after_the_end(database: Database) -> None:
    story = answered_by_bot()
    book = CallBook(database.sessions)
    late = [told for told in story if told.kind is EventKind.BOT_ENDED]
    await book.record([told for told in story if told not in late])
    assert (await Desk(database.sessions).ticket(1)).ticket.status is TicketStatus.OPEN

    [change] = await CallBook(database.sessions).record(late)

    assert change.call.state is CallState.ENDED
    assert change.call.outcome is CallOutcome.ANSWERED_BY_BOT
    assert (await Desk(database.sessions).ticket(1)).ticket.status is TicketStatus.CLOSED
    assert await count(database, JobRow) == 1


async def test_it_leaves_a_status_alone_that_a_person_has_set(database: Database) -> None:
    story, desk = answered_by_bot(), Desk(database.sessions)
    book = CallBook(database.sessions)
    await book.record(story[:3])
    await TicketBook(database.sessions).change(1, {"status": TicketStatus.PENDING}, "anna")

    await book.record(story)

    ticket = (await desk.ticket(1)).ticket
    assert (ticket.status, ticket.closed_at, ticket.closed_by) == (TicketStatus.PENDING, None, None)
    assert ticket.topic == "next_draw"  # what is no decision still follows the call


async def test_news_that_changes_no_ticket_leaves_its_version(database: Database) -> None:
    story, desk = answered_by_operator(), Desk(database.sessions)
    await CallBook(database.sessions).record(story)
    before = (await desk.ticket(1)).ticket

    another_node = CallBook(database.sessions)
    await another_node.record([event(EventKind.RECORDED, 200, recording_id=1)])
    assert (await desk.ticket(1)).ticket == before

    await TicketBook(database.sessions).change(1, {"status": TicketStatus.CLOSED}, "anna", before.version)
    closed = (await desk.ticket(1)).ticket
    await CallBook(database.sessions).record([event(EventKind.QUEUE_LEFT, 201, reason="other")])
    assert (await desk.ticket(1)).ticket == closed


@pytest.mark.parametrize("same_moment", [False, True])
async def test_two_nodes_make_one_ticket_and_one_job_per_call(database: Database, same_moment: bool) -> None:
    stories = [answered_by_operator(call_id=f"pz-{number}") for number in range(20)]
    halves = [[told for story in stories for told in story[start::2]] for start in (0, 1)]
    nodes = [CallBook(database.sessions, deadline_s=5), CallBook(database.sessions, deadline_s=5)]

    if same_moment:
        await asyncio.gather(*(node.record(half) for node, half in zip(nodes, halves, strict=True)))
    else:
        for start in range(0, len(halves[0]), 7):
            for node, half in zip(nodes, halves, strict=True):
                await node.record(half[start : start + 7])
    await asyncio.gather(*(node.record(half) for node, half in zip(nodes, reversed(halves), strict=True)))

    assert await count(database, CallRow) == 20
    assert await count(database, TicketRow) == 20
    assert await count(database, JobRow) == 20
    assert await count(database, CallEventRow) == sum(map(len, stories))
    alone = await CallBook(database.sessions).record([event(EventKind.RECORDED, 99, call_id="pz-7")])
    [page] = [await Desk(database.sessions).calls(limit=100)]
    assert {line.call.outcome for line in page.items} == {CallOutcome.ANSWERED_BY_OPERATOR}
    assert {line.call.talk_seconds for line in page.items} == {alone[0].call.talk_seconds}


async def test_it_reads_again_what_another_node_has_written(database: Database) -> None:
    story = answered_by_operator()
    one, other = CallBook(database.sessions), CallBook(database.sessions)
    await one.record(story[:3])
    await other.record(story[3:6])

    changes = await one.record(story[6:])

    assert changes[-1].call.outcome is CallOutcome.ANSWERED_BY_OPERATOR
    assert changes[-1].call.hold_seconds > 0


async def test_it_works_with_a_memory_of_one_call(database: Database) -> None:
    stories = [answered_by_operator(call_id=f"pz-{number}") for number in range(3)]
    book = CallBook(database.sessions, remembered_calls=1)
    for step in zip(*stories, strict=True):
        await book.record(step)
    assert await book.unfinished_calls() == []
    assert await count(database, TicketRow) == 3


async def test_it_asks_for_the_recording_once_when_a_call_has_ended(database: Database) -> None:
    book, story = CallBook(database.sessions), answered_by_operator()
    await book.record(story[:-1])
    assert await count(database, JobRow) == 0
    await book.record(story[-1:])
    await CallBook(database.sessions).record([event(EventKind.ENDED, 400, source="cdr")])
    async with database.sessions() as session:
        [job] = await session.scalars(select(JobRow))
    assert (job.kind, job.key) == ("recording.intake", story[0].call_id)


async def test_it_lists_calls_that_have_not_ended(database: Database) -> None:
    book = CallBook(database.sessions)
    await book.record(answered_by_operator(call_id="pz-over"))
    [change] = await book.record([event(EventKind.RECEIVED, 5, call_id="pz-lives", line="+18005550100")])
    assert await book.unfinished_calls() == [change.call]


async def test_it_tells_which_of_very_many_calls_have_ended(database: Database) -> None:
    book = CallBook(database.sessions, deadline_s=10)
    await book.record(answered_by_operator(call_id="pz-over"))
    await book.record([event(EventKind.RECEIVED, 5, call_id="pz-lives")])
    asked = ["pz-lives", *(f"never-{number}" for number in range(40_000)), "pz-over"]
    known = await book.calls_among(asked)
    assert {call_id: call.ended for call_id, call in known.items()} == {"pz-over": True, "pz-lives": False}
    assert await book.calls_among([]) == {}


async def test_it_links_the_only_customer_with_the_number(database: Database) -> None:
    customers = CustomerBook(database.sessions)
    anna = await customers.add("Anna", ["+18005550199"])
    for name in ("Bob", "Bea"):
        await customers.add(name, ["+18005550142"])
    book = CallBook(database.sessions)

    [hers] = await book.record([event(EventKind.RECEIVED, 0, call_id="a", caller="+18005550199")])
    [theirs] = await book.record([event(EventKind.RECEIVED, 0, call_id="b", caller="+18005550142")])

    assert hers.call.customer_id == anna.id
    assert theirs.call.customer_id is None
    page = await Desk(database.sessions).tickets(customer_id=anna.id)
    assert [ticket.customer_name for ticket in page.items] == ["Anna"]


async def test_it_believes_reception_about_the_customer_unless_there_is_no_such_card(
    database: Database,
) -> None:
    bob = await CustomerBook(database.sessions).add("Bob", [])
    book = CallBook(database.sessions)
    for call_id, claimed in (("known", bob.id), ("unknown", 4711), ("absurd", 10**30)):
        found = event(EventKind.CUSTOMER_FOUND, 1, call_id=call_id, customer_id=claimed, vip_level=2)
        [change] = await book.record([found])
        assert change.call.customer_id == (bob.id if call_id == "known" else None)
        assert change.call.vip_level == 2


async def test_nothing_that_a_pbx_sends_stops_the_ledger(database: Database) -> None:
    book = CallBook(database.sessions)
    odd = [
        event(EventKind.RECEIVED, 0, source_id="s" * 5000, caller_raw="\0\ud800“quotes”", line="1'; --"),
        event(EventKind.RECEIVED, 0, source_id="s" * 5001, call_id="c" * 5000, sequence=2**40),
        event(EventKind.QUEUE_JOINED, 1, priority="many", queue="\0"),
        event(EventKind.OPERATOR_ANSWERED, 2, hold_seconds=float("nan"), operator=""),
        event(EventKind.OPERATOR_LEFT, 3, talk_seconds=-1),
        event(EventKind.HANDED_OVER, 3, reason="because"),
        event(EventKind.BOT_ENDED, 3, answered="yes", topic="t" * 100_000),
    ]
    changes = await book.record(odd)
    assert len(changes) == len(odd)
    assert changes[-1].call.hand_over is HandOver.FAULT
    assert await book.record(odd) == []
    assert await CallBook(database.sessions).record(odd) == []
    assert {len(call.call_id) for call in await book.unfinished_calls()} == {13, 200}


async def test_a_time_without_a_zone_is_utc(database: Database) -> None:
    naive = event(EventKind.RECEIVED, 0)
    object.__setattr__(naive, "at", datetime(2026, 11, 21, 9, 0))  # noqa: DTZ001 - as a careless adapter would
    [change] = await CallBook(database.sessions).record([naive])
    assert change.call.received_at == datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def test_an_event_told_of_two_calls_counts_for_the_first(database: Database) -> None:
    book = CallBook(database.sessions)
    first = event(EventKind.RECEIVED, 0, source_id="same", call_id="pz-first")
    second = event(EventKind.RECEIVED, 0, source_id="same", call_id="pz-second")
    more = event(EventKind.MENU_ENTERED, 1, source_id="other", call_id="pz-third")
    twice = event(EventKind.RECEIVED, 0, source_id="same", call_id="pz-third")
    await book.record([first])
    assert await book.record([second]) == []
    changes = await book.record([second, more, twice])
    assert [change.event for change in changes] == [more]
    assert await count(database, CallRow) == 2
    assert await count(database, TicketRow) == 2


async def test_it_tells_what_a_failed_attempt_had_stored_after_all(database: Database) -> None:
    """A deadline may pass while the commit is under way: nobody was told, so the retry has to."""
    book, story = CallBook(database.sessions), answered_by_operator()

    class Late(Exception):
        pass

    def fail(*_: object) -> None:
        raise Late

    remember, book._remember = book._remember, fail  # type: ignore[method-assign]
    with pytest.raises(Late):
        await book.record(story[:3])
    book._remember = remember  # type: ignore[method-assign]
    changes = await book.record(story[:4])
    assert [change.event for change in changes] == story[:4]
    assert [change.first for change in changes] == [True, False, False, False]
    assert await book.record(story[:4]) == []


async def test_it_gives_up_at_its_deadline_and_loses_nothing(database: Database) -> None:
    book, story = CallBook(database.sessions, deadline_s=0.0), answered_by_operator()
    with pytest.raises(DatabaseTrouble):
        await book.record(story)
    book = CallBook(database.sessions)
    await book.record(story)
    assert await count(database, CallEventRow) == len(story)


async def test_a_large_batch_is_cut_into_transactions(database: Database) -> None:
    start = timedelta(0)
    events = [
        event(EventKind.RECEIVED, (start + timedelta(seconds=n)).total_seconds(), call_id=f"pz-{n}")
        for n in range(2500)
    ]
    changes = await CallBook(database.sessions, deadline_s=10).record(events)
    assert len(changes) == 2500
    assert await count(database, TicketRow) == 2500
    assert [change.ticket_number for change in changes] == sorted(change.ticket_number for change in changes)
