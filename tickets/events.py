"""One entry of the ledger: something that happened to a call, as its source told it.

Pure: no I/O, no clock. Every room above makes these; only `tickets.ledger` stores them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tickets.vocabulary import EventKind

Value = str | int | float | bool | None  # what JSON keeps without loss


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A fact about a call. `(source, source_id)` is unique: the same fact told twice is one fact."""

    source: str  # who told it: "ami", "ivr", "bot", "cdr", "recordings", …
    source_id: str  # the source's own id of this event
    call_id: str  # Asterisk: the caller channel's Linkedid
    at: datetime  # aware, UTC
    kind: EventKind
    data: Mapping[str, Value] = field(default_factory=dict)
    sequence: int = 0  # order within one source and instant


Publish = Callable[[CallEvent], None]
"""How news travels upward: never blocks, never raises; the receiver stores and spreads it."""
