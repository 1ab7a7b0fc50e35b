"""Business hours on the wall clock of the scenario's time zone."""

from datetime import UTC, datetime

import pytest

from ivr.hours import is_open
from ivr.scenario import Hours

pytestmark = pytest.mark.unit

MADRID = "Europe/Madrid"


def hours(weekly: dict[str, str], **more: object) -> Hours:
    return Hours.model_validate({"weekly": weekly, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_is_open_from_the_first_minute_up_to_the_last() -> None:
    week = hours({"mon-fri": "08:00-12:00, 13:00-22:00"})
    thursday = "2026-11-19 "  # Madrid is an hour ahead of UTC
    times = {"06:59": False, "07:00": True, "10:59": True, "11:00": False, "12:00": True, "21:00": False}
    assert {time: is_open(at(thursday + time), week, MADRID) for time in times} == times


def test_it_is_closed_on_days_that_are_not_named() -> None:
    assert not is_open(at("2026-11-21 12:00"), hours({"mon-fri": "08:00-22:00"}), MADRID)


def test_it_keeps_a_night_that_runs_into_the_next_day() -> None:
    week = hours({"fri": "22:00-02:00"})
    friday, saturday = "2026-11-20 ", "2026-11-21 "
    assert is_open(at(friday + "23:30"), week, "UTC")
    assert is_open(at(saturday + "01:59"), week, "UTC")
    assert not is_open(at(saturday + "02:00"), week, "UTC")
    assert not is_open(at(friday + "01:00"), week, "UTC")


@pytest.mark.parametrize("midnight", ["24:00", "00:00"])
def test_it_is_open_until_midnight(midnight: str) -> None:
    week = hours({"mon": f"08:00-{midnight}"})
    assert is_open(at("2026-11-16 23:59"), week, "UTC")
    assert not is_open(at("2026-11-17 00:00"), week, "UTC")


def test_it_follows_the_wall_clock_when_summer_time_ends() -> None:
    week = hours({"mon-sun": "08:00-22:00"})
    assert is_open(at("2026-10-24 06:30"), week, MADRID)  # 08:30 summer time
    assert not is_open(at("2026-10-25 06:30"), week, MADRID)  # 07:30 winter time


def test_it_is_closed_on_public_holidays_of_the_country_and_its_part() -> None:
    week = {"mon-sun": "08:00-22:00"}
    christmas, madrid_day = at("2026-12-25 12:00"), at("2026-05-02 12:00")
    assert not is_open(christmas, hours(week, holidays={"country": "ES"}), MADRID)
    assert is_open(madrid_day, hours(week, holidays={"country": "ES"}), MADRID)
    in_madrid = hours(week, holidays={"country": "ES", "subdivision": "MD"})
    assert not is_open(madrid_day, in_madrid, MADRID)


def test_it_lets_exceptions_win_over_holidays_and_the_week() -> None:
    plan = hours(
        {"mon-sun": "08:00-22:00"},
        holidays={"country": "ES"},
        exceptions={"2026-12-25": "10:00-14:00", "2026-12-28": "closed"},
    )
    assert is_open(at("2026-12-25 12:00"), plan, MADRID)
    assert not is_open(at("2026-12-25 15:00"), plan, MADRID)
    assert not is_open(at("2026-12-28 12:00"), plan, MADRID)


def test_it_is_always_open_when_the_scenario_says_so() -> None:
    assert is_open(at("2026-12-25 03:00"), Hours.always(), MADRID)


def test_it_takes_ranges_of_days_over_the_end_of_the_week() -> None:
    week = hours({"fri-mon": "08:00-22:00"})
    days = [is_open(at(f"2026-11-{day} 12:00"), week, "UTC") for day in range(16, 23)]  # Monday to Sunday
    assert days == [True, False, False, False, True, True, True]
