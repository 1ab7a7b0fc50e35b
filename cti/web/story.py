"""A call's ledger told for people: the bar of its stretches, and the conversation with menu and bot.

Pure: events and the present time in, drawings out. Only presents; what a call *is*, `tickets.call` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cti.web.words import HAND_OVERS, headline
from tickets.events import CallEvent
from tickets.order import in_order
from tickets.vocabulary import EventKind, HandOver

STAGES = {
    EventKind.RECEIVED: "reception",
    EventKind.MENU_ENTERED: "menu",
    EventKind.BOT_STARTED: "bot",
    EventKind.BOT_ENDED: "reception",
    EventKind.QUEUE_JOINED: "queue",
    EventKind.OPERATOR_ANSWERED: "talk",
    EventKind.OPERATOR_LEFT: "reception",
    EventKind.VOICEMAIL_STARTED: "voicemail",
}

STAGE_NAMES = {
    "reception": "Connecting",
    "menu": "Menu",
    "bot": "Bot",
    "queue": "Waiting",
    "talk": "Talking",
    "voicemail": "Message",
}

INTENTS = {  # what the bot can take words for, besides the scenario's own questions
    "operator": "a wish for a person",
    "out_of_scope": "a question beyond it",
    "nothing": "",
    "goodbye": "good-bye",
    "yes": "yes",
    "no": "no",
}

SHORTEST_S = 1.0  # a connecting stretch below this is only the seam between two others


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a call spent in one place."""

    stage: str  # a key of STAGE_NAMES, and a class of the style sheet
    start_s: float  # from the first event
    seconds: float

    @property
    def name(self) -> str:
        """For people."""
        return STAGE_NAMES[self.stage]


@dataclass(frozen=True, slots=True)
class Bar:
    """A call as a bar."""

    began_at: datetime
    seconds: float
    stretches: tuple[Stretch, ...]

    @property
    def totals(self) -> list[Stretch]:
        """Time per stage, in the order in which the stages came."""
        sums: dict[str, Stretch] = {}
        for stretch in self.stretches:
            known = sums.get(stretch.stage)
            sums[stretch.stage] = (
                replace(known, seconds=known.seconds + stretch.seconds) if known else stretch
            )
        return [total for total in sums.values() if total.stage != "reception" or total.seconds >= SHORTEST_S]


def call_bar(events: Iterable[CallEvent], now: datetime) -> Bar | None:
    """The call's stretches. A live call reaches to `now`; None without any event."""
    ordered = in_order(events)
    shown = [event for event in ordered if event.kind in STAGES]
    if not shown:
        return None
    began = shown[0].at if shown[0].kind is EventKind.RECEIVED else min(event.at for event in shown)
    over = [event.at for event in ordered if event.kind is EventKind.ENDED]
    end = max(min(over) if over else max(now, *(event.at for event in shown)), began)
    times = _in_step([event.at for event in shown], began, end)
    steps = [(at, STAGES[event.kind]) for at, event in zip(times, shown, strict=True)]
    stretches: list[Stretch] = []
    for (at, stage), (until, _) in zip(steps, [*steps[1:], (end, "")], strict=True):
        seconds = (until - at).total_seconds()
        if stage == "reception" and seconds < SHORTEST_S and stretches:
            last = stretches.pop()
            stretches.append(replace(last, seconds=last.seconds + seconds))
        elif stretches and stretches[-1].stage == stage:
            stretches[-1] = replace(stretches[-1], seconds=stretches[-1].seconds + seconds)
        else:
            stretches.append(Stretch(stage, (at - began).total_seconds(), seconds))
    return Bar(
        began, (end - began).total_seconds(), tuple(stretch for stretch in stretches if stretch.seconds > 0)
    )


def _in_step(times: list[datetime], began: datetime, end: datetime) -> list[datetime]:
    """Times that never run backward, though their clocks may differ: what is out of step gets no length."""
    latest = end
    for number in range(len(times) - 1, -1, -1):
        times[number] = latest = min(times[number], latest)
    earliest = began
    for number, at in enumerate(times):
        times[number] = earliest = max(at, earliest)
    return times


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the conversation with menu and bot."""

    speaker: str  # "caller", "bot" or "step": something that happened in between
    text: str
    at: datetime
    understood: str = ""  # what the bot took it for
    confidence: float | None = None  # 0 … 1
    icon: str = ""


def conversation(events: Iterable[CallEvent], operators: Mapping[str, str]) -> list[Said]:
    """What the caller pressed, said and was told before a person answered.

    `operators`: extension → name.
    """
    lines = (_line(event, operators) for event in in_order(events))
    return [line for line in lines if line is not None]


def heard_by_bot(lines: Sequence[Said]) -> bool:
    """Whether the bot took part at all."""
    return any(line.speaker != "step" for line in lines)


def _line(event: CallEvent, operators: Mapping[str, str]) -> Said | None:
    data = event.data
    extension = str(data.get("operator", "?"))
    operator = operators.get(extension, f"Operator {extension}")
    match event.kind:
        case EventKind.MENU_CHOICE:
            return Said("step", f"Pressed {data.get('digit', '?')} in the menu", event.at, icon="key")
        case EventKind.ANNOUNCED:
            return Said("step", f"Heard: {headline(str(data.get('option', '')))}", event.at, icon="text")
        case EventKind.BOT_TURN:
            speaker = "caller" if data.get("speaker") == "caller" else "bot"
            confidence = data.get("confidence")
            return Said(
                speaker,
                str(data.get("text") or ""),
                event.at,
                understood=_understood(data.get("intent")) if speaker == "caller" else "",
                confidence=float(confidence) if isinstance(confidence, int | float) else None,
            )
        case EventKind.HANDED_OVER:
            return Said(
                "step", f"Handed to an operator: {_reason(data.get('reason'))}", event.at, icon="hand"
            )
        case EventKind.CALL_BACK_PROMISED:
            return Said("step", "Was promised a call-back", event.at, icon="phone")
        case EventKind.OPERATOR_MISSED:
            return Said("step", f"{operator} did not answer", event.at, icon="phone")
        case EventKind.OPERATOR_ANSWERED:
            return Said("step", f"{operator} answered", event.at, icon="phone")
        case _:
            return None


def _understood(intent: object) -> str:
    return INTENTS.get(str(intent), f"“{headline(str(intent))}”") if intent else ""


def _reason(value: object) -> str:
    try:
        return HAND_OVERS[HandOver(str(value))].text.lower()
    except ValueError:
        return "no reason given"
