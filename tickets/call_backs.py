"""Keeping the promises: attempts on record before they are made, and what the ledger says came of them.

Never twice at the same time: an attempt begins by one conditional UPDATE, which one node wins, and the next
can begin only when this one has ended. Knows no PBX; `promise.py` says what may follow what.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, and_, exists, or_, select, update

from tickets.database import Sessions, use_case, utc_now, writing
from tickets.promise import MOST_ATTEMPTS, Attempt, NewPromise, Promise, attempt_id
from tickets.promises import add, attempts, end, promise_of, promises
from tickets.tables import CallRow, TicketRow
from tickets.vocabulary import (
    AttemptResult,
    CallOutcome,
    CallState,
    PromiseSource,
    PromiseState,
    TicketStatus,
)

_calls = cast(Table, CallRow.__table__)
_promised_in = _calls.alias()
_tickets = cast(Table, TicketRow.__table__)
_MOST = 500  # promises looked at in one go
VOICEMAIL_DAYS = 1  # a message of yesterday makes a promise also when its ticket was closed in between
CLOCKS_APART_S = 60.0  # so far nodes' clocks may differ before one takes the other's times for nonsense


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An attempt that has not ended as far as the list knows, and its call as far as the ledger does."""

    attempt: Attempt
    promise: Promise
    call_state: CallState | None  # None: the ledger has no such call
    talked: bool  # an operator has answered it


