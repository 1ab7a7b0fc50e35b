"""Twenty calls, told once for all vendors: what happened, second by second, and what has to lie on the desk
then.

A vendor's simulator turns a story into the webhooks that this vendor would send; the conformance suite
looks whether its adapter makes the same neutral call of them as every other. Pure. Extensions and queue
are those of the lottery.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from tickets.vocabulary import CallOutcome, Direction

ANNA, BEN, EVE = "101", "102", "103"
SUPPORT = "support"
CALLER, LINE = "+12025550143", "+18005550100"


class What(StrEnum):
    """What can happen to a call. Who is concerned stands in the step."""

    RINGS = "rings"  # the call reaches the PBX; outward: an operator has dialled
    MENU = "menu"
    KEYS = "keys"
    QUEUE = "queue"
    OFFERED = "offered"  # an operator's phone begins to ring
    MISSED = "missed"  # … and stops, unanswered
    ANSWERED = "answered"  # operator and caller talk
    HOLD = "hold"
    RESUMED = "resumed"
    BLIND = "blind"  # the operator sends the caller to another: whose phone rings next
    CONSULTS = "consults"  # the operator rings another, the caller waits
    JOINED = "joined"  # … who takes the caller over
    BACK = "back"  # … or does not: the operator has the caller again
    RETURNED = "returned"  # a blind transfer nobody answered: the first operator's phone rings again
    VOICEMAIL = "voicemail"
    RECORDED = "recorded"  # a recording from `since` until now is ready
    HANGS_UP = "hangs_up"  # the call is over
    INTERNAL = "internal"  # no step: the word for a call among operators, which some vendors lack


@dataclass(frozen=True, slots=True)
class Step:
    """Something happens, `at` seconds after the call's beginning."""

    at: int
    what: What
    operator: str = ""  # extension: whose phone, who holds, who sends the caller on
    to: str = ""  # extension: to whom
    word: str = ""  # keys pressed; a queue's name; who hung up: "caller" | "operator"
    since: int = 0  # of a recording


