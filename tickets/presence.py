"""What operators have last set themselves to: the memory that outlives service and PBX.

Knows no PBX and decides nothing: the transitions are in `cti/operators/presence.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select, update

from tickets.database import Sessions, insert_new, use_case, writing
from tickets.tables import OperatorStateRow
from tickets.vocabulary import PhoneChoice, Presence

_states = cast(Table, OperatorStateRow.__table__)


@dataclass(frozen=True, slots=True)
class OperatorState:
    """One operator, as they want to be."""

    extension: str
    presence: Presence
    since: datetime  # aware
    phone: PhoneChoice
    reason: str | None = None  # of a pause, in the operator's words
    until: datetime | None = None  # a wrap-up's end, aware


class PresenceBook:
    """Keeps the operators' states."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 1.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def all(self) -> dict[str, OperatorState]:
        """The states by extension, of operators who have ever set one."""
        async with self._sessions() as session:
            rows = (await session.scalars(select(OperatorStateRow))).all()
        return {
            row.extension: OperatorState(
                row.extension, row.presence, row.since, row.phone, row.reason, row.until
            )
            for row in rows
        }

    @use_case
    async def put(self, states: Iterable[OperatorState]) -> None:
        """Keep these in place of what was."""
        async with writing(self._sessions) as session:
            for state in sorted(
                states, key=lambda one: one.extension
            ):  # one order, so that none waits for ever
                values = {
                    "presence": state.presence,
                    "reason": state.reason,
                    "since": state.since,
                    "until": state.until,
                    "phone": state.phone,
                }
                await session.execute(insert_new(session, _states), {"extension": state.extension, **values})
                await session.execute(
                    update(_states).where(_states.c.extension == state.extension).values(values)
                )
