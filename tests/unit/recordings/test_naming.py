"""Names on the tape shelf."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import naming

pytestmark = pytest.mark.unit


def test_it_names_both_sides_in_the_spool() -> None:
    assert naming.caller_name("pz-1763750000.12") == "pz-1763750000.12-caller.wav"
    assert naming.heard_name("pz-1763750000.12") == "pz-1763750000.12-heard.wav"


def test_it_keeps_a_recording_under_the_day_within_the_call_id() -> None:
    assert naming.store_key("pz-1763750000.12", date(1999, 1, 1)) == "2025/11/21/pz-1763750000.12.mp3"
    assert naming.store_key("1763750000.12", date(1999, 1, 1)) == "2025/11/21/1763750000.12.mp3"


def test_it_keeps_other_ids_under_the_day_that_the_caller_gives() -> None:
    assert naming.store_key("vendor_7fE", date(2026, 1, 2)) == "2026/01/02/vendor_7fE.mp3"


def test_it_reads_the_second_in_which_a_call_began() -> None:
    assert naming.call_began("pz-1763750000.12") == datetime(2025, 11, 21, 18, 33, 20, tzinfo=UTC)
    assert naming.call_began("pz-17.12") is None


@pytest.mark.parametrize(
    "call_id",
    [
        "",
        ".",
        "..",
        "../etc/passwd",
        "a/b",
        "a\\b",
        "a b",
        "a\nb",
        "a\0b",
        "-rf",
        ".hidden",
        "a" * 129,
        "é",
        "a;b",
    ],
)
def test_it_refuses_ids_that_could_trick_a_path(call_id: str) -> None:
    for name in (naming.caller_name, naming.heard_name, naming.checked_call_id):
        with pytest.raises(naming.BadCallId):
            name(call_id)
    with pytest.raises(naming.BadCallId):
        naming.store_key(call_id, date(2026, 1, 1))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True))
def test_it_finds_the_call_of_every_name_that_it_gives(call_id: str) -> None:
    assert naming.spooled_call_id(naming.caller_name(call_id)) == call_id
    assert naming.spooled_call_id(naming.heard_name(call_id)) == call_id


@pytest.mark.parametrize(
    "name", ["x.wav", "-caller.wav", "a-caller.wav.part", "a-caller.mp3", "..-heard.wav", "a b-heard.wav"]
)
def test_it_leaves_strange_files_alone(name: str) -> None:
    assert naming.spooled_call_id(name) is None
