"""Slots: what a question has to know before it can be answered – a ticket's number, a date, a yes.

Pure. What a slot is in the scenario file, what counts as its value in words and in keys, and how a value is
said back. Knows nothing of the turns in which it is asked for; that is `filling`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal, Self

from babel.dates import format_date
from pydantic import Field, model_validator

from voicebot import values
from voicebot.parts import Name, ScriptPart, Spoken, Title

LONGEST: Final = 32
"""Digits of the longest number that is asked for."""
GROUP: Final = 4
"""Digits that are said in one go."""
A_DIGIT_ALONE: Final = 2
"""Words of the longest utterance in which one digit by itself begins a number."""
HIDDEN: Final = "•"
SHOWN_SIGNS: Final = 2
"""Of a private value so many signs at its end are shown, to tell two of them apart."""

Length = Annotated[int, Field(ge=1, le=LONGEST)]


class Slot(ScriptPart):
    """One thing to ask for."""

    name: Name
    label: Title | None = None
    """What operators read; without it the name."""
    kind: Literal["digits", "date", "yes_no", "number"]
    ask: Spoken
    again: Spoken | None = None
    """When it was not understood; without it `ask` once more."""
    confirm: Spoken | None = None
    """"I heard {ticket}, is that right?" – without it the value is taken at once."""
    length: Length | None = None
    """Of digits: exactly so many …"""
    min_length: Length | None = None
    """… or between these two."""
    max_length: Length | None = None
    private: bool = False
    """Its value stays out of the ledger but for the last two signs."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        given = {self.length, self.min_length, self.max_length} - {None}
        if self.kind != "digits" and given:
            raise ValueError("only `kind: digits` has a length")
        if self.kind == "digits" and not given:
            raise ValueError("say how many digits there are: `length:`, or `min_length:` and `max_length:`")
        if self.length is not None and len(given) > 1 and given != {self.length}:
            raise ValueError("give either `length:`, or `min_length:` and `max_length:`")
        if self.shortest > self.longest:
            raise ValueError("`min_length:` is above `max_length:`; change one of them")
        return self

    @property
    def title(self) -> str:
        """For operators."""
        return self.label or self.name.replace("_", " ")

    @property
    def shortest(self) -> int:
        """Fewest keys that make a value."""
        if self.kind == "date":
            return 8
        return self.length or self.min_length or 1

    @property
    def longest(self) -> int:
        """Most keys that a value has: the last one ends it."""
        if self.kind == "date":
            return 8
        if self.kind == "number":
            return 9
        return self.length or self.max_length or LONGEST

    @property
    def by_keys(self) -> bool:
        """Whether its keys are digits that follow one another."""
        return self.kind != "yes_no"


@dataclass(frozen=True, slots=True)
class Whole:
    """A value was said: digits, ISO date, "yes" or "no", or a whole number, as text."""

    value: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Some digits were said, not all of them."""

    digits: str


def read(slot: Slot, text: str, language: str, today: date, begun: str = "") -> Whole | Begun | None:
    """What `text`, as a recogniser wrote it, says for this slot; `begun`: digits said before.

    Yes and no are not read here: the understanding knows them in all their wordings.
    """
    match slot.kind:
        case "digits":
            return _digits(slot, text, values.digits(text, language), begun)
        case "date":
            day = values.date_of(text, language, today)
            return None if day is None else Whole(day.isoformat())
        case "number":
            number = values.number_of(text, language)
            return None if number is None else Whole(str(number))
        case "yes_no":
            return None


def _digits(slot: Slot, text: str, said: str, begun: str) -> Whole | Begun | None:
    """Together with what was begun; who begins anew and says all of it is taken by their last word."""
    for digits in (begun + said, said) if len(said) < slot.shortest else (said, begun + said):
        if said and slot.shortest <= len(digits) <= slot.longest:
            return Whole(digits)
    if not said or (len(said) == 1 and len(text.split()) > A_DIGIT_ALONE):
        return None  # "the blue one"
    if begun and said.startswith(begun) and len(said) < slot.shortest:
        return Begun(said)  # they began anew, or what was heard before is heard along with it
    if len(begun + said) < slot.shortest:
        return Begun(begun + said)
    return Begun(said) if len(said) < slot.shortest else None


def from_keys(slot: Slot, typed: str) -> str | None:
    """The value that these keys give; None where they give none (yet).

    A date is keyed in as 19800504: with the day first it would often begin with zero, which is a person.
    """
    if not slot.shortest <= len(typed) <= slot.longest:
        return None
    if slot.kind == "number":
        return str(int(typed))
    if slot.kind == "digits":
        return typed
    try:
        return date.fromisoformat(typed).isoformat()
    except ValueError:
        return None


def say(kind: str, value: str, language: str) -> str:
    """A value as it is spoken: digits one by one, in groups; a date in words."""
    if kind == "digits":
        groups = [value[at : at + GROUP] for at in range(0, len(value), GROUP)]
        if len(groups) > 1 and len(groups[-1]) == 1:  # nobody says one digit by itself
            groups[-2:] = [groups[-2] + groups[-1]]
        return ", ".join(" ".join(group) for group in groups)
    if kind == "date":
        words = format_date(date.fromisoformat(value), format="long", locale=language.replace("-", "_"))
        return " ".join(words.split())  # not all voices know the narrow spaces of some languages
    return value


def masked(value: str) -> str:
    """A private value as others may see it."""
    shown = value[-SHOWN_SIGNS:] if len(value) > 2 * SHOWN_SIGNS - 1 else ""
    return HIDDEN * 2 + shown
