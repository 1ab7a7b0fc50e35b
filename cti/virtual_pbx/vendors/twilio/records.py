"""Twilio's records of past calls and their recordings into facts. Pure.

A record is kept with its own words (`sid`, `parent_call_sid`, `from`, `to`, `direction`, `status`,
`start_time`, `end_time`, `duration`). One of a call that still goes on is passed over: it says nothing yet.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cti.virtual_pbx.contract import digest_of, neutral_id
from cti.virtual_pbx.vendors.twilio.hooks import ENDED, RECORD, TAPE_RECORD, VENDOR, moment
from tickets.facts import Fact

_OF_CALLS = (
    "sid", "parent_call_sid", "from", "to", "direction", "status", "start_time", "end_time", "duration",
)  # fmt: skip
_OF_TAPES = ("sid", "call_sid", "status", "start_time", "duration", "channels", "source")


def facts_of(
    calls: Iterable[Mapping[str, Any]], tapes: Iterable[Mapping[str, Any]], since: datetime, now: datetime
) -> list[Fact]:
    """What they tell of calls that began since then."""
    parents: dict[str, str] = {}
    found: list[Fact] = []
    for call in calls:
        told = _texts(call, _OF_CALLS)
        parents[told["sid"]] = told["parent_call_sid"] or told["sid"]
        begin = moment(told["start_time"])
        if told["status"] in ENDED and told["sid"] and (begin is None or begin >= since):
            found.append(_fact(RECORD, told, parents[told["sid"]], moment(told["end_time"]) or begin or now))
    for tape in tapes:
        told = _texts(tape, _OF_TAPES)
        whose = told["call_sid"]
        if told["status"] == "completed" and told["sid"] and whose:
            at = moment(told["start_time"]) or now
            if at < since:
                continue
            found.append(_fact(TAPE_RECORD, told, parents.get(whose, whose), at))
    return found


def _texts(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: "" if record.get(name) is None else str(record[name])[:200] for name in names}


def _fact(kind: str, told: dict[str, str], native: str, at: datetime) -> Fact:
    return Fact(VENDOR, digest_of(kind, told["sid"], told["status"]), neutral_id(VENDOR, native), kind, at,
                {"form": told})  # fmt: skip
