"""The queues of this moment: who waits where and at which place, and who is there to answer.

The one picture for everybody who needs it (announcements, ageing, the live page). Pure, no clock: what the
PBX says of its queues comes in as typed items of `QueueStatus`, for which `cti/asterisk/queue_watch.py` asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cti.asterisk.events import AmiEvent, QueueSeat, WaitingCaller


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue."""

    call_id: str
    channel: str  # as the PBX names it, for AMI actions
    queue: str
    place: int  # 1: the next
    priority: int  # as the PBX has it now; higher goes first
    joined_at: datetime  # to about a second
    number: str = ""  # caller ID, raw; empty: not known


@dataclass(frozen=True, slots=True)
class QueuePicture:
    """All queues at one instant, as the PBX told."""

    at: datetime
    waiting: tuple[Waiting, ...]  # by queue, then by place
    seats: tuple[QueueSeat, ...]

    def there(self, queue: str) -> int:
        """How many operators of a queue could answer, now or when they have finished talking; each is one,
        however many phones they have.
        """
        return len({seat.operator for seat in self.seats if seat.queue == queue and seat.there})


def picture_of(items: Iterable[AmiEvent], at: datetime) -> QueuePicture:
    """The picture that the items of one `QueueStatus` give, asked for at `at` (aware)."""
    waiting: list[Waiting] = []
    seats: list[QueueSeat] = []
    for item in items:
        if isinstance(item, WaitingCaller):
            joined_at = at - timedelta(seconds=item.waited_seconds)
            waiting.append(
                Waiting(
                    item.uniqueid,
                    item.channel,
                    item.queue,
                    item.place,
                    item.priority,
                    joined_at,
                    item.number,
                )
            )
        elif isinstance(item, QueueSeat):
            seats.append(item)
    waiting.sort(key=lambda caller: (caller.queue, caller.place))
    return QueuePicture(at, tuple(waiting), tuple(seats))
