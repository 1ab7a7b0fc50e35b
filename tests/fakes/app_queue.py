"""The order of callers in Asterisk's app_queue, after its source (apps/app_queue.c of Asterisk 22).

A model, not Asterisk: `join_queue`, `insert_entry`, `change_priority_caller_on_queue` with
Immediate, and who may be connected next (`is_our_turn` of a queue with autofill: the first ones of the list).
The house tests show the same order with a real one.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cti.waiting.queues import Waiting


@dataclass
class AppQueue:
    """One queue: call id and priority, the head first."""

    entries: list[tuple[str, int]] = field(default_factory=list)

    def join(self, call_id: str, priority: int) -> None:
        """Before the first caller with a lower priority, behind all equals."""
        at = next((n for n, (_, other) in enumerate(self.entries) if priority > other), len(self.entries))
        self.entries.insert(at, (call_id, priority))

    def change(self, call_id: str, priority: int) -> None:
        """Taken out and joined anew, so that also the same priority again means behind all equals."""
        self.leave(call_id)
        self.join(call_id, priority)

    def leave(self, call_id: str) -> None:
        """Answered, or hung up."""
        self.entries = [entry for entry in self.entries if entry[0] != call_id]

    @property
    def order(self) -> list[str]:
        """The next one first."""
        return [call_id for call_id, _ in self.entries]

    def placed(self) -> list[Waiting]:
        """As `QueueStatus` tells it."""
        joined = datetime(2026, 3, 4, tzinfo=UTC)
        return [
            Waiting(call_id, f"PJSIP/{call_id}", "support", place, priority, joined)
            for place, (call_id, priority) in enumerate(self.entries, 1)
        ]
