"""Where a promise may go, and the id that an attempt to keep it has."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.asterisk.translate import began, system_of
from tickets.promise import STANDING, attempt_id, is_attempt, may_move
from tickets.vocabulary import PromiseState

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
moves = [(one, other) for one in PromiseState for other in PromiseState]


def test_only_called_reached_and_excused_end_a_promise() -> None:
    over = {state for state in PromiseState if not any(may_move(state, other) for other in PromiseState)}
    assert over == {PromiseState.CALLED, PromiseState.REACHED, PromiseState.EXCUSED}
    assert set(PromiseState) - over == STANDING


def test_every_standing_promise_can_still_be_kept() -> None:
    for state in STANDING:
        assert may_move(state, PromiseState.CALLED)


def test_no_word_of_a_person_ends_it_while_the_phone_may_be_ringing() -> None:
    assert not may_move(PromiseState.CALLING, PromiseState.EXCUSED)
    assert not may_move(PromiseState.CALLING, PromiseState.REACHED)


@given(
    st.sampled_from(["", "pz", "pz-2", "a.b"]),
    st.integers(1, 2**31 - 1),
    st.integers(1, 99),
    st.integers(1_767_225_600, 1_798_761_599).map(  # all of 2026
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
)
def test_an_attempts_id_is_read_like_the_pbxs_own(
    system: str, promise: int, number: int, at: datetime
) -> None:
    call_id = attempt_id(system, at, promise, number)
    assert is_attempt(call_id)
    assert system_of(call_id) == system
    assert began(call_id) == at.replace(microsecond=0)
    assert int(call_id.rpartition(".")[2]) < 2**31


def test_attempts_differ_by_promise_and_by_number() -> None:
    ids = {attempt_id("pz", NOON, promise, number) for promise in range(1, 40) for number in range(1, 100)}
    assert len(ids) == 39 * 99


@pytest.mark.parametrize("call_id", ["pz-1763750000.12", "1763750000.999999999", "leg-3f", "", "mango-entry"])
def test_a_call_of_the_pbxs_own_is_no_attempt(call_id: str) -> None:
    assert not is_attempt(call_id)
