"""The calls of this moment, in memory: for the live page, the screen-pop and the story in the terminal.

Knows calls and changes of the ledger; no database, no PBX, no web. It is told only what is
committed, so what a page shows has happened.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from tickets.call import Call
from tickets.ledger import CallChange


class Subscription:
    """One listener's changes, oldest first. A slow listener loses the oldest and is told so by `missed`."""

    def __init__(self, hold: int) -> None:
        self._changes: deque[CallChange] = deque(maxlen=hold)
        self._news = asyncio.Event()
        self._missed = False

    def put(self, change: CallChange) -> None:
        """Add a change; drops the oldest when nobody fetches them."""
        self._missed = self._missed or len(self._changes) == self._changes.maxlen
        self._changes.append(change)
        self._news.set()

    def put_anew(self) -> None:
        """More has changed than can be told one by one."""
        self._missed = True
        self._news.set()

    async def next(self) -> tuple[list[CallChange], bool]:
        """Wait for changes. True beside them: some before them were lost, read `LiveCalls.calls()` anew."""
        await self._news.wait()
        self._news.clear()
        changes, missed = list(self._changes), self._missed
        self._changes.clear()
        self._missed = False
        return changes, missed


class LiveCalls:
    """What `Intake` tells, kept as a picture."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._tickets: dict[str, int] = {}
        self._subscriptions: set[Subscription] = set()
        self._told: set[str] = set()  # calls that news came of while the ledger was read

    def begin_with(self, calls: Iterable[Call]) -> None:
        """Calls that were unfinished at start."""
        for call in calls:
            self._calls.setdefault(call.call_id, call)

    def changed(self, changes: Iterable[CallChange]) -> None:
        """Take over what the ledger has committed and pass it on."""
        for change in changes:
            call = change.call
            self._told.add(call.call_id)
            if call.ended:
                self._calls.pop(call.call_id, None)
                self._tickets.pop(call.call_id, None)
            else:
                self._calls[call.call_id] = call
                self._tickets[call.call_id] = change.ticket_number
            for subscription in self._subscriptions:
                subscription.put(change)

    async def level(self, unfinished: Callable[[], Awaitable[list[Call]]]) -> list[Call]:
        """Take over what the ledger has as unfinished, and give it back.

        Another node that shares the ledger may have told it of a call's end: nobody tells us that. What is
        told here while the ledger is being read is newer than what was read.
        """
        self._told.clear()
        calls = await unfinished()
        read = {call.call_id: call for call in calls if call.call_id not in self._told}
        over = self._calls.keys() - read.keys() - self._told
        changed = {call_id for call_id, call in read.items() if self._calls.get(call_id) != call}
        for call_id in over:
            del self._calls[call_id]
            self._tickets.pop(call_id, None)
        self._calls |= {call_id: read[call_id] for call_id in changed}
        if over or changed:
            for subscription in self._subscriptions:
                subscription.put_anew()
        return calls

    def calls(self) -> list[Call]:
        """The live calls, longest first."""
        return sorted(self._calls.values(), key=lambda call: (call.received_at, call.call_id))

    def call(self, call_id: str) -> Call | None:
        """A live call."""
        return self._calls.get(call_id)

    def ticket_number(self, call_id: str) -> int | None:
        """The ticket of a live call, once it is known here."""
        return self._tickets.get(call_id)

    @contextmanager
    def subscribe(self, hold: int = 500) -> Iterator[Subscription]:
        """Hear of every change while the block runs; at most `hold` wait for a slow listener."""
        subscription = Subscription(hold)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
