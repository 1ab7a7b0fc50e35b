"""What the bot has learnt, read from the ledger."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.bot_learnt import Fact, Learnt, bot_learnt
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)


def learnt(place: int, about: str, name: str, **data: Value) -> CallEvent:
    at = BEGAN + timedelta(seconds=place)
    told: dict[str, Value] = {"about": about, "name": name, **data}
    return CallEvent("bot", f"pz-1:{place}", "pz-1", at, EventKind.BOT_LEARNT, told, place)


CHECKED = [
    learnt(1, "wanted", "hours", title="Opening hours"),
    learnt(2, "wanted", "check_ticket", title="Check a ticket"),
    learnt(3, "slot", "ticket", title="ticket number", value="11111111", sure=False),
    learnt(4, "slot", "ticket", title="ticket number", value="12345678", sure=True),
    learnt(5, "lookup", "ticket", value="late"),
]


def test_it_tells_the_last_question_its_values_and_why_there_was_no_answer():
    assert bot_learnt(CHECKED) == Learnt(
        "Check a ticket", (Fact("ticket number", "12345678", sure=True),), lookup="late"
    )


def test_it_forgets_the_values_of_an_earlier_question_but_not_who_the_caller_is():
    proved = learnt(6, "identity", "player", value="proved")
    assert bot_learnt([*CHECKED, proved, learnt(7, "wanted", "jackpot", title="Jackpot")]) == Learnt(
        "Jackpot", identity="proved"
    )


@given(st.permutations([*CHECKED, *CHECKED]))
def test_it_reads_the_same_in_any_order_and_any_repetition(events: list[CallEvent]):
    assert bot_learnt(events) == bot_learnt(CHECKED)


@given(st.dictionaries(st.sampled_from(["about", "name", "title", "value", "sure"]), st.none() | st.text()))
def test_it_survives_whatever_stands_in_a_ledger(data: dict[str, Value]):
    bot_learnt([CallEvent("x", "1", "pz-1", BEGAN, EventKind.BOT_LEARNT, data)])