@dataclass(frozen=True, slots=True)
class Ending:
    """What the neutral call must be."""

    outcome: CallOutcome
    operator: str | None = None  # who had the caller last
    talk_seconds: int = 0
    queue: str | None = None
    recordings: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One call. A vendor that cannot tell of something leaves those steps out; see `as_told`."""

    name: str
    title: str
    steps: tuple[Step, ...]
    ending: Ending
    direction: Direction = Direction.INBOUND
    caller: str = CALLER  # the person outside; empty: withheld. Of an internal call: who rings
    line: str = LINE

    def as_told(self, mute: frozenset[What]) -> "Story":
        """The story as a vendor can tell it that has no word for some things."""
        ending = self.ending
        if What.VOICEMAIL in mute and ending.outcome is CallOutcome.VOICEMAIL:
            ending = replace(ending, outcome=CallOutcome.ABANDONED)
        if What.QUEUE in mute:
            ending = replace(ending, queue=None)
        if What.RECORDED in mute:
            ending = replace(ending, recordings=0)
        if What.JOINED in mute and What.BLIND not in mute and ending.operator is not None:
            last = [step for step in self.steps if step.what is What.ANSWERED][-1]
            ending = replace(ending, operator=last.operator)  # the talk goes on, with them for all we know
        elif {What.BLIND, What.JOINED} & mute and ending.operator is not None:
            first = next(step for step in self.steps if step.what is What.ANSWERED)
            over = next(step for step in self.steps if step.what is What.HANGS_UP)
            ending = replace(ending, operator=first.operator, talk_seconds=over.at - first.at)
        told = replace(self, steps=tuple(s for s in self.steps if s.what not in mute), ending=ending)
        unknown = What.INTERNAL in mute and self.direction is Direction.INTERNAL
        return replace(told, direction=Direction.INBOUND) if unknown else told


def _call(*, to: str, answered: int, ends: int, by: str = "caller") -> tuple[Step, ...]:
    return (
        Step(answered - 4, What.OFFERED, to),
        Step(answered, What.ANSWERED, to),
        Step(ends, What.HANGS_UP, to, word=by),
    )


_IN = (Step(0, What.RINGS), Step(1, What.MENU))
_QUEUED = (*_IN, Step(6, What.KEYS, word="0"), Step(7, What.QUEUE, word=SUPPORT))
_ANNA = (Step(10, What.OFFERED, ANNA), Step(15, What.ANSWERED, ANNA))
_ANSWERED = CallOutcome.ANSWERED_BY_OPERATOR
_ABANDONED = CallOutcome.ABANDONED

STORIES = (
    Story("answered", "An operator answers", (Step(0, What.RINGS), *_call(to=ANNA, answered=6, ends=66),
          Step(70, What.RECORDED, since=6)), Ending(_ANSWERED, ANNA, 60, recordings=1)),
    Story("queued", "Through the menu and the queue to an operator", (*_QUEUED, *_ANNA,
          Step(75, What.HANGS_UP, ANNA, word="operator")), Ending(_ANSWERED, ANNA, 60, SUPPORT)),
    Story("second", "The first operator does not answer, the second does", (*_QUEUED,
          Step(8, What.OFFERED, ANNA), Step(23, What.MISSED, ANNA), *_call(to=BEN, answered=30, ends=90)),
          Ending(_ANSWERED, BEN, 60, SUPPORT)),
    Story("missed", "Nobody answers, the caller gives up", (Step(0, What.RINGS), Step(1, What.OFFERED, ANNA),
          Step(25, What.MISSED, ANNA), Step(25, What.HANGS_UP, word="caller")), Ending(_ABANDONED)),
    Story("left_menu", "The caller gives up in the menu", (*_IN, Step(9, What.HANGS_UP, word="caller")),
          Ending(_ABANDONED)),
    Story("left_queue", "The caller gives up in the queue", (*_QUEUED,
          Step(50, What.HANGS_UP, word="caller")), Ending(_ABANDONED, queue=SUPPORT)),
    Story("blind", "Sent on blindly, and answered", (*_QUEUED, *_ANNA, Step(40, What.BLIND, ANNA, BEN),
          Step(41, What.OFFERED, BEN), Step(46, What.ANSWERED, BEN),
          Step(86, What.HANGS_UP, BEN, word="caller")),
          Ending(_ANSWERED, BEN, 65, SUPPORT)),
    Story("returned", "Sent on blindly, not answered, back with the first", (*_QUEUED, *_ANNA,
          Step(40, What.BLIND, ANNA, BEN), Step(41, What.OFFERED, BEN), Step(61, What.MISSED, BEN),
          Step(61, What.RETURNED, ANNA), Step(65, What.ANSWERED, ANNA),
          Step(85, What.HANGS_UP, ANNA, word="caller")), Ending(_ANSWERED, ANNA, 45, SUPPORT)),
    Story("attended", "The colleague is asked, then takes over", (*_QUEUED, *_ANNA,
          Step(40, What.CONSULTS, ANNA, BEN), Step(55, What.JOINED, ANNA, BEN),
          Step(95, What.HANGS_UP, BEN, word="caller")), Ending(_ANSWERED, BEN, 80, SUPPORT)),
    Story("kept", "The colleague is asked and does not take over", (*_QUEUED, *_ANNA,
          Step(40, What.CONSULTS, ANNA, BEN), Step(55, What.BACK, ANNA, BEN),
          Step(75, What.HANGS_UP, ANNA, word="caller")), Ending(_ANSWERED, ANNA, 60, SUPPORT)),
    Story("held", "Put on hold, and back", (*_QUEUED, *_ANNA, Step(30, What.HOLD, ANNA),
          Step(45, What.RESUMED, ANNA), Step(75, What.HANGS_UP, ANNA, word="caller")),
          Ending(_ANSWERED, ANNA, 60, SUPPORT)),
    Story("internal", "One operator rings another", (Step(0, What.RINGS, ANNA), *_call(to=BEN, answered=5,
          ends=35)),
          Ending(_ANSWERED, BEN, 30), Direction.INTERNAL, caller=ANNA, line=BEN),
    Story("outgoing", "An operator calls a customer, who answers", (Step(0, What.RINGS, ANNA),
          Step(8, What.ANSWERED, ANNA), Step(68, What.HANGS_UP, ANNA, word="operator"),
          Step(70, What.RECORDED, since=8)), Ending(_ANSWERED, ANNA, 60, recordings=1), Direction.OUTBOUND),
    Story("outgoing_missed", "An operator calls a customer, who does not answer", (Step(0, What.RINGS, ANNA),
          Step(30, What.HANGS_UP, ANNA, word="operator")), Ending(_ABANDONED), Direction.OUTBOUND),
    Story("call_back", "A call that we asked the PBX for", (Step(0, What.RINGS, ANNA, word="command"),
          Step(9, What.ANSWERED, ANNA), Step(39, What.HANGS_UP, ANNA, word="caller")),
          Ending(_ANSWERED, ANNA, 30), Direction.OUTBOUND),
    Story("voicemail", "Nobody there: a message", (*_QUEUED, Step(60, What.VOICEMAIL),
          Step(80, What.HANGS_UP, word="caller"), Step(85, What.RECORDED, since=60)),
          Ending(CallOutcome.VOICEMAIL, queue=SUPPORT, recordings=1)),
    Story("recorded_twice", "Two recordings of one talk", (*_QUEUED, *_ANNA,
          Step(75, What.HANGS_UP, ANNA, word="caller"), Step(80, What.RECORDED, since=15),
          Step(82, What.RECORDED, since=50)), Ending(_ANSWERED, ANNA, 60, SUPPORT, recordings=2)),
    Story("withheld", "A caller who shows no number", (Step(0, What.RINGS), *_call(to=ANNA, answered=6,
          ends=36)),
          Ending(_ANSWERED, ANNA, 30), caller=""),
    Story("short", "Answered and over within the same second", (Step(0, What.RINGS),
          Step(0, What.OFFERED, ANNA),
          Step(4, What.ANSWERED, ANNA),
          Step(4, What.HANGS_UP, ANNA, word="caller")), Ending(_ANSWERED, ANNA, 0)),
    Story("chain", "Three operators, one after the other", (*_QUEUED, *_ANNA, Step(30, What.BLIND, ANNA, BEN),
          Step(31, What.OFFERED, BEN), Step(35, What.ANSWERED, BEN), Step(50, What.CONSULTS, BEN, EVE),
          Step(60, What.JOINED, BEN, EVE), Step(80, What.HANGS_UP, EVE, word="caller")),
          Ending(_ANSWERED, EVE, 60, SUPPORT)),
)  # fmt: skip
"""Talk time is of the caller with anybody, hold and consultation included, ringing of the next one not."""


def story(name: str) -> Story:
    """The story of that name. Raises KeyError."""
    return {one.name: one for one in STORIES}[name]
