"""Words, times and lengths as people read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cti.web import words
from cti.web.languages import speaking
from recordings.transcript import Phrase, Word
from tickets import workflow
from tickets.call import Call
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


def test_it_gives_words_their_times_where_they_are_the_phrase() -> None:
    heard = (Word("Hello,", 1.0, 1.2), Word(" Grace.", 1.3, 1.6))
    shown = words.words_of(Phrase("caller", 1, 2, "Hello, Grace.", None, heard))
    assert [(word.text, word.start_s) for word in shown] == [("Hello,", 1.0), ("Grace.", 1.3)]
    (whole,) = words.words_of(Phrase("caller", 1, 2, "Hello, dear Grace.", None, heard))
    assert (whole.text, whole.start_s) == ("Hello, dear Grace.", None)
    (plain,) = words.words_of(Phrase("caller", 1, 2, "Hello."))
    assert plain.start_s is None


@pytest.mark.parametrize("outcome", [None, *CallOutcome])
@pytest.mark.parametrize("topic", [None, "next_draw"])
@pytest.mark.parametrize("operator", [None, "101"])
def test_it_knows_every_subject_that_the_house_writes(
    outcome: CallOutcome | None, topic: str | None, operator: str | None
) -> None:
    call = Call(
        call_id="a",
        received_at=NOW,
        outcome=outcome,
        topic=topic,
        operator=operator,
        queued_at=NOW,
        hold_seconds=9,
    )
    text = workflow.subject(call)
    assert words.subject(text, {}) == text
    with speaking("ru"):
        assert words.subject(text, {}) != text


def test_it_leaves_a_subject_that_a_person_wrote() -> None:
    assert words.subject("Refund: she hung up twice", {}) == "Refund: she hung up twice"
    with speaking("ru"):
        assert words.subject("Refund: she hung up twice", {}) == "Refund: she hung up twice"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 4, "25.000%"), (5, 4, "100.000%"), (-1, 4, "0.000%"), (1, 0, "0%")]
)
def test_it_writes_shares_for_drawings(part: float, whole: float, text: str) -> None:
    assert words.share(part, whole) == text
