"""A ledger in memory with the interface of `tickets.ledger.CallBook`; fails when told to."""

from collections.abc import Collection, Sequence

from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.order import in_order


class FakeCallBook:
    """Keeps events by their ids; `failures` are raised one by one before anything is stored."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], CallEvent] = {}
        self.batches: list[list[CallEvent]] = []
        self.failures: list[Exception] = []
        self.poison: str | None = None  # source_id of an event that cannot be stored

    async def record(self, events: Sequence[CallEvent]) -> list[CallChange]:
        """As CallBook.record."""
        if self.failures:
            raise self.failures.pop(0)
        if any(event.source_id == self.poison for event in events):
            raise ValueError("cannot be stored")
        self.batches.append(list(events))
        new = [event for event in events if (event.source, event.source_id) not in self.events]
        known = {event.call_id for event in self.events.values()}
        self.events |= {(event.source, event.source_id): event for event in new}
        numbers = {call_id: number for number, call_id in enumerate(self._call_ids(), 1)}
        return [
            CallChange(event, self.call(event.call_id), numbers[event.call_id], event.call_id not in known)
            for event in new
        ]

    def call(self, call_id: str) -> Call:
        """The call as its events tell it."""
        return replay(event for event in self.events.values() if event.call_id == call_id)

    async def unfinished_calls(self) -> list[Call]:
        """As CallBook.unfinished_calls."""
        return [call for call in map(self.call, self._call_ids()) if not call.ended]

    async def calls_among(self, call_ids: Collection[str]) -> dict[str, Call]:
        """As CallBook.calls_among."""
        return {call_id: self.call(call_id) for call_id in self._call_ids() if call_id in call_ids}

    async def events_of(self, call_id: str) -> list[CallEvent]:
        """As CallBook.events_of."""
        return in_order(event for event in self.events.values() if event.call_id == call_id)

    def _call_ids(self) -> list[str]:
        return list(dict.fromkeys(event.call_id for event in self.events.values()))
