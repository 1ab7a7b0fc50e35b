"""The clause by which transcripts are searched lets exactly those recordings through that one may hear."""

from datetime import UTC, datetime
from itertools import product
from typing import cast

import pytest
from sqlalchemy import Table, create_engine, insert, select

from cti.web.access import hearable
from cti.web.security import may_listen
from tickets.accounts import Account
from tickets.call import Call
from tickets.database import Base
from tickets.rows import call_row
from tickets.sight import EVERYTHING, Sight, sees
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallOutcome, Role, TicketStatus

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CALLS = [
    Call(call_id=f"pz-{n}", received_at=NOW, queue=queue, operator=operator, outcome=outcome)
    for n, (queue, operator, outcome) in enumerate(
        product(
            (None, "support", "prizes"),
            (None, "101", "102"),
            (CallOutcome.VOICEMAIL, CallOutcome.ANSWERED_BY_OPERATOR, CallOutcome.ABANDONED),
        )
    )
]
SUPPORT = Sight(everything=False, login="grace", extension="101", queues=frozenset({"support"}))


@pytest.mark.parametrize("hears_group", [True, False])
@pytest.mark.parametrize(("role", "sight"), [(Role.OPERATOR, SUPPORT), (Role.SUPERVISOR, EVERYTHING)])
def test_it_lets_through_what_may_be_heard(role: Role, sight: Sight, hears_group: bool) -> None:
    account = Account(1, "grace", "Grace", role, "101", hears_group=hears_group)
    calls, tickets = cast(Table, CallRow.__table__), cast(Table, TicketRow.__table__)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(insert(calls), [call_row(call) | {"revision": 1} for call in CALLS])
        row = {"status": TicketStatus.OPEN, "subject": "x", "created_at": NOW, "updated_at": NOW}
        connection.execute(insert(tickets), [row | {"call_id": call.call_id} for call in CALLS])
        query = select(calls.c.call_id).join(tickets, tickets.c.call_id == calls.c.call_id)
        found = set(connection.scalars(query.where(hearable(account, sight))))
    expected = {call.call_id for call in CALLS if sees(sight, call) and may_listen(account, call)}
    assert found == expected
    assert 0 < len(found) <= len(CALLS)
