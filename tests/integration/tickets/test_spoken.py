"""The languages of calls, read from the ledger on both databases."""

import pytest

from tests.fakes.stories import event
from tickets.database import Database
from tickets.ledger import CallBook
from tickets.spoken import SpokenBook
from tickets.vocabulary import EventKind

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
