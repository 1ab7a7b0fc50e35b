"""What waiting callers are told, in the scenario's own words: its section `waiting:`, and the pieces of it.

Pure. A piece is spoken once and kept; an announcement is a few pieces in a row (`waiting_voice` joins them).
Numbers come only in the steps below, so that the pieces are few and can be made ahead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.types import StringConstraints

PLACES = 20
"""Places beyond it are told as "more than …"."""

MINUTES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60)
SOON, LONG = 1, 61
"""Minutes that are said in words of their own: a minute or less, more than an hour."""

OFFER = "offer"
"""The piece that offers a call-back."""

CODE = re.compile(r"p\d+(w\d+)?o?(i\d+)?")

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


def _with(name: str) -> AfterValidator:
    def has_one(text: str) -> str:
        # One hole and no other braces: what is filled in is a number of ours.
        if text.count(f"{{{name}}}") != 1 or text.count("{") + text.count("}") != 2:
            raise ValueError(f"write {{{name}}} once, where the number is to be said, and no other braces")
        return text

    return AfterValidator(has_one)


class WaitingWords(BaseModel):
    """The sentences that tell a caller's place and expected wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    next: _Words  # at place 1
    place: Annotated[_Words, _with("place")]  # {place} from 2 to 20
    place_beyond: _Words  # more than 20
    soon: _Words  # a minute or less
    wait: Annotated[_Words, _with("minutes")]  # {minutes} from 2 to 60
    long: _Words  # more than an hour


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one caller is told the next time."""

    place: int
    minutes: int | None = None  # SOON, one of MINUTES, or LONG; None: nothing was measured
    offer: bool = False  # to be called back
    incident: int | None = None  # its number; told first

    @property
    def code(self) -> str:
        """Short name, e.g. `p3w5o`: place 3, five minutes, with the offer. Never a language's name."""
        wait = "" if self.minutes is None else f"w{self.minutes}"
        incident = "" if self.incident is None else f"i{self.incident}"
        return f"p{min(self.place, PLACES + 1)}{wait}{'o' if self.offer else ''}{incident}"

    def pieces(self) -> Sequence[str]:
        """The names of its pieces, in order."""
        incident = [] if self.incident is None else [incident_piece(self.incident)]
        wait = [] if self.minutes is None else [f"wait-{self.minutes}"]
        offer = [OFFER] if self.offer else []
        return [*incident, f"place-{min(self.place, PLACES + 1)}", *wait, *offer]


def incident_piece(number: int) -> str:
    """The name of an incident's words."""
    return f"incident-{number}"


def texts(words: WaitingWords) -> Mapping[str, str]:
    """What is to be spoken ahead: name of the piece → text; the likely ones first."""
    told = {"place-1": words.next, f"wait-{SOON}": words.soon}
    told |= {f"place-{place}": words.place.format(place=place) for place in range(2, PLACES + 1)}
    told |= {f"wait-{minutes}": words.wait.format(minutes=minutes) for minutes in MINUTES}
    return told | {f"place-{PLACES + 1}": words.place_beyond, f"wait-{LONG}": words.long}
