"""What people do with tickets, on real databases: edits, notes, assignments, reminders."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert

from tests.fakes.stories import START, answered_by_bot, answered_by_operator, event
from tickets.customers import CustomerBook, NotFound
from tickets.database import Database, writing
from tickets.desk import Desk, NotAllowed
from tickets.edits import BadEdit, BadNote
from tickets.ledger import CallBook
from tickets.reminders import ReminderBook
from tickets.tables import AccountRow, GroupRow
from tickets.ticket_book import Conflict, TicketBook
from tickets.vocabulary import EventKind, NoteKind, Role, TicketStatus

pytestmark = pytest.mark.integration


class Room:
    """The books over one database with a ticket, and a clock that tests turn."""

    def __init__(self, database: Database) -> None:
        sessions = self.sessions = database.sessions
        self.now = START + timedelta(hours=1)
        self.calls = CallBook(sessions, deadline_s=20)
        self.desk = Desk(sessions, deadline_s=20)
        self.book = TicketBook(sessions, deadline_s=20, clock=lambda: self.now)
        self.customers = CustomerBook(sessions, deadline_s=20)

    def reminders(self) -> ReminderBook:
        """Of a node of its own."""
        return ReminderBook(self.sessions, deadline_s=20, clock=lambda: self.now)

    async def lines(self) -> list[tuple[NoteKind, object]]:
        """The timeline: kind, and text or facts."""
        notes = (await self.desk.ticket(1)).notes
        return [(note.kind, note.facts or note.text) for note in notes]


@pytest.fixture
async def room(database: Database) -> Room:
    room = Room(database)
    await room.calls.record(answered_by_operator())
    async with writing(database.sessions) as session:
        for login, active in (("alice", True), ("bob", True), ("gone", False)):
            row = AccountRow(login=login, name=login.title(), role=Role.OPERATOR, password_hash="-")
            row.created_at, row.active = START, active
            session.add(row)
        await session.execute(insert(GroupRow), [{"id": 7, "name": "Prizes"}])
    return room


async def test_a_person_edits_everything_and_each_change_is_told(room: Room) -> None:
    anna = await room.customers.add("Anna", [])
    edited = await room.book.change(
        1,
        {
            "subject": "  Prize  not paid ",
            "topic": "Payout",
            "tags": ["#Refund", "refund", " Urgent  now "],
            "fields": {" Order ": "17", "Empty": " "},
            "customer_id": anna.id,
        },
        "alice",
    )
    assert (edited.subject, edited.topic, edited.customer_name) == ("Prize not paid", "Payout", "Anna")
    assert (edited.tags, edited.fields) == (("refund", "urgent now"), {"Order": "17"})
    assert edited == (await room.desk.ticket(1)).ticket
    [(kind, facts)] = await room.lines()
    assert kind is NoteKind.CHANGED
    assert facts == {
        "subject": ["Talked with operator 101", "Prize not paid"],
        "topic": [None, "Payout"],
        "tags": [[], ["refund", "urgent now"]],
        "customer": [None, "Anna"],
        "field:Order": [None, "17"],
    }


async def test_what_a_person_wrote_no_longer_follows_the_call_and_the_rest_does(room: Room) -> None:
    story = answered_by_bot("pz-2")
    await room.calls.record(story[:3])
    await room.book.change(2, {"subject": "About her subscription"}, "alice")
    await CallBook(room.sessions, deadline_s=20).record(story)
    ticket = (await room.desk.ticket(2)).ticket
    assert (ticket.subject, ticket.topic) == ("About her subscription", "next_draw")
    assert (ticket.status, ticket.closed_by) == (TicketStatus.CLOSED, "bot")


async def test_an_emptied_topic_and_customer_stay_empty(room: Room) -> None:
    story = answered_by_bot("pz-2")
    await room.calls.record(story)
    await room.book.change(2, {"topic": "Mine"}, "alice")
    await room.book.change(2, {"topic": None}, "alice")
    await room.calls.record([event(EventKind.BOT_ENDED, 30, call_id="pz-2", answered=True, topic="other")])
    assert (await room.desk.ticket(2)).ticket.topic is None


async def test_saving_by_itself_leaves_one_line_and_what_came_back_leaves_none(room: Room) -> None:
    before = (await room.desk.ticket(1)).ticket.subject
    for text in ("P", "Pr", "Prize"):
        await room.book.change(1, {"subject": text}, "alice")
        room.now += timedelta(seconds=50)
    assert await room.lines() == [(NoteKind.CHANGED, {"subject": [before, "Prize"]})]
    await room.book.change(1, {"subject": before}, "alice")
    assert await room.lines() == []


async def test_another_person_or_a_later_change_gets_a_line_of_its_own(room: Room) -> None:
    await room.book.change(1, {"topic": "a"}, "alice")
    await room.book.change(1, {"topic": "b"}, "bob")
    room.now += timedelta(minutes=3)
    await room.book.change(1, {"topic": "c"}, "bob")
    assert [facts for _, facts in await room.lines()] == [
        {"topic": [None, "a"]},
        {"topic": ["a", "b"]},
        {"topic": ["b", "c"]},
    ]


async def test_what_was_taken_back_at_once_leaves_no_line(room: Room) -> None:
    before = (await room.desk.ticket(1)).ticket
    await room.book.change(1, {"subject": "Mistyped", "tags": ["refund"], "fields": {"Order": "17"}}, "alice")
    back = {"subject": before.subject, "tags": before.tags, "fields": before.fields}
    await room.book.change(1, back, "alice")
    assert await room.lines() == []


async def test_no_change_is_no_new_version(room: Room) -> None:
    before = (await room.desk.ticket(1)).ticket
    same = await room.book.change(1, {"subject": before.subject, "tags": [], "fields": {}}, "alice")
    assert (same, await room.lines()) == (before, [])


async def test_who_edits_an_old_version_is_told_and_gets_the_new_one(room: Room) -> None:
    seen = (await room.desk.ticket(1)).ticket.version
    newer = await room.book.change(1, {"subject": "Alice's"}, "alice", seen)
    with pytest.raises(Conflict) as conflict:
        await room.book.change(1, {"topic": "Bob's"}, "bob", seen)
    assert conflict.value.ticket == newer
    assert (await room.desk.ticket(1)).ticket == newer


async def test_of_two_people_at_the_same_moment_one_wins(room: Room) -> None:
    seen = (await room.desk.ticket(1)).ticket.version
    both = await asyncio.gather(
        room.book.change(1, {"subject": "Alice's"}, "alice", seen),
        room.book.change(1, {"subject": "Bob's"}, "bob", seen),
        return_exceptions=True,
    )
    assert sorted(isinstance(end, Conflict) for end in both) == [False, True]


async def test_a_person_closes_and_reopens_a_ticket(room: Room) -> None:
    closed = await room.book.change(1, {"status": TicketStatus.CLOSED}, "alice")
    assert (closed.status, closed.closed_by, closed.closed_at) == (TicketStatus.CLOSED, "alice", room.now)
    with pytest.raises(NotAllowed, match="open it first"):
        await room.book.change(1, {"status": TicketStatus.PENDING}, "alice")
    opened = await room.book.change(1, {"status": TicketStatus.OPEN}, "alice")
    assert (opened.closed_by, opened.closed_at) == (None, None)


async def test_it_knows_no_customer_person_or_group_that_is_not_there(room: Room) -> None:
    for wrong in (99, 10**30):
        with pytest.raises(BadEdit, match="customer"):
            await room.book.change(1, {"customer_id": wrong}, "alice")
    for login in ("nobody", "gone", "'; --"):
        with pytest.raises(BadEdit, match="person"):
            await room.book.assign(1, "alice", assignee=login)
    with pytest.raises(BadEdit, match="group"):
        await room.book.assign(1, "alice", group=8)
    assert await room.lines() == []


@pytest.mark.parametrize("number", [-1, 0, 99, 10**30])
async def test_it_changes_no_ticket_that_is_not_there(room: Room, number: int) -> None:
    at = room.now + timedelta(hours=1)
    for change in (
        room.book.change(number, {"subject": "x"}, "alice"),
        room.book.add_note(number, "x", "alice"),
        room.book.assign(number, "alice", assignee="bob"),
        room.book.remind(number, "alice", at=at, whom="bob"),
        room.book.forget_reminder(number, "alice"),
    ):
        with pytest.raises(NotFound):
            await change


@pytest.mark.parametrize("text", ["", " \n", "\0", "x" * 10_001])
async def test_a_note_needs_a_readable_length(room: Room, text: str) -> None:
    with pytest.raises(BadNote):
        await room.book.add_note(1, text, "alice")


async def test_a_note_sent_again_with_its_key_is_there_once(room: Room) -> None:
    async def send(text: str = "She is angry.", by: str = "alice", kind: NoteKind = NoteKind.NOTE) -> int:
        return (await room.book.add_note(1, text, by, kind, key="a-key-of-the-page")).id

    assert len(set(await asyncio.gather(*(send() for _ in range(8))))) == 1
    assert await room.lines() == [(NoteKind.NOTE, "She is angry.")]
    for another in (send("She is calm."), send(kind=NoteKind.ANSWER)):
        with pytest.raises(BadNote, match="another note"):
            await another
    await send(by="bob")  # keys are each person's own
    for _ in range(2):
        await room.book.add_note(1, "She is angry.", "alice")
    assert len(await room.lines()) == 4


async def test_an_answer_is_no_note(room: Room) -> None:
    await room.book.add_note(1, "She is angry.", "alice")
    await room.book.add_note(1, "We have paid.", "alice", NoteKind.ANSWER)
    assert await room.lines() == [(NoteKind.NOTE, "She is angry."), (NoteKind.ANSWER, "We have paid.")]


async def test_a_ticket_is_given_to_a_person_and_a_group_with_a_comment(room: Room) -> None:
    given = await room.book.assign(1, "alice", assignee="bob", group=7, comment="Knows the bank.")
    assert (given.assignee, given.assigned_group, given.group_name) == ("bob", 7, "Prizes")
    [note] = (await room.desk.ticket(1)).notes
    assert (note.kind, note.author, note.text) == (NoteKind.ASSIGNED, "alice", "Knows the bank.")
    assert note.facts == {"assignee": [None, "bob"], "group": [None, "Prizes"]}
    assert [one.number for one in (await room.desk.tickets(assignee="bob")).items] == [1]
    assert [one.number for one in (await room.desk.tickets(groups=frozenset({7}))).items] == [1]
    assert (await room.desk.tickets(assignee="alice")).items == []
    back = await room.book.assign(1, "bob")
    assert (back.assignee, back.assigned_group) == (None, None)


async def test_a_reminder_brings_a_pending_ticket_back_once_whoever_looks(room: Room) -> None:
    await room.book.change(1, {"status": TicketStatus.PENDING}, "alice")
    at = room.now + timedelta(hours=2)
    await room.book.remind(1, "alice", at=at, whom="bob", text="Ask the bank.")
    one, other = room.reminders(), room.reminders()
    assert await one.bring_back() == []
    room.now = at + timedelta(seconds=1)
    told = await asyncio.gather(one.bring_back(), other.bring_back())
    assert sorted(map(len, told)) == [0, 1]
    assert await one.bring_back() == []
    ticket = (await room.desk.ticket(1)).ticket
    assert (ticket.status, ticket.reminded_at) == (TicketStatus.OPEN, room.now)
    assert [(kind, facts["what"]) for kind, facts in (await room.lines())[1:]] == [  # type: ignore[index]
        (NoteKind.REMINDER, "set"),
        (NoteKind.REMINDER, "due"),
    ]
    [due] = await one.due("bob")
    assert (due.ticket, due.text, due.at) == ("PZ-1001", "Ask the bank.", at)
    assert await one.due("alice") == []
    await room.book.forget_reminder(1, "bob")
    assert await one.due() == []


async def test_a_reminder_leaves_a_closed_ticket_closed(room: Room) -> None:
    await room.book.change(1, {"status": TicketStatus.CLOSED}, "alice")
    await room.book.remind(1, "alice", at=room.now + timedelta(minutes=1), whom="alice")
    room.now += timedelta(minutes=2)
    assert len(await room.reminders().bring_back()) == 1
    assert (await room.desk.ticket(1)).ticket.status is TicketStatus.CLOSED


async def test_a_new_reminder_comes_due_again(room: Room) -> None:
    for _ in range(2):
        await room.book.remind(1, "alice", at=room.now + timedelta(minutes=1), whom="alice")
        room.now += timedelta(minutes=2)
        assert len(await room.reminders().bring_back()) == 1


async def test_a_reminder_lies_ahead_and_is_for_somebody(room: Room) -> None:
    for wrong in (timedelta(0), timedelta(seconds=-1), timedelta(days=400)):
        with pytest.raises(BadEdit, match="ahead"):
            await room.book.remind(1, "alice", at=room.now + wrong, whom="alice")
    with pytest.raises(BadEdit, match="person"):
        await room.book.remind(1, "alice", at=room.now + timedelta(hours=1), whom="gone")


async def test_it_names_who_can_have_a_ticket(room: Room) -> None:
    people = await room.book.people()
    assert people.accounts == {"alice": "Alice", "bob": "Bob"}
    assert people.groups == {7: "Prizes"}
