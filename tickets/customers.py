"""The customers' cards: who they are and which numbers they call from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tickets.database import Sessions, utc_now


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who calls."""

    id: int
    name: str
    vip_level: int  # 0: not a VIP; higher is more important
    numbers: tuple[str, ...]  # E.164


class CustomerBook:
    """Reads and writes customers."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None: ...

    async def add(self, name: str, numbers: Sequence[str], vip_level: int = 0) -> Customer:
        """Add a customer. `numbers` are E.164 (see `numbers.normalise_number`)."""
        raise NotImplementedError

    async def by_number(self, e164: str) -> list[Customer]:
        """Who calls from this number: most important first, then the oldest card."""
        raise NotImplementedError

    async def get(self, customer_id: int) -> Customer:
        """Raises `NotFound`."""
        raise NotImplementedError
