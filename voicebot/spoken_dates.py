"""Dates out of speech: "the third of May", "on Sunday", "three days ago", "03.05.1985".

Pure. Where the year is not said, the nearest such day counts; a weekday is the coming one, today included.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from voicebot import languages
from voicebot.languages.shape import Language
from voicebot.spoken_numbers import Part, Token, pieces, read, tokens

_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_WRITTEN = re.compile(r"\b(\d{1,2}) ?[./-] ?(\d{1,2}) ?[./-] ?(\d{4}|\d{2})\b")


def date_of(text: str, language: str, today: date) -> date | None:
    """The day that `text` speaks of, None if of none, or of one that does not exist."""
    spoken = languages.find(language)
    written = _written(text[:1000], spoken, today)
    if written is not None:
        return written
    for piece in reversed(pieces(tokens(text, spoken), spoken.numbers)):
        found = _Piece(piece, spoken, today).day()
        if found is not None:
            return found
    return None


def _written(text: str, language: Language, today: date) -> date | None:
    match = _ISO.search(text)
    if match:
        return _day(int(match[1]), int(match[2]), int(match[3]))
    match = _WRITTEN.search(text)
    return _of_figures(match[1], match[2], match[3], language, today) if match else None


def _of_figures(first: str, second: str, year: str, language: Language, today: date) -> date | None:
    """The language's order, or the other one where that is no date."""
    full = _full_year(year, today)
    if full is None:
        return None
    one, other = int(first), int(second)
    day, month = (one, other) if language.dates.day_first else (other, one)
    return _day(full, month, day) or _day(full, day, month)


class _Piece:
    """One piece of an utterance, and the ways to find a date in it, surest first."""

    def __init__(self, spoken: Sequence[Token], language: Language, today: date) -> None:
        self._spoken = spoken
        self._words = [token.text for token in spoken]
        self._language = language
        self._known = language.dates
        self._today = today
        self._numbers = read(spoken, language.numbers, ordinals=True)

    def day(self) -> date | None:
        for way in (self._in_month, self._named, self._counted, self._weekday, self._day_alone, self._keyed):
            found = way()
            if found is not None:
                return found
        return None

    def _in_month(self) -> date | None:
        """ "the third of May nineteen eighty five", "May 3rd"."""
        for at, word in enumerate(self._words):
            month = self._known.months.get(word)
            if month is None:
                continue
            before = [part for part in self._numbers if part.end <= at and at - part.end <= 2]
            after = [part for part in self._numbers if part.begin > at]
            if before and _is_day(before[-1]):
                day, rest = before[-1], after
            elif after and _is_day(after[0]) and after[0].begin - at <= 3:
                day, rest = after[0], after[1:]
            else:
                continue
            year = _full_year("".join(part.digits for part in _leading(rest)), self._today)
            if year is not None:
                return _day(year, month, int(day.digits))
            years = range(self._today.year - 4, self._today.year + 5)
            return _nearest([(year, month) for year in years], int(day.digits), self._today)
        return None

    def _named(self) -> date | None:
        """ "tomorrow", "the day before yesterday"."""
        sentence = f" {' '.join(self._words)} "
        for words in sorted(self._known.days, key=len, reverse=True):
            if f" {words} " in sentence:
                return self._today + timedelta(self._known.days[words])
        return None

    def _counted(self) -> date | None:
        """ "in three days", "a week ago", "next week" is no day."""
        for at, word in enumerate(self._words):
            if word not in self._known.units:
                continue
            unit, size = self._known.units[word]
            number = next((part for part in self._numbers if part.end == at), None)
            begin = number.begin if number else at - (at > 0 and self._words[at - 1] in ("a", "an", "one"))
            count = int(number.digits[:5]) if number else 1
            if at + 1 < len(self._words) and self._words[at + 1] in self._known.ago:
                count = -count
            elif begin == 0 or self._words[begin - 1] not in self._known.ahead:
                continue
            return self._moved(unit, count * size)
        return None

    def _moved(self, unit: str, count: int) -> date | None:
        if abs(count) > 5000:
            return None
        if unit == "day":
            return self._today + timedelta(count)
        months = self._today.year * 12 + self._today.month - 1 + count
        year, month = months // 12, months % 12 + 1
        if not date.min.year <= year <= date.max.year:
            return None
        return date(year, month, min(self._today.day, monthrange(year, month)[1]))

    def _weekday(self) -> date | None:
        for at, word in enumerate(self._words):
            weekday = self._known.weekdays.get(word)
            if weekday is None:
                continue
            before = set(self._words[max(0, at - 2) : at])
            ahead = (weekday - self._today.weekday()) % 7
            if before & self._known.past:
                return self._today - timedelta(7 - ahead if ahead else 7)
            if before & self._known.coming and not ahead:
                return self._today + timedelta(7)
            return self._today + timedelta(ahead)
        return None

    def _day_alone(self) -> date | None:
        """ "on the fifth", "пятого числа"."""
        for part in self._numbers:
            before = self._words[part.begin - 1] if part.begin else ""
            behind = self._words[part.end] if part.end < len(self._words) else ""
            ends = not behind or behind in self._known.day_behind
            said = (not before and not behind) or before in self._known.day_before or behind
            if part.ordinal and _is_day(part) and ends and said:
                this = self._today.year * 12 + self._today.month - 1
                months = [((this + step) // 12, (this + step) % 12 + 1) for step in (-1, 0, 1)]
                return _nearest(months, int(part.digits), self._today)
        return None

    def _keyed(self) -> date | None:
        """Eight digits, by voice or by keys: day, month and year in the language's order."""
        said = "".join(part.digits for part in self._numbers)
        if len(said) != 8 or any(part.ordinal for part in self._numbers):
            return None
        return _of_figures(said[:2], said[2:4], said[4:], self._language, self._today)


def _nearest(months: Iterable[tuple[int, int]], day: int, today: date) -> date | None:
    """Of the same day in several months, the one nearest to today."""
    days = [found for year, month in months if (found := _day(year, month, day)) is not None]
    return min(days, key=lambda found: abs(found - today), default=None)


def _is_day(part: Part) -> bool:
    return len(part.digits) <= 2 and 1 <= int(part.digits) <= 31


def _leading(parts: Sequence[Part]) -> Iterator[Part]:
    """The numbers that make the year: they stand together."""
    for at, part in enumerate(parts):
        if at and part.begin - parts[at - 1].end > 1:
            return
        yield part


def _full_year(said: str, today: date) -> int | None:
    """A year of four digits, or of two: then the latest that is not ahead by more than a year."""
    if len(said) == 4:
        return int(said) if 1800 <= int(said) <= 2199 else None
    if len(said) != 2:
        return None
    year = today.year // 100 * 100 + int(said)
    return year if year <= today.year + 1 else year - 100


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
