"""What other help desks are told of a call: newCall, answer, hangup, as Zammad's generic CTI push takes them.

Each of them once in a call, of whichever PBX. Pure; the same call and event give the same message.
Source: Zammad's documentation of its generic CTI integration. Its numbers have no plus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tickets.call import Call
from tickets.events import CallEvent
from tickets.vocabulary import Direction, EventKind


class Event(StrEnum):
    """What is told, in the order in which it is told."""

    NEW_CALL = "newCall"
    ANSWER = "answer"
    HANGUP = "hangup"


_EVENTS = {
    EventKind.RECEIVED: Event.NEW_CALL,
    EventKind.FOUND: Event.NEW_CALL,
    EventKind.OPERATOR_ANSWERED: Event.ANSWER,
    EventKind.ENDED: Event.HANGUP,
}
_BUSY, _NOT_FOUND, _CONGESTED = (
    frozenset({"17", "busy"}),
    frozenset({"1", "notfound"}),
    frozenset({"34", "38", "42"}),
)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell."""

    event: Event
    call_id: str
    body: Mapping[str, Any]

    @property
    def before(self) -> tuple[Event, ...]:
        """What has to be told of this call before it."""
        order = list(Event)
        return tuple(order[: order.index(self.event)])


def message_of(event: CallEvent, call: Call, people: Mapping[str, str]) -> Message | None:
    """What is to be told after this event; None: nothing.

    `call`: with the event in it. `people`: extension → name. Calls among operators are nobody's business.
    """
    told = _EVENTS.get(event.kind)
    if told is None or call.direction is Direction.INTERNAL:
        return None
    person, line = _digits(call.caller or call.caller_raw) or "anonymous", _digits(call.line)
    outward = call.direction is Direction.OUTBOUND
    body: dict[str, Any] = {
        "event": told.value,
        "callId": call.call_id,
        "from": line if outward else person,
        "to": person if outward else line,
        "direction": "out" if outward else "in",
    }
    operator = call.operator
    if told is Event.ANSWER:
        operator = str(event.data.get("operator") or "") or None
        body["answeringNumber"] = operator or ""
    if operator:
        body["user"] = [people.get(operator, operator)]
    if told is Event.HANGUP:
        body["cause"] = _cause(call, str(event.data.get("cause") or ""))
    return Message(told, call.call_id, body)


def _cause(call: Call, word: str) -> str:
    """Zammad counts as missed what was hung up with another cause than the normal one."""
    if call.answered_at is not None:
        return "normalClearing"
    word = word.lower()
    if word in _BUSY:
        return "busy"
    if word in _NOT_FOUND:
        return "notFound"
    if word in _CONGESTED:
        return "congestion"
    return "noAnswer" if call.direction is Direction.OUTBOUND else "cancel"


def _digits(number: str) -> str:
    return number.strip().removeprefix("+")
