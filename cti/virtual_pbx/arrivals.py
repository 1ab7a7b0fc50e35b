"""The last webhooks at the door, for whoever is connecting a PBX and wants to know what came of them.

In memory only, and few. What is told of them names no number in full and nothing of what they held.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cti.virtual_pbx.contract import VirtualPbx
from tickets.facts import Fact
from tickets.vocabulary import EventKind

REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Arrival:
    """One webhook, as it is shown."""

    number: int  # counted from the service's start
    vendor: str
    at: datetime  # by our clock
    result: str  # as at /metrics: kept, repeated, forged, …
    reason: str = ""  # of a refusal, in a sentence
    kinds: tuple[str, ...] = ()  # the vendor's words for what it told; none: only a check
    caller: str = ""  # masked; empty: it named none
    behind_s: float | None = None  # how far the vendor's time lies behind ours; None: it tells no times

    def as_json(self) -> dict[str, Any]:
        """For the door's answer."""
        return {
            "number": self.number,
            "vendor": self.vendor,
            "at": self.at.isoformat(),
            "result": self.result,
            "reason": self.reason,
            "kinds": list(self.kinds),
            "caller": self.caller,
            "behind_s": self.behind_s,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Read it again. Raises KeyError, TypeError, ValueError."""
        behind = told["behind_s"]
        return cls(
            number=int(told["number"]),
            vendor=str(told["vendor"]),
            at=datetime.fromisoformat(told["at"]),
            result=str(told["result"]),
            reason=str(told["reason"]),
            kinds=tuple(str(kind) for kind in told["kinds"]),
            caller=str(told["caller"]),
            behind_s=None if behind is None else float(behind),
        )


@dataclass(frozen=True, slots=True)
class _Noted:
    number: int
    vendor: VirtualPbx[Any]
    at: datetime
    result: str
    reason: str
    facts: Sequence[Fact]


class Arrivals:
    """Remembers some. What they mean is worked out only when somebody asks."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque(maxlen=REMEMBERED)
        self._number = 0

    def note(
        self,
        vendor: VirtualPbx[Any],
        at: datetime,
        result: str,
        facts: Sequence[Fact] = (),
        reason: str = "",
    ) -> None:
        """One has come."""
        self._number += 1
        self._noted.append(_Noted(self._number, vendor, at, result, reason, facts))

    def since(self, number: int) -> list[Arrival]:
        """Those after that one, in their order."""
        return [_shown(noted) for noted in self._noted if noted.number > number]


def _shown(noted: _Noted) -> Arrival:
    facts = noted.facts
    # A vendor without times of its own has told what happened when it came.
    told = [(noted.at - fact.at).total_seconds() for fact in facts if fact.at != noted.at]
    return Arrival(
        number=noted.number,
        vendor=noted.vendor.vendor,
        at=noted.at,
        result=noted.result,
        reason=noted.reason,
        kinds=tuple(dict.fromkeys(fact.kind for fact in facts)),
        caller=_caller(noted.vendor, facts),
        behind_s=min(told, key=abs) if told else None,
    )


def _caller(vendor: VirtualPbx[Any], facts: Sequence[Fact]) -> str:
    if not facts:
        return ""
    try:
        events = vendor.tell(facts)
    except Exception:  # a part of a call may make no sense without the rest
        return ""
    for event in events:
        if event.kind is EventKind.RECEIVED:
            return masked(str(event.data.get("caller") or event.data.get("caller_raw") or ""))
    return ""


def masked(number: str) -> str:
    """A number that its owner knows again and nobody else."""
    if len(number) < 8:
        return "•" * len(number)
    return f"{number[:4]}{'•' * (len(number) - 6)}{number[-2:]}"
