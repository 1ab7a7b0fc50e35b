"""Twilio's records of past calls and their recordings into facts. Pure.

A record is kept with its own words (`sid`, `parent_call_sid`, `from`, `to`, `direction`, `status`,
`start_time`, `end_time`, `duration`). One of a call that still goes on is passed over: it says nothing yet.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from cti.virtual_pbx.contract import digest_of, neutral_id
from cti.virtual_pbx.vendors.twilio.hooks import ENDED, RECORD, TAPE_RECORD, VENDOR, moment
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from tickets.facts import Fact

_OF_CALLS = (
    "sid", "parent_call_sid", "from", "to", "direction", "status", "start_time", "end_time", "duration",
)  # fmt: skip
_OF_TAPES = ("sid", "call_sid", "status", "start_time", "duration", "channels", "source")


Record = Mapping[str, Any]


def of_the_centre(
    calls: Iterable[Record],
    tapes: Iterable[Record],
    settings: TwilioSettings,
    lines: Collection[str],
    told: Collection[str],
) -> tuple[list[Record], list[Record]]:
    """Those calls and recordings that are the contact centre's: an account may have other numbers, and other
    work. Ours is what comes in on a line, what an operator dials on a phone at Twilio, what rings an operator
    because we asked for it, and the legs of these.

    Args:
        lines: E.164.
        told: SIDs of earlier calls (see `of_before`) that are known to be ours.
    """
    read = [(call, _texts(call, _OF_CALLS)) for call in calls]
    roots = {of["sid"] for _, of in read if not of["parent_call_sid"]}
    ours = {of["sid"] for _, of in read if not of["parent_call_sid"] and _is_ours(of, settings, lines)} | set(
        told
    )
    for _, of in read:
        parent = of["parent_call_sid"]
        if parent and parent not in roots and settings.operator_at(of["to"]) is not None:
            ours.add(parent)
    mine = [(call, of["sid"]) for call, of in read if (of["parent_call_sid"] or of["sid"]) in ours]
    known = ours | {sid for _, sid in mine}
    return [call for call, _ in mine], [
        tape for tape in tapes if _texts(tape, _OF_TAPES)["call_sid"] in known
    ]


def of_before(calls: Iterable[Record], tapes: Iterable[Record]) -> set[str]:
    """SIDs of calls that recordings are of, and that began before these records."""
    named = {_texts(tape, _OF_TAPES)["call_sid"] for tape in tapes}
    return named - {_texts(call, _OF_CALLS)["sid"] for call in calls} - {""}


def _is_ours(told: Mapping[str, str], settings: TwilioSettings, lines: Collection[str]) -> bool:
    caller, called = told["from"], told["to"]
    known = {*lines, settings.caller_id} - {""}
    if told["direction"] == "outbound-api":
        return caller in known and settings.operator_at(called) is not None
    # An operator's telephone may ring other numbers of the account, too: only a phone at Twilio is at work.
    at_work = not caller.startswith("+") and settings.operator_at(caller) is not None
    return at_work or called in known


def facts_of(calls: Iterable[Record], tapes: Iterable[Record], since: datetime, now: datetime) -> list[Fact]:
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
