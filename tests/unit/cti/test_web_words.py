"""Words, times and lengths as people read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cti.web import words
from tickets.vocabulary import CallOutcome, CallState, HandOver, TicketStatus

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


def test_it_has_a_word_for_everything() -> None:
    assert set(words.STATES) == set(CallState)
    assert set(words.OUTCOMES) == set(CallOutcome)
    assert set(words.STATUSES) == set(TicketStatus)
    assert set(words.HAND_OVERS) == set(HandOver)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0:00"), (7.4, "0:07"), (750, "12:30"), (3723, "1:02:03"), (-5, "0:00")],
)
def test_it_writes_lengths(seconds: float | None, text: str) -> None:
    assert words.length(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 11, 21, 9, 5, tzinfo=UTC), "09:05"),
        (datetime(2026, 11, 20, 9, 5, tzinfo=UTC), "yesterday 09:05"),
        (datetime(2026, 11, 3, 9, 5, tzinfo=UTC), "3 Nov 09:05"),
        (datetime(2025, 11, 3, 9, 5, tzinfo=UTC), "3 Nov 2025 09:05"),
    ],
)
def test_it_writes_moments_shorter_the_nearer_they_are(at: datetime, text: str) -> None:
    assert words.moment(at, UTC, NOW) == text


def test_it_counts_days_in_the_contact_centres_own_zone() -> None:
    vilnius = ZoneInfo("Europe/Vilnius")  # there it is already the 22nd
    assert words.moment(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), vilnius, NOW) == "yesterday 14:00"


@pytest.mark.parametrize(
    ("name", "text"),
    [("Nora Whitfield", "NW"), ("Ann", "A"), ("J. R. R. Tolkien", "JT"), (None, "#"), ("", "#"), ("42", "#")],
)
def test_it_makes_initials(name: str | None, text: str) -> None:
    assert words.initials(name) == text


def test_it_writes_numbers_as_people_do() -> None:
    assert words.phone("+18005550100") == "+1 800-555-0100"
    assert words.phone("anonymous") == "anonymous"
    assert words.phone(None) == ""
