"""What is known of a caller beside the call: card, earlier tickets, orders. Fetched while the caller waits,
so that the pop has it when a phone begins to ring; what comes later comes with a later snapshot.

Knows where to ask only as callables. Holds no more calls than the centre does, and forgets them with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from cti.desk.snapshot import Candidate, Context, CustomerCard, Order, Orders, PastTicket
from tickets.caller_file import CallerFile
from tickets.customers import Customer
from tickets.database import DatabaseTrouble

log = structlog.get_logger()

AT_ONCE = 8  # callers whose files are being read: a surge must not take the database from the ledger
RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0)  # a database that is away just now


class CompanyWord(Protocol):
    """What the company's own system says of a number."""

    @property
    def orders(self) -> Sequence[Order]: ...
    @property
    def fields(self) -> dict[str, str]: ...


AskFile = Callable[[str, str | None, int | None], Awaitable[CallerFile]]
"""By call id, number and customer; raises `DatabaseTrouble`."""

AskCompany = Callable[[str], Awaitable[CompanyWord | None]]
"""By E.164, in time; None: it cannot be told now. Never raises."""

AskAudio = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Which of these calls have something to hear; raises `DatabaseTrouble`."""


@dataclass(slots=True)
class _Entry:
    about: tuple[str | None, int | None]  # number and customer that the file is asked for
    ticket: str | None = None
    file: CallerFile | None = None
    heard: set[str] = field(default_factory=set)  # calls of the file that have something to hear
    orders: Orders = field(default_factory=Orders)
    fields: dict[str, str] = field(default_factory=dict)
    context: Context = field(default_factory=Context)  # of all that, for the desks
    reading: asyncio.Task[None] | None = None
    asking: asyncio.Task[None] | None = None
    asked: str | None = None  # the number whose orders were asked for


class Contexts:
    """The contexts of calls that somebody will have to take. Used from one event loop."""

    def __init__(
        self,
        ask_file: AskFile,
        ask_audio: AskAudio,
        ask_company: AskCompany | None,
        on_change: Callable[[str], None],
    ) -> None:
        """`on_change` is told the id of a call of which more is known now."""
        self._ask_file, self._ask_audio, self._ask_company = ask_file, ask_audio, ask_company
        self._on_change = on_change
        self._entries: dict[str, _Entry] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    def of(self, call_id: str) -> Context:
        """What is known by now."""
        entry = self._entries.get(call_id)
        return entry.context if entry is not None else Context()

    def want(self, call_id: str, number: str | None, customer_id: int | None) -> None:
        """Begin to look, unless the same was asked before."""
        entry = self._entries.get(call_id)
        about = (number, customer_id)
        if entry is None:
            entry = self._entries[call_id] = _Entry(about)
        elif entry.about == about:
            return
        entry.about = about
        file = entry.file
        if file is None or file.customer is None or file.customer.id != customer_id:
            self._read(call_id, entry)
        if number is not None and self._ask_company is not None and entry.asked != number:
            entry.asked = number
            entry.orders, entry.fields = Orders("loading"), {}
            entry.context = _context(entry)
            _end(entry.asking)
            entry.asking = asyncio.create_task(self._ask(call_id, entry, number, self._ask_company))

    def has_ticket(self, call_id: str, ticket: str) -> None:
        """The ledger has made the call's ticket, or written to it."""
        if (entry := self._entries.get(call_id)) is None:
            return
        if entry.file is None and entry.reading is not None and entry.reading.done():
            self._read(call_id, entry)  # the database was away for long, and is back
        if entry.ticket != ticket:
            entry.ticket = ticket
            self._changed(call_id, entry)

    def look_again(self, call_id: str) -> None:
        """A person has changed the ticket or a card: what was read is old."""
        if (entry := self._entries.get(call_id)) is not None:
            self._read(call_id, entry)

    def forget(self, call_id: str) -> None:
        """Nobody's desk shows the call any more."""
        if (entry := self._entries.pop(call_id, None)) is not None:
            _end(entry.reading)
            _end(entry.asking)

    async def close(self) -> None:
        """End what is under way."""
        entries, self._entries = list(self._entries.values()), {}
        tasks = [task for entry in entries for task in (entry.reading, entry.asking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _read(self, call_id: str, entry: _Entry) -> None:
        _end(entry.reading)
        entry.reading = asyncio.create_task(self._read_file(call_id, entry))

    async def _read_file(self, call_id: str, entry: _Entry) -> None:
        for pause_s in (*RETRY_S, None):
            try:
                async with self._places:
                    file = await self._ask_file(call_id, *entry.about)
                    calls = [past.call_id for past in file.past]
                    heard = await self._ask_audio(calls) if calls else set()
            except DatabaseTrouble as error:
                if pause_s is None:
                    log.warning(
                        "A caller's file was not read.", action="pop_unread", error=type(error).__name__
                    )
                    return
                await asyncio.sleep(pause_s)
            else:
                entry.file, entry.heard = file, heard
                self._changed(call_id, entry)
                return

    async def _ask(self, call_id: str, entry: _Entry, number: str, ask: AskCompany) -> None:
        word = await ask(number)
        if word is None:
            entry.orders = Orders("not_available")
        else:
            entry.orders = Orders("here" if word.orders else "none", tuple(word.orders))
            entry.fields = word.fields
        self._changed(call_id, entry)

    def _changed(self, call_id: str, entry: _Entry) -> None:
        entry.context = _context(entry)
        self._on_change(call_id)


def _context(entry: _Entry) -> Context:
    file = entry.file
    if file is None:
        return Context(entry.ticket, orders=entry.orders)
    return Context(
        ticket=entry.ticket or file.ticket,
        customer=_card(file.customer, entry.fields) if file.customer is not None else None,
        candidates=[Candidate(one.id, one.name) for one in file.candidates],
        orders=entry.orders,
        history=[
            (
                one.owners,
                PastTicket(
                    one.ticket, one.subject, one.status.value, one.created_at, one.call_id in entry.heard
                ),
            )
            for one in file.past
        ],
    )


def _card(customer: Customer, fields: dict[str, str]) -> CustomerCard:
    told = fields if customer.reference is None else {"reference": customer.reference, **fields}
    return CustomerCard(customer.id, customer.name, customer.vip_level, told, customer.numbers)


def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
