"""The supervisor's room: who is at work and how, and the day as a chart. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cti.web.board import BoardView, stands_since
from tickets.day import DayFigures, HourFigures
from tickets.desk import CallLine
from tickets.vocabulary import CallState, Presence

FEWEST_HOURS = 9  # in the chart, so that a morning is no single fat bar
CHART = (480.0, 132.0)  # its inside, in its own units
GAP = 0.28  # of an hour's place stays empty
STACK = ("answered", "by_bot", "otherwise", "abandoned", "going_on")  # from below; also classes of room.css


class State(Protocol):
    """What is known of an operator, as the keeper of presence has it."""

    @property
    def presence(self) -> Presence: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def since(self) -> datetime: ...
    @property
    def until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Seat:
    """An operator, now."""

    extension: str
    name: str
    presence: Presence | None  # None: only the PBX knows: a phone of its own that nobody has logged in
    reason: str | None
    since: datetime | None
    call: CallLine | None  # whom they talk to


@dataclass(frozen=True, slots=True)
class Column:
    """A part of an hour's bar, in the chart's units."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The day's calls per hour."""

    hours: Sequence[HourFigures]
    columns: Sequence[tuple[HourFigures, Sequence[Column]]]
    marks: Sequence[tuple[float, int]]  # height in the chart's units, calls
    place: float  # width that an hour has


@dataclass(frozen=True, slots=True)
class RoomView:
    """What a supervisor sees at a glance."""

    board: BoardView
    seats: Sequence[Seat]  # who talks, then who could, then who cannot
    day: DayFigures
    chart: Chart

    @property
    def waiting(self) -> list[CallLine]:
        """In the order in which they will be served."""
        return [line for line in self.board.live if line.call.state is CallState.QUEUED]

    @property
    def talking(self) -> list[CallLine]:
        """Longest first."""
        return [line for line in self.board.live if line.call.state is CallState.TALKING]

    @property
    def elsewhere(self) -> list[CallLine]:
        """With the bot, in the menu, at the voicemail."""
        return [
            line for line in self.board.live if line.call.state not in {CallState.QUEUED, CallState.TALKING}
        ]

    @property
    def ready(self) -> int:
        """How many could take a call now."""
        return sum(seat.call is None and seat.presence in {Presence.READY, None} for seat in self.seats)

    @property
    def at_work(self) -> int:
        """How many are not away."""
        return sum(seat.presence is not Presence.AWAY for seat in self.seats)


def seats_of(
    operators: Mapping[str, str], state_of: Callable[[str], State | None], live: Iterable[CallLine]
) -> list[Seat]:
    """Everybody. `operators`: extension → name."""
    talks = {line.call.operator: line for line in live if line.call.state is CallState.TALKING}
    seats = []
    for extension, name in operators.items():
        state, call = state_of(extension), talks.get(extension)
        since = stands_since(call.call) if call else state.since if state else None
        presence, reason = (state.presence, state.reason) if state else (None, None)
        seats.append(Seat(extension, name, presence, reason, since, call))
    return sorted(seats, key=_rank)


def _rank(seat: Seat) -> tuple[int, float, str]:
    order = (Presence.READY, None, Presence.WRAP_UP, Presence.PAUSED, Presence.AWAY)
    place = -1 if seat.call else order.index(seat.presence)
    return place, seat.since.timestamp() if seat.since else 0, seat.name


def chart_of(day: DayFigures) -> Chart:
    """The day from its first call on, but at least the last hours."""
    width, height = CHART
    first = next((number for number, hour in enumerate(day.hours) if hour.calls), len(day.hours))
    hours = day.hours[max(0, min(first, len(day.hours) - FEWEST_HOURS)) :]
    steps = steps_of(max((hour.calls for hour in hours), default=0))
    top, place = steps[-1], width / max(len(hours), 1)
    columns = []
    for number, hour in enumerate(hours):
        below, parts = 0, []
        for kind in STACK:
            if count := getattr(hour, kind):
                below += count
                parts.append(
                    Column(
                        kind,
                        number * place + GAP / 2 * place,
                        height - below / top * height,
                        place * (1 - GAP),
                        count / top * height,
                    )
                )
        columns.append((hour, parts))
    return Chart(hours, columns, [(height - step / top * height, step) for step in steps], place)


def steps_of(most: int) -> list[int]:
    """Two or three even steps of a scale that holds `most`: 2, 4; 5, 10, 15; 20, 40."""
    for size in (10**power * step for power in range(9) for step in (1, 2, 5)):
        if size * 3 >= most:
            return [size * number for number in (1, 2, 3) if size * (number - 1) < max(most, 2)]
    return [most]
