"""What goes into the dialogue and what comes out of it, and the state in between. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from tickets.vocabulary import HandOver
from voicebot.lookup import Answer
from voicebot.texts import Part
from voicebot.understanding import Understood

LIKELY: Final = 0.8
"""Score from which a question is taken for asked although the recogniser was not sure of the words."""

# --- inputs ---


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller said something. `clear`: the recogniser was sure of the words."""

    understood: Understood
    clear: bool = True
    text: str = ""
    unheard: bool = False  # long enough for a sentence, and no recogniser made words of it

    @property
    def doubtful(self) -> bool:
        """Whether it is not to be acted on unasked: the words are not sure, nor what they mean."""
        return not self.clear and self.understood.score < LIKELY


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed a key: 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class KeysPaused:
    """No key has followed for a while."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The bot waited, and the caller said nothing."""


@dataclass(frozen=True, slots=True)
class AllSaid:
    """Everything that the bot had to say was heard, and nobody is speaking."""


@dataclass(frozen=True, slots=True)
class StillLooking:
    """A look-up takes long. `serial`: which."""

    serial: int


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A look-up has come back."""

    serial: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The conversation reached its limit."""


Input = Heard | Key | KeysPaused | Silence | AllSaid | StillLooking | LookedUp | TimeIsUp


# --- actions ---


@dataclass(frozen=True, slots=True)
class Say:
    """Speak this. `prompt` names it for the ledger: "greeting", "answer:next_draw", …"""

    prompt: str
    text: str  # as the ledger keeps it
    parts: tuple[Part, ...] = ()  # as it is spoken; nothing: the text itself

    @property
    def spoken(self) -> tuple[Part, ...]:
        """What is to be heard, in order."""
        return self.parts or (Part(self.text),)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the company's system; the answer comes back as `LookedUp` with the same serial."""

    serial: int
    name: str
    values: Mapping[str, str]


class About(StrEnum):
    """What a note is of."""

    WANTED = "wanted"  # a question of the script's
    SLOT = "slot"  # a value that the caller gave
    LOOKUP = "lookup"  # what came of a look-up: "found", "not_found", or a word of `Trouble`
    IDENTITY = "identity"  # "proved" or "not_proved"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that whoever takes the call over should know. Private values come masked."""

    about: About
    name: str
    title: str = ""  # for people
    value: str = ""
    sure: bool = True  # False: the caller has not confirmed it


@dataclass(frozen=True, slots=True)
class Thumb:
    """The caller said whether the answer helped."""

    up: bool
    question: str | None  # name of the last one answered


@dataclass(frozen=True, slots=True)
class GiveToOperator:
    """Once everything before is said, the caller goes to a person; at once if there is nothing."""

    reason: HandOver


@dataclass(frozen=True, slots=True)
class Finish:
    """Once everything before is said, the call is over: the bot answered."""


Action = Say | LookUp | Note | Thumb | GiveToOperator | Finish


# --- state ---


@dataclass(frozen=True, slots=True)
class Asking:
    """A question that cannot be answered yet."""

    question: str
    identity: bool = False  # the slots asked for now are those of the identity check
    values: Mapping[str, str] = field(default_factory=dict)  # slots that are known, by name
    offered: str | None = None  # the current slot's value, waits for a yes
    begun: str = ""  # digits that were said so far
    typed: str = ""  # keys that were pressed so far
    pauses: int = 0  # since the last of them
    failures: int = 0  # turns in which the current slot got no further
    corrections: int = 0  # values that the caller took back by saying another
    unknown: int = 0  # times that the company did not know what was asked for
    looking: bool = False  # a look-up is under way
    unclear: bool = False  # and meanwhile something was said that nobody understood


class Judging(StrEnum):
    """How far the question whether it helped has got."""

    ANSWER = "answer"  # one: it did; two: it did not
    OFFER = "offer"  # it did not: would they like a person?


@dataclass(frozen=True, slots=True)
class Supposed:
    """A question that was perhaps asked; the bot has asked back, and waits for a yes."""

    question: str
    text: str  # the caller's words


@dataclass(frozen=True, slots=True)
class State:
    """Where the conversation stands."""

    today: date = date.min  # where the callers are
    customer: str | None = None  # their name, when it is known
    answered: str | None = None  # topic of the last question answered
    after: str | None = None  # its name
    misses: int = 0  # turns in a row that were not understood
    silences: int = 0  # since something was last understood
    unheard: bool = False  # so was what they said last
    closing: bool = False  # good-bye is being said; the caller may still speak up
    over: bool = False  # decided; nothing changes it any more
    asking: Asking | None = None
    supposed: Supposed | None = None
    known: Mapping[str, str] = field(default_factory=dict)  # from the identity check: holds for all questions
    last: Mapping[str, str] = field(default_factory=dict)  # values of the last question answered
    identified: bool = False
    identity_failures: int = 0
    serial: int = 0  # of the last look-up
    judging: Judging | None = None
    judged: bool = False  # it was asked whether the answers helped: once is enough

    @property
    def typing(self) -> bool:
        """Whether keys have begun a number that is not at its end."""
        return self.asking is not None and bool(self.asking.typed)


@dataclass(frozen=True, slots=True)
class Step:
    """The state after an input, and what to do, in order."""

    state: State
    actions: tuple[Action, ...] = ()

    def after(self, *first: Action) -> "Step":
        """The same, with these actions before."""
        return Step(self.state, (*first, *self.actions))
