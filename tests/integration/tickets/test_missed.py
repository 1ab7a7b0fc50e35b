"""Missed calls on real databases: who is on the list, and what takes them off."""

from datetime import datetime, timedelta

import pytest

from tests.fakes.stories import START
from tickets.customers import CustomerBook
from tickets.database import Database
from tickets.desk import Desk
from tickets.events import CallEvent, Value
from tickets.ledger import CallBook
from tickets.missed import MissedBook
from tickets.promise import NewPromise
from tickets.promises import PromiseBook
from tickets.sight import Sight
from tickets.vocabulary import EventKind as K
from tickets.vocabulary import NoteKind, PromiseSource

pytestmark = pytest.mark.integration

GRACE, PAUL = "+12025550111", "+12025550122"


class Room:
    """The books over one database, and a clock that tests turn."""

    def __init__(self, database: Database) -> None:
        sessions = database.sessions
        self.now = START + timedelta(hours=1)
        self.calls = CallBook(sessions, deadline_s=20)
        self.desk = Desk(sessions, deadline_s=20)
        self.missed = MissedBook(sessions, deadline_s=20, clock=lambda: self.now)
        self.promises = PromiseBook(sessions, deadline_s=20)
        self.customers = CustomerBook(sessions, deadline_s=20)

    async def rings(
        self, call_id: str, caller: str | None, *kinds: K, at: datetime = START, direction: str = "inbound",
        queue: str = "support",
    ) -> int:  # fmt: skip
        """A call of which these things are told, a second apart; number of its ticket."""
        data: dict[str, Value] = {
            "caller": caller, "caller_raw": caller or "", "direction": direction,
            "queue": queue, "operator": "101",
        }  # fmt: skip
        events = [
            CallEvent("test", f"{call_id}:{n}", call_id, at + timedelta(seconds=n), kind, data)
            for n, kind in enumerate((K.RECEIVED, *kinds, K.ENDED))
        ]
        return (await self.calls.record(events))[0].ticket_number

    async def listed(self, **asked: object) -> list[str]:
        """Ids of the calls on the list."""
        return [one.call.call_id for one in (await self.missed.page(**asked)).items]  # type: ignore[arg-type]


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def test_who_was_not_answered_is_on_the_list_newest_first(room: Room) -> None:
    await room.rings("hung-up", GRACE, K.QUEUE_JOINED)
    later = START + timedelta(minutes=1)
    await room.rings("not-taken", PAUL, K.QUEUE_JOINED, K.OPERATOR_MISSED, K.VOICEMAIL_STARTED, at=later)
    await room.rings("talked", "+12025550133", K.QUEUE_JOINED, K.OPERATOR_ANSWERED)
    await room.rings("by-menu", "+12025550144", K.MENU_ENTERED, K.ANNOUNCED)
    await room.rings("ours", "+12025550155", direction="outbound")
    await room.rings("withheld", None, at=later + timedelta(minutes=1))
    assert await room.listed() == ["withheld", "not-taken", "hung-up"]
    assert await room.missed.count() == 3
    assert await room.listed(done=True) == []


async def test_a_later_talk_whoever_rang_takes_them_off(room: Room) -> None:
    await room.rings("one", GRACE)
    await room.rings("two", PAUL)
    await room.rings("three", "+12025550133")
    later = START + timedelta(minutes=5)
    called = await room.rings("back", GRACE, K.OPERATOR_ANSWERED, at=later, direction="outbound")
    await room.rings("again", PAUL, K.QUEUE_JOINED, K.OPERATOR_ANSWERED, at=later)
    await room.rings("before", "+12025550133", K.OPERATOR_ANSWERED, at=START - timedelta(hours=1))
    assert await room.listed() == ["three"]
    done = {one.call.call_id: one.talked_in for one in (await room.missed.page(done=True)).items}
    assert (set(done), done["one"]) == ({"one", "two"}, called)


async def test_a_call_back_that_nobody_answered_takes_nobody_off(room: Room) -> None:
    await room.rings("one", GRACE)
    await room.rings("back", GRACE, at=START + timedelta(minutes=5), direction="outbound")
    assert await room.listed() == ["one"]


async def test_a_promise_that_was_seen_to_takes_them_off(room: Room) -> None:
    await room.rings("one", GRACE, K.VOICEMAIL_STARTED)
    promise = await room.promises.promise(
        NewPromise(
            call_id="one", number=GRACE, line="", queue="support", vip_level=0,
            place_since=START, source=PromiseSource.VOICEMAIL,
        )
    )  # fmt: skip
    assert await room.listed() == ["one"]
    await room.promises.reach(promise.id, "sofia")
    assert await room.listed() == []


async def test_marked_off_in_bulk_by_somebody_and_put_back(room: Room) -> None:
    numbers = [await room.rings(f"pz-{n}", f"+1202555010{n}") for n in range(3)]
    talked = await room.rings("talked", PAUL, K.OPERATOR_ANSWERED)
    marked = await room.missed.mark([*numbers[:2], numbers[0], talked, 0, -1, 10**30, 999], "grace")
    assert marked == numbers[:2]
    assert await room.missed.mark(numbers[:1], "sofia") == []  # somebody was faster
    assert await room.listed() == ["pz-2"]
    done = (await room.missed.page(done=True)).items
    assert {(one.done_by, one.done_at) for one in done} == {("grace", room.now)}
    [note] = (await room.desk.ticket(numbers[0])).notes
    assert (note.kind, note.author, note.facts) == (NoteKind.CHANGED, "grace", {"missed_done": [False, True]})
    room.now += timedelta(minutes=10)
    assert await room.missed.mark(numbers[:1], "sofia", done=False) == numbers[:1]
    assert set(await room.listed()) == {"pz-0", "pz-2"}


async def test_it_pages_and_shows_names(room: Room) -> None:
    anna = await room.customers.add("Anna", [GRACE])
    for n in range(5):
        await room.rings(f"pz-{n}", GRACE, at=START + timedelta(minutes=n))
    seen, cursor = [], None
    while True:
        page = await room.missed.page(limit=2, cursor=cursor)
        seen += page.items
        if (cursor := page.next_cursor) is None:
            break
    assert [one.call.call_id for one in seen] == [f"pz-{n}" for n in reversed(range(5))]
    assert {(one.customer_name, one.call.customer_id) for one in seen} == {("Anna", anna.id)}


async def test_old_ones_and_others_queues_are_not_on_the_list(room: Room) -> None:
    await room.rings("old", GRACE, at=room.now - timedelta(days=31))
    number = await room.rings("prizes", PAUL, K.QUEUE_JOINED, queue="prizes")
    support = Sight(everything=False, login="grace", queues=frozenset({"support"}))
    assert await room.listed() == ["prizes"]
    assert await room.listed(sight=support) == []
    assert await room.missed.count(support) == 0
    assert await room.missed.mark([number], "grace", sight=support) == []
