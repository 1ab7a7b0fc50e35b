"""The languages of calls, read from the ledger on both databases."""

import pytest

from tests.fakes.stories import event
from tickets.call_backs import CallBackBook
from tickets.database import Database
from tickets.ledger import CallBook
from tickets.promise import NewPromise
from tickets.promises import PromiseBook
from tickets.spoken import SpokenBook
from tickets.vocabulary import EventKind, PromiseSource

pytestmark = pytest.mark.integration

K = EventKind


async def test_the_last_language_of_a_call_counts(database: Database) -> None:
    await CallBook(database.sessions).record(
        [
            event(K.RECEIVED, 0, call_id="pz-1.1", caller_raw="1", line="2"),
            event(K.LANGUAGE, 9, call_id="pz-1.1", language="en", how="key"),
            event(K.LANGUAGE, 1, call_id="pz-1.1", language="ru", how="line"),
            event(K.RECEIVED, 0, call_id="pz-1.2", caller_raw="1", line="2"),
            event(K.LANGUAGE, 2, call_id="pz-1.2", language="ru", how="customer"),
            event(K.RECEIVED, 0, call_id="pz-1.3", caller_raw="1", line="2"),
        ]
    )
    spoken = SpokenBook(database.sessions, deadline_s=5)
    assert await spoken.languages_of(["pz-1.1", "pz-1.2", "pz-1.3", "pz-9"]) == {
        "pz-1.1": "en",
        "pz-1.2": "ru",
    }
    assert await spoken.language_of("pz-1.2") == "ru"
    assert await spoken.language_of("pz-1.3") is None
    assert await spoken.languages_of([]) == {}


async def test_a_call_back_is_in_the_language_of_the_call_that_it_answers(
    database: Database,
) -> None:
    told = event(K.LANGUAGE, 1, call_id="pz-1.1", language="ru", how="key")
    received = event(K.RECEIVED, 0, call_id="pz-1.1", caller_raw="1")
    ended = event(K.ENDED, 60, call_id="pz-1.1", cause="16")
    await CallBook(database.sessions).record([received, told, ended])
    promise = await PromiseBook(database.sessions, deadline_s=5).promise(
        NewPromise(
            call_id="pz-1.1",
            number="+12025550143",
            line="+18005550100",
            queue="support",
            vip_level=0,
            place_since=told.at,
            source=PromiseSource.QUEUE,
        )
    )
    attempt = await CallBackBook(database.sessions, deadline_s=5).begin(promise.id, "pz")
    assert attempt is not None
    assert await SpokenBook(database.sessions, deadline_s=5).language_of(attempt.call_id) == "ru"
