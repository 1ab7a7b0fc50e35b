"""Zadarma's statistics as facts: of each call its legs, and whether it is over by them. Pure.

A line is one leg of a call that the PBX has connected, or tried to: a menu's scenario, an extension, a
number outside. The documents do not say whether a leg is listed while another of the same call goes on; so
lines end a call only when none of them has been of the last `QUIET`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from cti.virtual_pbx.contract import digest_of, neutral_id
from cti.virtual_pbx.vendors.zadarma import words
from tickets.facts import Fact

RECORDS = "records"  # the fact's kind
QUIET = timedelta(minutes=15)
_TAPE = re.compile(r"(?:^|-)([0-9]{9,11})\.([0-9]{1,9})(?:$|-)")  # 1-1458313316.343456-100-2016-01-11-100155


@dataclass(frozen=True, slots=True)
class Leg:
    """A line of the statistics."""

    at: datetime
    seconds: int
    answered: bool
    told: Mapping[str, str]

    @property
    def ended(self) -> datetime:
        """When, as far as its length tells."""
        return self.at + timedelta(seconds=self.seconds)


def past_facts(source: str, rows: Sequence[Any], zone: tzinfo, now: datetime) -> list[Fact]:
    """One fact for each call, of all its lines."""
    calls: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        told = {name: str(value) for name, value in row.items() if isinstance(value, str | int | float)}
        at = words.moment(told.get("callstart", ""), zone)
        if (native := told.get("pbx_call_id")) and at is not None:
            calls.setdefault(native, []).append({**told, "callstart": at.isoformat()})
    facts = []
    for native, lines in calls.items():
        lines.sort(key=lambda line: sorted(line.items()))
        legs = [_leg(line) for line in lines]
        over = now - max(leg.ended for leg in legs) >= QUIET
        same = digest_of(native, str(over), *(f"{line}" for line in lines))
        data = {"pbx_call_id": native, "legs": lines, "over": over}
        at = min(leg.at for leg in legs)
        facts.append(Fact(source, same, neutral_id(source, native), RECORDS, at, data))
    return facts


def legs_of(facts: Sequence[Fact]) -> tuple[list[Leg], bool]:
    """All that the records have told of a call, the first leg first, and whether it is over by them."""
    if not facts:
        return [], False
    whole = max(facts, key=lambda fact: (bool(fact.data.get("over")), len(fact.data["legs"]), fact.fact_id))
    legs = sorted((_leg(line) for line in whole.data["legs"]), key=lambda leg: (leg.at, leg.seconds))
    return legs, bool(whole.data.get("over"))


def tape_of(name: str) -> tuple[str, datetime | None]:
    """A recording's own id, whichever way it is written, and when the call began of which it is.

    Notifications tell the file's name or the id within it, statistics the id alone, as a number.
    """
    if (found := _TAPE.search(name)) is None:
        return name, None
    return f"{found[1]}.{found[2].rstrip('0') or '0'}", datetime.fromtimestamp(int(found[1]), UTC)


def _leg(line: Mapping[str, str]) -> Leg:
    at = datetime.fromisoformat(line["callstart"])
    answered = words.said_answered(line.get("disposition"))
    return Leg(at, words.seconds(line.get("seconds")), answered, line)
