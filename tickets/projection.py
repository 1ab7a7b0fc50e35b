"""What hangs on a call and follows it: its customer and its one ticket.

Part of the ledger's transaction. What a ticket is to be is decided by the pure `workflow.follow`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.call import Call
from tickets.database import insert_new
from tickets.tables import CustomerNumberRow, CustomerRow, TicketRow
from tickets.workflow import Following, follow

_FOLLOWING = tuple(field.name for field in fields(Following))
_tickets = cast(Table, TicketRow.__table__)


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A call's ticket as it lies in the table, as far as the call decides it."""

    number: int
    following: Following


async def link_customers(
    session: AsyncSession, calls: Mapping[str, Call], linked_before: Mapping[str, int | None]
) -> dict[str, Call]:
    """Whose call it is: whom reception found, else who was linked before, else the only one with that number.

    A number that several customers share (a family, an office) links none of them: people decide.
    """
    claimed = {call.customer_id for call in calls.values() if call.customer_id is not None}
    real: set[int] = set()
    if claimed:
        real = set(await session.scalars(select(CustomerRow.id).where(CustomerRow.id.in_(claimed))))
    links = {
        call_id: call.customer_id if call.customer_id in real else linked_before[call_id]
        for call_id, call in calls.items()
    }
    numbers = {call.caller for call_id, call in calls.items() if call.caller and links[call_id] is None}
    if numbers:
        card = CustomerNumberRow
        owners: dict[str | None, int] = {}
        for e164, customer_id in await session.execute(
            select(card.e164, func.min(card.customer_id))
            .where(card.e164.in_(numbers))
            .group_by(card.e164)
            .having(func.count() == 1)
        ):
            owners[e164] = customer_id
        links = {i: owners.get(calls[i].caller) if link is None else link for i, link in links.items()}
    return {
        call_id: call if call.customer_id == links[call_id] else replace(call, customer_id=links[call_id])
        for call_id, call in calls.items()
    }


async def keep_tickets(
    session: AsyncSession, calls: Mapping[str, Call], had: Mapping[str, TicketRecord | None], now: datetime
) -> dict[str, TicketRecord]:
    """Exactly one ticket for each call, in step with it; what a person has written stays.

    `had`: the tickets as far as they are known; None where the table has to be asked.
    """
    wanted = {call_id: follow(call) for call_id, call in calls.items()}
    numbers = {call_id: ticket.number for call_id in calls if (ticket := had[call_id]) is not None}
    numbers |= await _numbers(session, [call_id for call_id in calls if call_id not in numbers])
    new = {call_id for call_id in calls if call_id not in numbers}
    if new:
        # In the order of the calls: the first caller gets the lower number.
        rows = [
            _columns(wanted[call_id])
            | {"call_id": call_id, "created_at": call.received_at, "updated_at": now}
            for call_id, call in calls.items()
            if call_id in new
        ]
        await session.execute(insert_new(session, _tickets), [row | {"version": 1} for row in rows])
        numbers |= await _numbers(session, list(new))
    stale = [
        _columns(wanted[call_id], "new_") | {"of_call": call_id, "now": now}
        for call_id in calls
        if call_id not in new and not ((ticket := had[call_id]) and ticket.following == wanted[call_id])
    ]
    if stale:
        await session.execute(_FOLLOW, stale)
    return {call_id: TicketRecord(numbers[call_id], wanted[call_id]) for call_id in calls}


async def _numbers(session: AsyncSession, call_ids: list[str]) -> dict[str, int]:
    if not call_ids:
        return {}
    rows = await session.execute(
        select(_tickets.c.number, _tickets.c.call_id).where(_tickets.c.call_id.in_(call_ids))
    )
    return {row.call_id: row.number for row in rows}


def _columns(following: Following, prefix: str = "") -> dict[str, Any]:
    return {prefix + name: getattr(following, name) for name in _FOLLOWING}


def _unless_a_person_set_it(name: str, by: str) -> Any:
    column = _tickets.c[name]
    return case((_tickets.c[by].is_(None), bindparam(f"new_{name}", type_=column.type)), else_=column)


_SET_BY = {  # what a person may write, and the column that tells who did
    "subject": "subject_by",
    "topic": "topic_by",
    "customer_id": "customer_by",
    "status": "status_by",
    "closed_at": "status_by",
    "closed_by": "status_by",
}
_FOLLOWED = {
    name: bindparam(f"new_{name}", type_=_tickets.c[name].type) for name in ("operator", "hand_over")
} | {name: _unless_a_person_set_it(name, by) for name, by in _SET_BY.items()}
_FOLLOW = (
    update(_tickets)
    .where(
        _tickets.c.call_id == bindparam("of_call"),
        # Of a ticket made by another process it is not known whether anything differs: what has not changed
        # must not look changed to whoever edits it.
        or_(*(_tickets.c[name].is_distinct_from(value) for name, value in _FOLLOWED.items())),
    )
    .values(_FOLLOWED | {"updated_at": bindparam("now"), "version": _tickets.c.version + 1})
)
