"""A caller whom nobody knew gets a card: the call's ticket becomes theirs, and so do their earlier ones.

One transaction. Knows tickets, calls and cards.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select, update

from tickets.cards import ticket_of
from tickets.customers import Customer, add_card
from tickets.database import Sessions, use_case, utc_now, writing
from tickets.tables import CallRow, CustomerNumberRow, TicketRow
from tickets.ticket_book import touch, write_changed

MOST_EARLIER = 500  # calls of before that are linked in one go
_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_numbers = cast(Table, CustomerNumberRow.__table__)


class Introductions:
    """Makes cards from calls."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def introduce(
        self, number: int, by: str, name: str, numbers: Sequence[str], vip_level: int = 0
    ) -> Customer:
        """Add a customer (see `CustomerBook.add`) and give them this ticket, and those of earlier calls from
        these numbers that are nobody's.

        Raises:
            NotFound: no such ticket.
            BadCard: as `CustomerBook.add`.
        """
        async with writing(self._sessions) as session:
            now = self._clock()
            ticket = await ticket_of(session, number)
            customer = await add_card(session, name, numbers, vip_level, now)
            # First the calls, then their tickets, always in the ledger's own order: nobody waits in a circle.
            shared = select(_numbers.c.e164).where(
                _numbers.c.e164.in_(customer.numbers), _numbers.c.customer_id != customer.id
            )
            nobodys = (
                select(_calls.c.call_id)
                .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
                .where(
                    _calls.c.caller.in_(customer.numbers),
                    _calls.c.caller.not_in(shared),
                    _tickets.c.customer_id.is_(None),
                    _tickets.c.customer_by.is_(None),
                    _tickets.c.number != number,
                )
                .order_by(_calls.c.received_at.desc())
                .limit(MOST_EARLIER)
            )
            earlier = sorted(await session.scalars(nobodys))
            locked = select(_calls.c.call_id).where(_calls.c.call_id.in_(earlier))
            await session.execute(locked.order_by(_calls.c.call_id).with_for_update())
            theirs = {"customer_id": customer.id}
            counted = {"revision": _calls.c.revision + 1}  # who remembers the call reads it again
            await session.execute(
                update(_calls).where(_calls.c.call_id.in_(earlier)).values(theirs | counted)
            )
            await session.execute(
                update(_tickets)
                .where(_tickets.c.call_id.in_(earlier))
                .values(theirs | {"version": _tickets.c.version + 1, "updated_at": now})
            )
            facts = {"customer": [ticket.customer_name, customer.name]}
            await ticket_of(session, number, lock=True)
            await write_changed(session, number, facts, by, now)
            await touch(session, number, now, theirs | {"customer_by": by})
            return customer
