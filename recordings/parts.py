"""A tape that was delivered in parts: how they lie one after the other, and which moment is where.

A PBX that records for itself hands over one recording, or several, of a call: each began at some moment, and
has both voices apart or mixed. Pure.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

LONGEST_PAUSE_S = 20.0  # kept between two parts; nobody wants to hear ten minutes of nothing


@dataclass(frozen=True, slots=True)
class Part:
    """One recording within a call's tape."""

    part_id: str  # as whoever delivered it calls it
    at: datetime  # when it began
    seconds: float
    mixed: bool  # both voices on one track: nobody knows who speaks
    from_s: float = 0.0  # where it begins in the tape

    @property
    def until(self) -> datetime:
        """When it ended."""
        return self.at + timedelta(seconds=self.seconds)


def laid(parts: Iterable[Part]) -> tuple[Part, ...]:
    """One after the other as they began, with the silence between them, `LONGEST_PAUSE_S` at most."""
    tape: list[Part] = []
    for part in sorted(parts, key=lambda part: (part.at, part.part_id)):
        from_s = 0.0
        if tape:
            pause_s = (part.at - max(one.until for one in tape)).total_seconds()
            from_s = tape[-1].from_s + tape[-1].seconds + min(max(0.0, pause_s), LONGEST_PAUSE_S)
        tape.append(replace(part, from_s=from_s))
    return tuple(tape)


def place(parts: Sequence[Part], at: datetime) -> float:
    """Where in the tape a moment of the call is, in seconds; what was not recorded is at the nearest edge."""
    if at <= parts[0].at:
        return 0.0
    for part, after in pairwise(parts):
        if at < after.at:
            return min(part.from_s + (at - part.at).total_seconds(), after.from_s)
    last = parts[-1]
    return last.from_s + min((at - last.at).total_seconds(), last.seconds)


def name_of(parts: Iterable[Part]) -> str:
    """A word that follows from which parts a tape has; each other tape of the same call has another."""
    names = sorted(part.part_id.encode("utf-8", "replace") for part in parts)
    return hashlib.sha256(b"".join(len(name).to_bytes(4, "big") + name for name in names)).hexdigest()[:12]


def to_json(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """As plain JSON values; `from_json` gives the same back."""
    return [
        {"part_id": one.part_id, "at": one.at.isoformat(), "seconds": one.seconds, "mixed": one.mixed,
         "from_s": one.from_s}
        for one in parts
    ]  # fmt: skip


def from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    """Parts from what `to_json` made."""
    return tuple(Part(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows)
