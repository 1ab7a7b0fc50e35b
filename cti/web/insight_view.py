"""The voicebot's page as it is drawn: which days, the chart of containment, what a doubt says. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date

from cti.web.languages import N_, _, language
from cti.web.room import Column, steps_of
from cti.web.words import HAND_OVERS, headline, percent
from tickets.insight import BotDay, BotFigures
from tickets.vocabulary import HandOver
from voicebot.teaching import Doubt, Objection

USUAL_DAYS = 14
MOST_DAYS = 92
CHART = (960.0, 150.0)  # its inside, in its own units
GAP = 0.25  # of a day's place stays empty
LABELS = 16  # days that are named below the chart, at most
STACK = ("final", "provisional", "again", "otherwise")  # from below; also classes of bot.css

PATH = "/bot"

ENDS = {
    "contained": N_("Answered, and no call again about it"),
    "again": N_("Answered, and called again about it"),
    "gone": N_("Hung up first"),
}
WHATS = {
    "answered": N_("answered"),
    "again": N_("asked again within a day"),
    "handed_over": N_("a person took over after it"),
    "up": N_("it helped"),
    "down": N_("it did not help"),
}
DOUBTS = {
    Objection.FOR_A_PERSON: N_("“%(words)s” asks for a person: it must never become an answer."),
    Objection.COURTESY: N_("“%(words)s” means yes, no or good-bye in every conversation."),
    Objection.NO_WORDS: N_("“%(words)s” says nothing that could be recognised again."),
    Objection.NUMBER: N_("“%(words)s” has a long number in it, which may be a caller's own: leave it out."),
    Objection.NEARER_TO_ANOTHER: N_("“%(words)s” is understood as “%(question)s” so far (%(score)s)."),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days that a page is about, both inside."""

    since: date
    until: date
    zone: tzinfo
    cut: bool = False  # more were asked for than are shown

    @property
    def days(self) -> list[datetime]:
        """Where they begin."""
        count = (self.until - self.since).days + 1
        return [_midnight(self.since + timedelta(days=number), self.zone) for number in range(count)]

    @property
    def end(self) -> datetime:
        """Where the last one ends."""
        return _midnight(self.until + timedelta(days=1), self.zone)

    @property
    def query(self) -> dict[str, str]:
        """As an address has it."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}

    def address(self, page: str = "", **asked: str) -> str:
        """A page of the voicebot's about these days. `page`: "/calls"; `asked`: its other filters."""
        return f"{PATH}{page}?{urlencode(self.query | {name: one for name, one in asked.items() if one})}"

    def last(self, count: int) -> str:
        """The query of as many days, to the last of these."""
        return urlencode(
            {"since": (self.until - timedelta(days=count - 1)).isoformat(), "until": self.until.isoformat()}
        )


def stretch_of(since: date | None, until: date | None, now: datetime, zone: tzinfo) -> Stretch:
    """The days asked for: without an end to today, without a beginning the usual number, and not too many."""
    last = until or max(now.astimezone(zone).date(), since or date.min)
    first = min(since or last - timedelta(days=USUAL_DAYS - 1), last)
    earliest = last - timedelta(days=MOST_DAYS - 1)
    return Stretch(max(first, earliest), last, zone, cut=first < earliest)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of the chart."""

    day: BotDay
    parts: Sequence[Column]
    middle: float
    top: float  # where its bar ends
    label: str  # below it; empty: not named
    name: str  # for people
    calls: str  # address of its calls


@dataclass(frozen=True, slots=True)
class BotChart:
    """The bot's calls per day."""

    bars: Sequence[DayBar]
    marks: Sequence[tuple[float, int]]  # height in the chart's units, calls


def chart_of(figures: BotFigures, stretch: Stretch) -> BotChart:
    """Each day as a bar of four parts."""
    width, height = CHART
    steps = steps_of(max((day.calls for day in figures.days), default=0))
    place, each = width / len(figures.days), -(-len(figures.days) // LABELS)
    bars = []
    for number, day in enumerate(figures.days):
        counts = (day.contained - day.provisional, day.provisional, day.again, day.otherwise)
        below, parts = 0, []
        for kind, count in zip(STACK, counts, strict=True):
            below += count
            if count:
                parts.append(
                    Column(
                        kind,
                        (number + GAP / 2) * place,
                        height - below / steps[-1] * height,
                        place * (1 - GAP),
                        count / steps[-1] * height,
                    )
                )
        local = day.begins.astimezone(stretch.zone).date()
        bars.append(
            DayBar(
                day,
                parts,
                (number + 0.5) * place,
                height - below / steps[-1] * height,
                format_date(local, "d MMM", locale=language()) if number % each == 0 else "",
                format_date(local, "d MMMM", locale=language()),
                f"{PATH}/calls?{urlencode({'since': local.isoformat(), 'until': local.isoformat()})}",
            )
        )
    return BotChart(bars, [(height - step / steps[-1] * height, step) for step in steps])


def end_name(end: str) -> str:
    """How the bot's part of a call ended, for people."""
    return _(ENDS[end]) if end in ENDS else HAND_OVERS[HandOver(end)].text


def doubt_words(doubt: Doubt, questions: Mapping[str, str]) -> str:
    """What speaks against a phrase. `questions`: name → topic."""
    topic = questions.get(doubt.question or "", headline(doubt.question))
    return _(DOUBTS[doubt.objection], words=doubt.words, question=topic, score=percent(doubt.score))


def chosen_words(asked: Mapping[str, Any], questions: Mapping[str, str]) -> list[tuple[str, str]]:
    """The filters of a list of calls: name in the query → words."""
    said = []
    if question := asked.get("question"):
        said.append(("question", questions.get(question, headline(question))))
    if what := asked.get("what"):
        said.append(("what", _(WHATS[what])))
    if end := asked.get("end"):
        said.append(("end", end_name(end)))
    return said
