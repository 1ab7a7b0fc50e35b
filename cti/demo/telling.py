"""Tells the story in the terminal as it happens: what the ledger commits, in words, one colour a caller.

Here names, numbers and words of the demo's invented people are printed; nothing of a real call ever is.
"""

from collections.abc import Mapping
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cti.demo.story import Ending, Person
from cti.live import LiveCalls
from tickets.call import Call
from tickets.events import CallEvent
from tickets.ledger import CallChange
from tickets.vocabulary import Direction, EventKind

COLOURS = {"a": "cyan", "b": "yellow", "c": "magenta"}


class Teller:
    """Listens to live calls and prints."""

    def __init__(self, console: Console, live: LiveCalls, people: Mapping[str, Person]) -> None:
        self._console = console
        self._live = live
        self._people = people
        self._began: datetime | None = None
        self._received: set[str] = set()  # calls: a PBX may learn more of a call's beginning afterwards

    async def run(self) -> None:
        """Tell until cancelled."""
        with self._live.subscribe() as subscription:
            while True:
                changes, _ = await subscription.next()
                for change in changes:
                    self._tell(change)

    def _tell(self, change: CallChange) -> None:
        words = in_words(change.event, change.call)
        person = self._people.get(change.call.caller or "")
        known = change.event.kind is EventKind.RECEIVED and change.call.call_id in self._received
        if words is None or person is None or known:
            return
        if change.event.kind is EventKind.RECEIVED:
            self._received.add(change.call.call_id)
        self._began = self._began or change.event.at
        seconds = (change.event.at - self._began).total_seconds()
        line = Text.assemble(
            (f"{seconds:6.1f} s  ", "dim"),
            (f"({person.letter}) {person.name:<15}", COLOURS[person.letter]),
            words,
        )
        self._console.print(line)


def in_words(event: CallEvent, call: Call) -> str | None:
    """What an event means, for somebody who watches; None for what goes without saying."""
    data = event.data
    match event.kind:
        case EventKind.RECEIVED:
            return "is called" if call.direction is Direction.OUTBOUND else f"rings {data['line']}"
        case EventKind.CUSTOMER_FOUND:
            level = data["vip_level"]
            return f"is a known customer, VIP level {level}" if level else "is a known customer"
        case EventKind.MENU_CHOICE:
            return f"presses {data['digit']}"
        case EventKind.BOT_TURN:
            saying = "is heard to say" if data["speaker"] == "caller" else "hears the bot say"
            return f"{saying}: “{data['text']}”"
        case EventKind.HANDED_OVER:
            return f"is handed over to a person: {str(data['reason']).replace('_', ' ')}"
        case EventKind.QUEUE_JOINED:
            priority = f", priority {data['priority']}" if "priority" in data else ""
            return f"waits in the queue {data['queue']}{priority}"
        case EventKind.OPERATOR_RINGING:
            return f"is offered to operator {data['operator']}: the phone rings"
        case EventKind.OPERATOR_MISSED:
            return f"is not answered by operator {data['operator']}"
        case EventKind.TRANSFERRED:
            return f"is sent on to operator {data['to']}"
        case EventKind.OPERATOR_ANSWERED:
            return f"talks with operator {data['operator']} after {call.hold_seconds:.0f} s"
        case EventKind.ENDED:
            return f"has hung up: {str(call.outcome).replace('_', ' ')}"
        case EventKind.RECORDED:
            return "the recording is on the shelf"
        case _:
            return None


def tell_ending(console: Console, endings: list[Ending]) -> None:
    """The tickets, as they lie on the desk, and what was said in each call."""
    table = Table(title="The tickets", title_justify="left", title_style="bold")
    for heading in ("Ticket", "Caller", "Status", "Ended as", "Handed over", "Hold", "Talk", "Tape"):
        table.add_column(heading, no_wrap=heading in ("Ticket", "Hold", "Talk", "Tape"))
    for ending in endings:
        call, tape = ending.call, ending.recording
        table.add_row(
            ending.ticket,
            Text(f"({ending.person.letter}) {ending.person.name}", COLOURS[ending.person.letter]),
            ending.status,
            str(call.outcome or "").replace("_", " "),
            str(call.hand_over or "–").replace("_", " "),
            f"{call.hold_seconds:.0f} s",
            f"{call.talk_seconds:.0f} s",
            f"{tape.seconds:.0f} s" if tape and not tape.missing_reason else "missing",
        )
    console.print()
    console.print(table)
    for ending in endings:
        _tell_transcript(console, ending)


def _tell_transcript(console: Console, ending: Ending) -> None:
    tape = ending.recording
    if tape is None or tape.transcript is None:
        return
    console.print(f"\n[bold]{ending.ticket}[/], transcribed from the recording ({tape.transcript.engine}):")
    for phrase in tape.transcript.phrases:
        colour = COLOURS[ending.person.letter] if phrase.speaker == "caller" else "dim"
        who = "" if phrase.speaker == "unknown" else phrase.speaker
        console.print(Text(f"{phrase.start_s:6.1f} s  {who:<9}{phrase.text}", colour))
