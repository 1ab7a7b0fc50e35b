"""The customers' cards: who they are and which numbers they call from."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.rows import LARGEST, clean_text
from tickets.tables import CustomerNumberRow, CustomerRow

_numbers = cast(Table, CustomerNumberRow.__table__)
_E164 = re.compile(r"\+[1-9][0-9]{3,14}")  # ITU-T E.164: at most 15 digits


class NotFound(Exception):
    """There is no such card."""


class BadCard(Exception):
    """A customer's card cannot be kept as it is."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who calls."""

    id: int
    name: str
    vip_level: int  # 0: not a VIP; higher is more important
    numbers: tuple[str, ...]  # E.164
    reference: str | None = None  # the CRM's own id


class CustomerBook:
    """Reads and writes customers."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock
        self._telling = asyncio.Lock()  # two calls from a new number at one time must not make two cards

    @use_case
    async def add(self, name: str, numbers: Sequence[str], vip_level: int = 0) -> Customer:
        """Add a customer. `numbers` are E.164 (see `numbers.normalise_number`).

        Raises:
            BadCard: no name, a number that is not E.164, or an impossible VIP level.
        """
        async with writing(self._sessions) as session:
            return await add_card(session, name, numbers, vip_level, self._clock())

    @use_case
    async def change(
        self,
        customer_id: int,
        *,
        name: str | None = None,
        numbers: Sequence[str] | None = None,
        vip_level: int | None = None,
    ) -> Customer:
        """Change what is given; `numbers` are all of them, in E.164.

        Calls of before stay whose they were; the next one from a new number is the customer's.

        Raises:
            NotFound
            BadCard: as `add`.
        """
        async with writing(self._sessions) as session:
            known = await customer_of(session, customer_id)
            row = await session.get_one(CustomerRow, customer_id, with_for_update=True)
            wanted = known.numbers if numbers is None else tuple(sorted(set(numbers)))
            row.vip_level = known.vip_level if vip_level is None else vip_level
            row.name = _fit(known.name if name is None else name, wanted, row.vip_level)
            if wanted != known.numbers:
                await session.execute(delete(_numbers).where(_numbers.c.customer_id == customer_id))
                session.add_all(CustomerNumberRow(customer_id=customer_id, e164=number) for number in wanted)
            return Customer(row.id, row.name, row.vip_level, wanted, row.reference)

    @use_case
    async def by_number(self, e164: str) -> list[Customer]:
        """Who calls from this number: most important first, then the oldest card."""
        async with self._sessions() as session:
            return await with_numbers(session, await _with_number(session, clean_text(e164)))

    @use_case
    async def keep_told(self, e164: str, name: str, vip_level: int, reference: str | None = None) -> Customer:
        """Keep what another system (a CRM) says of who calls from this number; its word wins.

        The card with its reference is meant; without one, of several cards with the number (a family, an
        office) the one with the name; the only card with the number takes the new name, unless it has another
        reference. Nothing is written where the table says the same already.

        Raises:
            BadCard: as `add`.
        """
        name = _fit(name, [e164], vip_level)
        async with self._telling:
            async with self._sessions() as session:
                row = await _meant(session, e164, name, reference)
                if row is not None:
                    [known] = await with_numbers(session, [row])
                    same = (known.name, known.vip_level) == (name, vip_level)
                    if same and reference in (None, known.reference) and e164 in known.numbers:
                        return known
            async with writing(self._sessions) as session:
                row = await _meant(session, e164, name, reference)
                if row is None:
                    row = CustomerRow(created_at=self._clock())
                    session.add(row)
                row.name, row.vip_level = name, vip_level
                row.reference = reference or row.reference
                await session.flush()
                await session.execute(insert_new(session, _numbers), [{"customer_id": row.id, "e164": e164}])
                return (await with_numbers(session, [row]))[0]

    @use_case
    async def get(self, customer_id: int) -> Customer:
        """One card. Raises `NotFound`."""
        async with self._sessions() as session:
            return await customer_of(session, customer_id)


async def add_card(
    session: AsyncSession, name: str, numbers: Sequence[str], vip_level: int, now: datetime
) -> Customer:
    """`CustomerBook.add` in a transaction under way. Raises `BadCard`."""
    name = _fit(name, numbers, vip_level)
    row = CustomerRow(name=name, vip_level=vip_level, created_at=now)
    session.add(row)
    await session.flush()
    known = sorted(set(numbers))
    session.add_all(CustomerNumberRow(customer_id=row.id, e164=number) for number in known)
    await session.flush()
    return Customer(row.id, name, vip_level, tuple(known))


def _fit(name: str, numbers: Iterable[str], vip_level: int) -> str:
    """The name as it is kept, if all of it makes a card. Raises `BadCard`."""
    name = " ".join(clean_text(name).split())
    if not name:
        raise BadCard("A customer needs a name.")
    if not 0 <= vip_level <= LARGEST:
        raise BadCard(f"A VIP level is 0 or more, not {vip_level}.")
    if not all(map(_E164.fullmatch, numbers)):
        raise BadCard("Write a customer's numbers in E.164: + and up to 15 digits.")
    return name


async def _with_number(session: AsyncSession, e164: str) -> Sequence[CustomerRow]:
    card = CustomerNumberRow
    rows = await session.scalars(
        select(CustomerRow)
        .join(card, card.customer_id == CustomerRow.id)
        .where(card.e164 == e164)
        .order_by(CustomerRow.vip_level.desc(), CustomerRow.id)
    )
    return rows.all()


async def _meant(session: AsyncSession, e164: str, name: str, reference: str | None) -> CustomerRow | None:
    """The card that a word about this number, name and reference is about."""
    if reference is not None:
        found: CustomerRow | None = await session.scalar(
            select(CustomerRow).where(CustomerRow.reference == reference)
        )
        if found is not None:
            return found
    rows = [row for row in await _with_number(session, e164) if reference is None or row.reference is None]
    same_name = next((row for row in rows if row.name == name), None)
    return same_name or (rows[0] if len(rows) == 1 else None)


async def customer_of(session: AsyncSession, customer_id: int) -> Customer:
    """One card in a transaction under way. Raises `NotFound`."""
    row = await session.get(CustomerRow, customer_id) if 0 < customer_id <= LARGEST else None
    if row is None:
        raise NotFound(f"There is no customer {customer_id}.")
    [customer] = await with_numbers(session, [row])
    return customer


async def with_numbers(session: AsyncSession, rows: Iterable[CustomerRow]) -> list[Customer]:
    """The cards of these rows, in their order."""
    cards = list(rows)
    numbers: dict[int, list[str]] = {row.id: [] for row in cards}
    if cards:
        card = CustomerNumberRow
        for customer_id, e164 in await session.execute(
            select(card.customer_id, card.e164).where(card.customer_id.in_(numbers)).order_by(card.e164)
        ):
            numbers[customer_id].append(e164)
    return [Customer(row.id, row.name, row.vip_level, tuple(numbers[row.id]), row.reference) for row in cards]
