"""Since when callers have a place in a queue, on both databases."""

from datetime import timedelta

import pytest

from tests.fakes.stories import event
from tickets.call_backs import CallBackBook
from tickets.database import Database
from tickets.ledger import CallBook
from tickets.places import Place, PlaceBook
from tickets.promise import NewPromise
from tickets.promises import PromiseBook
from tickets.vocabulary import EventKind, PromiseSource

pytestmark = pytest.mark.integration

K = EventKind
TRANSFERRED = [
    event(K.RECEIVED, 0, call_id="pz-1.1", caller_raw="1", line="2"),
    event(K.CUSTOMER_FOUND, 1, call_id="pz-1.1", customer_id=7, vip_level=2),
    event(K.QUEUE_JOINED, 5, call_id="pz-1.1", queue="support", priority=20),
    event(K.OPERATOR_ANSWERED, 30, call_id="pz-1.1", operator="101"),
    event(K.QUEUE_JOINED, 90, call_id="pz-1.1", queue="support", priority=20),  # 102 did not answer
]


async def test_the_first_joining_counts(database: Database) -> None:
    await CallBook(database.sessions).record(TRANSFERRED)
    places = await PlaceBook(database.sessions).of({"pz-1.1", "pz-1.2"})
    assert places == {"pz-1.1": Place(TRANSFERRED[2].at, 2)}


async def test_a_caller_who_has_joined_no_queue_has_no_place(database: Database) -> None:
    await CallBook(database.sessions).record(TRANSFERRED[:2])
    assert await PlaceBook(database.sessions).of(["pz-1.1"]) == {}
    assert await PlaceBook(database.sessions).of([]) == {}


async def test_who_is_called_back_keeps_the_place_and_the_level_of_the_promise(database: Database) -> None:
    since = TRANSFERRED[0].at - timedelta(minutes=10)
    promise = await PromiseBook(database.sessions).promise(
        NewPromise(
            call_id="pz-1.1",
            number="+12025550111",
            line="",
            queue="support",
            vip_level=3,
            place_since=since,
            source=PromiseSource.QUEUE,
        )
    )
    attempt = await CallBackBook(database.sessions).begin(promise.id, "pz")
    assert attempt is not None
    book = PlaceBook(database.sessions)
    assert await book.of([attempt.call_id]) == {}  # they are not in the queue yet
    await CallBook(database.sessions).record(
        [event(K.QUEUE_JOINED, 3, call_id=attempt.call_id, queue="support")]
    )
    assert await book.of([attempt.call_id]) == {attempt.call_id: Place(since, 3)}
