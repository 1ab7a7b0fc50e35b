"""Tapes that are delivered in parts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.parts import LONGEST_PAUSE_S, Part, from_json, laid, name_of, place, to_json

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def part(name: str, at_s: float, seconds: float, *, mixed: bool = False) -> Part:
    return Part(name, after(at_s), seconds, mixed)


some_parts = st.lists(
    st.builds(part, st.text(max_size=5), st.floats(0, 5000), st.floats(0.1, 900), mixed=st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.part_id,
)


def test_the_silence_between_two_parts_stays_as_it_was() -> None:
    tape = laid([part("b", 50, 20), part("a", 10, 30)])
    assert [(one.part_id, one.from_s) for one in tape] == [("a", 0.0), ("b", 40.0)]


def test_a_long_silence_is_shortened() -> None:
    assert laid([part("a", 0, 30), part("b", 900, 20)])[1].from_s == 30 + LONGEST_PAUSE_S


def test_parts_that_overlap_are_heard_one_after_the_other() -> None:
    assert [one.from_s for one in laid([part("a", 0, 60), part("b", 35, 20)])] == [0.0, 60.0]


def test_a_moment_of_the_call_is_found_in_the_tape() -> None:
    tape = laid([part("a", 10, 30), part("b", 50, 20)])
    asked = (0, 10, 25, 45, 55, 500)
    assert [place(tape, after(s)) for s in asked] == [0.0, 0.0, 15.0, 35.0, 45.0, 60.0]


@given(some_parts)
def test_no_part_lies_on_another_and_time_never_runs_backward(parts: list[Part]) -> None:
    tape = laid(parts)
    for one, following in pairwise(tape):
        assert following.from_s >= one.from_s + one.seconds
    places = [place(tape, after(s)) for s in range(-10, 6000, 97)]
    assert places == sorted(places)
    assert laid(tape) == tape
    assert from_json(to_json(tape)) == tape


def test_each_set_of_parts_has_a_name_of_its_own_whatever_their_order() -> None:
    a, b = part("a", 0, 1), part("b", 1, 1)
    assert name_of([a, b]) == name_of([b, a])
    assert len({name_of(some) for some in ([a], [b], [a, b], [part("ab", 0, 1)])}) == 4
