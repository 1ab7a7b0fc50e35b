"""The promise to call somebody back, and where it may go: kept, or excused by a person, never forgotten.

Pure: no I/O, no clock. `promises.py` stores it; `docs/states.md` draws the transitions.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from tickets.vocabulary import AttemptResult, PromiseSource, PromiseState

STANDING = frozenset({PromiseState.OPEN, PromiseState.CALLING})
"""The states in which somebody still waits for us."""

_MOVES = {
    PromiseState.OPEN: frozenset(
        {PromiseState.CALLING, PromiseState.CALLED, PromiseState.REACHED, PromiseState.EXCUSED}
    ),
    # While the phone may be ringing no word of a person ends it: the attempt says itself what it came to.
    PromiseState.CALLING: frozenset({PromiseState.OPEN, PromiseState.CALLED}),
    PromiseState.CALLED: frozenset[PromiseState](),
    PromiseState.REACHED: frozenset[PromiseState](),
    PromiseState.EXCUSED: frozenset[PromiseState](),
}

MOST_ATTEMPTS = 99  # what an attempt's id has room for
_LAST_DIGITS = 10**7
_ATTEMPT_ID = re.compile(r"(?:.*-)?\d{9,11}\.1\d{9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromise:
    """What is promised, and to whom."""

    call_id: str  # in which it was promised: one call, one promise
    number: str | None  # E.164; None: withheld, a person has to find it in the message
    line: str  # that was called, and that the person will see calling; empty: not known
    queue: str
    vip_level: int
    place_since: datetime  # when they joined the queue: their place is kept by it
    source: PromiseSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise(NewPromise):
    """A row of the list."""

    id: int
    promised_at: datetime
    state: PromiseState
    joined_to: int | None  # the same person was promised it before: this one ends together with that one
    due_at: datetime | None  # when the house calls by itself, not before; None: a person has to
    attempts: int
    ended_at: datetime | None
    ended_by: str | None  # login; None: the house saw it happen
    reason: str | None  # in the words of who ended it
    ended_in: str | None  # id of the call in which they talked

    @property
    def needs_a_person(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state is PromiseState.OPEN and self.due_at is None and self.joined_to is None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to call back; on record before the PBX is asked."""

    promise_id: int
    number: int  # 1: the first
    call_id: str  # the id that the PBX is told to give the call
    started_at: datetime
    ended_at: datetime | None = None
    result: AttemptResult | None = None  # None: under way, or nobody knows yet


def may_move(present: PromiseState, wanted: PromiseState) -> bool:
    """Whether a promise may go from one state to another."""
    return wanted in _MOVES[present]


def attempt_id(system: str, at: datetime, promise_id: int, number: int) -> str:
    """The call id of an attempt: made by us, so that after a crash the PBX can be asked for it.

    It looks like an Asterisk Uniqueid, `[system-]seconds.number`, whose number no PBX ever counts up to; ten
    digits, because Asterisk compares them as 32-bit numbers.

    Args:
        system: the PBX's `systemname`; empty: it has none.
        at: now, aware.
        promise_id: of the promise.
        number: of the attempt, 1 … 99.
    """
    tail = f"1{promise_id % _LAST_DIGITS:07d}{number:02d}"
    return f"{system}-{int(at.timestamp())}.{tail}" if system else f"{int(at.timestamp())}.{tail}"


def is_attempt(call_id: str) -> bool:
    """Whether a call id is that of a call-back, made by `attempt_id`."""
    return _ATTEMPT_ID.fullmatch(call_id) is not None
