"""What the card index has of somebody who is calling, on real databases."""

import pytest
from sqlalchemy import update

from tests.fakes.stories import answered_by_operator
from tickets.caller_file import CallerFiles
from tickets.customers import CustomerBook
from tickets.database import Database, writing
from tickets.ledger import CallBook
from tickets.sight import Owners
from tickets.tables import TicketRow

pytestmark = pytest.mark.integration

NUMBER = "+18005550123"


@pytest.mark.parametrize("known", [True, False])
async def test_each_earlier_ticket_says_whose_it_is(database: Database, known: bool) -> None:
    await CallBook(database.sessions, deadline_s=20).record(answered_by_operator())
    anna = (await CustomerBook(database.sessions, deadline_s=20).add("Anna", [])).id if known else None
    async with writing(database.sessions) as session:
        await session.execute(update(TicketRow).values(assignee="tomas", remind_whom="mei", customer_id=anna))
    files = CallerFiles(database.sessions, deadline_s=20)
    [past] = (await files.of("another", NUMBER, anna)).past
    assert past.owners == Owners("support", "101", "tomas", None, "mei")
