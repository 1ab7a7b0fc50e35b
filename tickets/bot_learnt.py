"""What the bot has learnt of a caller, read from a call's ledger: for whoever takes the call over.

Pure: no I/O, no clock. Private values have been masked before they came into the ledger.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tickets.events import CallEvent, Value
from tickets.order import in_order
from tickets.vocabulary import EventKind


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the caller told. `sure`: they said that it is right, or were not asked."""

    title: str
    value: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """Of the last question that the bot began with."""

    wanted: str = ""  # for people: "Check a ticket"; empty: nothing yet
    facts: tuple[Fact, ...] = ()
    lookup: str = ""  # what came of asking the company's system: "found", "not_found", or why it told nothing
    identity: str = ""  # "proved", "not_proved", or empty: nobody asked


def bot_learnt(events: Iterable[CallEvent]) -> Learnt:
    """What these events of one call say, in whatever order they come."""
    wanted = lookup = identity = ""
    facts: dict[str, Fact] = {}
    for event in in_order(event for event in events if event.kind is EventKind.BOT_LEARNT):
        name, value = _text(event.data.get("name")), _text(event.data.get("value"))
        title = _text(event.data.get("title")) or name
        match event.data.get("about"):
            case "wanted":
                wanted, lookup, facts = title, "", {}
            case "slot":
                facts[name] = Fact(title, value, event.data.get("sure") is not False)
            case "lookup":
                lookup = value
            case "identity":
                identity = value
            case _:
                pass
    return Learnt(wanted, tuple(facts.values()), lookup, identity)


def _text(value: Value) -> str:
    return "" if value is None else str(value)
