import dataclasses

import pytest

from tests.house.faults.soak import Day, gentle_to_the_books

pytestmark = pytest.mark.unit

GOOD = Day(
    24, made=7, cdr=7, ledger=7, tickets=7, recorded=6, excused=1, memory_began_mib=300, memory_ended_mib=310
)


def test_a_day_holds_when_the_books_agree_and_the_memory_is_flat():
    assert GOOD.holds


@pytest.mark.parametrize(
    "change",
    [
        {"cdr": 6},
        {"ledger": 8},
        {"tickets": 6},
        {"recorded": 5},
        {"memory_ended_mib": 340},
        {"memory_ended_mib": 0},
        {"differences": ["pz-1.1 is not in the CDR"]},
    ],
)
def test_one_difference_is_enough_to_fall_short(change: dict[str, object]):
    assert not dataclasses.replace(GOOD, **change).holds


def test_faults_that_take_the_pbxs_own_records_stay_out_of_the_day():
    names = {fault.name for fault in gentle_to_the_books()}
    assert "service killed" in names
    assert not names & {"Asterisk restarted", "disk full"}