class CallBackBook:
    """The house's own use cases, one transaction each."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        deadline_s: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
        put_off_most_s: float = 86_400.0,
    ) -> None:
        """`put_off_most_s`: no attempt is put off further, see `fail`."""
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock
        self._put_off_most = timedelta(seconds=put_off_most_s + CLOCKS_APART_S)

    @use_case
    async def due(self) -> list[Promise]:
        """Whom the house may call now by itself: nobody who is on the line with us at this moment."""
        query = select(promises).where(self._is_due(self._clock()))
        async with self._sessions() as session:
            rows = await session.execute(query.order_by(promises.c.place_since).limit(_MOST))
            return [promise_of(row) for row in rows]

    @use_case
    async def begin(self, promise_id: int, system: str) -> Attempt | None:
        """Put the next attempt on record. Only who gets it back may call, and under its id.

        `system`: the PBX's `systemname`. None: another node was faster, the person rang in, or it is over.
        """
        now = self._clock()
        take = (
            update(promises)
            .where(
                promises.c.id == promise_id,
                promises.c.attempts < MOST_ATTEMPTS,
                self._is_due(now),  # another node's attempt may have failed since the list was read
            )
            .values(state=PromiseState.CALLING, attempts=promises.c.attempts + 1, due_at=None)
            .returning(promises.c.attempts)
        )
        async with writing(self._sessions) as session:
            number = await session.scalar(take)
            if number is None:
                return None
            attempt = Attempt(promise_id, number, attempt_id(system, now, promise_id, number), now)
            await session.execute(
                attempts.insert().values(
                    promise_id=promise_id, number=number, call_id=attempt.call_id, started_at=now
                )
            )
        return attempt

    @use_case
    async def under_way(self) -> list[UnderWay]:
        """Attempts without an end, oldest first."""
        query = (
            select(
                promises,
                attempts.c.call_id.label("tried_in"),
                attempts.c.started_at,
                _calls.c.state.label("at"),
                _calls.c.answered_at,
            )
            .join(attempts, and_(attempts.c.promise_id == promises.c.id, attempts.c.result.is_(None)))
            .outerjoin(_calls, _calls.c.call_id == attempts.c.call_id)
            .where(promises.c.state == PromiseState.CALLING)
            .order_by(attempts.c.started_at)
            .limit(_MOST)
        )
        async with self._sessions() as session:
            found = []
            for row in await session.execute(query):
                promise = promise_of(row)
                attempt = Attempt(promise.id, promise.attempts, row.tried_in, row.started_at)
                found.append(UnderWay(attempt, promise, row.at, row.answered_at is not None))
            return found

    @use_case
    async def fail(self, attempt: Attempt, result: AttemptResult, retry_in_s: float | None) -> bool:
        """The attempt did not bring them together: again in `retry_in_s`, or (None) a person takes over.

        False: somebody has ended it already.
        """
        now = self._clock()
        due_at = None if retry_in_s is None else now + timedelta(seconds=retry_in_s)
        async with writing(self._sessions) as session:
            again = (
                update(promises)
                .where(
                    promises.c.id == attempt.promise_id,
                    promises.c.state == PromiseState.CALLING,
                    promises.c.attempts == attempt.number,
                )
                .values(state=PromiseState.OPEN, due_at=due_at)
                .returning(promises.c.id)
            )
            if await session.scalar(again) is None:
                return False
            await session.execute(_ended(attempt.call_id, result, now))
            return True

    @use_case
    async def settle(self) -> int:
        """End what the ledger shows as kept: an operator talked to the person. Returns how many.

        Also an attempt that was given up for lost: its call counts, whenever the ledger hears of it.
        """
        by_us = (
            select(promises.c.id, _calls.c.call_id)
            .join(attempts, attempts.c.promise_id == promises.c.id)
            .join(_calls, _calls.c.call_id == attempts.c.call_id)
            .where(
                promises.c.state.in_([PromiseState.OPEN, PromiseState.CALLING]),
                _calls.c.answered_at.is_not(None),
            )
        )
        # While we are calling, the attempt has to end first: its phone may be ringing.
        rang_in = (
            select(promises.c.id, _calls.c.call_id)
            .join(_calls, or_(_calls.c.caller == promises.c.number, _calls.c.call_id == promises.c.call_id))
            .outerjoin(_promised_in, _promised_in.c.call_id == promises.c.call_id)
            .where(
                promises.c.state == PromiseState.OPEN,
                promises.c.joined_to.is_(None),
                _talked_after_the_promise(),
            )
            .order_by(_calls.c.answered_at)
        )
        async with self._sessions() as session:  # nothing is locked where nothing is to be written
            called = await _first_of_each(session, by_us)
            reached = await _first_of_each(session, rang_in)
        if not called and not reached:
            return 0
        now = self._clock()
        async with writing(self._sessions) as session:
            for promise_id, call_id in called.items():
                await session.execute(_ended(call_id, AttemptResult.TALKED, now))
                await end(session, promise_id, PromiseState.CALLED, now, ended_in=call_id)
            for promise_id in reached.keys() - called.keys():
                still = select(promises.c.state).where(promises.c.id == promise_id).with_for_update()
                if await session.scalar(still) is PromiseState.OPEN:
                    call_id = reached[promise_id]
                    await end(session, promise_id, PromiseState.REACHED, now, ended_in=call_id)
        return len(called.keys() | reached.keys())

    @use_case
    async def from_voicemails(self, since: datetime | None = None) -> int:
        """Put everybody on the list who left a message and was told that we will call. Returns how many.

        `since`: only calls received since then; None: all.
        """
        now = self._clock()
        lately = _calls.c.ended_at > now - timedelta(days=VOICEMAIL_DAYS)
        query = (
            select(_calls)
            .join(_tickets, _tickets.c.call_id == _calls.c.call_id)
            .where(
                _calls.c.outcome == CallOutcome.VOICEMAIL,
                *([] if since is None else [_calls.c.received_at > since]),
                or_(_tickets.c.status != TicketStatus.CLOSED, lately),
                ~exists().where(promises.c.call_id == _calls.c.call_id),
                # The message of somebody whom we called is heard with the promise that stands already.
                ~exists().where(attempts.c.call_id == _calls.c.call_id),
            )
            .order_by(_calls.c.ended_at)
            .limit(_MOST)
        )
        async with self._sessions() as session:
            rows = list(await session.execute(query))
        if rows:
            async with writing(self._sessions) as session:
                for row in rows:
                    await add(session, _of_voicemail(row), now)
        return len(rows)

    def _is_due(self, now: datetime) -> Any:
        # The first attempt is never put off, and no other for longer than the most: what lies further in the
        # future was written before the clock was set back.
        in_time = or_(
            promises.c.due_at <= now,
            promises.c.due_at > now + self._put_off_most,
            and_(promises.c.attempts == 0, promises.c.due_at.is_not(None)),
        )
        return and_(
            promises.c.state == PromiseState.OPEN,
            promises.c.joined_to.is_(None),
            promises.c.number.is_not(None),
            in_time,
            ~_on_the_line(),
        )


def _on_the_line() -> Any:
    """Whether the person of a promise is in a call with us, as far as the ledger knows."""
    same = or_(_calls.c.caller == promises.c.number, _calls.c.call_id == promises.c.call_id)
    return exists().where(same, _calls.c.state != CallState.ENDED)


def _talked_after_the_promise() -> Any:
    """Whether a call of the person was answered after the one in which they were promised.

    Calls are compared by the PBX's clock. That of the promises may differ from it, and decides only where it
    must: in the same call, or while the ledger does not have it.
    """
    by_our_clock = _calls.c.answered_at > promises.c.promised_at
    same = _calls.c.call_id == promises.c.call_id
    goes_on = and_(same, promises.c.source != PromiseSource.VOICEMAIL)  # after a message the call is over
    unknown = and_(~same, _promised_in.c.call_id.is_(None))
    later = and_(
        _calls.c.received_at > _promised_in.c.received_at,
        _calls.c.answered_at.is_not(None),
        or_(by_our_clock, _calls.c.received_at >= _promised_in.c.ended_at),
    )
    return or_(and_(or_(goes_on, unknown), by_our_clock), later)


def _ended(call_id: str, result: AttemptResult, now: datetime) -> Any:
    return update(attempts).where(attempts.c.call_id == call_id).values(result=result, ended_at=now)


async def _first_of_each(session: Any, query: Any) -> dict[int, str]:
    first: dict[int, str] = {}
    for promise_id, call_id in await session.execute(query.limit(_MOST)):
        first.setdefault(promise_id, call_id)
    return first


def _of_voicemail(row: Any) -> NewPromise:
    return NewPromise(
        call_id=row.call_id,
        number=row.caller,
        line=row.line,
        queue=row.queue or "",
        vip_level=row.vip_level,
        place_since=row.queued_at or row.received_at,
        source=PromiseSource.VOICEMAIL,
    )
