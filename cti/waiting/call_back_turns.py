"""Whose turn it is to be called back, and what has become of an attempt.

Pure: no PBX, no database, no clock. `call_backs.py` asks and acts. A promise stands in the queue's line like
somebody who waits on the phone, by the same rules (`ageing.py`) and at the place that was kept.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cti.asterisk.events import Originated, QueueSeat
from cti.waiting.ageing import Waiter, in_turn
from ivr.call_back_rules import CallBackRules
from ivr.vip_rules import Vip
from tickets.call_backs import UnderWay
from tickets.promise import Promise
from tickets.vocabulary import AttemptResult, CallState

MISSING_S = 15.0  # so long the PBX and the ledger must know nothing of an attempt: then it was not made

_ON_THE_WAY = frozenset({None, CallState.RINGING, CallState.MENU})
_REASONS = {1: AttemptResult.NO_ANSWER, 3: AttemptResult.NO_ANSWER, 5: AttemptResult.BUSY}


def whom_to_call(
    due: Sequence[Promise],
    waiting: Mapping[str, Sequence[Waiter]],
    seats: Iterable[QueueSeat],
    under_way: Iterable[UnderWay],
    rules: Vip,
    now: float,
) -> list[Promise]:
    """The promises for which an operator is free after all who come before them.

    Args:
        due: those that the house may call, each in a queue that there is.
        waiting: who waits on the phone, by queue.
        seats: the queues' operators.
        under_way: attempts whose person will want an operator in a moment.
        rules: the scenario's.
        now: seconds since the epoch, as in `waiting`.
    """
    seats = list(seats)
    talking = {seat.operator for seat in seats if seat.talking}  # maybe on the other one of two phones
    free: dict[str, set[str]] = {}
    for seat in seats:
        if seat.free and seat.operator not in talking:
            free.setdefault(seat.queue, set()).add(seat.operator)
    coming = Counter(one.promise.queue for one in under_way if one.call_state in _ON_THE_WAY)
    by_id = {f"promise {promise.id}": promise for promise in due}
    chosen: list[Promise] = []
    for queue in dict.fromkeys(promise.queue for promise in due):
        for _ in range(coming[queue]):
            _take(free, queue)
        line = list(waiting.get(queue, ()))
        line += [
            Waiter(name, promise.place_since.timestamp(), promise.vip_level)
            for name, promise in by_id.items()
            if promise.queue == queue
        ]
        for waiter in in_turn(line, (), rules, now):
            if not _take(free, queue):
                break
            if waiter.call_id in by_id:
                chosen.append(by_id[waiter.call_id])
    return chosen


def _take(free: dict[str, set[str]], queue: str) -> bool:
    """One operator fewer, in every queue where they sit. False: nobody is free."""
    if not free.get(queue):
        return False
    operator = min(free[queue])
    for others in free.values():
        others.discard(operator)
    return True


def told(event: Originated) -> AttemptResult | None:
    """What the PBX says of an attempt that reached nobody; None: somebody answered."""
    return None if event.answered else _REASONS.get(event.reason, AttemptResult.FAILED)


def verdict(
    attempt: UnderWay, *, on_the_line: bool, said: AttemptResult | None, missing_s: float
) -> AttemptResult | None:
    """How an attempt without a talk has ended; None: it goes on, or nobody can know yet.

    Args:
        attempt: with its call as far as the ledger has it.
        on_the_line: the PBX has its channel.
        said: what the PBX has said of it, see `told`.
        missing_s: for how long the PBX has been seen without its channel, and the ledger without its call.
    """
    if attempt.talked or on_the_line:
        return None
    if attempt.call_state is CallState.ENDED:
        return AttemptResult.HUNG_UP
    if attempt.call_state is not None:
        return None  # the reconciler will end it
    return said or (AttemptResult.UNKNOWN if missing_s >= MISSING_S else None)


def retry_in_s(result: AttemptResult, attempts: int, rules: CallBackRules) -> float | None:
    """When to try again; None: a person takes over. What was never made need not wait."""
    if attempts >= rules.attempts:
        return None
    return 0 if result is AttemptResult.UNKNOWN else rules.retry_after_s
