"""A call's ledger told for people: the bar of its stretches, and the conversation with menu and bot.

Pure: events and the present time in, drawings out. Only presents; what a call *is*, `tickets.call` says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cti.web.languages import N_, _
from cti.web.words import HAND_OVERS, headline, language_name
from recordings.parts import Part, place
from tickets.bot_visits import ANSWER
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
    EventKind.HOLD_STARTED: "hold",
    EventKind.HOLD_ENDED: "talk",
    EventKind.OPERATOR_LEFT: "reception",
    EventKind.VOICEMAIL_STARTED: "voicemail",
}

STAGE_NAMES = {
    "reception": N_("Connecting"),
    "menu": N_("Menu"),
    "bot": N_("Bot"),
    "queue": N_("Waiting"),
    "talk": N_("Talking"),
    "hold": N_("On hold"),
    "voicemail": N_("Message"),
}

INTENTS = {  # what the bot can take words for, besides the scenario's own questions
    "operator": N_("a wish for a person"),
    "out_of_scope": N_("a question beyond it"),
    "nothing": "",
    "goodbye": N_("good-bye"),
    "yes": N_("yes"),
    "no": N_("no"),
    "reply": N_("an answer to the bot"),
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
        return _(STAGE_NAMES[self.stage])


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


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a call's recording that people look for."""

    kind: str  # a stage, or "hand_over", "transfer", "paused"; a class of the style sheet
    name: str
    at_s: float  # from the recording's beginning
    seconds: float = 0.0  # 0: a moment without length
    stage: bool = False  # one of the stretches that the call is made of


def moments(bar: Bar, events: Iterable[CallEvent], operators: Mapping[str, str]) -> list[Moment]:
    """What a call's recording is marked with. `operators`: extension → name.

    The PBX records from the first ring, so a moment of the call is the same moment of the recording.
    """
    found = [
        Moment(part.stage, part.name, part.start_s, part.seconds, stage=True)
        for part in bar.stretches
        if part.stage != "reception" or part.seconds >= SHORTEST_S
    ]
    paused_at: datetime | None = None
    for event in in_order(events):
        at_s = max(0.0, (event.at - bar.began_at).total_seconds())
        match event.kind:
            case EventKind.HANDED_OVER:
                found.append(Moment("hand_over", _handed_over(event), at_s))
            case EventKind.TRANSFERRED:
                whom = _name(str(event.data.get("to", "?")), operators)
                found.append(Moment("transfer", _("Transferred to %(whom)s", whom=whom), at_s))
            case EventKind.RECORDING_PAUSED:
                paused_at = paused_at or event.at
            case EventKind.RECORDING_RESUMED | EventKind.ENDED if paused_at is not None:
                since_s = max(0.0, (paused_at - bar.began_at).total_seconds())
                found.append(Moment("paused", _("Recording paused"), since_s, at_s - since_s))
                paused_at = None
            case _:
                pass
    return sorted(found, key=lambda moment: moment.at_s)


def on_tape(marks: Iterable[Moment], began_at: datetime, parts: Sequence[Part]) -> list[Moment]:
    """The same moments where they are in a recording that a PBX made in parts; what it lacks falls away."""
    found = []
    first, last = parts[0].at, max(part.until for part in parts)
    for mark in marks:
        since = began_at + timedelta(seconds=mark.at_s)
        until = since + timedelta(seconds=mark.seconds)
        at_s, end_s = place(parts, since), place(parts, until)
        heard = end_s - at_s >= SHORTEST_S / 2 if mark.seconds else first <= since <= last
        if heard:
            found.append(replace(mark, at_s=round(at_s, 3), seconds=round(end_s - at_s, 3)))
    return found


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
    for (at, stage), (until, _then) in zip(steps, [*steps[1:], (end, "")], strict=True):
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
    at_s: float | None = None  # where it begins in the recording
    answers: str = ""  # the question to which the bot says its answer


def conversation(events: Iterable[CallEvent], operators: Mapping[str, str]) -> list[Said]:
    """What the caller pressed, said and was told before a person answered.

    `operators`: extension → name.
    """
    began = bot_began = None
    lines: list[Said] = []
    for event in in_order(events):
        if event.kind is EventKind.RECEIVED:
            began = began or event.at
        elif event.kind is EventKind.BOT_STARTED:
            bot_began = event.at
        if (line := _line(event, operators)) is not None:
            lines.append(replace(line, at_s=_in_recording(event, began, bot_began)))
    return lines


