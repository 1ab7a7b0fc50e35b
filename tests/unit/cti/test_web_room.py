"""The supervisor's room: who is at work, and the day as a chart."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cti.web.board import board_view
from cti.web.room import CHART, FEWEST_HOURS, RoomView, chart_of, seats_of
from cti.web.words import seat_chip
from tickets.call import Call
from tickets.day import DayFigures, HourFigures
from tickets.desk import CallLine
from tickets.vocabulary import CallState, Presence

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
OPERATORS = {"101": "Grace", "102": "Tomas", "103": "Ines", "104": "Bo", "105": "Ann"}


@dataclass(frozen=True)
class Known:
    presence: Presence
    reason: str | None = None
    since: datetime = NOW - timedelta(minutes=5)
    until: datetime | None = None


STATES = {
    "101": Known(Presence.PAUSED, "lunch"),
    "102": Known(Presence.READY),
    "103": Known(Presence.AWAY),
    "104": Known(Presence.READY, since=NOW - timedelta(minutes=9)),
}


def line(name: str, state: CallState, operator: str | None = None) -> CallLine:
    call = Call(call_id=name, received_at=NOW, state=state, operator=operator, answered_at=NOW)
    return CallLine(call, 1, None)


def day(*calls: int) -> DayFigures:
    begins = [NOW.replace(hour=hour, minute=0) for hour in range(len(calls))]
    return DayFigures([HourFigures(at, answered=count) for at, count in zip(begins, calls, strict=True)])


def test_it_seats_who_talks_before_who_could_and_who_cannot() -> None:
    live = [line("a", CallState.TALKING, "103"), line("b", CallState.QUEUED, "101")]
    seats = seats_of(OPERATORS, STATES.get, live)
    assert [seat.extension for seat in seats] == ["103", "104", "102", "105", "101"]
    assert [seat_chip(seat).text for seat in seats] == ["Talking", "Ready", "Ready", "By phone", "Paused"]
    assert seats[0].since == NOW
    assert seats[-1].reason == "lunch"


def test_it_counts_who_could_take_a_call() -> None:
    live = [line("a", CallState.TALKING, "102"), line("b", CallState.BOT), line("c", CallState.QUEUED)]
    figures = day(1)
    room = RoomView(
        board_view(live, [], NOW), seats_of(OPERATORS, STATES.get, live), figures, chart_of(figures)
    )
    assert (room.ready, room.at_work) == (2, 4)
    assert [one.call.call_id for one in room.waiting] == ["c"]
    assert [one.call.call_id for one in room.talking] == ["a"]
    assert [one.call.call_id for one in room.elsewhere] == ["b"]


def test_it_draws_each_call_and_nothing_beyond_the_edge() -> None:
    figures = DayFigures(
        [HourFigures(NOW, answered=3, by_bot=2, abandoned=1, otherwise=1, going_on=4), HourFigures(NOW)]
    )
    chart = chart_of(figures)
    (_, columns), (_, none) = chart.columns
    assert none == []
    assert [column.kind for column in columns] == ["answered", "by_bot", "otherwise", "abandoned", "going_on"]
    unit = columns[0].height / 3
    assert [column.height / unit for column in columns] == pytest.approx([3, 2, 1, 1, 4])
    for below, above in pairwise(columns):
        assert above.y + above.height == pytest.approx(below.y)
    assert columns[-1].y >= 0
    assert columns[0].y + columns[0].height == pytest.approx(CHART[1])
    assert columns[0].x + columns[0].width <= chart.place


@pytest.mark.parametrize(
    ("calls", "first"),
    [([0] * 8 + [3] * 12, 8), ([0] * 15 + [2], 16 - FEWEST_HOURS), ([0] * 3, 0), ([5], 0)],
)
def test_it_begins_with_the_first_call_or_earlier(calls: list[int], first: int) -> None:
    figures = day(*calls)
    assert chart_of(figures).hours == figures.hours[first:]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 12, 40, 41, 99, 1_000, 12_345])
def test_it_has_a_scale_that_holds_the_fullest_hour(most: int) -> None:
    marks = chart_of(day(most)).marks
    assert max(calls for _, calls in marks) >= most
    assert min(y for y, _ in marks) == 0
    assert len({calls for _, calls in marks}) == len(marks) >= 2
