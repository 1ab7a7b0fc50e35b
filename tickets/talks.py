"""The talks of operators with callers of a queue, as measured: what expected waits are reckoned from.

Reads the calls' rows; decides nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from tickets.database import Sessions, use_case
from tickets.tables import CallRow
from tickets.vocabulary import CallOutcome

MOST = 1000  # rows; a busy hour of a large desk


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk that is over."""

    queue: str
    operator: str
    queued_at: datetime  # when the caller began to wait
    answered_at: datetime
    seconds: float

    @property
    def over_at(self) -> float:
        """POSIX time of its end."""
        return self.answered_at.timestamp() + self.seconds


class TalkBook:
    """Reads the talks of the last while."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def since(self, at: datetime) -> list[Talk]:
        """Those of calls that came after `at`, the latest first."""
        row = CallRow
        question = (
            select(row.queue, row.operator, row.queued_at, row.answered_at, row.talk_seconds)
            .where(row.received_at > at, row.outcome == CallOutcome.ANSWERED_BY_OPERATOR)
            .order_by(row.received_at.desc())
            .limit(MOST)
        )
        async with self._sessions() as session:
            return [
                Talk(queue, operator, queued_at, answered_at, seconds)
                for queue, operator, queued_at, answered_at, seconds in await session.execute(question)
                if queue
                and operator
                and queued_at
                and answered_at  # who was found after the fact may lack some
            ]
