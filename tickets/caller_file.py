"""What the card index has of somebody who is calling now: the card, or the cards to choose from, and the
latest tickets. One short transaction, however many tickets there are.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.customers import Customer, with_numbers
from tickets.database import Sessions, use_case
from tickets.sight import Owners
from tickets.tables import CallRow, CustomerNumberRow, CustomerRow, TicketRow
from tickets.vocabulary import TicketStatus

LATEST = 10  # tickets
MOST_CANDIDATES = 20

_tickets = cast(Table, TicketRow.__table__)
_calls = cast(Table, CallRow.__table__)


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    """A ticket of before, for a list."""

    ticket: str  # PZ-1001
    call_id: str
    subject: str
    status: TicketStatus
    created_at: datetime
    owners: Owners = field(default_factory=Owners)  # not everybody who takes the call may see it


@dataclass(frozen=True, slots=True)
class CallerFile:
    """Everything that was found."""

    ticket: str | None  # of the call itself
    customer: Customer | None
    candidates: list[Customer]  # several customers share the number: a person has to choose
    past: list[EarlierTicket]  # newest first, without the call's own


class CallerFiles:
    """Reads what an operator should know before the first word."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def of(self, call_id: str, number: str | None, customer_id: int | None) -> CallerFile:
        """By the call, its E.164 number (None: withheld) and the customer whom reception found.

        The ticket's own customer comes first: a person may have chosen it.
        """
        async with self._sessions() as session:
            own = (
                await session.execute(
                    select(_tickets.c.number, _tickets.c.customer_id).where(_tickets.c.call_id == call_id)
                )
            ).first()
            customers = await _customers(session, own.customer_id if own else None, customer_id, number)
            customer = customers[0] if len(customers) == 1 else None
            past = await session.execute(_past(customer, number, call_id)) if customer or number else ()
            return CallerFile(
                ticket=_name(own.number) if own else None,
                customer=customer,
                candidates=customers if len(customers) > 1 else [],
                past=[
                    EarlierTicket(
                        ticket=_name(row.number),
                        call_id=row.call_id,
                        subject=row.subject,
                        status=row.status,
                        created_at=row.created_at,
                        owners=Owners(
                            row.queue, row.operator, row.assignee, row.assigned_group, row.remind_whom
                        ),
                    )
                    for row in past
                ],
            )


async def _customers(
    session: AsyncSession, chosen: int | None, found: int | None, number: str | None
) -> list[Customer]:
    for customer_id in (chosen, found):
        if customer_id is not None and (row := await session.get(CustomerRow, customer_id)) is not None:
            return await with_numbers(session, [row])
    if number is None:
        return []
    card = CustomerNumberRow
    rows = await session.scalars(
        select(CustomerRow)
        .join(card, card.customer_id == CustomerRow.id)
        .where(card.e164 == number)
        .order_by(CustomerRow.vip_level.desc(), CustomerRow.id)
        .limit(MOST_CANDIDATES)
    )
    return await with_numbers(session, rows)


def _past(customer: Customer | None, number: str | None, call_id: str) -> Select[Any]:
    columns = (
        _tickets.c.number,
        _tickets.c.call_id,
        _tickets.c.subject,
        _tickets.c.status,
        _tickets.c.created_at,
        _tickets.c.assignee,
        _tickets.c.assigned_group,
        _tickets.c.remind_whom,
        _calls.c.queue,
        _calls.c.operator,
    )
    query = select(*columns).join(_calls, _calls.c.call_id == _tickets.c.call_id)
    query = query.where(_tickets.c.call_id != call_id)
    if customer is not None:
        query = query.where(_tickets.c.customer_id == customer.id)
    else:
        query = query.where(_calls.c.caller == number)
    return query.order_by(_tickets.c.number.desc()).limit(LATEST)


def _name(number: int) -> str:
    return f"PZ-{1000 + number}"
