"""What a call's ledger tells of its time with the voicebot: what was asked, what became of it, how it ended.

Pure: events in, one `BotCall` out; any order and any repetition gives the same. Knows the words of the ledger
and neither the bot's script nor its understanding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind, HandOver

ANSWER = "answer:"
"""How the bot names what it says to a question: `answer:next_draw`."""

ASKED_BACK = "confirm:"
"""The same, to words that perhaps were that question: `confirm:next_draw`. (Also of values that it heard.)"""

UNKNOWN = "out_of_scope"
"""What the bot calls words that belong to none of its questions."""

NO_QUESTION = frozenset({"operator", "goodbye", "yes", "no", "nothing", "reply", ""})
"""Other things that it takes words for."""


@dataclass(frozen=True, slots=True)
class BotLine:
    """Something that the caller asked."""

    source: str  # of the event that has the words
    source_id: str
    at: datetime
    tape_s: float  # from the first ring, where our own recording begins: where the words begin
    language: str | None  # BCP 47, as the call was told to be in; None: the scenario's own
    question: str | None  # name in the scenario; None: none of those the bot was taught
    score: float | None  # 0 … 1
    answered: bool = False  # the bot said its answer
    hand_over: HandOver | None = None  # why a person took over, when this was the last that was asked before
    thumb: bool | None = None  # whether the caller said that it helped


@dataclass(frozen=True, slots=True)
class BotCall:
    """A call's whole time with the bot; a caller may come to it more than once."""

    started_at: datetime
    answered: bool  # as the bot ended the last visit
    hand_over: HandOver | None  # the bot's own reason, of the last visit
    thumb: bool | None
    lines: tuple[BotLine, ...]


def bot_call(events: Iterable[CallEvent]) -> BotCall | None:
    """Read a call's events; None for a call that never came to the bot."""
    once = {(event.source, event.source_id): event for event in events}
    told = sorted((event for event in once.values() if event.kind in _OURS), key=_place)
    began = [event.at for event in told if event.kind is EventKind.BOT_STARTED]
    if not began:
        return None
    rang = (event.at for event in once.values() if event.kind is EventKind.RECEIVED)
    reading = _Reading(min(rang, default=min(event.at for event in once.values())))
    for event in told:
        reading.tell(event)
    return BotCall(began[0], reading.answered, reading.hand_over, reading.thumb, tuple(reading.lines))


_OURS = frozenset(
    {
        EventKind.LANGUAGE,
        EventKind.BOT_STARTED,
        EventKind.BOT_TURN,
        EventKind.BOT_LEARNT,
        EventKind.BOT_THUMB,
        EventKind.BOT_ENDED,
        EventKind.HANDED_OVER,
    }
)


def _place(event: CallEvent) -> tuple[datetime, str, int, str]:
    """By time: bot and reception tell by one clock, and only so two visits stay apart."""
    return (event.at, event.source, event.sequence, event.source_id)


class _Reading:
    def __init__(self, tape_began: datetime) -> None:
        self._tape_began = self._visit_began = tape_began
        self._came = False
        self._language: str | None = None
        self._first = 0  # line of the present visit
        self._supposed: tuple[str, int] | None = None  # question that was asked back, and about which line
        self.lines: list[BotLine] = []
        self.answered = False
        self.hand_over: HandOver | None = None
        self.thumb: bool | None = None

    def tell(self, event: CallEvent) -> None:
        if event.kind is EventKind.BOT_STARTED:
            self._came, self._visit_began, self._first = True, event.at, len(self.lines)
            self.answered, self.hand_over, self._supposed = False, None, None
        elif event.kind is EventKind.LANGUAGE:
            self._language = str(event.data.get("language") or "")[:16] or None
        elif not self._came:
            return
        elif event.kind is EventKind.BOT_TURN:
            self._turn(event)
        elif event.kind is EventKind.BOT_LEARNT:
            if event.data.get("about") == "wanted":
                self._wanted(str(event.data.get("name")))
        elif event.kind is EventKind.BOT_THUMB:
            self._judged(event)
        elif event.kind is EventKind.BOT_ENDED:
            self.answered = event.data.get("answered") is True
            last = self.lines[-1] if len(self.lines) > self._first else None
            if self.answered and last is not None and last.question is not None:
                self.lines[-1] = replace(last, answered=True)
        elif event.kind is EventKind.HANDED_OVER:
            self._handed_over(event)

    def _turn(self, event: CallEvent) -> None:
        intent = str(event.data.get("intent") or "")
        if event.data.get("speaker") != "caller":
            if intent.startswith(ANSWER):
                self._said(intent.removeprefix(ANSWER))
            elif intent.startswith(ASKED_BACK):
                self._asked_back(intent.removeprefix(ASKED_BACK))
            return
        if intent == "no":
            self._supposed = None
        if intent in NO_QUESTION or not event.data.get("text"):
            return
        question = None if intent == UNKNOWN else intent[:64]
        if self._supposed is not None and self._supposed[0] != question:
            self._supposed = None  # they spoke of something else instead
        score = _number(event.data.get("confidence"))
        place = self._tape_s(event)
        self.lines.append(
            BotLine(event.source, event.source_id, event.at, place, self._language, question, score)
        )

    def _tape_s(self, event: CallEvent) -> float:
        """The PBX records from the first ring; the bot counts from its own beginning, and knows when the
        words began rather than when they were understood.
        """
        offset_s = _number(event.data.get("offset_seconds"))
        if offset_s is None:
            return max(0.0, (event.at - self._tape_began).total_seconds())
        return max(0.0, (self._visit_began - self._tape_began).total_seconds() + offset_s)

    def _asked_back(self, question: str) -> None:
        """Whether the last line was this question; only one that belonged to none can have been."""
        last = len(self.lines) - 1
        if last >= self._first and self.lines[last].question is None and self._supposed is None:
            self._supposed = question, last

    def _wanted(self, question: str) -> None:
        """It was that question: the caller has said so."""
        if self._supposed is not None and self._supposed[0] == question:
            number = self._supposed[1]
            self.lines[number] = replace(self.lines[number], question=question)

    def _said(self, question: str) -> None:
        if self._supposed is not None and self._supposed[0] == question:
            about = self._supposed[1]
            self.lines[about] = replace(self.lines[about], question=question, answered=True)
            self._supposed = None
        if (number := self._last_about(question)) is not None:
            self.lines[number] = replace(self.lines[number], answered=True)

    def _judged(self, event: CallEvent) -> None:
        up = event.data.get("up")
        if not isinstance(up, bool):
            return
        self.thumb = up
        if (number := self._last_about(str(event.data.get("question")))) is not None:
            self.lines[number] = replace(self.lines[number], thumb=up)

    def _last_about(self, question: str) -> int | None:
        """Number of the line of this visit in which it was asked last."""
        numbers = range(len(self.lines) - 1, self._first - 1, -1)
        return next((number for number in numbers if self.lines[number].question == question), None)

    def _handed_over(self, event: CallEvent) -> None:
        if self.answered or self.hand_over is not None:
            return  # what reception did with a caller whom the bot had answered
        reason = event.data.get("reason")
        self.hand_over = HandOver(reason) if reason in set(HandOver) else HandOver.FAULT
        if len(self.lines) > self._first:
            self.lines[-1] = replace(self.lines[-1], hand_over=self.hand_over)


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
