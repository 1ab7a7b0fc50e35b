"""Whether an operator takes calls: what may follow what, and what the PBX has to be told.

Pure: no I/O, no clock. `docs/states.md` draws the transitions.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tickets.presence import OperatorState
from tickets.vocabulary import PhoneChoice, Presence

WEB = "-web"  # ends the interface of the phone in the page
CLOCKS_DIFFER = timedelta(seconds=60)  # at most: another node may have written the state
OTHER_PHONE = "other phone"  # why a phone is paused whose operator is ready at the other one


def asked(
    state: OperatorState, presence: Presence, reason: str | None, now: datetime, wrap_up_s: float
) -> OperatorState:
    """The operator wants it so. `wrap_up_s`: how long a wrap-up lasts that they give themselves."""
    until = now + timedelta(seconds=wrap_up_s) if presence is Presence.WRAP_UP else None
    reason = reason if presence is Presence.PAUSED else None
    same = (state.presence, state.reason) == (presence, reason) and until is None
    return replace(state, presence=presence, reason=reason, since=state.since if same else now, until=until)


def call_ended(state: OperatorState, now: datetime, wrap_up_s: float) -> OperatorState:
    """A queue's call is over. Whoever asked for a pause meanwhile gets that one."""
    if state.presence not in {Presence.READY, Presence.WRAP_UP} or wrap_up_s <= 0:
        return state
    return replace(
        state, presence=Presence.WRAP_UP, since=now, until=now + timedelta(seconds=wrap_up_s), reason=None
    )


def time_passed(state: OperatorState, now: datetime) -> OperatorState:
    """A wrap-up ends by itself; also one that began in the future, because the clock was set back."""
    if state.presence is not Presence.WRAP_UP or state.until is None:
        return state
    if state.since - CLOCKS_DIFFER <= now < state.until:
        return state
    return replace(state, presence=Presence.READY, since=now, until=None)


def page_gone(state: OperatorState, now: datetime) -> OperatorState:
    """The desk's page is closed for good: with the phone in it nobody could be rung."""
    if state.phone is not PhoneChoice.PAGE or state.presence not in {Presence.READY, Presence.WRAP_UP}:
        return state
    return replace(state, presence=Presence.AWAY, since=now, until=None, reason=None)


def pause_of(state: OperatorState, interface: str) -> str | None:
    """Why this phone is to be paused in the queues; None: it is to be rung.

    Of two phones the chosen one rings. A wrap-up is no pause: it is short, and with everybody paused the
    queue would send its callers away. The PBX is told that the operator is busy (`is_busy`).
    """
    if state.presence is Presence.PAUSED:
        return state.reason or "paused"
    if state.presence is Presence.AWAY:
        return "away"
    chosen = state.phone is PhoneChoice.PAGE
    return None if interface.endswith(WEB) is chosen else OTHER_PHONE


def is_busy(state: OperatorState) -> bool:
    """Whether the PBX is to take the operator for busy though no phone of theirs is in use."""
    return state.presence is Presence.WRAP_UP
