"""Business hours: whether somebody is there at a given moment.

Pure arithmetic on an aware time; the one door to the `holidays` library. It may not know the clock, the menu
or the call.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

from ivr.scenario import DayHours, Holidays, Hours, weekdays

_CLOSED = DayHours()


def is_open(at: datetime, hours: Hours, timezone: str) -> bool:
    """Whether the aware time `at` lies in business hours, on the wall clock of `timezone`.

    A stretch that runs over midnight belongs to the day on which it begins; a holiday therefore ends at the
    next day's own hours, and the night before it is still served.
    """
    if hours.open is not None:
        return True
    local = at.astimezone(ZoneInfo(timezone))
    today, now = local.date(), local.time()
    for span in _plan(today, hours).spans:
        if span.start <= now and (now < span.end or span.end <= span.start):
            return True
    yesterday = _plan(today - timedelta(days=1), hours)
    return any(span.end <= span.start and now < span.end for span in yesterday.spans)


def calendar_fault(calendar: Holidays) -> str | None:
    """Why this country's or subdivision's holidays are not known, as a sentence; None when they are."""
    try:
        _calendar(calendar, 2026)
    except NotImplementedError:
        return (
            f"no holidays are known for {calendar.country}"
            f"{' ' + calendar.subdivision if calendar.subdivision else ''}; "
            "write ISO 3166 codes such as US and NY, or list the days under `exceptions:`"
        )
    return None


def _plan(day: date, hours: Hours) -> DayHours:
    if day in hours.exceptions:
        return hours.exceptions[day]
    if hours.holidays is not None and day in _calendar(hours.holidays, day.year):
        return _CLOSED
    for key, plan in hours.weekly.items():
        if day.weekday() in weekdays(key):
            return plan
    return _CLOSED


def _calendar(calendar: Holidays, year: int) -> "holidays.HolidayBase":
    return holidays.country_holidays(calendar.country, subdiv=calendar.subdivision, years=year)
