"""Measured talks, read from the ledger on both databases."""

from datetime import timedelta

import pytest

from tests.fakes.desk_day import VISITS
from tickets.database import Database, utc_now
from tickets.ledger import CallBook
from tickets.talks import TalkBook
from tickets.vocabulary import CallOutcome

pytestmark = pytest.mark.integration


async def test_it_reads_the_talks_of_the_last_while_and_nothing_else(database: Database) -> None:
    now = utc_now()
    book, talks = CallBook(database.sessions, deadline_s=5), TalkBook(database.sessions, deadline_s=5)
    calls = []
    for visit in VISITS:
        changes = await book.record(visit.events(now, {}))
        calls.append(changes[-1].call)
    talked = [call for call in calls if call.outcome is CallOutcome.ANSWERED_BY_OPERATOR and call.queued_at]
    assert len(talked) >= 2
    found = await talks.since(now - timedelta(days=30))
    assert {(talk.operator, talk.answered_at, talk.seconds) for talk in found} == {
        (call.operator, call.answered_at, call.talk_seconds) for call in talked
    }
    latest = max(call.received_at for call in talked)
    assert [talk.answered_at for talk in await talks.since(latest - timedelta(seconds=1))] == [
        call.answered_at for call in talked if call.received_at == latest
    ]
    assert await talks.since(latest) == []
