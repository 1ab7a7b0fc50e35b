"""The promise list and the attempts to keep it, on both databases."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tickets.call_backs import CallBackBook
from tickets.customers import NotFound
from tickets.database import Database, writing
from tickets.desk import Desk, NotAllowed
from tickets.events import CallEvent, Value
from tickets.ledger import CallBook
from tickets.promise import NewPromise, Promise
from tickets.promises import BadReason, PromiseBook, add
from tickets.ticket_book import TicketBook
from tickets.vocabulary import AttemptResult, EventKind, PromiseSource, PromiseState, TicketStatus

pytestmark = pytest.mark.integration

K = EventKind
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GRACE, PAUL = "+12025550111", "+12025550122"


class Room:
    """The books over one database, and a clock that tests turn."""

    def __init__(self, database: Database) -> None:
        self.now = NOW
        sessions = self.sessions = database.sessions
        self.promises = PromiseBook(sessions, deadline_s=20, clock=lambda: self.now)
        self.house = CallBackBook(sessions, deadline_s=20, clock=lambda: self.now)
        self.other_node = CallBackBook(sessions, deadline_s=20, clock=lambda: self.now)
        self.ledger = CallBook(sessions, deadline_s=20)
        self.desk = Desk(sessions, deadline_s=20)
        self._told = 0

    async def tell(self, call_id: str, *told: tuple[EventKind, dict[str, Value]]) -> None:
        events = []
        for kind, data in told:
            self._told += 1
            at = self.now + timedelta(microseconds=self._told)
            events.append(CallEvent("test", str(self._told), call_id, at, kind, data, self._told))
        await self.ledger.record(events)

    async def rings_in(self, call_id: str, number: str, *kinds: EventKind) -> None:
        data: dict[str, Value] = {"caller_raw": number, "caller": number, "line": "+18005550100"}
        await self.tell(call_id, (K.RECEIVED, data), *((kind, {}) for kind in kinds))

    async def promised(self, call_id: str = "pz-1.1", number: str | None = GRACE) -> Promise:
        return await self.promises.promise(new(call_id, number))

    async def state(self, promise: Promise) -> PromiseState:
        return (await self.promises.line(promise.id)).promise.state


def new(call_id: str, number: str | None = GRACE) -> NewPromise:
    return NewPromise(
        call_id=call_id,
        number=number,
        line="+18005550100",
        queue="support",
        vip_level=0,
        place_since=NOW - timedelta(minutes=3),
        source=PromiseSource.QUEUE,
    )


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


def ids(promises: Iterable[Promise]) -> list[int]:
    return [promise.id for promise in promises]


async def test_a_call_promised_twice_is_one_promise(room: Room) -> None:
    first = await room.promised()
    assert (await room.promised()).id == first.id
    assert ids(await room.house.due()) == [first.id]


async def test_a_persons_second_promise_joins_the_first_and_stays_to_be_seen(room: Room) -> None:
    first = await room.promised("pz-1.1")
    earlier = replace(new("pz-2.1"), place_since=NOW - timedelta(hours=1), vip_level=2)
    second = await room.promises.promise(earlier)
    assert second.joined_to == first.id
    (due,) = await room.house.due()
    assert (due.id, due.place_since, due.vip_level) == (first.id, NOW - timedelta(hours=1), 2)
    await room.promises.excuse(first.id, "sofia", "Asked us not to call.")
    for promise in (first, second):
        line = await room.promises.line(promise.id)
        assert (line.promise.state, line.promise.reason) == (PromiseState.EXCUSED, "Asked us not to call.")
    assert len((await room.promises.page()).items) == 2


async def test_a_joined_promise_is_ended_by_its_first_one_only(room: Room) -> None:
    await room.promised("pz-1.1")
    second = await room.promised("pz-2.1")
    for attempt in (
        room.promises.excuse(second.id, "sofia", "No."),
        room.promises.reach(second.id, "sofia"),
        room.promises.call_now(second.id),
    ):
        with pytest.raises(NotAllowed, match="earlier promise"):
            await attempt


async def test_two_nodes_that_promise_the_same_person_at_once_make_one_standing_promise(room: Room) -> None:
    made = await asyncio.gather(*(room.promised(f"pz-{n}.1") for n in range(1, 9)))
    assert len({promise.id for promise in made}) == 8
    assert len([promise for promise in made if promise.joined_to is None]) == 1
    assert await room.promises.standing() == 1


async def test_after_its_end_the_same_person_can_be_promised_anew(room: Room) -> None:
    first = await room.promised("pz-1.1")
    await room.promises.reach(first.id, "sofia")
    second = await room.promised("pz-2.1")
    assert second.joined_to is None
    assert ids(await room.house.due()) == [second.id]


async def test_of_two_nodes_only_one_may_call(room: Room) -> None:
    promise = await room.promised()
    nodes = [room.house, room.other_node] * 4
    attempts = await asyncio.gather(*(node.begin(promise.id, "pz") for node in nodes))
    assert len([attempt for attempt in attempts if attempt is not None]) == 1
    assert await room.house.due() == []
    assert await room.state(promise) is PromiseState.CALLING


async def test_an_attempt_is_on_record_before_anybody_calls(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    # The process that began it is gone: whoever starts next finds it.
    (found,) = await room.other_node.under_way()
    assert (found.attempt, found.call_state) == (attempt, None)


async def test_a_failed_attempt_is_followed_by_the_next_at_its_time(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    assert await room.house.fail(attempt, AttemptResult.NO_ANSWER, 600)
    assert not await room.other_node.fail(attempt, AttemptResult.UNKNOWN, 0)  # settled already
    assert await room.house.due() == []
    room.now += timedelta(minutes=10)
    assert ids(await room.house.due()) == [promise.id]
    again = await room.house.begin(promise.id, "pz")
    assert again is not None
    assert again.number == 2
    tried = (await room.promises.line(promise.id)).tried
    assert [one.attempt.result for one in tried] == [AttemptResult.NO_ANSWER, None]


async def test_who_read_the_list_before_another_node_failed_does_not_call_again_at_once(room: Room) -> None:
    promise = await room.promised()
    assert ids(await room.other_node.due()) == [promise.id]
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.house.fail(attempt, AttemptResult.BUSY, 600)
    assert await room.other_node.begin(promise.id, "pz") is None


async def test_a_clock_that_was_set_back_puts_no_call_off(room: Room) -> None:
    node = CallBackBook(room.sessions, deadline_s=20, clock=lambda: room.now, put_off_most_s=600)
    first, second = await room.promised("pz-1.1"), await room.promised("pz-2.1", PAUL)
    attempt = await node.begin(second.id, "pz")
    assert attempt is not None
    await node.fail(attempt, AttemptResult.BUSY, 600)
    assert ids(await node.due()) == [first.id]
    room.now -= timedelta(seconds=5)  # as another node's clock may
    assert ids(await node.due()) == [first.id]
    room.now -= timedelta(hours=1)
    assert ids(await node.due()) == [first.id, second.id]
    assert await node.begin(second.id, "pz") is not None


async def test_after_the_last_attempt_it_stays_open_for_a_person(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.house.fail(attempt, AttemptResult.BUSY, None)
    room.now += timedelta(days=30)
    assert await room.house.due() == []
    line = await room.promises.line(promise.id)
    assert line.promise.needs_a_person
    await room.promises.call_now(promise.id)
    assert ids(await room.house.due()) == [promise.id]


async def test_who_asks_again_is_called_again(room: Room) -> None:
    promise = await room.promised("pz-1.1")
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.house.fail(attempt, AttemptResult.BUSY, None)
    await room.promised("pz-2.1")
    assert ids(await room.house.due()) == [promise.id]


async def test_an_operators_talk_in_the_call_back_keeps_the_promise(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.rings_in(attempt.call_id, GRACE, K.QUEUE_JOINED, K.OPERATOR_ANSWERED)
    assert await room.house.settle() == 1
    line = await room.promises.line(promise.id)
    assert (line.promise.state, line.promise.ended_in) == (PromiseState.CALLED, attempt.call_id)
    assert line.tried[0].attempt.result is AttemptResult.TALKED
    assert line.ended_ticket == line.tried[0].ticket_number is not None
    assert await room.house.settle() == 0


async def test_who_joins_a_promise_while_it_is_kept_is_not_forgotten(room: Room) -> None:
    promise = await room.promised("pz-1.1")
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.rings_in(attempt.call_id, GRACE, K.QUEUE_JOINED, K.OPERATOR_ANSWERED)
    async with writing(room.sessions) as session:
        joined = await add(session, new("pz-2.1"), room.now)
        settling = asyncio.create_task(room.house.settle())
        await asyncio.sleep(0.3)  # it waits for the row; SQLite waits at the door
    await settling
    assert (await room.state(promise), await room.state(joined)) == (PromiseState.CALLED, PromiseState.CALLED)


async def test_a_talk_that_the_ledger_hears_of_late_still_counts(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.house.fail(attempt, AttemptResult.UNKNOWN, 0)
    await room.rings_in(attempt.call_id, GRACE, K.OPERATOR_ANSWERED, K.ENDED)
    await room.house.settle()
    assert await room.state(promise) is PromiseState.CALLED


async def test_nobody_is_called_who_is_on_the_line(room: Room) -> None:
    promise = await room.promised("pz-1.1")
    await room.rings_in("pz-2.1", GRACE, K.QUEUE_JOINED)
    assert await room.house.due() == []
    assert await room.house.begin(promise.id, "pz") is None
    await room.tell("pz-2.1", (K.ENDED, {}))
    await room.house.settle()
    assert ids(await room.house.due()) == [promise.id]  # hung up again: the promise stands


async def test_who_rings_in_and_talks_is_reached(room: Room) -> None:
    promise = await room.promised("pz-1.1")
    other = await room.promised("pz-3.1", PAUL)
    room.now += timedelta(minutes=1)
    await room.rings_in("pz-2.1", GRACE, K.QUEUE_JOINED, K.OPERATOR_ANSWERED)
    await room.house.settle()
    line = await room.promises.line(promise.id)
    assert (line.promise.state, line.promise.ended_in) == (PromiseState.REACHED, "pz-2.1")
    assert await room.state(other) is PromiseState.OPEN


async def test_a_talk_before_the_promise_does_not_keep_it(room: Room) -> None:
    await room.rings_in("pz-0.1", GRACE, K.OPERATOR_ANSWERED, K.ENDED)
    room.now += timedelta(minutes=1)
    promise = await room.promised("pz-1.1")
    assert await room.house.settle() == 0
    assert await room.state(promise) is PromiseState.OPEN


async def test_a_pbx_whose_clock_is_ahead_does_not_turn_the_talk_before_into_the_one_after(
    room: Room,
) -> None:
    pbx_is_ahead = timedelta(minutes=2)
    room.now += pbx_is_ahead
    await room.rings_in("pz-0.1", GRACE, K.OPERATOR_ANSWERED, K.ENDED)
    room.now += timedelta(minutes=1)
    await room.rings_in("pz-1.1", GRACE, K.QUEUE_JOINED, K.CALL_BACK_PROMISED, K.ENDED)
    room.now -= pbx_is_ahead
    promise = await room.promised("pz-1.1")
    assert await room.house.settle() == 0
    assert ids(await room.house.due()) == [promise.id]


async def test_who_rang_in_before_the_house_listed_their_message_is_reached(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.VOICEMAIL_STARTED, K.ENDED)
    room.now += timedelta(minutes=1)
    await room.rings_in("pz-2.1", GRACE, K.QUEUE_JOINED, K.OPERATOR_ANSWERED, K.ENDED)
    room.now += timedelta(hours=1)  # the service was down
    await room.house.from_voicemails()
    assert await room.house.settle() == 1
    (line,) = (await room.promises.page()).items
    assert (line.promise.state, line.promise.ended_in) == (PromiseState.REACHED, "pz-2.1")


async def test_who_goes_on_waiting_after_all_and_talks_in_the_same_call_is_reached(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.QUEUE_JOINED)
    promise = await room.promised("pz-1.1")
    room.now += timedelta(minutes=1)
    await room.tell("pz-1.1", (K.OPERATOR_ANSWERED, {}))
    assert await room.house.settle() == 1
    assert await room.state(promise) is PromiseState.REACHED


async def test_while_the_phone_rings_nobody_ends_it(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    with pytest.raises(NotAllowed, match="being called right now"):
        await room.promises.excuse(promise.id, "sofia", "Enough.")
    await room.house.fail(attempt, AttemptResult.HUNG_UP, 60)
    await room.promises.excuse(promise.id, "sofia", "Enough.")
    with pytest.raises(NotAllowed, match="excused already"):
        await room.promises.reach(promise.id, "sofia")


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 1001])
async def test_no_promise_is_excused_without_a_reason_that_fits(room: Room, reason: str) -> None:
    promise = await room.promised()
    with pytest.raises(BadReason):
        await room.promises.excuse(promise.id, "sofia", reason)
    assert await room.state(promise) is PromiseState.OPEN


@pytest.mark.parametrize("number", [0, -1, 7, 2**31, 2**70])
async def test_it_knows_what_is_no_promise(room: Room, number: int) -> None:
    with pytest.raises(NotFound):
        await room.promises.line(number)
    with pytest.raises(NotFound):
        await room.promises.reach(number, "sofia")


async def test_closing_and_opening_the_ticket_ends_no_promise(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.QUEUE_JOINED, K.CALL_BACK_PROMISED, K.ENDED)
    promise = await room.promised("pz-1.1")
    number = (await room.promises.line(promise.id)).ticket_number
    assert number is not None
    for status in (TicketStatus.CLOSED, TicketStatus.OPEN, TicketStatus.CLOSED):
        await TicketBook(room.sessions).change(number, {"status": status}, "sofia")
    await room.house.settle()
    assert ids(await room.house.due()) == [promise.id]


async def test_a_voicemail_is_a_promise_that_a_person_keeps(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.VOICEMAIL_STARTED, K.ENDED)
    await room.rings_in("pz-2.1", PAUL, K.ENDED)
    assert [await room.house.from_voicemails(), await room.house.from_voicemails()] == [1, 0]
    (line,) = (await room.promises.page()).items
    assert (line.promise.call_id, line.promise.source) == ("pz-1.1", PromiseSource.VOICEMAIL)
    assert line.promise.needs_a_person
    assert await room.house.due() == []


async def test_a_message_left_after_a_talk_is_a_promise_too(room: Room) -> None:
    # Sent on to a colleague who did not answer, and nobody else was there.
    await room.rings_in("pz-1.1", GRACE, K.OPERATOR_ANSWERED, K.QUEUE_JOINED, K.VOICEMAIL_STARTED, K.ENDED)
    assert await room.house.from_voicemails() == 1
    assert await room.house.settle() == 0


async def test_an_old_voicemail_whose_ticket_is_closed_is_none(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.VOICEMAIL_STARTED, K.ENDED)
    await room.rings_in("pz-2.1", PAUL, K.VOICEMAIL_STARTED, K.ENDED)
    number = (await room.desk.call("pz-1.1")).ticket_number
    await TicketBook(room.sessions).change(number, {"status": TicketStatus.CLOSED}, "sofia")
    room.now += timedelta(days=3)
    await room.house.from_voicemails()
    assert [line.promise.call_id for line in (await room.promises.page()).items] == ["pz-2.1"]


async def test_who_hid_the_number_gets_a_promise_without_one(room: Room) -> None:
    await room.tell("pz-1.1", (K.RECEIVED, {"caller_raw": ""}), (K.VOICEMAIL_STARTED, {}), (K.ENDED, {}))
    await room.tell("pz-2.1", (K.RECEIVED, {"caller_raw": ""}), (K.VOICEMAIL_STARTED, {}), (K.ENDED, {}))
    assert await room.house.from_voicemails() == 2
    first, second = (line.promise for line in (await room.promises.page()).items)
    assert (first.joined_to, second.joined_to) == (None, None)  # nobody knows whether it is one person
    with pytest.raises(NotAllowed, match="no number"):
        await room.promises.call_now(first.id)
    await room.promises.reach(first.id, "grace", "Rang the number in the message.")


async def test_a_message_left_in_the_call_back_itself_is_no_promise_of_its_own(room: Room) -> None:
    promise = await room.promised()
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    await room.rings_in(attempt.call_id, GRACE, K.VOICEMAIL_STARTED, K.ENDED)
    assert await room.house.from_voicemails() == 0


async def test_both_calls_show_the_promise(room: Room) -> None:
    await room.rings_in("pz-1.1", GRACE, K.QUEUE_JOINED, K.CALL_BACK_PROMISED, K.ENDED)
    promise = await room.promised("pz-1.1")
    attempt = await room.house.begin(promise.id, "pz")
    assert attempt is not None
    for call_id in ("pz-1.1", attempt.call_id):
        line = await room.promises.about_call(call_id)
        assert line is not None
        assert line.promise.id == promise.id
    assert await room.promises.about_call("pz-9.9") is None


async def test_the_list_comes_in_pieces_and_by_what_is_over(room: Room) -> None:
    for n in range(1, 6):
        await room.promised(f"pz-{n}.1", f"+1202555010{n}")
    page = await room.promises.page(limit=3)
    assert page.next_cursor is not None
    rest = await room.promises.page(limit=3, cursor=page.next_cursor)
    assert [line.promise.call_id for line in (*page.items, *rest.items)] == [
        f"pz-{n}.1" for n in (5, 4, 3, 2, 1)
    ]
    assert rest.next_cursor is None
    await room.promises.reach(page.items[0].promise.id, "sofia")
    assert len((await room.promises.page(over=True)).items) == 1
    assert len((await room.promises.page(over=False)).items) == 4
