"""The bar of filters above a list: its fields, what is chosen, and the addresses that each choice leads to.

Pure: knows the wishes of a list as an address has them, not the list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date

from cti.web.languages import _, language, ngettext
from cti.web.list_inputs import CallQuery, ListQuery, TicketQuery
from cti.web.words import HAND_OVERS, OUTCOMES, STATES, STATUSES, headline
from tickets.vocabulary import CallOutcome, CallState, HandOver, TicketStatus

TALKED_S = (30, 60, 180, 300, 600, 1800)
Options = Sequence[tuple[str, str]]  # value → name


@dataclass(frozen=True, slots=True)
class Field:
    """One filter."""

    name: str  # of the query
    label: str
    value: str
    kind: str = "select"  # or "date" or "text"
    options: Options = ()
    shown: str = ""  # what is chosen, for people; empty: nothing is

    @property
    def chosen(self) -> bool:
        """Whether it narrows the list."""
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Bar:
    """The filters of a list."""

    path: str
    given: Mapping[str, str]  # what the address asks for, without its cursor
    tab: str  # the filter that has tabs of its own
    tabs: Options
    fields: Sequence[Field]

    @property
    def query(self) -> str:
        """What the address asks for, to go on with."""
        return urlencode(self.given)

    @property
    def chosen(self) -> list[Field]:
        """The filters that narrow the list, beside the tabs."""
        return [field for field in self.fields if field.chosen]

    def address(self, name: str, value: str = "") -> str:
        """The list with one filter changed; empty: without it."""
        left = {key: kept for key, kept in self.given.items() if key != name} | (
            {name: value} if value else {}
        )
        return self.path + (f"?{urlencode(left)}" if left else "")


def call_bar(query: CallQuery, queues: Iterable[str], operators: Mapping[str, str]) -> Bar:
    """Above the calls. `operators`: extension → name."""
    given = _given(query)
    states = (CallState.QUEUED, CallState.TALKING, CallState.BOT, CallState.ENDED)
    tabs = [("", _("All")), *((state.value, STATES[state].text) for state in states)]
    return Bar("/calls", given, "state", tabs, _fields(given, query, queues, operators))


def ticket_bar(query: TicketQuery, queues: Iterable[str], operators: Mapping[str, str]) -> Bar:
    """Above the tickets. `operators`: extension → name."""
    given = _given(query)
    tabs = [("", _("All")), *((status.value, STATUSES[status].text) for status in TicketStatus)]
    assigned = [("me", _("to me")), ("my_groups", _("to my groups")), ("nobody", _("to nobody"))]
    fields = _fields(given, query, queues, operators)
    own = [
        _select(given, "assigned", _("Assigned"), assigned),
        Field("tag", _("Tag"), given.get("tag", ""), "text", shown=given.get("tag", "")),
    ]
    return Bar("/tickets", given, "status", tabs, [*fields[:2], *own, *fields[2:]])


def _given(query: ListQuery) -> dict[str, str]:
    asked: dict[str, Any] = query.model_dump(mode="json", exclude_none=True, exclude={"cursor", "limit"})
    return {
        name: ("1" if value else "0") if isinstance(value, bool) else str(value)
        for name, value in asked.items()
    }


def _fields(
    given: Mapping[str, str], query: ListQuery, queues: Iterable[str], operators: Mapping[str, str]
) -> list[Field]:
    outcomes = [(outcome.value, OUTCOMES[outcome].text) for outcome in CallOutcome]
    reasons = [(reason.value, HAND_OVERS[reason].text) for reason in HandOver]
    talked = [(str(seconds), _at_least(seconds)) for seconds in TALKED_S]
    return [
        _date(given, "since", _("From"), query.since),
        _date(given, "until", _("To"), query.until),
        _select(given, "queue", _("Queue"), [(queue, headline(queue)) for queue in sorted(queues)]),
        _select(given, "operator", _("Operator"), sorted(operators.items(), key=lambda one: one[1])),
        _select(given, "outcome", _("How it went"), outcomes),
        _select(given, "hand_over", _("Hand-over"), reasons),
        Field("topic", _("Topic"), given.get("topic", ""), "text", shown=headline(given.get("topic"))),
        _select(given, "vip", _("VIP"), [("1", _("VIPs only")), ("0", _("without VIPs"))]),
        _select(given, "recorded", _("Recording"), [("1", _("with a recording")), ("0", _("without one"))]),
        _select(given, "talked", _("Talked"), talked),
    ]


def _select(given: Mapping[str, str], name: str, label: str, options: Options) -> Field:
    value = given.get(name, "")
    if value and value not in dict(options):  # a shared address may name what is not offered here
        options = [*options, (value, value)]
    return Field(name, label, value, options=options, shown=dict(options).get(value, ""))


def _date(given: Mapping[str, str], name: str, label: str, day: date | None) -> Field:
    shown = format_date(day, "medium", locale=language()) if day else ""
    return Field(name, label, given.get(name, ""), "date", shown=shown)


def _at_least(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(num)s second or more", "%(num)s seconds or more", seconds)
    return ngettext("%(num)s minute or more", "%(num)s minutes or more", seconds // 60)