def _in_recording(event: CallEvent, began: datetime | None, bot_began: datetime | None) -> float | None:
    """When a turn began, in seconds of the recording: it is told only when it was understood."""
    offset = event.data.get("offset_seconds")
    if event.kind is not EventKind.BOT_TURN or began is None or bot_began is None:
        return None
    if not isinstance(offset, int | float):  # when it was understood is better than nothing
        return round(max(0.0, (event.at - began).total_seconds()), 1)
    return round(max(0.0, (bot_began - began).total_seconds() + offset), 1)


def lines_on_tape(lines: Iterable[Said], began_at: datetime, parts: Sequence[Part]) -> list[Said]:
    """The same lines where they are in a recording that a PBX made in parts; nowhere if it recorded nothing
    at that time.
    """
    found = []
    for line in lines:
        at_s = None
        if line.at_s is not None:
            at = began_at + timedelta(seconds=line.at_s)
            at_s = round(place(parts, at), 1) if any(one.at <= at < one.until for one in parts) else None
        found.append(replace(line, at_s=at_s))
    return found


def heard_by_bot(lines: Sequence[Said]) -> bool:
    """Whether the bot took part at all."""
    return any(line.speaker != "step" for line in lines)


def _line(event: CallEvent, operators: Mapping[str, str]) -> Said | None:
    data = event.data
    extension = str(data.get("operator", "?"))
    operator = _name(extension, operators)
    match event.kind:
        case EventKind.MENU_CHOICE:
            return Said(
                "step", _("Pressed %(key)s in the menu", key=data.get("digit", "?")), event.at, icon="key"
            )
        case EventKind.LANGUAGE:
            tag = str(event.data.get("language", "?"))
            goes_on = _("The call goes on in: %(language)s", language=language_name(tag))
            return Said("step", goes_on, event.at, icon="globe")
        case EventKind.ANNOUNCED:
            told = headline(str(data.get("option", "")))
            return Said("step", _("Heard: %(what)s", what=told), event.at, icon="text")
        case EventKind.BOT_TURN:
            speaker = "caller" if data.get("speaker") == "caller" else "bot"
            confidence = data.get("confidence")
            return Said(
                speaker,
                str(data.get("text") or ""),
                event.at,
                understood=_understood(data.get("intent")) if speaker == "caller" else "",
                confidence=float(confidence) if isinstance(confidence, int | float) else None,
                answers=_answered(data.get("intent")) if speaker == "bot" else "",
            )
        case EventKind.BOT_THUMB:
            helped = _("Said that it helped") if data.get("up") is True else _("Said that it did not help")
            return Said("step", helped, event.at, icon="check")
        case EventKind.HANDED_OVER:
            return Said("step", _handed_over(event), event.at, icon="hand")
        case EventKind.CALL_BACK_PROMISED:
            return Said("step", _("Was promised a call-back"), event.at, icon="phone")
        case EventKind.OPERATOR_MISSED:
            return Said("step", _("%(who)s did not answer", who=operator), event.at, icon="phone")
        case EventKind.OPERATOR_ANSWERED:
            return Said("step", _("%(who)s answered", who=operator), event.at, icon="phone")
        case _:
            return None


def _name(extension: str, operators: Mapping[str, str]) -> str:
    return operators.get(extension) or _("Operator %(extension)s", extension=extension)


def _handed_over(event: CallEvent) -> str:
    return _("Handed to an operator: %(reason)s", reason=_reason(event.data.get("reason")))


def _answered(prompt: object) -> str:
    name = str(prompt or "")
    return headline(name.removeprefix(ANSWER)) if name.startswith(ANSWER) else ""


def _understood(intent: object) -> str:
    if not intent:
        return ""
    known = INTENTS.get(str(intent))
    return f"“{headline(str(intent))}”" if known is None else known and _(known)


def _reason(value: object) -> str:
    try:
        words = HAND_OVERS[HandOver(str(value))].text
    except ValueError:
        return _("no reason given")
    return words[:1].lower() + words[1:]
