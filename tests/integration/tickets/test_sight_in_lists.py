"""The clause for lists says the same as the rule for one call, on real databases."""

import itertools

import pytest

from tests.fakes.stories import START
from tickets.call import Call
from tickets.database import Database, writing
from tickets.desk import Desk, NotFound
from tickets.rows import call_row
from tickets.sight import EVERYTHING, Sight, sees
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import CallState, TicketStatus

pytestmark = pytest.mark.integration

SIGHTS = [
    EVERYTHING,
    Sight(everything=False, login="grace", extension="101", queues=frozenset({"support"})),
    Sight(
        everything=False, login="tomas", extension="102", queues=frozenset({"claims"}), groups=frozenset({2})
    ),
    Sight(everything=False, login="clerk"),
    Sight(everything=False, login="' OR 1=1 --", extension="%", queues=frozenset({"%", "_"})),
]
CASES = list(
    itertools.product(
        (None, "support", "claims"), (None, "101", "102"), (None, "grace", "tomas"), (None, 1, 2)
    )
)


def _reminded(number: int) -> str | None:
    return (None, None, None, None, "grace", "tomas", "clerk")[number % 7]


async def test_lists_show_what_the_rule_says_and_nothing_else(database: Database) -> None:
    calls: dict[int, Call] = {}
    async with writing(database.sessions) as session:
        for number, (queue, operator, assignee, group) in enumerate(CASES, start=1):
            call = Call(
                call_id=str(number), received_at=START, state=CallState.ENDED, queue=queue, operator=operator
            )
            calls[number] = call
            session.add(CallRow(**call_row(call)))
            session.add(
                TicketRow(
                    number=number,
                    call_id=call.call_id,
                    status=TicketStatus.OPEN,
                    subject="",
                    created_at=START,
                    updated_at=START,
                    assignee=assignee,
                    assigned_group=group,
                    remind_whom=_reminded(number),
                )
            )
    desk = Desk(database.sessions, deadline_s=20)
    for sight in SIGHTS:
        seen = {
            number
            for number, (_, _, assignee, group) in enumerate(CASES, start=1)
            if sees(
                sight,
                calls[number],
                assignee=assignee,
                assigned_group=group,
                remind_whom=_reminded(number),
            )
        }
        assert {one.number for one in (await desk.tickets(limit=200, sight=sight)).items} == seen
        assert {one.ticket_number for one in (await desk.calls(limit=200, sight=sight)).items} == seen
        for number in (1, 5, 14, 27, 60):
            if number in seen:
                await desk.must_see(number, sight)
            else:
                with pytest.raises(NotFound):
                    await desk.must_see(number, sight)
