"""The legs of a call, and what each of their news means for the person outside.

Pure. Mango tells of legs, each with a caller and a called side: the menu, the queue, a phone that rings, a
colleague who is asked. Which of them is the talk that the call is about is decided here, from one piece of
news alone, so that it does not matter what else has come already.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import Enum, auto

from cti.virtual_pbx.vendors.mango.words import (
    APPEARED,
    CONNECTED,
    CONSULTATIVE,
    DISCONNECTED,
    IVR,
    ON_HOLD,
    QUEUE,
    LegNews,
)

CLOSE = timedelta(seconds=5)  # the same moment, told twice
_CHILD = 50  # within one second, what follows from a transfer comes after what it followed from


class Role(Enum):
    """What a leg is, seen from the person outside."""

    MENU = auto()
    QUEUE = auto()
    TALK = auto()  # with an operator, or one is rung for it
    CALLED_BACK = auto()  # an operator is rung first, the person outside later
    CONSULT = auto()  # an operator asks another, the person outside waits


def role_of(news: LegNews) -> Role:
    """The leg's role at that time: the caller of a consultation may be replaced, then it is a talk."""
    if news.place == IVR:
        return Role.MENU
    if news.place == QUEUE:
        return Role.QUEUE
    if news.ordered and not news.taken_from and not news.caller.extension:
        return Role.CALLED_BACK
    asks = bool(news.caller.extension and news.taken_from) and not news.ordered
    if news.transfer == CONSULTATIVE or (asks and not news.transfer):
        return Role.CONSULT
    return Role.TALK


def outgoing(news: LegNews) -> bool:
    """Whether the operator is the caller of this leg, and the person outside the called one."""
    from_inside = bool(news.caller.extension) and not news.transfer
    return from_inside and (not news.called.extension or (news.ordered and bool(news.taken_from)))


def operator_word(news: LegNews) -> str:
    """Mango's word for the operator of a talk."""
    return news.caller.word if outgoing(news) else news.called.word


def place_in_second(news: LegNews) -> int:
    """`CallEvent.sequence`: Mango's clock has whole seconds."""
    return min(news.seq, _CHILD - 1) + (_CHILD if news.taken_from else 0)


class Leg:
    """What is known of one leg, in the order in which it happened."""

    def __init__(self, news: Iterable[LegNews]) -> None:
        once = {(one.seq, one.state): one for one in news}
        self.news = sorted(once.values(), key=lambda one: (one.seq, one.at, one.state))

    def __iter__(self) -> Iterator[LegNews]:
        return iter(self.news)

    @property
    def first(self) -> LegNews:
        """What is known of its beginning."""
        return self.news[0]

    @property
    def is_root(self) -> bool:
        """Whether the call began with it, and no transfer made it."""
        return not any(one.taken_from or one.transfer for one in self.news)

    @property
    def is_over(self) -> bool:
        """Whether its end is known."""
        return any(one.state == DISCONNECTED for one in self.news)

    def whole_until(self, seq: int) -> bool:
        """Whether nothing of it is missing up to there."""
        known = {one.seq for one in self.news if 1 <= one.seq <= seq}
        return len(known) == seq  # a number that is told may be of any size

    def before(self, seq: int) -> LegNews | None:
        """The last that is known from before."""
        return next((one for one in reversed(self.news) if one.seq < seq), None)

    def talked_before(self, seq: int) -> bool:
        """Whether the person outside talked with somebody on it before."""
        return any(one.seq < seq and is_talk(one) for one in self.news)


def is_talk(news: LegNews) -> bool:
    """Whether operator and person outside are connected by that."""
    return news.state == CONNECTED and role_of(news) is Role.TALK


def rings(news: LegNews) -> bool:
    """Whether an operator's phone begins to ring, for the person outside."""
    if news.state != APPEARED or news.seq != 1:
        return False
    role = role_of(news)
    return role is Role.CALLED_BACK or (role is Role.TALK and not outgoing(news))


def holds(news: LegNews) -> bool:
    """Whether the operator has put the person outside on hold, not the other way round."""
    if news.state != ON_HOLD or role_of(news) is not Role.TALK:
        return False
    operator, other = (news.caller, news.called) if outgoing(news) else (news.called, news.caller)
    return operator.held or not other.held
