"""What Mango's webhooks and records say, read out of their JSON and CSV.

Pure: knows no call and no event of ours. Mango's own examples give numbers as text or as numbers, misspell
`location`, and leave out what is not known: all of that is read. Every reader takes any JSON and raises
nothing; what makes no sense is as if it were not there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

APPEARED, CONNECTED, ON_HOLD, DISCONNECTED = "Appeared", "Connected", "OnHold", "Disconnected"
IVR, QUEUE, PERSON = "ivr", "queue", "abonent"
CONSULTATIVE, BLIND, RETURN_BLIND = "consultative", "blind", "return_blind"
GIVEN_ELSEWHERE = frozenset({1182, 1183})  # a phone stopped ringing because another took the call
MOST_SEQUENCE = 1_000_000  # of the news of one leg; more is nonsense

Told = Mapping[str, Any]


def text(value: object) -> str:
    """Text, or a number as text; empty where there is neither."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(value: object) -> int | None:
    """A whole number, also one that is written as text."""
    try:
        number = float(text(value)) if not isinstance(value, float) else value
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and abs(number) < 2**53 else None


def moment(value: object) -> datetime | None:
    """Seconds since 1970, UTC. Mango's documents label it UTC+3; clients that work take it as it is."""
    seconds = whole(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def part(told: Told, name: str) -> Told:
    """An object inside an object."""
    value = told.get(name)
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a leg."""

    extension: str = ""  # of the vendor; empty: nobody of the company's, as far as Mango knows
    number: str = ""  # digits, or sip:…
    held: bool = False  # it was this side who put the other on hold

    @property
    def word(self) -> str:
        """What names them best."""
        return self.extension or self.number


@dataclass(frozen=True, slots=True)
class LegNews:
    """One `/events/call`: a leg of a call is now so. Order within a leg: `seq`."""

    fact_id: str
    at: datetime
    leg: str
    seq: int
    state: str
    place: str  # IVR, QUEUE, PERSON
    caller: Party
    called: Party
    line: str
    group: str
    taken_from: str  # leg that one side was in before
    transfer: str  # of which kind
    ordered: bool  # a command made it: ours, or a call-back of the vendor's own
    reason: int | None


def leg_news(fact_id: str, at: datetime, told: Told) -> LegNews:
    """Read what `/events/call` told."""
    caller, called = part(told, "from"), part(told, "to")
    place = text(told.get("location", told.get("locaton"))).partition(".")[0]
    return LegNews(
        fact_id,
        at,
        leg=text(told.get("call_id")),
        seq=whole(told.get("seq")) or 0,
        state=text(told.get("call_state")),
        place=place or PERSON,
        caller=_party(caller),
        called=_party(called),
        line=text(called.get("line_number")),
        group=text(called.get("acd_group")),
        taken_from=text(caller.get("taken_from_call_id")) or text(called.get("taken_from_call_id")),
        transfer=text(told.get("transfer")),
        ordered=bool(text(told.get("command_id")) or text(told.get("callback_initiator"))),
        reason=whole(told.get("disconnect_reason")),
    )


def _party(told: Told) -> Party:
    return Party(text(told.get("extension")), text(told.get("number")), told.get("hold_initiator") is True)


@dataclass(frozen=True, slots=True)
class Summary:
    """`/events/summary`: the call is over."""

    fact_id: str
    direction: int | None  # 0 internal, 1 inbound, 2 outbound
    caller: Party
    called: Party
    line: str
    began: datetime | None
    answered: datetime | None  # None: nobody talked with anybody
    ended: datetime
    reason: int | None


def summary(fact_id: str, at: datetime, told: Told) -> Summary:
    """Read what `/events/summary` told."""
    return Summary(
        fact_id,
        direction=whole(told.get("call_direction")),
        caller=_party(part(told, "from")),
        called=_party(part(told, "to")),
        line=text(told.get("line_number")),
        began=moment(told.get("create_time")),
        answered=moment(told.get("talk_time")),
        ended=moment(told.get("end_time")) or at,
        reason=whole(told.get("disconnect_reason")),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the statistics: a leg that is over."""

    recordings: tuple[str, ...]
    start: datetime
    finish: datetime
    answer: datetime | None
    caller: Party
    called: Party
    reason: int | None
    line: str
    place: str
    created: datetime | None  # when the whole call began


COLUMNS = (
    "records", "start", "finish", "answer", "from_extension", "from_number", "to_extension", "to_number",
    "disconnect_reason", "line_number", "location", "create", "entry_id",
)  # fmt: skip
"""The columns that we ask for; the vendor gives them in the order in which they were asked for."""


def csv_rows(csv: str) -> dict[str, list[dict[str, str]]]:
    """The statistics' lines, by `entry_id`. Values hold no quotes and no separators, so says Mango."""
    found: dict[str, list[dict[str, str]]] = {}
    for line in csv.lstrip("\ufeff").splitlines():
        cells = [cell.strip().strip('"') for cell in line.split(";")]
        if len(cells) != len(COLUMNS) or cells[0] == COLUMNS[0]:
            continue  # an empty line, or the columns' names
        row = dict(zip(COLUMNS, cells, strict=True))
        if row["entry_id"] and moment(row["start"]) and moment(row["finish"]):
            found.setdefault(row["entry_id"], []).append(row)
    return found


def row_of(told: Told) -> Row | None:
    """Read a line of the statistics; None: it is none."""
    start, finish = moment(told.get("start")), moment(told.get("finish"))
    if start is None or finish is None:
        return None
    recordings = text(told.get("records")).strip("[]").split(",")
    return Row(
        recordings=tuple(one.strip() for one in recordings if one.strip()),
        start=start,
        finish=finish,
        answer=moment(told.get("answer")),
        caller=Party(text(told.get("from_extension")), text(told.get("from_number"))),
        called=Party(text(told.get("to_extension")), text(told.get("to_number"))),
        reason=whole(told.get("disconnect_reason")),
        line=text(told.get("line_number")),
        place=text(told.get("location")).partition(".")[0] or PERSON,
        created=moment(told.get("create")),
    )
